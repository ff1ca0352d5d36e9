//! Prediction strength (Tibshirani & Walther 2005): do clusters of one half of the data predict
//! those of the other.

use ndarray::ArrayView1;

use crate::contingency::Contingency;
use crate::error::Result;

/// Prediction strength of a clustering of a test half: `clusters` `[n]` are its labels by its own
/// clustering, `predicted` `[n]` those that the clustering of the training half gives it. In
/// `[0, 1]`, high when every cluster of the test half stays together.
///
/// The minimum, over the clusters of the test half, of the share of pairs of their points that are
/// together in the prediction too:
///
/// ```text
/// ps = min_j  1 / (n_j (n_j - 1))  sum_{i != i' in cluster j} [predicted_i = predicted_i']
/// ```
///
/// (Tibshirani & Walther 2005, "Cluster validation by prediction strength", equation 2.1.) They
/// take the largest number of clusters whose prediction strength, averaged over random halves, is
/// above 0.8 to 0.9. It is 1 for one cluster, and the minimum makes it fall quickly with the
/// number of clusters.
///
/// A cluster of one point has no pairs and counts as 1, as in the R package fpc. Not symmetric.
/// Time as for [`Contingency::new`].
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
/// // Cluster 0 stays together; of the three pairs of cluster 1 one does.
/// let clusters = array![0, 0, 1, 1, 1];
/// let predicted = array![5, 5, 5, 7, 7];
/// let score = vae_metrics::prediction_strength(clusters.view(), predicted.view())?;
/// assert_eq!(score, 1.0 / 3.0);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn prediction_strength(clusters: ArrayView1<'_, u32>, predicted: ArrayView1<'_, u32>) -> Result<f64> {
    Ok(Contingency::new(clusters, predicted)?.prediction_strength())
}

impl Contingency {
    /// Least share of pairs of a cluster that are of one class: see [`prediction_strength()`].
    #[must_use]
    pub fn prediction_strength(&self) -> f64 {
        self.pairs_kept().into_iter().fold(1.0, f64::min)
    }

    /// For each cluster row, the share of its pairs of points that are of one class, 1 for a
    /// cluster of one point: which clusters [`prediction_strength()`] is low for.
    #[must_use]
    pub fn pairs_kept(&self) -> Vec<f64> {
        let ordered_pairs = |count: u64| u128::from(count) * u128::from(count - 1);
        let mut kept = vec![0; self.n_clusters()];
        self.cells().iter().for_each(|cell| kept[cell.cluster] += ordered_pairs(cell.count));
        let share = |(kept, &size): (u128, &u64)| match size {
            1 => 1.0,
            _ => kept as f64 / ordered_pairs(size) as f64,
        };
        kept.into_iter().zip(self.cluster_sizes()).map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};
    use proptest::prelude::*;

    use super::*;
    use crate::Error;

    /// The definition, by a loop over all pairs.
    fn by_all_pairs(clusters: &[u32], predicted: &[u32]) -> f64 {
        let mut least = 1.0_f64;
        for &cluster in clusters {
            let members: Vec<usize> = (0..clusters.len()).filter(|&i| clusters[i] == cluster).collect();
            let (mut all, mut kept) = (0, 0);
            for &i in &members {
                for &j in members.iter().filter(|&&j| j != i) {
                    all += 1;
                    kept += u32::from(predicted[i] == predicted[j]);
                }
            }
            if all > 0 {
                least = least.min(f64::from(kept) / f64::from(all));
            }
        }
        least
    }

    proptest! {
        #[test]
        fn agrees_with_the_loop_over_pairs(points in prop::collection::vec((0_u32..5, 0_u32..4), 1..60)) {
            let (clusters, predicted): (Vec<u32>, Vec<u32>) = points.into_iter().unzip();
            let expected = by_all_pairs(&clusters, &predicted);
            let got = prediction_strength(Array1::from(clusters).view(), Array1::from(predicted).view());
            prop_assert!((got.expect("valid") - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn trivial_partitions() {
        let each = Array1::from_iter(0..50_000_u32);
        let one = Array1::<u32>::zeros(50_000);
        assert_eq!(prediction_strength(one.view(), one.view()), Ok(1.0));
        assert_eq!(prediction_strength(each.view(), one.view()), Ok(1.0));
        assert_eq!(prediction_strength(one.view(), each.view()), Ok(0.0));
        assert_eq!(prediction_strength(array![3].view(), array![8].view()), Ok(1.0));
    }

    #[test]
    fn each_cluster_has_its_share() {
        let table = Contingency::new(array![9, 0, 0, 0, 4, 4].view(), array![1, 1, 2, 2, 3, 3].view());
        assert_eq!(table.expect("valid").pairs_kept(), [1.0 / 3.0, 1.0, 1.0]);
    }

    #[test]
    fn bad_input_is_refused() {
        let none = Array1::<u32>::zeros(0);
        let error = prediction_strength(none.view(), none.view());
        assert_eq!(error, Err(Error::Empty { what: "cluster labels" }));
        let error = prediction_strength(array![0, 1].view(), array![0].view());
        assert!(matches!(error, Err(Error::LengthMismatch { .. })));
    }
}
