//! What the scalings need to know of one column.

use ndarray::ArrayView1;

/// The width itself, or 1 for a column without one.
pub(super) fn or_one(width: f64) -> f64 {
    if width > 0.0 { width } else { 1.0 }
}

/// A normal distribution has so many standard deviations between its 5 % and 95 % quantiles.
const DEVIATIONS_BETWEEN: f64 = 3.289_707_253_902_945;

/// The values of a column, in the order of the rows; NaN where one is missing, which nothing
/// counts.
pub(super) struct Column<'a> {
    values: ArrayView1<'a, f32>,
}

impl<'a> Column<'a> {
    pub fn of(values: ArrayView1<'a, f32>) -> Self {
        Self { values }
    }

    /// The values as f64.
    pub fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().filter(|v| !v.is_nan()).map(|&v| f64::from(v))
    }

    /// Whether all values are 0 or 1.
    pub fn is_binary(&self) -> bool {
        self.iter().all(|v| v == 0.0 || v == 1.0)
    }

    /// Mean and standard deviation; 0 for a column that is constant up to rounding, which has no
    /// scale of its own.
    pub fn moments(&self) -> (f64, f64) {
        let n = self.iter().count().max(1) as f64;
        let mean = self.iter().sum::<f64>() / n;
        let variance = self.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let std = variance.sqrt();
        (mean, if std > 1e-6 * mean.abs() { std } else { 0.0 })
    }

    /// Smallest and largest value.
    pub fn ends(&self) -> (f32, f32) {
        self.values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)))
    }

    /// Median, and the spread between the 5 % and the 95 % quantile in standard deviations of a
    /// normal distribution. Values in the tails do not change it; it is 0 where nine values in ten
    /// are the same.
    pub fn robust(&self) -> (f64, f64) {
        let mut sorted: Vec<f64> = self.iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let spread = (quantile(&sorted, 0.95) - quantile(&sorted, 0.05)) / DEVIATIONS_BETWEEN;
        (quantile(&sorted, 0.5), spread)
    }
}

/// A quantile of sorted values, linear between them.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    if sorted.is_empty() {
        return 0.0;
    }
    let at = share * (sorted.len() - 1) as f64;
    let (low, rest) = (at.floor() as usize, at.fract());
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + rest * (sorted[high] - sorted[low])
}
