//! The configuration of a training.

use crate::features::Resident;
use crate::identity::neutral;
use crate::optim::{EpsForm, Group, OptimizerKind, Rule};
use crate::schedule::{LrSchedule, Schedule};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How a phase trains; a table of every deep method's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Passes over the data, at least 1.
    pub epochs: usize,
    /// Smallest number of updates: on small data the number of epochs is raised to reach it. 0:
    /// `epochs` is used as it is.
    #[serde(skip_serializing_if = "no_min_updates")]
    pub min_updates: usize,
    /// Samples per update; the last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// Rows that stay near each other in the random order of a pass, so that a file is read in
    /// pieces: blocks of so many rows come in random order, and the rows of 64 blocks are mixed. 1
    /// mixes all rows. 0: blocks of 1 MiB where dense features take more than 1 GiB, else 1.
    #[serde(skip_serializing_if = "no_blocks")]
    pub shuffle_block_rows: usize,
    /// `adam` or `sgd`.
    pub optimizer: OptimizerKind,
    /// Learning rate at the start.
    pub lr: f64,
    /// `constant`, `step` or `cosine`.
    pub lr_schedule: LrSchedule,
    /// For `step`: epochs between two decays.
    pub lr_decay_every_epochs: usize,
    /// For `step`: factor of a decay.
    pub lr_decay_factor: f64,
    /// Lowest learning rate of `step` and `cosine`.
    pub lr_floor: f64,
    /// Adam's epsilon.
    pub adam_eps: f64,
    /// Where the epsilon goes: `torch` (after the bias correction of √v) or `keras` (before it).
    pub adam_eps_form: EpsForm,
    /// SGD's momentum.
    pub momentum: f64,
    /// Number of updates over which SGD's momentum rises linearly from 0 (0: it is constant).
    #[serde(skip_serializing_if = "no_ramp")]
    pub momentum_ramp_updates: usize,
    /// L2 penalty on the networks' parameters: weights, biases, scales and shifts of batch norm.
    /// Parameters that are not a network's (class means, centres, mixtures) have none.
    pub weight_decay: f64,
    /// Largest norm of the gradient; 0 switches clipping off.
    pub grad_clip_norm: f64,
    /// Epochs between two records of the assignments of all samples (0: never).
    pub observe_every_epochs: usize,
}

fn no_min_updates(updates: &usize) -> bool {
    neutral(updates, &0)
}

fn no_blocks(rows: &usize) -> bool {
    neutral(rows, &0)
}

fn no_ramp(updates: &usize) -> bool {
    neutral(updates, &0)
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 50,
            min_updates: 0,
            batch_size: 256,
            shuffle_block_rows: 0,
            optimizer: OptimizerKind::Adam,
            lr: 1e-3,
            lr_schedule: LrSchedule::Constant,
            lr_decay_every_epochs: 10,
            lr_decay_factor: 0.9,
            lr_floor: 0.0,
            adam_eps: 1e-8,
            adam_eps_form: EpsForm::Torch,
            momentum: 0.9,
            momentum_ramp_updates: 0,
            weight_decay: 0.0,
            grad_clip_norm: 0.0,
            observe_every_epochs: 0,
        }
    }
}

/// Refuses a training without epochs.
///
/// # Errors
/// [`Error::Config`] naming `epochs`.
pub fn check_epochs(epochs: usize) -> Result<()> {
    match epochs {
        0 => Err(Error::config("epochs", 0, "at least 1: a training is not switched off by its epochs")),
        _ => Ok(()),
    }
}

