//! The loss of IMSAT and its perturbations as pure functions of tensors, in nats per sample.
//!
//! ```text
//! H(Y|X) = −(1/B) Σ_b Σ_k p_bk ln(p_bk + ε)
//! H(Y)   = −Σ_k p̄_k ln(p̄_k + ε),   p̄_k = (1/B) Σ_b p_bk
//! R_SAT  = (1/B) Σ_b KL( p(y|x_b) ‖ p(y|x_b + r_b) )                 p(y|x_b) is a constant
//! loss   = R_SAT + λ ( H(Y|X) − μ H(Y) )                              λ = 0.1, μ = 4, ε = 1e-8
//! ```
//!
//! Hu et al. 2017, equations 6 to 15; weights and ε are those of the released code. λ weights the
//! information terms. With expected shares q, H(Y) becomes `ln K − KL(p̄ ‖ q)`, which is H(Y) for
//! equal shares. ε enters by `ln(p + ε) = logaddexp(ln p, ln ε)`: the same values, and the gradient
//! of a KL between nearly equal outputs is not lost in the rounding of a quotient near 1.

use tch::{Kind, Tensor};

/// ε of the logarithms.
const EPS: f64 = 1e-8;

/// The weights of the loss.
#[derive(Debug)]
pub struct Weights {
    /// λ, of the information terms.
    pub lambda: f64,
    /// μ, of H(Y).
    pub mu: f64,
    /// `ln (K q_k)`, `[K]`; `None` for equal shares.
    pub log_shares: Option<Tensor>,
}

/// The terms of the loss: scalars, nats per sample.
#[derive(Debug)]
pub struct Terms {
    /// `R_SAT + λ (H(Y|X) − μ H(Y))`.
    pub total: Tensor,
    /// R_SAT.
    pub sat: Tensor,
    /// H(Y|X).
    pub conditional: Tensor,
    /// H(Y), or `ln K − KL(p̄ ‖ q)`.
    pub marginal: Tensor,
}

/// `ln(exp(log_p) + ε)`.
fn floored(log_p: &Tensor) -> Tensor {
    log_p.logaddexp(&Tensor::full_like(log_p, EPS.ln()))
}

/// `KL(clean ‖ perturbed)` of each sample, `[b]`. No gradient flows into the clean outputs.
///
/// # Shapes
/// Both log-probabilities `[b, K]`.
pub fn kl_from_clean(log_clean: &Tensor, log_perturbed: &Tensor) -> Tensor {
    let clean = log_clean.detach();
    (clean.exp() * (floored(&clean) - floored(log_perturbed))).sum_dim_intlist(1, false, None::<Kind>)
}

/// The loss of one batch.
///
/// # Shapes
/// `log_p` of the samples and `log_perturbed` of the perturbed ones: `[b, K]`.
pub fn loss(weights: &Weights, log_p: &Tensor, log_perturbed: &Tensor) -> Terms {
    let b = log_p.size()[0] as f64;
    let p = log_p.exp();
    let conditional: Tensor = (&p * floored(log_p)).sum(None::<Kind>) / -b;
    let mean = p.mean_dim(0, false, None::<Kind>);
    let mut log_ratio = (&mean + EPS).log();
    if let Some(log_shares) = &weights.log_shares {
        log_ratio -= log_shares;
    }
    let marginal = -(mean * log_ratio).sum(None::<Kind>);
    let sat = kl_from_clean(log_p, log_perturbed).mean(None::<Kind>);
    let total = &sat + (&conditional - &marginal * weights.mu) * weights.lambda;
    Terms { total, sat, conditional, marginal }
}

/// Each row divided by its norm; a row without a direction (zeros, or not finite) is replaced by
/// that of `instead`.
///
/// # Shapes
/// Both `[b, d]`.
pub fn unit_rows_or(rows: &Tensor, instead: &Tensor) -> Tensor {
    // Dividing by the largest entry first keeps the squares from underflowing: gradients of the
    // first steps are tiny.
    let largest = rows.abs().amax([1], true);
    let usable = largest.gt(0.0).logical_and(&largest.isfinite());
    let scaled = rows / largest;
    let unit = &scaled / scaled.square().sum_dim_intlist(1, true, None::<Kind>).sqrt();
    unit.where_self(&usable, instead)
}

/// Rows of length 1 in random directions from standard normal `noise`, `[b, d]`.
pub fn unit_rows(noise: &Tensor) -> Tensor {
    unit_rows_or(noise, &Tensor::zeros_like(noise))
}

/// The direction in which the outputs change most, by one power iteration from the unit rows
/// `direction`: the normalised gradient of the KL at `x + xi · direction` (Miyato et al. 2015).
/// Where the gradient is 0 the result is `direction`.
///
/// # Shapes
/// `x`, `direction`, result: `[b, d]`; `log_clean`: `[b, K]`; `log_p` maps `[b, d]` to
/// log-probabilities `[b, K]`.
pub fn adversarial(
    log_p: impl Fn(&Tensor) -> Tensor,
    x: &Tensor,
    log_clean: &Tensor,
    direction: &Tensor,
    xi: f64,
) -> Result<Tensor, tch::TchError> {
    let d = direction.detach().set_requires_grad(true);
    let kl = kl_from_clean(log_clean, &log_p(&(x + &d * xi))).mean(None::<Kind>);
    let gradient = Tensor::f_run_backward(&[&kl], &[&d], false, false)?;
    Ok(tch::no_grad(|| unit_rows_or(&gradient[0], direction)))
}

#[cfg(test)]
mod tests;
