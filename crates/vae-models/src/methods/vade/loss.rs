//! The loss of VaDE as a pure function of tensors.
//!
//! Per sample, with all constants already cancelled (the `(J/2) ln 2π` of the prior's expected log
//! density and of the posterior's entropy are equal and opposite):
//!
//! ```text
//! rec  = −ln p(x | z)
//! zc   = ½ Σ_c gamma_c Σ_j [ log_var_cj + exp(log_var_j)/exp(log_var_cj) + (mu_j − mu_cj)²/exp(log_var_cj) ]
//! ent  = ½ Σ_j (1 + log_var_j)
//! cat  = Σ_c gamma_c (ln pi_c − ln gamma_c)
//! loss = rec + zc − ent − cat                                                     (= −ELBO)
//! ```
//!
//! Jiang et al. 2017, equation 12; the ½ on `zc` is in the paper and missing in some that cite it.
//! The published code adds `ln pi` once per latent dimension, trains a `pi` that is never
//! normalised and adds 1e-10 to densities: this does not. Gradients flow through gamma, as in the
//! published code.

use crate::shared::posterior::Posterior;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};
use vae_core::kl;
use vae_core::likelihood::Likelihood;
use vae_gmm::prior::MixturePrior;

/// Where the responsibilities of the loss come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gamma {
    /// p(c | z) at the one sampled z, as published.
    Sample,
    /// The minimiser of the latent terms for q(z | x): a bound of the same expectation, with less
    /// variance.
    Meanfield,
}

/// The terms of the loss: scalars, nats per sample, means over the batch.
#[derive(Debug)]
pub struct Terms {
    /// `rec + zc − ent − cat`, the negative ELBO without the likelihood's constant.
    pub total: Tensor,
    /// `−ln p(x | z)`.
    pub rec: Tensor,
    /// Expected energy under the prior's components.
    pub zc: Tensor,
    /// Entropy of q(z | x).
    pub ent: Tensor,
    /// `−KL(gamma ‖ pi)`.
    pub cat: Tensor,
}

/// The loss of one batch.
///
/// # Shapes
/// `out` (the decoder's logits or means of `posterior.z`) and `x`: `[b, d]`.
pub fn loss(
    likelihood: &Likelihood,
    gamma: Gamma,
    prior: &MixturePrior,
    posterior: &Posterior,
    out: &Tensor,
    x: &Tensor,
) -> Terms {
    let log_gamma = match gamma {
        Gamma::Sample => prior.log_gamma(&posterior.z),
        Gamma::Meanfield => prior.log_gamma_mean_field(&posterior.mu, &posterior.log_var),
    };
    loss_with(likelihood, log_gamma, prior, posterior, out, x)
}

/// The loss of one batch with given log assignments.
///
/// # Shapes
/// `log_gamma`: `[b, K]`; the others as for [`loss`].
pub fn loss_with(
    likelihood: &Likelihood,
    log_gamma: Tensor,
    prior: &MixturePrior,
    posterior: &Posterior,
    out: &Tensor,
    x: &Tensor,
) -> Terms {
    let b = x.size()[0] as f64;
    let energy = prior.expected_energy(&posterior.mu, &posterior.log_var);
    let weights = log_gamma.exp();
    let rec = likelihood.nll_sum(out, x) / b;
    let zc = (&weights * energy).sum(None::<Kind>) / b;
    let ent = kl::gaussian_entropy_without_constant(&posterior.log_var).sum(None::<Kind>) / b;
    let cat = (weights * (prior.log_pi() - log_gamma)).sum(None::<Kind>) / b;
    let total = &rec + &zc - &ent - &cat;
    Terms { total, rec, zc, ent, cat }
}

#[cfg(test)]
mod tests;
