//! The loss of VAE-Cluster as a pure function of tensors.
//!
//! One z per sample feeds the decoder, the class Gaussians and the classifier; `y` is the
//! classifier's softmax at z, `m_k` the mean of class k. Sums over pixels, dimensions and classes,
//! a mean over the batch:
//!
//! ```text
//! rec  = −ln p(x | z)                                       (published: 1.25 ‖x − x̂‖², a normal of variance 0.4)
//! kl   = Σ_k y_k ½ Σ_d [ (z_d − m_kd)² − log_var_d ]
//! cat  = Σ_k y_k ln(y_k + 1e-7)
//! loss = rec + kl + cat
//! ```
//!
//! Su 2018 and its script `vae_keras_cluster.py`, with its constants dropped: the negative ELBO is
//! `loss − J/2 + ln K` plus the likelihood's own constant. `cat` is minus the entropy of each
//! sample's y, so the loss favours a uniform classifier; it has no term on the batch and does not
//! balance the classes.
//!
//! For a given z the best y is `softmax_k(−½‖z − m_k‖²)`: the classifier is an amortised E-step of
//! a mixture with equal weights and unit variances, and there
//! `kl + cat = −logsumexp_k(−½‖z − m_k‖²) − ½ Σ_d log_var_d`.
//!
//! While assignments p are fixed (initialised from a graph), p replaces y in `kl`, and `cat` is
//! another term, `KL(p ‖ y) = Σ_k p_k [ ln(p_k + 1e-7) − ln(y_k + 1e-7) ]`: the classifier learns
//! p.

use tch::{Kind, Tensor};
use vae_core::likelihood::Likelihood;

/// Added to a probability before its logarithm (the script's `K.epsilon()`).
pub const EPS: f64 = 1e-7;

/// The terms of the loss: scalars, nats per sample, means over the batch.
#[derive(Debug)]
pub struct Terms {
    /// `rec + kl + cat`.
    pub total: Tensor,
    /// `−ln p(x | z)`.
    pub rec: Tensor,
    /// The energy of z under the class Gaussians, minus half the log variances: KL(q(z | x) ‖
    /// N(m_y, I)) up to a constant.
    pub kl: Tensor,
    /// Minus the entropy of the classifier, in [−ln K, 0]; while assignments are fixed, their
    /// divergence from the classifier, 0 or more.
    pub cat: Tensor,
}

impl Terms {
    /// The sum of three terms.
    pub fn new(rec: Tensor, kl: Tensor, cat: Tensor) -> Self {
        Self { total: &rec + &kl + &cat, rec, kl, cat }
    }
}

/// The outputs of encoder and classifier for a batch.
#[derive(Debug)]
pub struct Encoded {
    /// The sample of q(z | x), `[b, J]`.
    pub z: Tensor,
    /// `[b, J]`.
    pub log_var: Tensor,
    /// Softmax of the classifier, or the fixed assignments, `[b, K]`.
    pub y: Tensor,
}

/// `½ Σ_d (z_d − m_kd)²`.
///
/// # Shapes
/// `z`: `[b, J]`, `means`: `[K, J]`; result `[b, K]`.
pub fn energy(z: &Tensor, means: &Tensor) -> Tensor {
    (z.unsqueeze(1) - means.unsqueeze(0)).square().sum_dim_intlist([-1i64].as_slice(), false, None) * 0.5
}

/// The term `kl`, a mean over the batch.
///
/// # Shapes
/// `encoded` as its fields say, `means`: `[K, J]`; result a scalar.
pub fn kl(encoded: &Encoded, means: &Tensor) -> Tensor {
    let b = encoded.z.size()[0] as f64;
    // The rows of y sum to 1: the log variances need not be weighted.
    let pull = (&encoded.y * energy(&encoded.z, means)).sum(None::<Kind>);
    (pull - encoded.log_var.sum(None::<Kind>) * 0.5) / b
}

/// The term `cat`, a mean over the batch.
///
/// # Shapes
/// `y`: `[b, K]`; result a scalar.
pub fn category(y: &Tensor) -> Tensor {
    (y * (y + EPS).log()).sum(None::<Kind>) / y.size()[0] as f64
}

/// KL(p ‖ y), a mean over the batch.
///
/// # Shapes
/// `p`, `y`: `[b, K]`; result a scalar.
fn divergence(p: &Tensor, y: &Tensor) -> Tensor {
    (p * ((p + EPS).log() - (y + EPS).log())).sum(None::<Kind>) / y.size()[0] as f64
}

/// The loss of one batch.
///
/// # Shapes
/// `out` (the decoder's logits or means of z) and `x`: `[b, d]`; `means`: `[K, J]`.
pub fn loss(likelihood: &Likelihood, encoded: &Encoded, means: &Tensor, out: &Tensor, x: &Tensor) -> Terms {
    let rec = likelihood.nll_sum(out, x) / x.size()[0] as f64;
    // `cat` before `kl`: the order in which gradients add up, and so their rounding, follows from
    // that of the terms.
    let cat = category(&encoded.y);
    Terms::new(rec, kl(encoded, means), cat)
}

/// The loss of one batch while `encoded.y` is fixed and the classifier, whose softmax is `learnt`,
/// learns it.
///
/// # Shapes
/// As [`loss`]; `learnt`: `[b, K]`.
pub(crate) fn held_loss(
    likelihood: &Likelihood,
    encoded: &Encoded,
    learnt: &Tensor,
    means: &Tensor,
    out: &Tensor,
    x: &Tensor,
) -> Terms {
    let rec = likelihood.nll_sum(out, x) / x.size()[0] as f64;
    let cat = divergence(&encoded.y, learnt);
    Terms::new(rec, kl(encoded, means), cat)
}

/// The latent terms of the ELBO of each sample, `[b]`, in expectation over q(z | x) but for y,
/// which is taken at its mean:
///
/// ```text
/// −Σ_k y_k ½ Σ_d [ exp(log_var_d) + (mu_d − m_kd)² − 1 − log_var_d ] − Σ_k y_k ln(K (y_k + 1e-7))
/// ```
///
/// # Shapes
/// `mu`, `log_var`: `[b, J]`; `y`: `[b, K]`; `means`: `[K, J]`.
pub(crate) fn class_terms(mu: &Tensor, log_var: &Tensor, y: &Tensor, means: &Tensor) -> Tensor {
    let sum = |t: Tensor| t.sum_dim_intlist([-1i64].as_slice(), false, None::<Kind>);
    let pull = sum(y * energy(mu, means));
    let spread = sum(log_var.exp() - 1.0 - log_var) * 0.5;
    let n_clusters = means.size()[0] as f64;
    -pull - spread - sum(y * ((y + EPS).log() + n_clusters.ln()))
}

#[cfg(test)]
mod tests;
