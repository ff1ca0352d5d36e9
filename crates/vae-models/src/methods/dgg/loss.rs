//! The losses of DGG as pure functions of tensors: the objective, [`vae_graph::pairwise`], and the
//! classifier's while assignments are held.

use tch::{Kind, Tensor};

/// The mean cross-entropy of given assignments, nats per sample: a mean over the batch.
///
/// # Shapes
/// `log_gamma`: `[b, K]`; `labels`: i64 `[b]`.
pub(super) fn cross_entropy(log_gamma: &Tensor, labels: &Tensor) -> Tensor {
    -log_gamma.gather(1, &labels.unsqueeze(1), false).mean(None::<Kind>)
}

#[cfg(test)]
mod tests;