impl TrainConfig {
    /// Checks the ranges that the optimiser does not check itself.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub fn check(&self) -> Result<()> {
        check_epochs(self.epochs)?;
        self.check_rest()
    }

    /// All but the number of epochs: a layer of the stacked pretraining may have none.
    pub(super) fn check_rest(&self) -> Result<()> {
        if self.batch_size == 0 {
            return Err(Error::config("batch_size", 0, "at least 1"));
        }
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return Err(Error::config("lr", self.lr, "a finite number above 0"));
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return Err(Error::config("momentum", self.momentum, "a number in [0, 1)"));
        }
        if !(self.grad_clip_norm >= 0.0 && self.grad_clip_norm.is_finite()) {
            return Err(Error::config("grad_clip_norm", self.grad_clip_norm, "a finite number, 0 or more"));
        }
        self.schedule().check()
    }

    /// The same with `epochs` raised to what `min_updates` needs at `n_steps` updates an epoch.
    pub fn resolved(&self, n_steps: usize) -> Self {
        let needed = self.min_updates.div_ceil(n_steps.max(1));
        Self { epochs: self.epochs.max(needed), ..self.clone() }
    }

    /// [`TrainConfig::shuffle_block_rows`] for these features. It depends on their size and on
    /// nothing else: neither on memory, nor on where they lie.
    pub(super) fn block_rows_of(&self, data: &Resident<'_>) -> usize {
        block_rows(self.shuffle_block_rows, data.is_dense().then_some((data.n(), data.dim())))
    }

    /// How many epochs of a training on `n` samples, in passes over them, are what `part` epochs
    /// are of [`TrainConfig::epochs`]: where `min_updates` makes the training longer, a part of it
    /// gets longer with it.
    pub fn part_of_resolved(&self, part: usize, n: usize) -> usize {
        let resolved = self.resolved(n.div_ceil(self.batch_size.max(1))).epochs;
        (part * resolved).div_ceil(self.epochs.max(1))
    }

    /// The optimiser's rule.
    pub fn rule(&self) -> Rule {
        match self.optimizer {
            OptimizerKind::Adam => Rule::adam(self.adam_eps, self.adam_eps_form),
            OptimizerKind::Sgd => Rule::sgd(self.momentum),
        }
    }

    /// SGD's momentum after `n_updates` updates.
    pub(crate) fn momentum_at(&self, n_updates: u64) -> f64 {
        match self.momentum_ramp_updates {
            0 => self.momentum,
            ramp => self.momentum * (n_updates as f64 / ramp as f64).min(1.0),
        }
    }

    /// The group of the networks' parameters.
    pub fn group(&self) -> Group {
        Group { lr: self.lr, weight_decay: self.weight_decay }
    }

    /// The group of trained parameters that are no network's: class means, centres.
    pub fn group_without_decay(&self) -> Group {
        Group { weight_decay: 0.0, ..self.group() }
    }

    /// The schedule over all epochs.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            kind: self.lr_schedule,
            every_epochs: self.lr_decay_every_epochs,
            factor: self.lr_decay_factor,
            floor: self.lr_floor,
            epochs: self.epochs,
        }
    }
}

/// Dense features of more bytes are mixed in blocks.
const MIXED_WHOLE: usize = 1 << 30;

/// Bytes of such a block.
const SHUFFLE_BLOCK: usize = 1 << 20;

/// The rows of a block, of those that were asked for and the shape of dense features.
fn block_rows(asked: usize, dense: Option<(usize, usize)>) -> usize {
    match (asked, dense) {
        (0, Some((n, d))) if 4 * n * d > MIXED_WHOLE => (SHUFFLE_BLOCK / (4 * d)).max(1),
        (0, _) => 1,
        (asked, _) => asked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_data_are_mixed_in_blocks() {
        assert_eq!(block_rows(0, Some((70_000, 784))), 1);
        assert_eq!(block_rows(0, Some((10_000_000, 50))), 5242);
        assert_eq!(block_rows(0, Some((1000, 1_000_000))), 1);
        assert_eq!(block_rows(0, None), 1);
        assert_eq!([1, 77].map(|asked| block_rows(asked, Some((10_000_000, 50)))), [1, 77]);
    }

    #[test]
    fn small_data_are_passed_over_more_often() {
        let config = TrainConfig { epochs: 10, min_updates: 100, batch_size: 32, ..TrainConfig::default() };
        // 3 batches: 34 epochs make 102 updates.
        assert_eq!(config.resolved(3).epochs, 34);
        assert_eq!(config.resolved(1000).epochs, 10);
        // 64 samples are 2 updates: 50 epochs instead of 10.
        assert_eq!([64, 10_000].map(|n| config.part_of_resolved(3, n)), [15, 3]);
        assert_eq!(TrainConfig { min_updates: 0, ..config }.resolved(1).epochs, 10);
    }

    #[test]
    fn a_training_has_epochs() {
        for min_updates in [0, 100] {
            let config = TrainConfig { epochs: 0, min_updates, ..TrainConfig::default() };
            let e = config.check().expect_err("no epochs").to_string();
            assert!(e.contains("`epochs` is 0") && e.contains("at least 1"), "{e}");
        }
        TrainConfig { epochs: 1, ..TrainConfig::default() }.check().expect("one epoch");
    }

    #[test]
    fn the_momentum_rises_over_its_ramp() {
        let config = TrainConfig { momentum: 0.9, momentum_ramp_updates: 1000, ..TrainConfig::default() };
        for (n_updates, momentum) in [(0, 0.0), (500, 0.45), (1000, 0.9), (5000, 0.9)] {
            assert!((config.momentum_at(n_updates) - momentum).abs() < 1e-12);
        }
        assert_eq!(TrainConfig::default().momentum_at(0), 0.9);
    }
}
