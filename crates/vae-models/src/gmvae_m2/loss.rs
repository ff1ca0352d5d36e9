//! The loss of GMVAE-M2 as a pure function of tensors.
//!
//! One z_k per sample and class; sums over pixels and dimensions, the exact sum over classes, a mean over the batch:
//!
//! ```text
//! rec  = Σ_k q(k | x) · −ln p(x | z_k)
//! kl   = Σ_k q(k | x) · [ ln q(z_k | x, k) − ln p(z_k | k) ]
//! cat  = Σ_k q(k | x) ln q(k | x) + ln K
//! loss = rec + kl + cat                                                            (= −ELBO)
//! ```

use tch::{Kind, Tensor};
use vae_core::likelihood::Likelihood;

/// Diagonal normals, by mean and variance.
#[derive(Debug)]
pub struct Gaussian {
    /// Means.
    pub mu: Tensor,
    /// Variances, of the same shape.
    pub var: Tensor,
}

impl Gaussian {
    /// `−2 ln N(z; mu, var) − J ln 2π`, a sum over the last axis.
    fn energy(&self, z: &Tensor) -> Tensor {
        let terms = self.var.log() + (z - &self.mu).square() / &self.var;
        terms.sum_dim_intlist([-1i64].as_slice(), false, None)
    }
}

/// The terms of the loss: scalars, nats per sample, means over the batch.
#[derive(Debug)]
pub struct Terms {
    /// `rec + kl + cat`.
    pub total: Tensor,
    /// `−ln p(x | z)`, expected over the classes.
    pub rec: Tensor,
    /// The divergence of z from its class, expected over the classes.
    pub kl: Tensor,
    /// `KL(q(y | x) ‖ uniform)`.
    pub cat: Tensor,
}

/// `ln q(z_k | x, k) − ln p(z_k | k)`.
///
/// # Shapes
/// `z` and `q`: `[K, b, J]`, `p`: `[K, 1, J]`; result `[K, b]`.
pub fn latent(z: &Tensor, q: &Gaussian, p: &Gaussian) -> Tensor {
    (p.energy(z) - q.energy(z)) * 0.5
}

/// The loss of one batch.
///
/// # Shapes
/// `log_y` (ln q(y | x)): `[b, K]`; `latent`: `[K, b]`; `out` (logits or means, class after class): `[K·b, d]`; `x`: `[b, d]`.
pub fn loss(likelihood: Likelihood, log_y: &Tensor, latent: &Tensor, out: &Tensor, x: &Tensor) -> Terms {
    let (b, k) = (log_y.size()[0], log_y.size()[1]);
    let y = log_y.exp();
    let weights = y.transpose(0, 1);
    let nll = likelihood.nll(out, &x.repeat([k, 1])).view([k, b]);
    let rec = (&weights * nll).sum(None::<Kind>) / b as f64;
    let kl = (weights * latent).sum(None::<Kind>) / b as f64;
    // A class of probability 0 contributes nothing: 0 · (−large) instead of 0 · (−∞).
    let cat = (&y * (log_y.clamp_min(-1e4) + (k as f64).ln())).sum(None::<Kind>) / b as f64;
    Terms { total: &rec + &kl + &cat, rec, kl, cat }
}

#[cfg(test)]
mod tests;
