//! The loss of DEC as pure functions of tensors.
//!
//! ```text
//! w_ij = (1 + ‖z_i − mu_j‖² / alpha)^(−(alpha + 1)/2),       q_ij = w_ij / Σ_j' w_ij'
//! f_j  = Σ_i q_ij over ALL samples,                          p_ij = (q_ij² / f_j) / Σ_j' (q_ij'² / f_j')
//! loss = (1/B) Σ_i Σ_j p_ij ln(p_ij / q_ij),                 p is a constant
//! ```
//!
//! Xie et al. 2016, equations 1 to 3; nats per sample. q is computed as a log-softmax of `ln w`, so
//! that a sample far from all centres keeps a finite divergence.

use tch::{Kind, Tensor};

/// `ln q`, `[b, K]`.
///
/// # Shapes
/// `z`: `[b, J]`; `centres`: `[K, J]`.
pub fn log_assignments(z: &Tensor, centres: &Tensor, alpha: f64) -> Tensor {
    let squared = (z.unsqueeze(1) - centres).square().sum_dim_intlist(2, false, None::<Kind>);
    ((squared / alpha).log1p() * (-0.5 * (alpha + 1.0))).log_softmax(1, None::<Kind>)
}

/// The target p of the assignments `q` of all samples, both `[n, K]`.
pub fn target(q: &Tensor) -> Tensor {
    // f is a sum over all samples: in f64.
    let wide = q.to_kind(Kind::Double);
    let f = wide.sum_dim_intlist(0, true, None::<Kind>).clamp_min(f64::MIN_POSITIVE);
    let weight = wide.square() / f;
    let total = weight.sum_dim_intlist(1, true, None::<Kind>);
    (weight / total).to_kind(q.kind())
}

/// `KL(p ‖ q)`, a scalar: a mean over the batch. No gradient flows into `p`.
///
/// # Shapes
/// Both `[b, K]`.
pub fn kl(p: &Tensor, log_q: &Tensor) -> Tensor {
    let p = p.detach();
    (p.xlogy(&p) - &p * log_q).sum(None::<Kind>) / p.size()[0] as f64
}

#[cfg(test)]
mod tests;
