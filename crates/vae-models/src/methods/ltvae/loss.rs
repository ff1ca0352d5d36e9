//! The loss of LTVAE as a pure function of tensors.
//!
//! Per sample, with one z drawn from q(z | x) = N(mu, diag exp log_var):
//!
//! ```text
//! rec  = −ln p(x | z)
//! tree = −ln p(z)                              (the latent tree, message passing)
//! ent  = J/2 ln 2π + ½ Σ_j (1 + log_var_j)     (= H[q(z | x)])
//! loss = rec + tree − ent                      (= −ELBO)
//! ```

use crate::shared::posterior::Posterior;
use tch::{Kind, Tensor};
use vae_core::kl;
use vae_core::likelihood::Likelihood;

/// The terms of the loss: scalars, nats per sample, means over the batch.
#[derive(Debug)]
pub struct Terms {
    /// `rec + tree − ent`, the negative ELBO without the likelihood's constant.
    pub total: Tensor,
    /// `−ln p(x | z)`.
    pub rec: Tensor,
    /// `−ln p(z)`.
    pub tree: Tensor,
    /// Entropy of q(z | x).
    pub ent: Tensor,
}

/// The loss of one batch.
///
/// # Shapes
/// `log_p`: ln p(z) of `posterior.z`, `[b]`; `out` (the decoder's logits or means of `posterior.z`)
/// and `x`: `[b, d]`.
pub fn loss(
    likelihood: &Likelihood,
    log_p: &Tensor,
    posterior: &Posterior,
    out: &Tensor,
    x: &Tensor,
) -> Terms {
    let (b, j) = (x.size()[0] as f64, posterior.mu.size()[1] as f64);
    let rec = likelihood.nll_sum(out, x) / b;
    let tree = -log_p.sum(None::<Kind>) / b;
    let ent = kl::gaussian_entropy_without_constant(&posterior.log_var).sum(None::<Kind>) / b
        + j * kl::HALF_LN_TWO_PI;
    let total = &rec + &tree - &ent;
    Terms { total, rec, tree, ent }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;
    use vae_core::random::{Streams, normal};
    use vae_gmm::tree::{LatentTree, Leaf, Structure};

    /// One state, mean 0, covariance I.
    fn standard(dim: usize) -> LatentTree {
        let (j, options) = (dim as i64, (Kind::Double, Device::Cpu));
        let (mu, sigma) = (Tensor::zeros([1, j], options), Tensor::eye(j, options).unsqueeze(0));
        let variables: Vec<usize> = (0..dim).collect();
        LatentTree {
            structure: Structure::mixture(1, dim),
            cpt: vec![Tensor::ones([1, 1], options)],
            leaves: vec![Leaf::new(&variables, mu, sigma).expect("positive")],
        }
    }

    fn value(t: &Tensor) -> f64 {
        t.to_kind(Kind::Double).double_value(&[])
    }

    #[test]
    fn the_terms_by_hand() {
        // J = 1, mu = .5, variance .25, eps = 1: z = 1; H[q] + log p(z) = −0.693147.
        let of = |v: f64| Tensor::from_slice(&[v]).view([1, 1]);
        let posterior = Posterior::sample(of(0.5), of(0.25f64.ln()), &of(1.0));
        let log_p = standard(1).log_prob(&posterior.z);
        let t = loss(&Likelihood::Bernoulli, &log_p, &posterior, &of(0.0), &of(1.0));
        assert!((value(&t.ent) - value(&t.tree) + std::f64::consts::LN_2).abs() < 1e-6);
        assert!((value(&t.total) - value(&t.rec) - std::f64::consts::LN_2).abs() < 1e-6);
        assert!((value(&t.rec) - 2f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn in_the_mean_the_standard_tree_is_the_divergence_to_a_standard_normal() {
        // −KL = −0.443147 for one dimension; five standard errors of the mean.
        let n = 200_000;
        let fill = |v: f64| Tensor::full([n, 1], v, (Kind::Double, Device::Cpu));
        let noise = normal(&mut Streams::new(0, "elbo").rng("noise", 0, 0), &[n, 1], Device::Cpu);
        let posterior = Posterior::sample(fill(0.5), fill(0.25f64.ln()), &noise.to_kind(Kind::Double));
        let log_p = standard(1).log_prob(&posterior.z);
        let t = loss(&Likelihood::Bernoulli, &log_p, &posterior, &fill(0.0), &fill(0.0));
        let spread = value(&log_p.std(true)) / (n as f64).sqrt();
        assert!((value(&t.ent) - value(&t.tree) + 0.443_147).abs() < 5.0 * spread);
    }
}
