//! Numbers that f32 would make equal: which offset a column needs, from one look at its values in
//! f64.
//!
//! f32 has 24 binary digits. A date in days as 2460000.37, or Unix seconds of one week, differ in
//! digits beyond these. So a number is subtracted from such a column first, in f64. All other
//! columns keep 0, and with it the bits they always had.

/// Of the standard deviation: f32 may be wrong by so much before it counts.
const TOLERANCE: f64 = 1e-3;
/// Half the distance of neighbouring f32, relative to them.
const F32_PRECISION: f64 = 1.0 / (1_u64 << 24) as f64;

/// Count, extremes, mean and spread of the values of a column, in one pass.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Moments {
    count: usize,
    min: f64,
    max: f64,
    /// The first value: sums are of the differences from it, so that they keep their digits.
    first: f64,
    sum: f64,
    sum_of_squares: f64,
}

impl Moments {
    /// One more value, which is finite.
    pub fn add(&mut self, value: f64) {
        if self.count == 0 {
            (self.first, self.min, self.max) = (value, value, value);
        }
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let difference = value - self.first;
        self.sum += difference;
        self.sum_of_squares += difference * difference;
    }

    /// Number of values.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Smallest value, largest value and mean; `None` without values.
    pub fn summary(&self) -> Option<(f64, f64, f64)> {
        (self.count > 0).then(|| (self.min, self.max, self.mean()))
    }

    fn mean(&self) -> f64 {
        self.first + self.sum / self.count as f64
    }

    /// Standard deviation of the values themselves, not an estimate for more of them.
    fn deviation(&self) -> f64 {
        let n = self.count as f64;
        let mean = self.sum / n;
        (self.sum_of_squares / n - mean * mean).max(0.0).sqrt()
    }

    /// What is to be subtracted in f64 before the values become f32: 0, or where f32 would be wrong
    /// by more than a thousandth of the standard deviation a round number near the mean.
    pub fn offset(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        let deviation = self.deviation();
        let largest = self.min.abs().max(self.max.abs());
        // A column of one value has nothing to tell apart.
        if deviation == 0.0 || largest * F32_PRECISION <= TOLERANCE * deviation {
            return 0.0;
        }
        // Round to the power of ten above the deviation: what is left is no larger than the spread.
        let digits = deviation.log10().ceil() as i32;
        let scale = 10_f64.powi(digits.abs());
        let offset = match digits < 0 {
            true => (self.mean() * scale).round() / scale,
            false => (self.mean() / scale).round() * scale,
        };
        if offset.is_finite() { offset } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = f64>) -> Moments {
        let mut moments = Moments::default();
        values.into_iter().for_each(|value| moments.add(value));
        moments
    }

    #[test]
    fn moments_are_those_of_the_values() {
        let moments = of([1.0, 2.0, 4.0, 5.0]);
        assert_eq!(moments.summary(), Some((1.0, 5.0, 3.0)));
        // Squares of the differences from 3: 4, 1, 1, 4.
        assert!((moments.deviation() - 2.5_f64.sqrt()).abs() < 1e-15);
        assert_eq!((Moments::default().summary(), Moments::default().offset()), (None, 0.0));
    }

    #[test]
    fn ordinary_numbers_have_no_offset() {
        assert_eq!(of([0.5, 1e6, -3.0]).offset(), 0.0);
        assert_eq!(of([16_777_217.0; 9]).offset(), 0.0, "one value only");
        // 1000 / 2^24 = 6e-5, a thousandth of the deviation 0.5 is 5e-4.
        assert_eq!(of([1000.0, 1001.0]).offset(), 0.0);
        assert_eq!(of([1.7e9, 1.7e9 + 1e6]).offset(), 0.0, "500 seconds of 1.7e9 are seen");
    }

    #[test]
    fn what_f32_cannot_tell_apart_has_a_round_offset() {
        // Half a second of deviation: to whole ones.
        assert_eq!(of([1_700_000_003.0, 1_700_000_004.0]).offset(), 1_700_000_004.0);
        // Deviation 0.05: to tenths. Mean 2460000.3.
        assert_eq!(of([2_460_000.25, 2_460_000.35]).offset(), 2_460_000.3);
        // Deviation 50,000: to hundreds of thousands.
        assert_eq!(of([1_712_300_000.0, 1_712_400_000.0]).offset(), 1_712_400_000.0);
        assert_eq!(of([-1_700_000_003.0, -1_700_000_001.0]).offset(), -1_700_000_002.0);
    }
}
