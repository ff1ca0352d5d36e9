//! Agreement on pairs of points: the adjusted Rand index (Hubert & Arabie 1985).

use ndarray::ArrayView1;

use crate::contingency::Contingency;
use crate::error::Result;

/// Adjusted Rand index of `clusters` `[n]` and `labels` `[n]`: agreement on which pairs of points
/// belong together, 0 in expectation for independent labellings, 1 for equal partitions, down to
/// -0.5 for worse than chance.
///
/// With the pairs that are together in both `tp`, in neither `tn`, and in one only `fp` and `fn`:
///
/// ```text
/// ARI = 2 (tp tn - fn fp) / ((tp + fn)(fn + tn) + (tp + fp)(fp + tn))
/// ```
///
/// Symmetric. Equal partitions score 1, the trivial ones (one cluster, or one point per cluster)
/// included.
///
/// # Errors
///
/// [`Error::LengthMismatch`](crate::Error::LengthMismatch) and
/// [`Error::Empty`](crate::Error::Empty).
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let labels = array![0, 0, 1, 1];
/// assert_eq!(vae_metrics::ari(array![5, 5, 2, 2].view(), labels.view())?, 1.0);
/// assert_eq!(vae_metrics::ari(array![0, 1, 0, 1].view(), labels.view())?, -0.5);
/// assert_eq!(vae_metrics::ari(array![0, 0, 0, 0].view(), labels.view())?, 0.0);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn ari(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<f64> {
    Ok(Contingency::new(clusters, labels)?.ari())
}

impl Contingency {
    /// Adjusted Rand index: see [`ari`].
    pub fn ari(&self) -> f64 {
        let together = pairs(self.cells().iter().map(|cell| cell.count));
        let in_clusters = pairs(self.cluster_sizes().iter().copied());
        let in_classes = pairs(self.class_sizes().iter().copied());
        let all = pairs([self.n()]);
        let only_clusters = in_clusters - together;
        let only_classes = in_classes - together;
        if only_clusters == 0 && only_classes == 0 {
            return 1.0;
        }
        let apart = all - together - only_clusters - only_classes;
        let [tp, tn, fp, fn_] = [together, apart, only_clusters, only_classes].map(|count| count as f64);
        2.0 * (tp * tn - fn_ * fp) / ((tp + fn_) * (fn_ + tn) + (tp + fp) * (fp + tn))
    }
}

/// Number of unordered pairs within groups of these sizes.
fn pairs(sizes: impl IntoIterator<Item = u64>) -> u128 {
    sizes.into_iter().map(|size| u128::from(size) * u128::from(size.saturating_sub(1)) / 2).sum()
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use ndarray::{Array1, array};
    use proptest::prelude::*;

    use super::*;

    /// The definition, by a loop over all pairs.
    fn by_all_pairs(clusters: &[u32], labels: &[u32]) -> f64 {
        let [mut tp, mut tn, mut fp, mut fn_] = [0.0_f64; 4];
        for i in 0..clusters.len() {
            for j in 0..i {
                match (clusters[i] == clusters[j], labels[i] == labels[j]) {
                    (true, true) => tp += 1.0,
                    (false, false) => tn += 1.0,
                    (true, false) => fp += 1.0,
                    (false, true) => fn_ += 1.0,
                }
            }
        }
        if fp + fn_ == 0.0 {
            return 1.0;
        }
        2.0 * (tp * tn - fn_ * fp) / ((tp + fn_) * (fn_ + tn) + (tp + fp) * (fp + tn))
    }

    proptest! {
        #[test]
        fn agrees_with_the_loop_over_pairs(points in prop::collection::vec((0_u32..5, 0_u32..4), 1..60)) {
            let (clusters, labels): (Vec<u32>, Vec<u32>) = points.into_iter().unzip();
            let expected = by_all_pairs(&clusters, &labels);
            let got = ari(Array1::from(clusters).view(), Array1::from(labels).view()).expect("valid");
            prop_assert!((got - expected).abs() < 1e-14, "{got} {expected}");
        }
    }

    #[test]
    fn trivial_partitions() {
        let each = Array1::from_iter(0..50_000_u32);
        let one = Array1::<u32>::zeros(50_000);
        assert_eq!(ari(each.view(), each.view()), Ok(1.0));
        assert_eq!(ari(one.view(), one.view()), Ok(1.0));
        assert_eq!(ari(one.view(), each.view()), Ok(0.0));
        assert_eq!(ari(array![3].view(), array![8].view()), Ok(1.0));
    }

    #[test]
    fn counts_of_a_large_table_do_not_overflow() {
        // 200,000 points in two halves: 10^10 pairs, whose products exceed 64 bits.
        let clusters = Array1::from_iter((0..200_000_u32).map(|i| i % 2));
        let labels = Array1::from_iter((0..200_000_u32).map(|i| (i / 2) % 2));
        assert_abs_diff_eq!(ari(clusters.view(), labels.view()).expect("valid"), 0.0, epsilon = 1e-4);
    }
}
