//! The configuration of VAE-Cluster.

use crate::Result;
use crate::api::MethodConfig;
use crate::config::{check_at_least_1, check_widths};
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use crate::pretrained::GraphInit;
use crate::shared::encoder_decoder::NetKind;
use crate::shared::from_random::default_train;
use serde::{Deserialize, Serialize};
use vae_core::activation::Activation;
use vae_core::init::Init;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::train::TrainConfig;

/// The table `[net]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VaeClusterNetConfig {
    /// `auto`, `conv` or `mlp`.
    pub kind: NetKind,
    /// For `conv`: channels of each block; a block halves the image.
    pub channels: Vec<usize>,
    /// For `mlp`: widths of the encoder's hidden layers; the decoder has them in reverse order.
    pub hidden: Vec<usize>,
    /// Dimension of the latent space, J.
    pub latent_dim: usize,
    /// Width of the classifier's hidden layer (ReLU).
    pub classifier_hidden: usize,
    /// Activation of the hidden layers of encoder and decoder.
    pub activation: Activation,
    /// Initial weights.
    pub init: Init,
}

impl Default for VaeClusterNetConfig {
    fn default() -> Self {
        Self {
            kind: NetKind::Auto,
            channels: vec![32, 64],
            hidden: vec![256, 256],
            latent_dim: 10,
            classifier_hidden: 256,
            activation: Activation::LeakyRelu,
            init: Init::GlorotUniform,
        }
    }
}

impl VaeClusterNetConfig {
    /// The fully connected networks.
    pub(super) fn mlp(&self) -> NetConfig {
        NetConfig {
            hidden: self.hidden.clone(),
            latent_dim: self.latent_dim,
            activation: self.activation,
            init: self.init,
        }
    }

    fn check(&self) -> Result<()> {
        self.mlp().check().within("net")?;
        check_widths("net.channels", &self.channels)?;
        check_at_least_1("net.classifier_hidden", self.classifier_hidden)
    }
}

/// The configuration of VAE-Cluster. The defaults are for data without tuned settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VaeClusterConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// p(x | z).
    pub likelihood: LikelihoodKind,
    /// Variance of a `gaussian` or `squashed` likelihood; the script's lambda is its reciprocal.
    pub likelihood_variance: f64,
    /// Trainings from other random weights; the one whose clusters have the highest modularity in
    /// the graph of the data's own neighbours is kept. With `[graph_start]` all begin with the same
    /// weights, those of the one VAE without classes, and differ in shuffling and noise. No label
    /// takes part.
    pub n_init: usize,
    /// The networks.
    pub net: VaeClusterNetConfig,
    /// The training.
    pub train: TrainConfig,
    /// Initialisation by a partition of the mean of two neighbour graphs, of a VAE without classes
    /// and of a Siamese network; absent: random weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph_start: Option<GraphInit>,
}

impl Default for VaeClusterConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            likelihood: LikelihoodKind::Gaussian,
            likelihood_variance: 0.05,
            n_init: 1,
            net: VaeClusterNetConfig::default(),
            train: default_train(),
            graph_start: None,
        }
    }
}

impl MethodConfig for VaeClusterConfig {
    fn input(&self) -> InputConfig {
        let likelihood = Some((self.likelihood, self.likelihood_variance));
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood }
    }

    fn every_table() -> Self {
        Self { graph_start: Some(GraphInit::default()), ..Self::default() }
    }

    fn check(&self) -> Result<()> {
        check_at_least_1("n_init", self.n_init)?;
        self.net.check()?;
        self.train.check().within("train")?;
        self.graph_start.as_ref().map_or(Ok(()), |s| s.check().within("graph_start"))
    }
}
