//! Epochs in which assignments are fixed at the initial ones.

use vae_core::identity::Revision;
use vae_core::train::TrainConfig;

/// How long a warm-up is in a training that `min_updates` makes longer.
pub const REVISION: Revision = ("assignment-warmup", 1);

/// The warm-up of a training.
pub(crate) struct Warmup {
    /// Its epochs: the same share of the training as the configuration asks for.
    pub epochs: usize,
    /// [`REVISION`], where the training is longer than the configuration asks for.
    pub revisions: &'static [Revision],
}

impl Warmup {
    /// Of a training on `n` samples whose configuration asks for `epochs`.
    pub fn new(epochs: usize, train: &TrainConfig, n: usize) -> Self {
        let of_resolved = train.part_of_resolved(epochs, n);
        Self { epochs: of_resolved, revisions: if of_resolved == epochs { &[] } else { &[REVISION] } }
    }
}
