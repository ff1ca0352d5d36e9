//! The configuration of GMVAE.

use crate::Result;
use crate::api::MethodConfig;
use crate::config::{check_0_or_more, check_at_least_1};
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
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
pub struct GmvaeNetConfig {
    /// `auto`, `conv` or `mlp`.
    pub kind: NetKind,
    /// For `conv`: width of the layer after the convolutions.
    pub conv_features: usize,
    /// For `mlp`: widths of the recogniser's hidden layers; the decoder has them in reverse order.
    pub hidden: Vec<usize>,
    /// Width of the hidden layer of the clusters' network (tanh).
    pub prior_hidden: usize,
    /// Dimension of z, J.
    pub latent_dim: usize,
    /// Dimension of w.
    pub style_dim: usize,
    /// Initial weights.
    pub init: Init,
}

impl Default for GmvaeNetConfig {
    fn default() -> Self {
        Self {
            kind: NetKind::Auto,
            conv_features: 500,
            hidden: vec![256, 256],
            prior_hidden: 256,
            latent_dim: 10,
            style_dim: 5,
            init: Init::GlorotUniform,
        }
    }
}

impl GmvaeNetConfig {
    /// The fully connected decoder.
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
        check_at_least_1("net.conv_features", self.conv_features)?;
        check_at_least_1("net.prior_hidden", self.prior_hidden)?;
        check_at_least_1("net.style_dim", self.style_dim)
    }
}

/// The configuration of GMVAE. The defaults are for data without tuned settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GmvaeConfig {
    /// Number of clusters, K; it need not be the number of classes.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// p(x | z).
    pub likelihood: LikelihoodKind,
    /// Variance of a `gaussian` or `squashed` likelihood.
    pub likelihood_variance: f64,
    /// Free nats of the z term: below this value its gradient is 0. 0 is the plain ELBO, under
    /// which the clusters merge.
    pub lambda: f64,
    /// Draws of z and w for each sample, M.
    pub n_samples: usize,
    /// Trainings from other random weights; the one whose clusters have the highest modularity in
    /// the graph of the data's own neighbours is kept. No label takes part.
    pub n_init: usize,
    /// The networks.
    pub net: GmvaeNetConfig,
    /// The training.
    pub train: TrainConfig,
}

impl Default for GmvaeConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            likelihood: LikelihoodKind::Gaussian,
            likelihood_variance: 0.05,
            lambda: 0.5,
            n_samples: 1,
            n_init: 1,
            net: GmvaeNetConfig::default(),
            train: default_train(),
        }
    }
}

impl MethodConfig for GmvaeConfig {
    fn input(&self) -> InputConfig {
        let likelihood = Some((self.likelihood, self.likelihood_variance));
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood }
    }

    fn check(&self) -> Result<()> {
        check_0_or_more("lambda", self.lambda)?;
        check_at_least_1("n_samples", self.n_samples)?;
        check_at_least_1("n_init", self.n_init)?;
        self.net.check()?;
        self.train.check().within("train")
    }
}
