//! The configuration of GMVAE-M2.

use crate::api::MethodConfig;
use crate::config::check_at_least_1;
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use crate::shared::from_random::default_train;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vae_core::activation::Activation;
use vae_core::identity::neutral;
use vae_core::init::Init;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::train::TrainConfig;

/// The table `[net]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GmvaeM2NetConfig {
    /// Widths of the hidden layers (ReLU) of q(y | x) and q(z | x, y); the decoder has them in
    /// reverse order.
    pub hidden: Vec<usize>,
    /// Dimension of z, J.
    pub latent_dim: usize,
    /// Initial weights.
    pub init: Init,
}

impl Default for GmvaeM2NetConfig {
    fn default() -> Self {
        Self { hidden: vec![256, 256], latent_dim: 10, init: Init::GlorotUniform }
    }
}

impl GmvaeM2NetConfig {
    /// The decoder.
    pub(super) fn mlp(&self) -> NetConfig {
        NetConfig {
            hidden: self.hidden.clone(),
            latent_dim: self.latent_dim,
            activation: Activation::Relu,
            init: self.init,
        }
    }
}

/// The configuration of GMVAE-M2. The defaults are for data without tuned settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GmvaeM2Config {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// p(x | z).
    pub likelihood: LikelihoodKind,
    /// Variance of a `gaussian` or `squashed` likelihood.
    pub likelihood_variance: f64,
    /// Binarise each value anew at every step, with the value as the probability of 1 (dynamic
    /// binarisation); needs a Bernoulli likelihood.
    pub binarize: bool,
    /// Classes of a sample with a lower probability than this are sampled for the sum over the
    /// classes, with importance weights: the loss is unbiased, and improbable classes cost next to
    /// nothing. 0: the exact sum.
    #[serde(skip_serializing_if = "is_zero")]
    pub class_floor: f64,
    /// Trainings from other random weights; the one whose clusters have the highest modularity in
    /// the graph of the data's own neighbours is kept. No label takes part.
    pub n_init: usize,
    /// The networks.
    pub net: GmvaeM2NetConfig,
    /// The training.
    pub train: TrainConfig,
}

impl Default for GmvaeM2Config {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            likelihood: LikelihoodKind::Gaussian,
            likelihood_variance: 0.05,
            binarize: false,
            class_floor: 0.0,
            n_init: 1,
            net: GmvaeM2NetConfig::default(),
            train: default_train(),
        }
    }
}

fn is_zero(value: &f64) -> bool {
    neutral(value, &0.0)
}

impl MethodConfig for GmvaeM2Config {
    fn input(&self) -> InputConfig {
        let likelihood = Some((self.likelihood, self.likelihood_variance));
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood }
    }

    fn check(&self) -> Result<()> {
        check_at_least_1("n_init", self.n_init)?;
        self.net.mlp().check().within("net")?;
        // The most probable class of a sample has probability 1/K or more: it must always be in the
        // sum, whatever the rounding.
        let limit = 1.0 / self.n_clusters.max(1) as f64;
        if !(0.0..limit).contains(&self.class_floor) {
            let expected = format!("0, or a number above 0 and below 1/n_clusters, {limit}");
            return Err(Error::config("class_floor", self.class_floor, &expected));
        }
        self.train.check().within("train")
    }
}
