//! Bootstrap percentile interval of a mean (Efron & Tibshirani 1993, section 13.3).

use ndarray::ArrayView1;
use serde::Serialize;

use crate::error::{Error, Result, check_finite_list};
use crate::random::position;

/// How [`bootstrap_mean`] resamples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BootstrapOptions {
    /// Probability of the interval, between 0 and 1.
    pub level: f64,
    /// Number of resamples.
    pub n_resamples: usize,
    /// Seed of the resamples. The same seed and values give the same interval everywhere.
    pub seed: u64,
}

impl Default for BootstrapOptions {
    /// Level 0.95, 10,000 resamples, seed 0.
    fn default() -> Self {
        Self { level: 0.95, n_resamples: 10_000, seed: 0 }
    }
}

/// A mean with its percentile interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MeanInterval {
    /// Mean of the values.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Mean of `values` `[n]` and its bootstrap percentile interval: the quantiles `(1 - level) / 2`
/// and `(1 + level) / 2` of the means of resamples, each of n values drawn with replacement.
///
/// Between two means a quantile is interpolated linearly, as NumPy does by default (Efron &
/// Tibshirani 1993, "An introduction to the bootstrap", section 13.3). With few values the interval
/// is too short: at level 0.95 that of 5 normal values holds the true mean in about 84 % of the
/// cases (4,000 simulated). Of one value it is the value.
///
/// Time O(B n + B log B), memory O(B) for B resamples.
///
/// # Errors
///
/// [`Error::Empty`] without a value or a resample, [`Error::NotFinite`] (the position is the row,
/// the column is 0), and [`Error::OutOfRange`] for a level that is not between 0 and 1.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::{BootstrapOptions, bootstrap_mean};
///
/// // Of 27 equally likely resamples 8 have the mean 0, 12 the mean 1, 6 the mean 2, and one 3.
/// let options = BootstrapOptions { level: 0.9, ..Default::default() };
/// let interval = bootstrap_mean(array![0.0, 0.0, 3.0].view(), &options)?;
/// assert_eq!((interval.mean, interval.low, interval.high), (1.0, 0.0, 2.0));
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn bootstrap_mean(values: ArrayView1<'_, f64>, options: &BootstrapOptions) -> Result<MeanInterval> {
    let BootstrapOptions { level, n_resamples, seed } = *options;
    if values.is_empty() {
        return Err(Error::Empty { what: "values" });
    }
    if n_resamples == 0 {
        return Err(Error::Empty { what: "resamples (n_resamples is 0)" });
    }
    if !(level > 0.0 && level < 1.0) {
        return Err(Error::OutOfRange { what: "level", value: level, range: "between 0 and 1" });
    }
    check_finite_list("value", values)?;
    let n = values.len();
    let resampled = |resample: usize| {
        let first = (resample as u64).wrapping_mul(n as u64);
        let draws = (0..n as u64).map(|draw| values[position(seed, first.wrapping_add(draw), n)]);
        draws.sum::<f64>() / n as f64
    };
    let mut means: Vec<f64> = (0..n_resamples).map(resampled).collect();
    means.sort_unstable_by(f64::total_cmp);
    Ok(MeanInterval {
        mean: values.sum() / n as f64,
        low: quantile(&means, (1.0 - level) / 2.0),
        high: quantile(&means, (1.0 + level) / 2.0),
    })
}

/// Quantile `q` of sorted values, linear between two of them.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};

    use super::*;
    use crate::random::split_mix;

    /// Means of all n^n resamples, sorted.
    fn all_resamples(values: &[f64]) -> Vec<f64> {
        let n = values.len();
        let mean = |mut code: usize| {
            let mut sum = 0.0;
            for _ in 0..n {
                sum += values[code % n];
                code /= n;
            }
            sum / n as f64
        };
        let mut means: Vec<f64> = (0..n.pow(n as u32)).map(mean).collect();
        means.sort_unstable_by(f64::total_cmp);
        means
    }

    #[test]
    fn agrees_with_all_resamples() {
        // 3,125 resamples of 5 values. 200,000 drawn ones have quantiles within 1 % of their
        // probability, which is 0.03 here.
        let values = [0.31, 0.87, 0.55, 1.73, 1.04];
        let exact = all_resamples(&values);
        for level in [0.5, 0.8, 0.95] {
            let options = BootstrapOptions { level, n_resamples: 200_000, seed: 1 };
            let got = bootstrap_mean(ArrayView1::from(&values), &options).expect("valid");
            assert!((got.low - quantile(&exact, (1.0 - level) / 2.0)).abs() < 0.03, "{got:?}");
            assert!((got.high - quantile(&exact, (1.0 + level) / 2.0)).abs() < 0.03, "{got:?}");
            assert!((got.mean - 0.9).abs() < 1e-15);
        }
    }

    #[test]
    fn many_values_have_the_interval_of_the_normal_distribution() {
        let values = Array1::from_iter((0..400).map(|i| (split_mix(9, i) % 10_000) as f64 / 10_000.0));
        let got = bootstrap_mean(values.view(), &BootstrapOptions::default()).expect("valid");
        let half = 1.96 * values.std(0.0) / 20.0;
        assert!((got.high - got.mean - half).abs() < 0.05 * half, "{got:?} {half}");
        assert!((got.mean - got.low - half).abs() < 0.05 * half, "{got:?} {half}");
    }

    #[test]
    fn seeds_repeat_and_differ() {
        let values = Array1::from_iter((0..9).map(|i| (split_mix(2, i) % 1000) as f64));
        let of_seed = |seed| {
            let options = BootstrapOptions { n_resamples: 101, seed, ..Default::default() };
            bootstrap_mean(values.view(), &options).expect("valid")
        };
        assert_eq!(of_seed(3), of_seed(3));
        assert_ne!(of_seed(3), of_seed(4));
    }

    #[test]
    fn equal_values_have_no_width() {
        for values in [array![2.5], array![2.5, 2.5, 2.5]] {
            let got = bootstrap_mean(values.view(), &BootstrapOptions::default());
            assert_eq!(got, Ok(MeanInterval { mean: 2.5, low: 2.5, high: 2.5 }));
        }
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 4, 8], [0, 0.1, 0.5, 0.95, 1]), NumPy 2.4.6.
        let sorted = [1.0, 2.0, 4.0, 8.0];
        for (q, expected) in [(0.0, 1.0), (0.1, 1.3), (0.5, 3.0), (0.95, 7.4), (1.0, 8.0)] {
            assert!((quantile(&sorted, q) - expected).abs() < 1e-14, "{q}");
        }
    }

    #[test]
    fn bad_input_is_refused() {
        let options = BootstrapOptions::default();
        assert_eq!(bootstrap_mean(array![].view(), &options), Err(Error::Empty { what: "values" }));
        let nan = bootstrap_mean(array![0.0, f64::NAN].view(), &options);
        assert!(matches!(nan, Err(Error::NotFinite { row: 1, column: 0, .. })));
        let values = array![1.0, 2.0];
        let none = BootstrapOptions { n_resamples: 0, ..options };
        assert!(matches!(bootstrap_mean(values.view(), &none), Err(Error::Empty { .. })));
        for level in [0.0, 1.0, 95.0, f64::NAN] {
            let error = bootstrap_mean(values.view(), &BootstrapOptions { level, ..options });
            assert!(matches!(error, Err(Error::OutOfRange { what: "level", .. })));
        }
    }
}
