//! The loss of GMVAE as a pure function of tensors.
//!
//! c ~ uniform over K clusters, w ~ N(0, I), z | w, c ~ N(m_c(w), diag v_c(w)), x | z from the
//! decoder; q(z | x) and q(w | x) from one recogniser, and the cluster by Bayes' rule:
//!
//! ```text
//! p(c | z, w) = N(z; m_c(w), v_c(w)) / Σ_l N(z; m_l(w), v_l(w))
//! rec  = −ln p(x | z)
//! cond = Σ_c p(c | z, w) ½ Σ_d [ ln v_cd − log_var_d + (exp(log_var_d) + (mu_d − m_cd)²) / v_cd − 1 ]
//! w    = KL(q(w | x) ‖ N(0, I))
//! z    = Σ_c p(c | z, w) ln(K p(c | z, w)),   in [0, ln K]
//! loss = rec + cond + w + max(lambda, z)
//! ```
//!
//! For lambda = 0 this is a bound of −ln p(x), though not the tightest: `cond` integrates each
//! divergence over q(z | x) by itself, as if c did not depend on z. With p̄_c the mean of p(c | z,
//! w) over q, `Σ p̄_c KL_c + Σ p̄_c ln(K p̄_c)` is the negative ELBO of a factorised q(z) q(c), and
//! `z` is at least the second sum because the entropy is concave.
//!
//! Dilokthanakul et al. 2016, equation 4 of version 2; they write y, x, z for our x, z, c. `rec`,
//! `cond` and `z` are means over M samples (z_j, w_j), the two always of the same draw. All terms
//! are means over the batch, and so is the z that is compared with lambda, as in their code. z = 0
//! means that all components coincide; below lambda its gradient is zero, so that it does not make
//! them merge.
//!
//! Not taken over from the published code: it negates the whole gradient through p(c | z, w) where
//! only that of z is meant, and pairs responsibilities with dimensions of other samples.
//! Responsibilities are a softmax of log densities, without constants added to probabilities.

use tch::{Kind, Tensor};
use vae_core::kl::gaussian_to_standard;
use vae_core::likelihood::Likelihood;

/// The posteriors of a batch.
#[derive(Debug)]
pub struct Recognition {
    /// Mean of q(z | x), `[b, J]`.
    pub mu: Tensor,
    /// Log variance of q(z | x), `[b, J]`.
    pub log_var: Tensor,
    /// Mean of q(w | x), `[b, W]`.
    pub mu_w: Tensor,
    /// Log variance of q(w | x), `[b, W]`.
    pub log_var_w: Tensor,
}

/// The clusters at some w.
#[derive(Debug)]
pub struct Components {
    /// m_c(w), `[n, K, J]`.
    pub mu: Tensor,
    /// ln v_c(w), `[n, K, J]`.
    pub log_var: Tensor,
}

/// The terms of the loss: scalars, nats per sample, means over batch and samples.
#[derive(Debug)]
pub struct Terms {
    /// `rec + cond + w + max(lambda, z)`.
    pub total: Tensor,
    /// `−ln p(x | z)`.
    pub rec: Tensor,
    /// The conditional prior term.
    pub cond: Tensor,
    /// `KL(q(w | x) ‖ N(0, I))`.
    pub w: Tensor,
    /// `KL(p(c | z, w) ‖ uniform)`, before it is compared with lambda.
    pub z: Tensor,
}

fn sum_last(t: Tensor) -> Tensor {
    t.sum_dim_intlist([-1i64].as_slice(), false, None)
}

/// `ln p(c | z, w)`.
///
/// # Shapes
/// `z`: `[n, J]`; result `[n, K]`.
pub fn log_responsibility(z: &Tensor, components: &Components) -> Tensor {
    let Components { mu, log_var } = components;
    let scaled = (z.unsqueeze(1) - mu).square() * (-log_var).exp();
    (sum_last(scaled + log_var) * -0.5).log_softmax(-1, None::<Kind>)
}

/// `KL(N(mu, exp log_var) ‖ component c)`.
///
/// # Shapes
/// `mu`, `log_var`: `[n, J]`; result `[n, K]`.
pub fn component_kl(mu: &Tensor, log_var: &Tensor, components: &Components) -> Tensor {
    let (of, prior) = (log_var.unsqueeze(1), &components.log_var);
    let scaled = (of.exp() + (mu.unsqueeze(1) - &components.mu).square()) * (-prior).exp();
    sum_last(prior - of + scaled - 1.0) * 0.5
}

/// The loss of one batch of b samples with M draws each, draw after draw: row `j·b + i` belongs to
/// draw j of sample i.
///
/// # Shapes
/// `z`: `[M·b, J]`, `components` at the same draws of w, `out` (the decoder's logits or means of
/// z): `[M·b, d]`, `x`: `[b, d]`.
pub fn loss(
    likelihood: &Likelihood,
    recognition: &Recognition,
    z: &Tensor,
    components: &Components,
    (out, x): (&Tensor, &Tensor),
    lambda: f64,
) -> Terms {
    let (b, n) = (x.size()[0], z.size()[0]);
    let each = |t: &Tensor| if n == b { t.shallow_clone() } else { t.repeat([n / b, 1]) };
    let log_p = log_responsibility(z, components);
    let p = log_p.exp();
    let kl = component_kl(&each(&recognition.mu), &each(&recognition.log_var), components);
    let rec = likelihood.nll_sum(out, &each(x)) / n as f64;
    let cond = (&p * kl).sum(None::<Kind>) / n as f64;
    let w = gaussian_to_standard(&recognition.mu_w, &recognition.log_var_w).mean(None::<Kind>);
    let z = z_term(&log_p);
    let total = &rec + &cond + &w + z.clamp_min(lambda);
    Terms { total, rec, cond, w, z }
}

/// `KL(p ‖ uniform)`, a mean over rows.
///
/// # Shapes
/// `log_p`: `[n, K]`; result a scalar.
pub fn z_term(log_p: &Tensor) -> Tensor {
    let (n, k) = (log_p.size()[0] as f64, log_p.size()[1] as f64);
    // A probability that underflows contributes 0: 0 · (−large) instead of 0 · (−∞).
    (log_p.exp() * (log_p.clamp_min(-1e4) + k.ln())).sum(None::<Kind>) / n
}

#[cfg(test)]
mod tests;
