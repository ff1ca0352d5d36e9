//! The category losses that the paper prints, as pure functions; the one that is used by default is
//! [`crate::shared::class_vae::category`].

use crate::shared::class_vae::EPS;
use tch::{Kind, Tensor};

/// Equation 7 read as a mean over the classes: `(1/k) Σ_j ln(q_j + eps)`, a mean over the batch.
/// Equal to `−ln k − KL(uniform ‖ q)` for `eps = 0`, and unbounded below.
///
/// # Shapes
/// `y`: `[b, k]`, rows sum to 1; result a scalar.
pub fn category_enumerated(y: &Tensor, eps: f64) -> Tensor {
    (y + eps).log().mean(None::<Kind>)
}

/// Equation 7 read as draws `y_j ~ q`: the mean of `ln q_j` over the drawn classes. Backpropagated
/// as it stands, its gradient has expectation zero.
///
/// # Shapes
/// `log_y`: `[b, k]`, `draws`: i64 `[b, m]`; result a scalar.
pub fn category_sampled(log_y: &Tensor, draws: &Tensor) -> Tensor {
    log_y.gather(1, draws, false).mean(None::<Kind>)
}

/// [`category_enumerated`] as the mode `literal` uses it.
pub(super) fn literal(y: &Tensor) -> Tensor {
    category_enumerated(y, EPS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::class_vae::category;
    use tch::Device;
    use vae_core::random::{Streams, normal, uniform};

    const OPTIONS: (Kind, Device) = (Kind::Double, Device::Cpu);

    /// Loss and gradient at the logits `(g, 0, …, 0)` of ten classes.
    fn at(g: f64, loss: impl Fn(&Tensor) -> Tensor) -> (f64, Tensor) {
        let logits = Tensor::zeros([1, 10], OPTIONS);
        let _ = logits.get(0).get(0).fill_(g);
        let logits = logits.set_requires_grad(true);
        let loss = loss(&logits.softmax(-1, Kind::Double));
        let gradient = Tensor::run_backward(&[&loss], &[&logits], false, false).remove(0);
        (loss.double_value(&[]), gradient.view([-1]))
    }

    #[test]
    fn reading_a_at_uniform_and_at_ten() {
        let (loss, gradient) = at(0.0, |y| category_enumerated(y, 0.0));
        assert!((loss + std::f64::consts::LN_10).abs() < 1e-6);
        assert!(gradient.abs().max().double_value(&[]) < 1e-12);
        let (loss, gradient) = at(10.0, |y| category_enumerated(y, 0.0));
        assert!((loss + 9.000_409).abs() < 1e-6, "{loss}");
        assert!((gradient.double_value(&[0]) + 0.899_592).abs() < 1e-6);
        for g in [-3.0f64, 0.5, 4.0] {
            let (loss, gradient) = at(g, |y| category_enumerated(y, 0.0));
            assert!((loss - (g / 10.0 - (g.exp() + 9.0).ln())).abs() < 1e-12);
            let want = 0.1 - g.exp() / (g.exp() + 9.0);
            assert!((gradient.double_value(&[0]) - want).abs() < 1e-12);
        }
    }

    #[test]
    fn reading_a_is_bounded_by_its_epsilon_only() {
        let of = |g: f64, eps: f64| at(g, |y| category_enumerated(y, eps)).0;
        assert!(of(20.0, 0.0) < of(10.0, 0.0) - 8.9);
        // 0.9 ln 1e-7
        assert!((of(100.0, EPS) + 14.506).abs() < 1e-3);
    }

    #[test]
    fn reading_a_is_minus_a_divergence() {
        let y = normal(&mut Streams::new(0, "a").rng("y", 0, 0), &[1, 10], Device::Cpu).to_kind(Kind::Double);
        let y = y.softmax(-1, Kind::Double);
        let divergence = ((y.reciprocal() * 0.1).log() * 0.1).sum(None::<Kind>).double_value(&[]);
        let got = category_enumerated(&y, 0.0).double_value(&[]);
        assert!((got + 10f64.ln() + divergence).abs() < 1e-12);
    }

    #[test]
    fn the_gradient_of_reading_b_has_mean_zero() {
        let n = 40_000;
        let streams = Streams::new(0, "b");
        let logits = normal(&mut streams.rng("y", 0, 0), &[1, 10], Device::Cpu).to_kind(Kind::Double);
        let cumulative = logits.softmax(-1, Kind::Double).cumsum(1, Kind::Double);
        // Inverse distribution function: how many of the cumulative probabilities lie below u.
        let u = uniform(&mut streams.rng("u", 0, 0), &[n, 1], Device::Cpu).to_kind(Kind::Double);
        let draws =
            cumulative.le_tensor(&u).sum_dim_intlist([1i64].as_slice(), true, Kind::Int64).clamp_max(9);
        let rows = logits.repeat([n, 1]).set_requires_grad(true);
        let loss = category_sampled(&rows.log_softmax(-1, Kind::Double), &draws);
        // One gradient for each draw, times n for the mean in the loss.
        let gradients = Tensor::run_backward(&[&loss], &[&rows], false, false).remove(0) * n as f64;
        let mean = gradients.mean_dim([0i64].as_slice(), false, Kind::Double);
        let error = gradients.std_dim([0i64].as_slice(), true, false) / (n as f64).sqrt();
        let worst = (mean.abs() / &error).max().double_value(&[]);
        assert!(worst < 3.0, "{worst} standard errors");
        assert!(gradients.abs().max().double_value(&[]) > 0.1, "single draws do push");
    }

    #[test]
    fn the_exact_sum_at_both_ends() {
        let (loss, gradient) = at(0.0, category);
        assert!((loss + 2.302_584).abs() < 1e-6 && gradient.abs().max().double_value(&[]) < 1e-12);
        let (loss, gradient) = at(60.0, category);
        assert!(loss.abs() < 1e-6 && gradient.abs().max().double_value(&[]) < 1e-12);
    }
}
