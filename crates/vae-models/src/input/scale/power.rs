//! The power transformation of Yeo and Johnson (2000, Biometrika 87), of a column around its
//! median.

use super::columns::{Column, or_one};
use serde::{Deserialize, Serialize};

/// Halvings of the interval in which the exponent is searched: it ends within 4e-5 of the optimum.
const STEPS: usize = 24;

/// Of `u = (x − centre) / spread`:
///
/// ```text
/// u ≥ 0:  ((1 + u)^lambda − 1) / lambda                    ln(1 + u)    for lambda = 0
/// u < 0:  −((1 − u)^(2 − lambda) − 1) / (2 − lambda)       −ln(1 − u)   for lambda = 2
/// ```
///
/// The identity for lambda = 1; lambda is between 0 and 2, so that neither tail is squashed to a
/// point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// The median.
    pub centre: f64,
    /// The spread between the 5 % and 95 % quantiles in standard deviations of a normal
    /// distribution, else the range.
    pub spread: f64,
    /// The exponent of the largest likelihood under a normal distribution.
    pub lambda: f64,
}

impl Power {
    /// Leaves a column as it is.
    pub(super) const IDENTITY: Self = Self { centre: 0.0, spread: 1.0, lambda: 1.0 };

    /// The transformation of a column, and the shift and width that standardise what it gives. A
    /// column with nearly all values alike is divided by its range: its few other values are not
    /// blown up.
    pub(super) fn fit(column: &Column<'_>) -> (Self, f64, f64) {
        let (centre, robust) = column.robust();
        let (low, high) = column.ends();
        let spread = if robust > 0.0 { robust } else { or_one(f64::from(high) - f64::from(low)) };
        let identity = Self { centre, spread, lambda: 1.0 };
        if low == high {
            return (identity, 0.0, 1.0);
        }
        let u: Vec<f64> = column.iter().map(|v| (v - centre) / spread).collect();
        let fitted = Self { lambda: likeliest(&u), ..identity };
        let psi: Vec<f64> = u.iter().map(|&u| transformed(u, fitted.lambda)).collect();
        let (mean, variance) = moments(&psi);
        let (low, high) =
            psi.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        let width = if robust > 0.0 { variance.sqrt() } else { high - low };
        (fitted, mean, or_one(width))
    }

    /// The transformed value.
    pub fn apply(&self, x: f64) -> f64 {
        transformed((x - self.centre) / self.spread, self.lambda)
    }

    /// The value whose transformed value is `t`; for what no value has, the end of the range or the
    /// largest number.
    pub fn invert(&self, t: f64) -> f64 {
        let power = |t: f64, lambda: f64| match lambda {
            0.0 => t.exp() - 1.0,
            _ => (1.0 + lambda * t).max(0.0).powf(1.0 / lambda) - 1.0,
        };
        let u = if t >= 0.0 { power(t, self.lambda) } else { -power(-t, 2.0 - self.lambda) };
        (u * self.spread + self.centre).clamp(f64::from(f32::MIN), f64::from(f32::MAX))
    }
}

fn transformed(u: f64, lambda: f64) -> f64 {
    let power = |u: f64, lambda: f64| match lambda {
        0.0 => u.ln_1p(),
        _ => ((lambda * u.ln_1p()).exp_m1()) / lambda,
    };
    if u >= 0.0 { power(u, lambda) } else { -power(-u, 2.0 - lambda) }
}

fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n)
}

/// Log-likelihood per value of a normal distribution with its own mean and variance after the
/// transformation, without the constant.
fn log_likelihood(u: &[f64], lambda: f64) -> f64 {
    let psi: Vec<f64> = u.iter().map(|&u| transformed(u, lambda)).collect();
    let (_, variance) = moments(&psi);
    let jacobian: f64 = u.iter().map(|u| u.signum() * u.abs().ln_1p()).sum();
    (lambda - 1.0) * jacobian / u.len() as f64 - 0.5 * variance.max(f64::MIN_POSITIVE).ln()
}

