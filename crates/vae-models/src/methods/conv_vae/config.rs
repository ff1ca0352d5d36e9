//! The configuration of Conv-VAE.

use crate::Result;
use crate::api::MethodConfig;
use crate::config::{check_at_least_1, check_optional};
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use crate::pretrained::GraphInit;
use crate::shared::class_vae::ClassifierInput;
use crate::shared::encoder_decoder::NetKind;
use crate::shared::from_random::default_train;
use serde::{Deserialize, Serialize};
use vae_core::activation::Activation;
use vae_core::init::Init;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::train::TrainConfig;

/// Which loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// VAE-Cluster's loss: a Gaussian for each class and the exact category sum.
    Sound,
    /// The printed loss: N(0, I), and equation 7 as a mean over the classes. It collapses to one
    /// cluster.
    Literal,
    /// N(0, I) and the exact category sum. No term relates the classes to the data.
    ExactLiteral,
}

/// What the category encoder reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CategoryInput {
    /// `latent` in the mode `sound`, else `features`.
    Auto,
    /// z in training, the mean of q(z | x) in prediction.
    Latent,
    /// The concatenation that the encoder reads ("the original sample").
    Features,
}

/// How much of the intermediate data the decoder makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intermediate {
    /// As much as the concatenation, as in the paper; the second network's part is not used.
    Full,
    /// The first network's part.
    Cut,
}

/// The table `[net]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConvVaeNetConfig {
    /// `auto`, `conv` or `mlp`.
    pub kind: NetKind,
    /// Layers of each convolutional network, the paper's n.
    pub n_layers: usize,
    /// Neurons of the linear encoder layer and of the decoder's first, the paper's m.
    pub width: usize,
    /// Dimension of the latent space, the paper's s.
    pub latent_dim: usize,
    /// `full` or `cut`.
    pub intermediate: Intermediate,
    /// Width of the category encoder's hidden layer (ReLU).
    pub classifier_hidden: usize,
    /// For `mlp`: widths of the encoder's hidden layers (ReLU); the decoder has them in reverse
    /// order.
    pub hidden: Vec<usize>,
    /// Initial weights.
    pub init: Init,
}

impl Default for ConvVaeNetConfig {
    fn default() -> Self {
        Self {
            kind: NetKind::Auto,
            n_layers: 1,
            width: 256,
            latent_dim: 10,
            intermediate: Intermediate::Full,
            classifier_hidden: 256,
            hidden: vec![256, 256],
            init: Init::GlorotUniform,
        }
    }
}

impl ConvVaeNetConfig {
    /// The fully connected networks.
    pub(super) fn mlp(&self) -> NetConfig {
        NetConfig {
            hidden: self.hidden.clone(),
            latent_dim: self.latent_dim,
            activation: Activation::Relu,
            init: self.init,
        }
    }

    fn check(&self) -> Result<()> {
        self.mlp().check().within("net")?;
        check_at_least_1("net.n_layers", self.n_layers)?;
        check_at_least_1("net.width", self.width)?;
        check_at_least_1("net.classifier_hidden", self.classifier_hidden)
    }
}

/// The configuration of Conv-VAE. The defaults are for data without tuned settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConvVaeConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// p(x | z).
    pub likelihood: LikelihoodKind,
    /// Variance of a `gaussian` or `squashed` likelihood.
    pub likelihood_variance: f64,
    /// `sound`, `literal` or `exact-literal`.
    pub mode: Mode,
    /// `auto`, `latent` or `features`.
    pub category_input: CategoryInput,
    /// Trainings from other random weights; the one whose clusters have the highest modularity in
    /// the graph of the data's own neighbours is kept. With `[graph_start]` all begin with the same
    /// weights, those of the one VAE without classes, and differ in shuffling and noise. No label
    /// takes part.
    pub n_init: usize,
    /// The networks.
    pub net: ConvVaeNetConfig,
    /// The training.
    pub train: TrainConfig,
    /// Initialisation by a partition of the mean of two neighbour graphs, of a VAE without classes
    /// and of a Siamese network; absent: random weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph_start: Option<GraphInit>,
}

impl Default for ConvVaeConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            likelihood: LikelihoodKind::Gaussian,
            likelihood_variance: 0.05,
            mode: Mode::Sound,
            category_input: CategoryInput::Auto,
            n_init: 1,
            net: ConvVaeNetConfig::default(),
            train: default_train(),
            graph_start: None,
        }
    }
}

impl ConvVaeConfig {
    pub(super) fn classifier_input(&self) -> ClassifierInput {
        match (self.category_input, self.mode) {
            (CategoryInput::Latent, _) | (CategoryInput::Auto, Mode::Sound) => ClassifierInput::Latent,
            (CategoryInput::Features, _) | (CategoryInput::Auto, _) => ClassifierInput::Features,
        }
    }
}

impl MethodConfig for ConvVaeConfig {
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
        let sound = (self.mode == Mode::Sound, "mode is \"sound\"");
        check_optional("graph_start", self.graph_start.as_ref(), sound, GraphInit::check)
    }
}
