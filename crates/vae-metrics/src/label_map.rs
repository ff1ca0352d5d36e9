//! Maps from clusters to class labels, learned on one split and judged on the same or another.
//!
//! Three rules to name clusters are in use, and their accuracies differ: the majority class of the
//! cluster (purity), the best one-to-one map (Hungarian accuracy), and the class of the one point
//! that is most surely in the cluster (Makhzani et al. 2015, "Adversarial Autoencoders", on
//! unsupervised clustering; used by Dilokthanakul et al. 2016 for the GMVAE).

use ndarray::{Array1, ArrayView1, ArrayView2};

use crate::contingency::{Cell, Contingency};
use crate::error::{Error, Result, check_lengths};

/// Allowed deviation from 1 of the sum of a row of soft assignments: large enough for 16-bit
/// floats, too small for logits.
const ROW_SUM_TOLERANCE: f64 = 1e-3;

/// A class label for each cluster, several clusters to one label allowed.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::LabelMap;
///
/// let map = LabelMap::majority(array![0, 0, 0, 1].view(), array![7, 7, 9, 9].view())?;
/// assert_eq!(map.get(0), Some(7));
/// assert_eq!(map.get(5), None);
/// assert_eq!(map.accuracy(array![0, 1, 5].view(), array![7, 9, 9].view())?, 2.0 / 3.0);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMap {
    /// `(cluster, label)`, sorted by cluster, one entry per cluster.
    pairs: Vec<(u32, u32)>,
}

