//! The configuration of DEC.

use crate::api::MethodConfig;
use crate::config::{check_0_or_more, check_above_0};
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind, check_affine};
use crate::pretrained::CodeClustering;
use crate::pretrained::net_for_data;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vae_core::Features;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::optim::OptimizerKind;
use vae_core::pretrain::PretrainConfig;
use vae_core::train::{Order, TrainConfig};

/// Fewest updates between two targets when their number is left to the data.
const LEAST_UPDATES: usize = 20;

/// The configuration of DEC. The defaults are for data without tuned settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// Then every value is multiplied by this. DEC's code has grey values in [0, 5.1].
    pub input_factor: f64,
    /// What the auto-encoder's outputs mean.
    pub likelihood: LikelihoodKind,
    /// λ of a Gaussian likelihood.
    pub likelihood_variance: f64,
    /// Degrees of freedom of the Student t kernel.
    pub alpha: f64,
    /// Updates between two targets. 0: half a pass over the data, at least 20.
    pub refresh_every_updates: usize,
    /// Training ends when fewer than this share of the samples changed their cluster between two
    /// targets.
    pub tolerance: f64,
    /// `sequential` or `shuffled`: the order of the samples in a pass.
    pub order: Order,
    /// Whether the optimiser's momentum is reset at each new target, as in DEC's code.
    pub restart_momentum: bool,
    /// Learning rate of the biases, as a multiple of that of the weights.
    pub bias_lr_factor: f64,
    /// Weight of KL(p ‖ q).
    pub clustering_weight: f64,
    /// Weight of the reconstruction's mean squared error over all elements; 0 drops the decoder
    /// (DEC), above 0 it is IDEC.
    pub reconstruction_weight: f64,
    /// Encoder and decoder.
    pub net: NetConfig,
    /// The auto-encoder's training, which gives the initial weights.
    pub pretrain: PretrainConfig,
    /// The k-means of the codes that gives the initial centres.
    pub codes: CodeClustering,
    /// The training; `epochs` is the largest number of passes. All batches have the full size.
    pub train: TrainConfig,
}

impl Default for DecConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            input_factor: 1.0,
            likelihood: LikelihoodKind::Auto,
            // As for the other methods with an auto-encoder.
            likelihood_variance: 0.1,
            alpha: 1.0,
            refresh_every_updates: 0,
            tolerance: 1e-3,
            order: Order::Shuffled,
            restart_momentum: false,
            bias_lr_factor: 1.0,
            clustering_weight: 1.0,
            reconstruction_weight: 0.0,
            net: crate::pretrained::default_net_for_codes(),
            pretrain: crate::pretrained::default_pretrain(),
            codes: CodeClustering::default(),
            train: TrainConfig {
                epochs: 80,
                min_updates: 2000,
                batch_size: 256,
                optimizer: OptimizerKind::Sgd,
                lr: 0.01,
                momentum: 0.9,
                observe_every_epochs: 5,
                ..TrainConfig::default()
            },
        }
    }
}

impl DecConfig {
    /// Updates between two targets on `n` samples.
    pub(super) fn interval(&self, n: usize) -> usize {
        match self.refresh_every_updates {
            0 => self.updates_a_pass(n).div_ceil(2).max(LEAST_UPDATES),
            given => given,
        }
    }

    fn updates_a_pass(&self, n: usize) -> usize {
        n.div_ceil(self.train.batch_size)
    }

    /// The training with its unit changed from passes over the data to rounds between two targets.
    pub(super) fn in_rounds(&self, n: usize) -> TrainConfig {
        let (updates, interval) = (self.updates_a_pass(n), self.interval(n));
        let rounds = |passes: usize| (passes * updates).div_ceil(interval);
        TrainConfig {
            epochs: rounds(self.train.epochs),
            lr_decay_every_epochs: rounds(self.train.lr_decay_every_epochs),
            observe_every_epochs: rounds(self.train.observe_every_epochs),
            ..self.train.clone()
        }
    }
}

impl MethodConfig for DecConfig {
    fn input(&self) -> InputConfig {
        InputConfig {
            n_clusters: self.n_clusters,
            scale: self.scale,
            likelihood: Some((self.likelihood, self.likelihood_variance)),
        }
    }

    fn affine(&self) -> (f64, f64) {
        (self.input_factor, 0.0)
    }

    fn for_data(&mut self, x: &Features) -> Option<String> {
        net_for_data(&mut self.net, x)
    }

    fn check(&self) -> Result<()> {
        check_affine(self.input_factor, 0.0)?;
        self.net.check().within("net")?;
        self.pretrain.check().within("pretrain")?;
        self.codes.check().within("codes")?;
        for (field, value) in [
            ("alpha", self.alpha),
            ("bias_lr_factor", self.bias_lr_factor),
            ("clustering_weight", self.clustering_weight),
        ] {
            check_above_0(field, value)?;
        }
        check_0_or_more("reconstruction_weight", self.reconstruction_weight)?;
        if !(0.0..1.0).contains(&self.tolerance) {
            return Err(Error::config("tolerance", self.tolerance, "a number in [0, 1)"));
        }
        self.train.check().within("train")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_become_rounds() {
        // MNIST: 274 updates a pass; 73 passes are the 20,000 updates of DEC-keras.
        let mut config = DecConfig { refresh_every_updates: 140, ..DecConfig::default() };
        (config.train.epochs, config.train.observe_every_epochs) = (73, 5);
        let rounds = config.in_rounds(70_000);
        assert_eq!((rounds.epochs, rounds.observe_every_epochs), (143, 10));
        config.refresh_every_updates = 0;
        assert_eq!((config.interval(70_000), config.interval(300)), (137, 20));
        config.train.observe_every_epochs = 0;
        assert_eq!(config.in_rounds(300).observe_every_epochs, 0);
    }
}
