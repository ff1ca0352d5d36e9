//! What the loop needs of a model.

use super::{Ahead, Batches};
use crate::Result;
use crate::bundle::Tensors;
use crate::features::Resident;
use crate::params::Params;
use crate::random::Streams;
use tch::Tensor;

/// One mini-batch.
#[derive(Debug)]
pub struct Batch<'a> {
    /// `[b, d]` on the device.
    pub x: &'a Tensor,
    /// The same with NaN for values that stand for missing ones, where there are any.
    pub targets: Option<&'a Tensor>,
    /// Rows of the data, i64 `[b]` on the device.
    pub index: &'a Tensor,
    /// 0-based.
    pub epoch: usize,
    /// 0-based within the epoch.
    pub step: usize,
    /// The phase's random streams; [`Batch::normal`] and the like draw from them.
    pub streams: &'a Streams,
    /// Numbers of this step that were sent to the device with those of earlier ones; without it
    /// each step draws its own, which are the same.
    pub ahead: Option<&'a Ahead<'a>>,
}

impl<'a> Batch<'a> {
    /// A batch outside a training, the first of its first epoch: for tests and benchmarks.
    pub fn alone(x: &'a Tensor, index: &'a Tensor, streams: &'a Streams) -> Self {
        Self { x, targets: None, index, epoch: 0, step: 0, streams, ahead: None }
    }

    /// What an observation model explains: the rows, with NaN for missing values, which it leaves
    /// out.
    pub fn target(&self) -> &Tensor {
        self.targets.unwrap_or(self.x)
    }
}

/// The loss of one batch.
#[derive(Debug)]
pub struct Loss {
    /// Scalar, nats per sample (mean over the batch); gradients are taken of it.
    pub total: Tensor,
    /// Its parts, scalars without gradient, for the history and for errors.
    pub terms: Vec<(&'static str, Tensor)>,
}

/// A model that the loop can train.
pub trait Trainable {
    /// The parameters, all of which take part in the loss.
    fn params(&self) -> &Params;

    /// The loss of one batch.
    ///
    /// # Errors
    /// What the model cannot compute.
    fn loss(&self, batch: &Batch<'_>) -> Result<Loss>;

    /// How batches are drawn.
    fn batches(&self) -> Batches {
        Batches::Passes
    }

    /// Asked after [`Trainable::begin_epoch`]: whether the training ends here, before its last
    /// epoch.
    fn is_done(&self) -> bool {
        false
    }

    /// Whether the optimiser's moments are reset before each epoch.
    fn restarts_optimizer(&self) -> bool {
        false
    }

    /// Called before the first step of an epoch (0-based), for what changes between epochs.
    ///
    /// # Errors
    /// What the model cannot compute.
    fn begin_epoch(&self, _epoch: usize, _data: &Resident<'_>) -> Result<()> {
        Ok(())
    }

    /// The state that training changes besides the parameters, by name; checkpoints hold it.
    ///
    /// # Errors
    /// What the model cannot compute.
    fn state(&self) -> Result<Tensors> {
        Ok(Tensors::new())
    }

    /// Restores what [`Trainable::state`] returned, when a training is continued.
    ///
    /// # Errors
    /// When something is missing.
    fn restore(&self, _state: &Tensors) -> Result<()> {
        Ok(())
    }

    /// Assignments of all samples for the accuracy curve, u8 `[n]`, or `None`. The loop stores them
    /// and returns them after the training; they do not affect it.
    ///
    /// # Errors
    /// What the model cannot compute.
    fn observe(&self, _data: &Resident<'_>) -> Result<Option<Tensor>> {
        Ok(None)
    }
}
