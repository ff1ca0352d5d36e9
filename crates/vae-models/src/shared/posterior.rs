//! q(z | x) of a batch: a sample of it, the bounds of its log variance, and fixed assignments.

use tch::{Kind, Tensor};
use vae_core::identity::Revision;

/// Sampling, the bounds of log variances, and fixed assignments.
pub const REVISION: Revision = ("posterior", 1);

/// Stands for ln 0 in fixed assignments.
const LOG_ZERO: f64 = -80.0;

/// Log variances are clamped to ± this in the forward pass: a guard against overflow, not a part of
/// the methods.
const LOG_VAR_LIMIT: f64 = 12.0;

/// `log_var` within ±12, whatever its shape.
pub(crate) fn guarded(log_var: &Tensor) -> Tensor {
    log_var.clamp(-LOG_VAR_LIMIT, LOG_VAR_LIMIT)
}

/// Number of entries per row that [`guarded`] changes, a mean over the batch: the term `clamped` of
/// a history.
///
/// # Shapes
/// `log_var`: `[b, J]`; result a scalar.
pub(crate) fn clamped(log_var: &Tensor) -> Tensor {
    log_var.abs().gt(LOG_VAR_LIMIT).sum(Kind::Float) / log_var.size()[0] as f64
}

/// `mu + exp(log_var / 2) · noise`: a sample of N(mu, diag exp log_var) from a standard normal
/// `noise`, by reparametrisation.
///
/// # Shapes
/// All of one shape, or such that they broadcast.
pub(crate) fn reparameterised(mu: &Tensor, log_var: &Tensor, noise: &Tensor) -> Tensor {
    mu + (log_var * 0.5).exp() * noise
}

/// q(z | x) of a batch and one sample of it.
#[derive(Debug)]
pub struct Posterior {
    /// `[b, J]`.
    pub mu: Tensor,
    /// `[b, J]`.
    pub log_var: Tensor,
    /// `[b, J]`: `mu + exp(log_var / 2) · ε`.
    pub z: Tensor,
}

impl Posterior {
    /// Samples z by reparametrisation.
    ///
    /// # Shapes
    /// All `[b, J]`; `noise` is standard normal.
    pub fn sample(mu: Tensor, log_var: Tensor, noise: &Tensor) -> Self {
        let z = reparameterised(&mu, &log_var, noise);
        Self { mu, log_var, z }
    }
}

/// The log assignments with each sample in one cluster.
///
/// # Shapes
/// `labels`: i64 `[b]`; result `[b, K]`.
pub fn held(labels: &Tensor, n_clusters: usize) -> Tensor {
    labels.one_hot(n_clusters as i64).to_kind(Kind::Float).log().clamp_min(LOG_ZERO)
}
