//! Accuracy of a clustering: names are given to clusters, then right points are counted.
//!
//! `acc` gives every class to at most one cluster and every cluster at most one class, so that the
//! most points are right (the "unsupervised clustering accuracy" of Xie, Girshick & Farhadi 2016,
//! DEC; Kuhn 1955 finds the map). `purity` maps every cluster to its majority class, whether or not
//! another cluster has it too (Manning, Raghavan & Schütze 2008, section 16.3).

use ndarray::ArrayView1;

use crate::assignment::best_matching;
use crate::contingency::Contingency;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;

/// Accuracy of `clusters` `[n]` under the best one-to-one map to the classes in `labels` `[n]`, in
/// `[0, 1]`.
///
/// The numbers of clusters and classes may differ: points of clusters that are left without a class
/// count as wrong.
///
/// # Errors
///
/// [`Error::LengthMismatch`], [`Error::Empty`], and [`Error::MatchingTooLarge`] above
/// [`MAX_MATCHING_BYTES`](crate::MAX_MATCHING_BYTES).
///
/// # Example
///
/// ```
/// use ndarray::array;
/// // Clusters 1 and 0 are classes 0 and 1; cluster 2 is left over.
/// let clusters = array![1, 1, 1, 0, 0, 2];
/// let labels = array![0, 0, 0, 1, 1, 1];
/// assert_eq!(vae_metrics::acc(clusters.view(), labels.view())?, 5.0 / 6.0);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn acc(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<f64> {
    Contingency::new(clusters, labels)?.acc()
}

/// Purity of `clusters` `[n]` with respect to `labels` `[n]`: the fraction of points whose class is
/// the majority class of their cluster.
///
/// Not symmetric (the sum runs over clusters), at least [`acc`], and 1 when every point is its own
/// cluster: it is comparable only between clusterings with the same number of clusters.
///
/// # Errors
///
/// [`Error::LengthMismatch`] and [`Error::Empty`].
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let (a, b) = (array![0, 1, 2, 2], array![0, 0, 0, 1]);
/// assert_eq!(vae_metrics::purity(a.view(), b.view())?, 0.75);
/// assert_eq!(vae_metrics::purity(b.view(), a.view())?, 0.5);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn purity(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<f64> {
    Ok(Contingency::new(clusters, labels)?.purity())
}

impl Contingency {
    /// Accuracy under the best one-to-one map: see [`acc`].
    ///
    /// # Errors
    ///
    /// [`Error::MatchingTooLarge`] above [`MAX_MATCHING_BYTES`](crate::MAX_MATCHING_BYTES).
    pub fn acc(&self) -> Result<f64> {
        let matching = self.matching()?;
        let right = self.cells().iter().filter(|cell| matching[cell.cluster] == Some(cell.class));
        Ok(self.fraction(right.map(|cell| cell.count).sum()))
    }

    /// Fraction of points of the majority class of their cluster: see [`purity`].
    pub fn purity(&self) -> f64 {
        let of_each_cluster = self.cells().chunk_by(|left, right| left.cluster == right.cluster);
        let right = of_each_cluster.filter_map(|row| row.iter().map(|cell| cell.count).max()).sum();
        self.fraction(right)
    }

