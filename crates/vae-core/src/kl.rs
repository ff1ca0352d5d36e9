//! Kullback–Leibler divergences and entropies in closed form, in nats.

use tch::Tensor;

/// `½ ln 2π`.
pub const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;

/// KL(N(mu, diag exp log_var) ‖ N(0, I)) per sample.
///
/// ```text
/// ½ Σ_j (exp(log_var_j) + mu_j² − 1 − log_var_j)
/// ```
///
/// # Shapes
/// `mu`, `log_var`: `[b, j]`; result `[b]` (a sum over j, no mean).
pub fn gaussian_to_standard(mu: &Tensor, log_var: &Tensor) -> Tensor {
    let terms = log_var.exp() + mu.square() - 1.0 - log_var;
    terms.sum_dim_intlist([-1i64].as_slice(), false, None) * 0.5
}

/// KL(q ‖ p) of two categorical distributions given by logarithms, per sample; `0 ln 0 = 0`.
///
/// # Shapes
/// `log_q`: `[b, k]`, `log_p`: `[k]` or `[b, k]`; result `[b]`.
pub fn categorical(log_q: &Tensor, log_p: &Tensor) -> Tensor {
    // exp(-inf) · (-inf) would be NaN; a probability that underflows contributes nothing.
    let log_q = log_q.clamp_min(-1e4);
    let q = log_q.exp();
    (q * (log_q - log_p)).sum_dim_intlist([-1i64].as_slice(), false, None)
}

/// The part of a Gaussian's differential entropy that depends on its variance,
/// `½ Σ_j (1 + log_var_j)`; the constant `(J/2) ln 2π` is left to the caller, for it cancels
/// against the same constant of the prior.
///
/// # Shapes
/// `log_var`: `[b, j]`; result `[b]`.
pub fn gaussian_entropy_without_constant(log_var: &Tensor) -> Tensor {
    (log_var + 1.0).sum_dim_intlist([-1i64].as_slice(), false, None) * 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Streams, normal};
    use tch::{Device, Kind};

    #[test]
    fn a_divergence_by_hand() {
        // mu = 0.5, variance 0.25: ½ (0.25 + 0.25 − 1 + ln 4).
        let kl = gaussian_to_standard(&Tensor::from_slice(&[0.5f64]), &Tensor::from_slice(&[0.25f64.ln()]));
        assert!((kl.double_value(&[]) - 0.443_147_180_6).abs() < 1e-9);
    }

    #[test]
    fn is_zero_only_for_equal_and_never_negative() {
        let s = Streams::new(0, "kl");
        let mu = normal(&mut s.rng("mu", 0, 0), &[500, 4], Device::Cpu).to_kind(Kind::Double);
        let log_var = normal(&mut s.rng("lv", 0, 0), &[500, 4], Device::Cpu).to_kind(Kind::Double);
        assert!(gaussian_to_standard(&mu, &log_var).min().double_value(&[]) > 0.0);
        let zero = Tensor::zeros([3, 4], (Kind::Double, Device::Cpu));
        assert_eq!(gaussian_to_standard(&zero, &zero).abs().max().double_value(&[]), 0.0);
    }

    #[test]
    fn agrees_with_monte_carlo() {
        let s = Streams::new(1, "kl");
        let (mu, log_var) = (0.7f64, -0.4f64);
        let z = normal(&mut s.rng("z", 0, 0), &[400_000], Device::Cpu).to_kind(Kind::Double)
            * (log_var / 2.0).exp()
            + mu;
        let log_q: Tensor = -0.5 * ((&z - mu).square() / log_var.exp() + log_var);
        let difference: Tensor = log_q + 0.5 * z.square();
        let (mean, std) = (difference.mean(None).double_value(&[]), difference.std(true).double_value(&[]));
        let exact = gaussian_to_standard(&Tensor::from_slice(&[mu]), &Tensor::from_slice(&[log_var]))
            .double_value(&[]);
        assert!((mean - exact).abs() < 5.0 * std / 400_000f64.sqrt());
    }

    #[test]
    fn categorical_with_a_zero_is_finite() {
        let log_q = Tensor::from_slice(&[0.0f64, f64::NEG_INFINITY]).view([1, 2]);
        let log_p = Tensor::from_slice(&[0.25f64.ln(), 0.75f64.ln()]);
        assert!((categorical(&log_q, &log_p).double_value(&[0]) - 4f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn the_constant_of_the_normal_density() {
        assert!((HALF_LN_TWO_PI - 0.5 * (2.0 * std::f64::consts::PI).ln()).abs() < 2.0 * f64::EPSILON);
    }
}
