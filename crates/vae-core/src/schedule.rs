//! Learning rates over epochs.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The schedule of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LrSchedule {
    /// It does not.
    Constant,
    /// Multiplied by `lr_decay_factor` every `lr_decay_every_epochs`, never below `lr_floor`.
    Step,
    /// Half a cosine from `lr` down to `lr_floor`, a new value every step.
    Cosine,
}

/// The learning rate's factor at some point of a training.
///
/// `progress` is in epochs, with the fraction of the current one (epoch 0 is the first).
///
/// | schedule | value |
/// |---|---|
/// | constant | `lr` |
/// | step | `max(lr · factor^floor(progress / every), floor)` |
/// | cosine | `floor + (lr − floor) · (1 + cos(π · progress / epochs)) / 2` |
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Which rule.
    pub kind: LrSchedule,
    /// Length of a step, in epochs.
    pub every_epochs: usize,
    /// Factor per step.
    pub factor: f64,
    /// Lowest learning rate.
    pub floor: f64,
    /// Length of the training, in epochs.
    pub epochs: usize,
}

impl Schedule {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub fn check(&self) -> Result<()> {
        if self.kind == LrSchedule::Step && self.every_epochs == 0 {
            return Err(Error::config("lr_decay_every_epochs", 0, "at least 1"));
        }
        if !(self.factor > 0.0 && self.factor <= 1.0) {
            return Err(Error::config("lr_decay_factor", self.factor, "a number in (0, 1]"));
        }
        if !(self.floor >= 0.0 && self.floor.is_finite()) {
            return Err(Error::config("lr_floor", self.floor, "a finite number, 0 or more"));
        }
        Ok(())
    }

    /// The learning rate at `progress` epochs for a group that starts at `lr`.
    pub fn lr(&self, lr: f64, progress: f64) -> f64 {
        match self.kind {
            LrSchedule::Constant => lr,
            LrSchedule::Step => {
                let steps = (progress / self.every_epochs as f64).floor();
                (lr * self.factor.powf(steps)).max(self.floor.min(lr))
            }
            LrSchedule::Cosine => {
                let share = (progress / self.epochs.max(1) as f64).clamp(0.0, 1.0);
                let floor = self.floor.min(lr);
                floor + (lr - floor) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: LrSchedule) -> Schedule {
        Schedule { kind, every_epochs: 10, factor: 0.9, floor: 2e-4, epochs: 100 }
    }

    #[test]
    fn vade_on_mnist_reaches_its_floor_near_epoch_220() {
        let s = schedule(LrSchedule::Step);
        assert_eq!(s.lr(2e-3, 0.0), 2e-3);
        assert_eq!(s.lr(2e-3, 9.99), 2e-3);
        assert!((s.lr(2e-3, 10.0) - 1.8e-3).abs() < 1e-15);
        assert!(s.lr(2e-3, 210.0) > 2e-4);
        assert_eq!(s.lr(2e-3, 220.0), 2e-4);
        // A group whose rate is below the floor at first is not raised to it.
        assert_eq!(s.lr(1e-4, 500.0), 1e-4);
    }

    #[test]
    fn cosine_falls_from_lr_to_the_floor() {
        let s = schedule(LrSchedule::Cosine);
        assert_eq!(s.lr(1e-3, 0.0), 1e-3);
        assert!((s.lr(1e-3, 50.0) - 6e-4).abs() < 1e-15);
        assert!((s.lr(1e-3, 100.0) - 2e-4).abs() < 1e-15);
    }

    #[test]
    fn bad_ranges_are_refused_by_name() {
        let bad = Schedule { every_epochs: 0, ..schedule(LrSchedule::Step) };
        assert!(bad.check().is_err_and(|e| e.to_string().contains("lr_decay_every_epochs")));
        let bad = Schedule { factor: 1.5, ..schedule(LrSchedule::Step) };
        assert!(bad.check().is_err_and(|e| e.to_string().contains("lr_decay_factor")));
    }
}