impl LabelMap {
    /// Maps every cluster of `clusters` `[n]` to its majority class in `labels` `[n]`, the smallest
    /// label on a tie.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] and [`Error::Empty`].
    ///
    /// # Example
    ///
    /// ```
    /// use ndarray::array;
    /// let map = vae_metrics::LabelMap::majority(array![3, 3, 3].view(), array![1, 0, 1].view())?;
    /// assert_eq!(map.get(3), Some(1));
    /// # Ok::<(), vae_metrics::Error>(())
    /// ```
    pub fn majority(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<Self> {
        let table = Contingency::new(clusters, labels)?;
        let rows = table.cells().chunk_by(|left, right| left.cluster == right.cluster);
        let majority = rows.filter_map(|row| {
            row.iter().copied().reduce(|best, cell| if cell.count > best.count { cell } else { best })
        });
        let named = |cell: Cell| (table.cluster_ids()[cell.cluster], table.class_ids()[cell.class]);
        Ok(Self { pairs: majority.map(named).collect() })
    }

    /// The one-to-one map of clusters to classes with the most points right; clusters in excess
    /// stay without a label.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`], [`Error::Empty`] and [`Error::MatchingTooLarge`].
    ///
    /// # Example
    ///
    /// ```
    /// use ndarray::array;
    /// let map = vae_metrics::LabelMap::one_to_one(array![0, 0, 1].view(), array![4, 4, 4].view())?;
    /// assert_eq!((map.get(0), map.get(1)), (Some(4), None));
    /// # Ok::<(), vae_metrics::Error>(())
    /// ```
    pub fn one_to_one(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<Self> {
        let table = Contingency::new(clusters, labels)?;
        let matching = table.matching()?;
        let named = table.cluster_ids().iter().zip(matching);
        Ok(Self { pairs: named.filter_map(|(&id, class)| Some((id, table.class_ids()[class?]))).collect() })
    }

    /// Gives every cluster the label of the point with the largest `q(cluster | x)`, the first such
    /// point on a tie.
    ///
    /// `q` is `[n, k]`, rows are distributions over the clusters `0..k`; `labels` is `[n]`. A
    /// cluster that no point prefers gets a label too, which does no harm: it is not asked for.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`], [`Error::Empty`], [`Error::NotFinite`], [`Error::Negative`] and
    /// [`Error::NotNormalised`].
    ///
    /// # Example
    ///
    /// ```
    /// use ndarray::array;
    /// let q = array![[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]];
    /// let map = vae_metrics::LabelMap::most_confident(q.view(), array![5, 6, 6].view())?;
    /// assert_eq!((map.get(0), map.get(1)), (Some(5), Some(6)));
    /// # Ok::<(), vae_metrics::Error>(())
    /// ```
    pub fn most_confident<T>(q: ArrayView2<'_, T>, labels: ArrayView1<'_, u32>) -> Result<Self>
    where
        T: Copy + Into<f64>,
    {
        check_soft(q, labels)?;
        let label_of = |column: ArrayView1<'_, T>| labels[first_largest(column)];
        Ok(Self { pairs: (0_u32..).zip(q.columns()).map(|(k, column)| (k, label_of(column))).collect() })
    }

    /// The label of `cluster`, if it has one.
    pub fn get(&self, cluster: u32) -> Option<u32> {
        let at = self.pairs.binary_search_by_key(&cluster, |&(other, _)| other).ok()?;
        Some(self.pairs[at].1)
    }

    /// Fraction of the points of `clusters` `[m]` whose mapped label is theirs in `labels` `[m]`.
    /// Points in clusters without a label count as wrong.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] and [`Error::Empty`].
    pub fn accuracy(&self, clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<f64> {
        let table = Contingency::new(clusters, labels)?;
        let names: Vec<Option<u32>> = table.cluster_ids().iter().map(|&id| self.get(id)).collect();
        let right = table.cells().iter().filter(|c| names[c.cluster] == Some(table.class_ids()[c.class]));
        Ok(table.fraction(right.map(|cell| cell.count).sum()))
    }
}

/// Accuracy of a test split under the majority map learned on the training split: the strict test
/// accuracy of a method that fits a training split only.
///
/// [`purity`](crate::purity) of the test split names its clusters with the test labels themselves
/// and is never smaller. Clusters that hold no training point count as wrong.
///
/// # Errors
///
/// [`Error::LengthMismatch`] and [`Error::Empty`], for either split.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::{purity, purity_train_map};
///
/// let (train_clusters, train_labels) = (array![0, 0, 1, 1], array![8, 8, 9, 9]);
/// let (test_clusters, test_labels) = (array![0, 1, 1], array![8, 8, 8]);
/// let strict = purity_train_map(
///     train_clusters.view(), train_labels.view(), test_clusters.view(), test_labels.view(),
/// )?;
/// assert_eq!(strict, 1.0 / 3.0);
/// assert_eq!(purity(test_clusters.view(), test_labels.view())?, 1.0);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn purity_train_map(
    train_clusters: ArrayView1<'_, u32>,
    train_labels: ArrayView1<'_, u32>,
    test_clusters: ArrayView1<'_, u32>,
    test_labels: ArrayView1<'_, u32>,
) -> Result<f64> {
    LabelMap::majority(train_clusters, train_labels)?.accuracy(test_clusters, test_labels)
}

/// The criterion of Makhzani et al. (adversarial auto-encoders): every cluster takes the label of
/// the point with the largest `q(cluster | x)`, and points are counted right by the cluster they
/// prefer.
///
/// `q` is `[n, k]`, rows are distributions over clusters; `labels` is `[n]`. Ties go to the first
/// cluster and the first point. A cluster that no point prefers contributes nothing. One label per
/// cluster decides the score, so it is noisy, and it is at most the [`purity`](crate::purity) of
/// the hard assignments.
///
/// # Errors
///
/// [`Error::LengthMismatch`], [`Error::Empty`], [`Error::NotFinite`], [`Error::Negative`], and
/// [`Error::NotNormalised`] for a row that does not sum to 1 within 0.001.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let q = array![[0.9, 0.1], [0.6, 0.4], [0.55, 0.45], [0.2, 0.8]];
/// assert_eq!(vae_metrics::aae(q.view(), array![0, 1, 1, 1].view())?, 0.5);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn aae<T>(q: ArrayView2<'_, T>, labels: ArrayView1<'_, u32>) -> Result<f64>
where
    T: Copy + Into<f64>,
{
    let map = LabelMap::most_confident(q, labels)?;
    let clusters = Array1::from_iter(q.rows().into_iter().map(|row| first_largest(row) as u32));
    map.accuracy(clusters.view(), labels)
}

/// Index of the largest value, the first of several; 0 when there is none.
fn first_largest<T: Copy + Into<f64>>(values: ArrayView1<'_, T>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, &value) in values.iter().enumerate() {
        let value = value.into();
        if value > best.1 {
            best = (index, value);
        }
    }
    best.0
}

/// Checks that `q` `[n, k]` holds one distribution per label.
fn check_soft<T: Copy + Into<f64>>(q: ArrayView2<'_, T>, labels: ArrayView1<'_, u32>) -> Result<()> {
    check_lengths(("rows of soft assignments", q.nrows()), ("class labels", labels.len()))?;
    check_posteriors(q)
}

/// Checks that every row of `q` `[n, k]` is a distribution.
pub(crate) fn check_posteriors<T: Copy + Into<f64>>(q: ArrayView2<'_, T>) -> Result<()> {
    if q.nrows() == 0 {
        return Err(Error::Empty { what: "rows of soft assignments" });
    }
    for (row, values) in q.rows().into_iter().enumerate() {
        let mut sum = 0.0;
        for (column, &value) in values.iter().enumerate() {
            let value: f64 = value.into();
            if !value.is_finite() {
                return Err(Error::NotFinite { what: "soft assignment", row, column, value });
            }
            if value < 0.0 {
                return Err(Error::Negative { row, column, value });
            }
            sum += value;
        }
        if (sum - 1.0).abs() > ROW_SUM_TOLERANCE {
            return Err(Error::NotNormalised { row, sum });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::*;
    use crate::{acc, purity};

    #[test]
    fn aae_differs_from_the_majority_vote() {
        let q = array![[0.9_f32, 0.1], [0.6, 0.4], [0.55, 0.45], [0.2, 0.8]];
        let labels = array![0, 1, 1, 1];
        assert_eq!(aae(q.view(), labels.view()), Ok(0.5));
        assert_eq!(purity(array![0, 0, 0, 1].view(), labels.view()), Ok(0.75));
    }

    #[test]
    fn an_empty_cluster_contributes_nothing() {
        let q = array![[0.6, 0.0, 0.4], [0.7, 0.0, 0.3]];
        assert_eq!(aae(q.view(), array![1, 2].view()), Ok(0.5));
    }

    #[test]
    fn ties_go_to_the_first_cluster_and_the_first_point() {
        // Saturated posteriors are all 1.0 exactly in f32: the first point names the cluster.
        let q = array![[1.0_f32, 0.0], [1.0, 0.0], [0.5, 0.5]];
        assert_eq!(aae(q.view(), array![4, 5, 5].view()), Ok(1.0 / 3.0));
        let tied = LabelMap::majority(array![0, 0].view(), array![9, 2].view()).expect("valid");
        assert_eq!(tied.get(0), Some(2));
    }

    #[test]
    fn soft_assignments_are_checked() {
        let labels = array![0, 1];
        let refused = |q: Array2<f64>| aae(q.view(), labels.view()).expect_err("invalid").to_string();
        assert_eq!(
            refused(array![[0.5, 0.5], [f64::NAN, 1.0]]),
            "soft assignment [1, 0] is NaN: remove or repair rows that are not finite"
        );
        assert_eq!(
            refused(array![[0.5, 0.5], [1.5, -0.5]]),
            "soft assignment [1, 1] is -0.5: pass probabilities, not logits or log-probabilities"
        );
        assert_eq!(
            refused(array![[0.5, 0.5], [1.5, 0.5]]),
            "row 1 of the soft assignments sums to 2, not 1: normalise each row over its clusters"
        );
        assert_eq!(
            refused(array![[1.0, 0.0]]),
            "1 rows of soft assignments but 2 class labels: pass one of each per point, in the same order"
        );
        assert!(refused(array![[f64::INFINITY, 0.0], [1.0, 0.0]]).contains("[0, 0] is inf"));
        assert!(refused(Array2::zeros((2, 0))).contains("row 0 of the soft assignments sums to 0"));
        let none = aae(Array2::<f32>::zeros((0, 3)).view(), Array1::zeros(0).view());
        assert_eq!(none, Err(Error::Empty { what: "rows of soft assignments" }));
    }

    #[test]
    fn clusters_unseen_in_training_are_wrong() {
        let score = purity_train_map(
            array![0, 0].view(),
            array![1, 1].view(),
            array![0, 3, 3, 3].view(),
            array![1, 1, 1, 1].view(),
        );
        assert_eq!(score, Ok(0.25));
    }

    fn any_points() -> impl Strategy<Value = (Array1<u32>, Array1<u32>)> {
        prop::collection::vec((0_u32..6, 0_u32..5), 1..80).prop_map(|points| {
            let (clusters, labels): (Vec<u32>, Vec<u32>) = points.into_iter().unzip();
            (clusters.into(), labels.into())
        })
    }

    proptest! {
        #[test]
        fn on_their_own_split_the_maps_are_the_metrics((clusters, labels) in any_points()) {
            let (c, l) = (clusters.view(), labels.view());
            prop_assert_eq!(LabelMap::majority(c, l).expect("valid").accuracy(c, l), purity(c, l));
            prop_assert_eq!(LabelMap::one_to_one(c, l).expect("valid").accuracy(c, l), acc(c, l));
            prop_assert_eq!(purity_train_map(c, l, c, l), purity(c, l));
        }

        #[test]
        fn no_map_beats_the_split_s_own((a, b) in any_points(), (c, d) in any_points()) {
            let strict = purity_train_map(a.view(), b.view(), c.view(), d.view()).expect("valid");
            prop_assert!(strict <= purity(c.view(), d.view()).expect("valid"));
        }

        #[test]
        fn aae_is_at_most_purity((clusters, labels) in any_points(), certainty in prop::collection::vec(0.5..1.0, 80)) {
            let mut q = Array2::<f64>::zeros((clusters.len(), 6));
            for (i, &cluster) in clusters.iter().enumerate() {
                q.row_mut(i).fill((1.0 - certainty[i]) / 5.0);
                q[[i, cluster as usize]] = certainty[i];
            }
            let score = aae(q.view(), labels.view()).expect("valid");
            prop_assert!(score <= purity(clusters.view(), labels.view()).expect("valid"));
        }
    }
}