/// The exponent in [0, 2] of the largest likelihood, by golden sections: the likelihood of a power
/// family has one maximum.
fn likeliest(u: &[f64]) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.0, 2.0);
    let (mut a, mut b) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_a, mut at_b) = (log_likelihood(u, a), log_likelihood(u, b));
    for _ in 0..STEPS {
        if at_a >= at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - ratio * (high - low);
            at_a = log_likelihood(u, a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + ratio * (high - low);
            at_b = log_likelihood(u, b);
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;

    #[test]
    fn the_transformation_by_hand() {
        let of = |lambda, u| transformed(u, lambda);
        assert_eq!(of(1.0, 2.5), 2.5);
        assert!((of(1.0, -2.5) + 2.5).abs() < 1e-12);
        assert!((of(0.0, 1.0) - 2f64.ln()).abs() < 1e-12);
        // (3^0.5 − 1) / 0.5, and −(3^1.5 − 1) / 1.5.
        assert!((of(0.5, 2.0) - 1.464_101_615_1).abs() < 1e-9);
        assert!((of(0.5, -2.0) + 2.797_434_948_5).abs() < 1e-9);
        assert!((of(2.0, -1.0) + 2f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn inverts() {
        for lambda in [0.0, 0.3, 1.0, 1.7, 2.0] {
            let power = Power { centre: 5.0, spread: 2.0, lambda };
            for x in [-40.0, 4.9, 5.0, 7.5, 1e4] {
                assert!((power.invert(power.apply(x)) - x).abs() < 1e-6 * x.abs(), "{lambda} {x}");
            }
        }
        // Beyond what any value has, and beyond f32.
        let power = Power { centre: 0.0, spread: 1.0, lambda: 0.0 };
        assert!((power.invert(1e4) as f32).is_finite());
    }

    #[test]
    fn skewed_columns_become_symmetric_and_symmetric_ones_stay() {
        // Normal quantiles at (i + ½)/n by their logistic approximation; exp of them is skewed.
        let z = Array1::from_iter((0..2000).map(|i| {
            let p = (f64::from(i) + 0.5) / 2000.0;
            ((p / (1.0 - p)).ln() / 1.702) as f32
        }));
        let (normal, ..) = Power::fit(&Column::of(z.view()));
        assert!((normal.lambda - 1.0).abs() < 0.05, "{normal:?}");
        let skewed = z.mapv(|z| (2.0 * z).exp());
        let (power, shift, width) = Power::fit(&Column::of(skewed.view()));
        assert!(power.lambda < 0.3, "{power:?}");
        let scaled: Vec<f64> = skewed.iter().map(|&v| (power.apply(f64::from(v)) - shift) / width).collect();
        let (mean, variance) = moments(&scaled);
        assert!(mean.abs() < 1e-9 && (variance - 1.0).abs() < 1e-9);
        let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, |a: f64, v| a.max(v.abs()));
        let raw_deviation = moments(&skewed.iter().map(|&v| f64::from(v)).collect::<Vec<_>>()).1.sqrt();
        let raw = largest(&mut skewed.iter().map(|&v| f64::from(v) / raw_deviation));
        assert!(largest(&mut scaled.iter().copied()) < raw / 3.0, "{raw}");
    }

    #[test]
    fn few_other_values_are_not_blown_up() {
        let mut column = Array1::<f32>::zeros(1000);
        column[3] = 1.0;
        let (power, shift, width) = Power::fit(&Column::of(column.view()));
        let scaled = |v: f64| (power.apply(v) - shift) / width;
        assert!((scaled(1.0) - scaled(0.0) - 1.0).abs() < 1e-9);
        let constant = Array1::<f32>::from_elem(5, 7.0);
        let (power, shift, width) = Power::fit(&Column::of(constant.view()));
        assert_eq!((power.apply(7.0) - shift) / width, 0.0);
    }
}
