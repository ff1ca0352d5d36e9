//! Whether a clustering knows where it is wrong: confidences against the points that are right.

use ndarray::ArrayView1;
use serde::Serialize;

use crate::error::{Error, Result, check_lengths};
use crate::label_map::LabelMap;

/// How well the confidence in each assignment tells right points from wrong ones. A point is right
/// where its cluster is matched one-to-one with its class, as for [`acc`](crate::acc).
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::ConfidenceScores;
///
/// // The last point is wrong, and the least sure one.
/// let (clusters, labels) = (array![0, 0, 1, 1, 0], array![0, 0, 1, 1, 1]);
/// let confidence = array![0.9_f32, 0.8, 1.0, 0.7, 0.6];
/// let scores = ConfidenceScores::new(clusters.view(), labels.view(), confidence.view())?;
/// assert_eq!((scores.error_auc, scores.acc_at_80), (Some(1.0), 1.0));
/// # Ok::<(), vae_metrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ConfidenceScores {
    /// Area under the ROC curve: the probability that a wrong point has a smaller confidence than a
    /// right one, ties counted half. 0.5 is chance. `None` where all points are right, or all
    /// wrong.
    pub error_auc: Option<f64>,
    /// Accuracy of the 80 % of the points (rounded up) with the largest confidence.
    pub acc_at_80: f64,
}

impl ConfidenceScores {
    /// Scores the confidences `[n]` of the assignments `clusters` `[n]` by `labels` `[n]`. O(n log
    /// n).
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`], [`Error::Empty`], [`Error::MatchingTooLarge`], and
    /// [`Error::NotFinite`] for a confidence that is none.
    pub fn new(
        clusters: ArrayView1<'_, u32>,
        labels: ArrayView1<'_, u32>,
        confidence: ArrayView1<'_, f32>,
    ) -> Result<Self> {
        check_lengths(("confidences", confidence.len()), ("labels", labels.len()))?;
        if let Some(row) = confidence.iter().position(|c| !c.is_finite()) {
            let value = f64::from(confidence[row]);
            return Err(Error::NotFinite { what: "confidence", row, column: 0, value });
        }
        let map = LabelMap::one_to_one(clusters, labels)?;
        let is_right = clusters.iter().zip(labels).map(|(&c, &y)| map.get(c) == Some(y));
        let mut points: Vec<(f32, bool)> = confidence.iter().copied().zip(is_right).collect();
        points.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        Ok(Self { error_auc: error_auc(&points), acc_at_80: acc_at(&points, 0.8) })
    }
}

/// `points` are (confidence, whether it is right), the surest first.
fn error_auc(points: &[(f32, bool)]) -> Option<f64> {
    let n_right = points.iter().filter(|(_, right)| *right).count() as f64;
    let n_wrong = points.len() as f64 - n_right;
    if n_right == 0.0 || n_wrong == 0.0 {
        return None;
    }
    let (mut surer, mut sum) = (0.0, 0.0);
    for ties in points.chunk_by(|a, b| a.0 == b.0) {
        let right = ties.iter().filter(|(_, right)| *right).count() as f64;
        sum += (ties.len() as f64 - right) * (surer + right / 2.0);
        surer += right;
    }
    Some(sum / (n_right * n_wrong))
}

/// Accuracy of the share `coverage` of the surest points; of equal confidences each counts alike.
fn acc_at(points: &[(f32, bool)], coverage: f64) -> f64 {
    let n = (coverage * points.len() as f64).ceil();
    let (mut taken, mut right) = (0.0, 0.0);
    for ties in points.chunk_by(|a, b| a.0 == b.0) {
        let of_ties = ties.iter().filter(|(_, right)| *right).count() as f64;
        let take = (n - taken).min(ties.len() as f64);
        right += of_ties * take / ties.len() as f64;
        taken += take;
    }
    right / n
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // Right: 0.9, 0.5, 0.5; wrong: 0.5, 0.1. Pairs: (0.9 > both) 2, two ties of a half, two
        // wins.
        let points = [(0.9, true), (0.5, true), (0.5, false), (0.5, true), (0.1, false)];
        assert_eq!(error_auc(&points), Some(5.0 / 6.0));
        // Four of five: the first, and the three ties.
        assert_eq!(acc_at(&points, 0.8), 0.75);
        // Two of five: the first, and a third of the three ties, two of which are right.
        assert!((acc_at(&points, 0.4) - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        assert_eq!(error_auc(&[(0.3, true)]), None);
    }

    #[test]
    fn refuses_what_is_no_confidence() {
        let (c, y) = (array![0, 1], array![0, 1]);
        assert!(ConfidenceScores::new(c.view(), y.view(), array![0.5].view()).is_err());
        let wrong = ConfidenceScores::new(c.view(), y.view(), array![0.5, f32::NAN].view());
        assert!(matches!(wrong, Err(Error::NotFinite { row: 1, .. })));
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs(points in prop::collection::vec((0_u8..5, any::<bool>()), 2..40)) {
            let mut points: Vec<(f32, bool)> = points.into_iter().map(|(c, r)| (f32::from(c), r)).collect();
            let (mut pairs, mut won) = (0.0, 0.0);
            for right in points.iter().filter(|p| p.1) {
                for wrong in points.iter().filter(|p| !p.1) {
                    pairs += 1.0;
                    won += if right.0 > wrong.0 { 1.0 } else if right.0 == wrong.0 { 0.5 } else { 0.0 };
                }
            }
            points.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
            let want = if pairs > 0.0 { Some(won / pairs) } else { None };
            prop_assert_eq!(error_auc(&points).map(|a| (a * 1e9).round()), want.map(|a: f64| (a * 1e9).round()));
        }
    }
}