    /// The one-to-one matching with the most points: the class column of each cluster row, `None`
    /// for the rows that are left over when there are more clusters than classes.
    ///
    /// Where several matchings are best, one of them is returned, always the same. Time O(s³) and
    /// memory O(s²) for s groups on the larger side, where clusters (classes) that cannot be in a
    /// best matching do not count.
    ///
    /// # Errors
    ///
    /// [`Error::MatchingTooLarge`] above [`MAX_MATCHING_BYTES`](crate::MAX_MATCHING_BYTES).
    ///
    /// # Example
    ///
    /// ```
    /// use ndarray::array;
    /// use vae_metrics::Contingency;
    ///
    /// let table = Contingency::new(array![1, 1, 0, 2].view(), array![0, 0, 1, 1].view())?;
    /// let matching = table.matching()?;
    /// assert_eq!(matching[1], Some(0));
    /// assert_eq!(matching.iter().flatten().count(), 2);
    /// # Ok::<(), vae_metrics::Error>(())
    /// ```
    pub fn matching(&self) -> Result<Vec<Option<usize>>> {
        best_matching(self.n_clusters(), self.n_classes(), self.cells())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;
    use proptest::prelude::*;

    use super::*;
    use crate::random::split_mix;
    use crate::{Error, MAX_MATCHING_BYTES};

    /// Best number of right points by trying every injection of the shorter side into the longer.
    fn brute_force_right(counts: &[Vec<u64>], row: usize, taken: &mut Vec<bool>) -> u64 {
        let Some(of_row) = counts.get(row) else { return 0 };
        let mut best = brute_force_right(counts, row + 1, taken);
        for (class, &count) in of_row.iter().enumerate() {
            if !taken[class] {
                taken[class] = true;
                best = best.max(count + brute_force_right(counts, row + 1, taken));
                taken[class] = false;
            }
        }
        best
    }

    /// Labels `[n]` whose contingency table is `counts`.
    fn expand(counts: &[Vec<u64>]) -> (Array1<u32>, Array1<u32>) {
        let mut points = Vec::new();
        for (cluster, row) in (0_u32..).zip(counts) {
            for (class, &count) in (0_u32..).zip(row) {
                points.extend((0..count).map(|_| (cluster, class)));
            }
        }
        let (clusters, labels): (Vec<u32>, Vec<u32>) = points.into_iter().unzip();
        (clusters.into(), labels.into())
    }

    fn any_counts() -> impl Strategy<Value = Vec<Vec<u64>>> {
        (1_usize..=6, 1_usize..=6).prop_flat_map(|(rows, columns)| {
            prop::collection::vec(prop::collection::vec(0_u64..12, columns), rows)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn acc_is_the_best_over_all_injections(counts in any_counts()) {
            let (clusters, labels) = expand(&counts);
            prop_assume!(!clusters.is_empty());
            let right = brute_force_right(&counts, 0, &mut vec![false; counts[0].len()]);
            let expected = right as f64 / clusters.len() as f64;
            prop_assert_eq!(acc(clusters.view(), labels.view()), Ok(expected));
            prop_assert_eq!(acc(labels.view(), clusters.view()), Ok(expected));
        }

        #[test]
        fn matching_is_one_to_one_and_complete(counts in any_counts()) {
            let (clusters, labels) = expand(&counts);
            prop_assume!(!clusters.is_empty());
            let table = Contingency::new(clusters.view(), labels.view()).expect("equal lengths");
            let matching = table.matching().expect("small");
            let mut classes: Vec<usize> = matching.iter().flatten().copied().collect();
            prop_assert_eq!(classes.len(), table.n_clusters().min(table.n_classes()));
            classes.sort_unstable();
            classes.dedup();
            prop_assert_eq!(classes.len(), table.n_clusters().min(table.n_classes()));
        }
    }

    #[test]
    fn any_number_of_clusters_is_matched_to_a_few_classes() {
        let clusters = Array1::from_iter(0..70_000_u32);
        let labels = clusters.mapv(|cluster| cluster % 2);
        assert_eq!(acc(clusters.view(), labels.view()), Ok(2.0 / 70_000.0));
        assert_eq!(acc(labels.view(), clusters.view()), Ok(2.0 / 70_000.0));
    }

    #[test]
    fn a_table_beyond_memory_is_refused_with_its_size() {
        let clusters = Array1::from_iter(0..40_000_u32);
        let error = acc(clusters.view(), clusters.view()).expect_err("12.8 GB");
        let bytes = 8 * 40_000 * 40_000;
        let max_bytes = MAX_MATCHING_BYTES;
        assert_eq!(error, Error::MatchingTooLarge { rows: 40_000, columns: 40_000, bytes, max_bytes });
        assert_eq!(purity(clusters.view(), clusters.view()), Ok(1.0));
    }

    #[test]
    fn two_thousand_groups_are_matched() {
        let random = |seed| Array1::from_iter((0..70_000).map(|i| (split_mix(seed, i) % 2000) as u32));
        let clusters = random(0);
        let noise = random(1);
        // Half of the points find the map: 17 or so of each cluster's 35 points are of its class, 1
        // of any other.
        let labels = Array1::from_iter(
            (0..70_000).map(|i| if i % 2 == 0 { (clusters[i] * 7 + 3) % 2000 } else { noise[i] }),
        );
        let right =
            clusters.iter().zip(&labels).filter(|&(&cluster, &label)| (cluster * 7 + 3) % 2000 == label);
        assert_eq!(acc(clusters.view(), labels.view()), Ok(right.count() as f64 / 70_000.0));
        // Nothing to find: still a map of all clusters, and far above chance.
        assert!(acc(clusters.view(), noise.view()).expect("within memory") > 2000.0 / 70_000.0);
    }
}
