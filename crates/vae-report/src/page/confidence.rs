//! How sure the model is: a histogram, and what a least confidence leaves out.

use crate::text::{percent, thousands};
use serde::{Deserialize, Serialize};

/// How many rows are below each confidence of 0.00, 0.01, ..., 1.00.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfidenceCounts {
    /// Number of rows.
    pub n: usize,
    /// Rows whose confidence is less than `i / 100`, for `i` from 0 to 100.
    pub below: Vec<usize>,
}

/// Steps of 0.01.
const STEPS: usize = 100;
/// Steps in a bar of the histogram.
const IN_A_BAR: usize = 5;
/// Limits of the table.
const LIMITS: [usize; 6] = [50, 70, 80, 90, 95, 99];

impl ConfidenceCounts {
    /// Counts confidences, one a row; what is not a number counts as 0.
    pub fn new(confidence: impl IntoIterator<Item = f32>) -> Self {
        let mut sorted: Vec<f64> =
            confidence.into_iter().map(|v| if v.is_nan() { 0.0 } else { f64::from(v) }).collect();
        sorted.sort_by(f64::total_cmp);
        let below = |step| sorted.partition_point(|v| *v < step as f64 / STEPS as f64);
        Self { n: sorted.len(), below: (0..=STEPS).map(below).collect() }
    }

    /// Counts from a file may be too few.
    pub(super) fn is_sound(&self) -> bool {
        self.below.len() == STEPS + 1 && self.n > 0 && self.below.iter().all(|count| *count <= self.n)
    }
}

/// The part of the page.
#[derive(Debug, Serialize)]
pub struct View {
    bars: Vec<Bar>,
    limits: Vec<Limit>,
    /// For the script: [`ConfidenceCounts::below`].
    below: String,
    n: usize,
    first: usize,
}

#[derive(Debug, Serialize)]
struct Bar {
    from: String,
    to: String,
    rows: String,
    height: f64,
}

#[derive(Debug, Serialize)]
struct Limit {
    limit: String,
    rows: String,
    share: String,
    kept: String,
}

/// The histogram from the first bar with a row on, and the table.
pub fn view(counts: &ConfidenceCounts) -> Option<View> {
    if !counts.is_sound() {
        return None;
    }
    let ends = (0..STEPS / IN_A_BAR).map(|bar| (bar * IN_A_BAR, (bar + 1) * IN_A_BAR));
    let in_bar = |(low, high): (usize, usize)| {
        // The last bar holds 1 itself.
        let until = if high == STEPS { counts.n } else { counts.below[high] };
        (low, high, until - counts.below[low].min(until))
    };
    let bars: Vec<_> = ends.map(in_bar).skip_while(|bar| bar.2 == 0).collect();
    let most = bars.iter().map(|bar| bar.2).max().unwrap_or(1).max(1);
    let bar = |&(low, high, rows): &(usize, usize, usize)| Bar {
        from: hundredths(low),
        to: hundredths(high),
        rows: thousands(rows),
        height: if rows == 0 { 0.0 } else { (100.0 * rows as f64 / most as f64).max(1.0) },
    };
    let limit = |limit: usize| Limit {
        limit: hundredths(limit),
        rows: thousands(counts.below[limit]),
        share: percent(counts.below[limit] as f64 / counts.n as f64),
        kept: thousands(counts.n - counts.below[limit]),
    };
    let below: Vec<String> = counts.below.iter().map(usize::to_string).collect();
    Some(View {
        first: bars.first().map_or(0, |bar| bar.0),
        bars: bars.iter().map(bar).collect(),
        limits: LIMITS.map(limit).into(),
        below: below.join(" "),
        n: counts.n,
    })
}

fn hundredths(step: usize) -> String {
    format!("{:.2}", step as f64 / STEPS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_below_are_those_that_a_limit_leaves_out() {
        let counts = ConfidenceCounts::new([0.5, 0.9, 0.25, 1.0, f32::NAN]);
        let of = |limit: usize| counts.below[limit];
        // The single nearest to 0.9 is below 0.9, and a limit of 0.9 leaves it out.
        assert!(f64::from(0.9f32) < 0.9);
        assert_eq!([0, 1, 25, 26, 50, 51, 90, 100].map(of), [0, 1, 1, 2, 2, 3, 4, 4]);
        let view = view(&counts).expect("sound");
        assert_eq!((view.bars.len(), view.bars[19].rows.as_str()), (20, "1"));
        assert_eq!((view.limits[0].rows.as_str(), view.limits[0].share.as_str()), ("2", "40 %"));
    }

    #[test]
    fn counts_from_a_damaged_file_are_not_shown() {
        assert!(view(&ConfidenceCounts { n: 3, below: vec![0, 1] }).is_none());
        assert!(view(&ConfidenceCounts { n: 3, below: vec![4; 101] }).is_none());
        assert!(view(&ConfidenceCounts::new([])).is_none());
    }
}
