//! The contingency table: how many points are in cluster i and of class j.
//!
//! Every score over two labellings is a function of this table, so the labels are counted once and
//! no more. The table is stored by its non-zero cells (at most `n`), and rows and columns exist
//! only for values that occur: labels may be as large as four billion, and every point may be a
//! cluster of its own.

use std::borrow::Cow;

use ndarray::{Array2, ArrayView1};

use crate::error::{Error, Result, check_lengths};

/// One non-zero cell: `count` points are in cluster row `cluster` and class column `class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub cluster: usize,
    pub class: usize,
    pub count: u64,
}

/// The counted joint distribution of clusters (rows) and classes (columns).
///
/// Build it when several scores of one clustering are wanted: each is then a method that does not
/// see the labels again.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::{Average, Contingency};
///
/// let clusters = array![7, 7, 4_000_000_000, 4_000_000_000];
/// let labels = array![0, 0, 0, 1];
/// let table = Contingency::new(clusters.view(), labels.view())?;
///
/// assert_eq!(table.n(), 4);
/// assert_eq!((table.n_clusters(), table.n_classes()), (2, 2));
/// assert_eq!(table.cluster_ids(), [7, 4_000_000_000]);
/// assert_eq!(table.class_ids(), [0, 1]);
/// assert_eq!(table.cluster_sizes(), [2, 2]);
/// assert_eq!(table.class_sizes(), [3, 1]);
/// assert_eq!(table.purity(), 0.75);
/// assert_eq!(table.acc()?, 0.75);
/// assert!(table.nmi(Average::Min) > table.nmi(Average::Max));
/// assert_eq!(table.ari(), 0.0);
/// assert!(table.ami().abs() < 1e-12);
/// assert!(table.completeness() < table.v_measure() && table.v_measure() < table.homogeneity());
/// assert_eq!(table.confusion()?.counts().sum(), 4);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contingency {
    n: u64,
    cluster_ids: Vec<u32>,
    class_ids: Vec<u32>,
    cluster_sizes: Vec<u64>,
    class_sizes: Vec<u64>,
    /// Sorted by row, then by column.
    cells: Vec<Cell>,
}

impl Contingency {
    /// Counts `clusters` `[n]` against `labels` `[n]`.
    ///
    /// Time O(n) when the largest values are of the order of n, O(n log n) otherwise; memory O(n).
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] when the lengths differ, [`Error::Empty`] when both are zero.
    pub fn new(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<Self> {
        check_lengths(("cluster labels", clusters.len()), ("class labels", labels.len()))?;
        let clusters = contiguous(clusters);
        let labels = contiguous(labels);
        let rows = upper_bound(&clusters);
        let columns = upper_bound(&labels);
        let dense_cells = rows.checked_mul(columns).filter(|&cells| cells <= 4 * clusters.len().max(1024));
        let triples = match dense_cells {
            Some(_) => count_dense(&clusters, &labels, rows, columns),
            None => count_sorted(&clusters, &labels),
        };
        Ok(Self::from_triples(&triples))
    }

    /// Builds the table of non-zero `(cluster, class, count)`, sorted by cluster, then by class.
    fn from_triples(triples: &[(u32, u32, u64)]) -> Self {
        let mut class_ids: Vec<u32> = triples.iter().map(|&(_, class, _)| class).collect();
        class_ids.sort_unstable();
        class_ids.dedup();
        let mut table = Self {
            n: 0,
            cluster_ids: Vec::new(),
            cluster_sizes: Vec::new(),
            class_sizes: vec![0; class_ids.len()],
            class_ids,
            cells: Vec::with_capacity(triples.len()),
        };
        for of_one_cluster in triples.chunk_by(|left, right| left.0 == right.0) {
            let cluster = table.cluster_ids.len();
            let mut size = 0;
            for &(_, id, count) in of_one_cluster {
                let class = table.class_ids.partition_point(|&other| other < id);
                table.cells.push(Cell { cluster, class, count });
                table.class_sizes[class] += count;
                size += count;
            }
            table.cluster_ids.push(of_one_cluster[0].0);
            table.cluster_sizes.push(size);
            table.n += size;
        }
        table
    }

    /// Number of points.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Number of clusters that hold at least one point.
    pub fn n_clusters(&self) -> usize {
        self.cluster_ids.len()
    }

    /// Number of classes that hold at least one point.
    pub fn n_classes(&self) -> usize {
        self.class_ids.len()
    }

    /// The cluster value behind each row, ascending.
    pub fn cluster_ids(&self) -> &[u32] {
        &self.cluster_ids
    }

    /// The class value behind each column, ascending.
    pub fn class_ids(&self) -> &[u32] {
        &self.class_ids
    }

    /// Number of points of each row.
    pub fn cluster_sizes(&self) -> &[u64] {
        &self.cluster_sizes
    }

    /// Number of points of each column.
    pub fn class_sizes(&self) -> &[u64] {
        &self.class_sizes
    }

    pub(crate) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The counts as a matrix `[n_clusters, n_classes]`; the caller has checked that it is small.
    pub(crate) fn to_dense(&self) -> Array2<u64> {
        let mut counts = Array2::zeros((self.n_clusters(), self.n_classes()));
        for cell in &self.cells {
            counts[[cell.cluster, cell.class]] = cell.count;
        }
        counts
    }

    /// `count / n` as a fraction.
    pub(crate) fn fraction(&self, count: u64) -> f64 {
        count as f64 / self.n as f64
    }

    /// True when clusters and classes are the same partition under other names.
    pub(crate) fn is_bijection(&self) -> bool {
        self.cells.len() == self.n_clusters() && self.cells.len() == self.n_classes()
    }
}

/// Share of the largest class in `labels` `[n]`: what putting every point into one cluster scores.
///
/// A clustering whose [`acc`](crate::acc) is not above this number has found nothing.
///
/// # Errors
///
/// [`Error::Empty`] when there are no labels.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// assert_eq!(vae_metrics::majority_share(array![3, 1, 3, 3].view())?, 0.75);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn majority_share(labels: ArrayView1<'_, u32>) -> Result<f64> {
    if labels.is_empty() {
        return Err(Error::Empty { what: "class labels" });
    }
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    let largest = sorted.chunk_by(|left, right| left == right).map(<[u32]>::len).max().unwrap_or(0);
    Ok(largest as f64 / sorted.len() as f64)
}

fn contiguous<'a>(labels: ArrayView1<'a, u32>) -> Cow<'a, [u32]> {
    match labels.to_slice() {
        Some(slice) => Cow::Borrowed(slice),
        None => Cow::Owned(labels.to_vec()),
    }
}

/// One more than the largest value.
fn upper_bound(labels: &[u32]) -> usize {
    labels.iter().max().map_or(0, |&largest| (largest as usize).saturating_add(1))
}

/// Counts into a table of `rows * columns` cells.
fn count_dense(clusters: &[u32], labels: &[u32], rows: usize, columns: usize) -> Vec<(u32, u32, u64)> {
    let mut counts = vec![0_u64; rows * columns];
    for (&cluster, &class) in clusters.iter().zip(labels) {
        counts[cluster as usize * columns + class as usize] += 1;
    }
    let mut triples = Vec::new();
    for (cluster, row) in (0_u32..).zip(counts.chunks_exact(columns)) {
        for (class, &count) in (0_u32..).zip(row) {
            if count > 0 {
                triples.push((cluster, class, count));
            }
        }
    }
    triples
}

/// Counts by sorting the pairs, for values too large to index a table with.
fn count_sorted(clusters: &[u32], labels: &[u32]) -> Vec<(u32, u32, u64)> {
    let mut pairs: Vec<(u32, u32)> = clusters.iter().copied().zip(labels.iter().copied()).collect();
    pairs.sort_unstable();
    pairs.chunk_by(|left, right| left == right).map(|run| (run[0].0, run[0].1, run.len() as u64)).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array, s};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_ways_of_counting_agree(pairs in prop::collection::vec((0_u32..9, 0_u32..7), 1..200)) {
            let (clusters, labels): (Vec<u32>, Vec<u32>) = pairs.into_iter().unzip();
            prop_assert_eq!(count_dense(&clusters, &labels, 9, 7), count_sorted(&clusters, &labels));
        }
    }

    #[test]
    fn huge_values_are_names_like_any_other() {
        let huge = Contingency::new(array![u32::MAX, 0, u32::MAX].view(), array![5, u32::MAX, 5].view());
        let small = Contingency::new(array![1, 0, 1].view(), array![0, 1, 0].view());
        let (huge, small) = (huge.expect("equal lengths"), small.expect("equal lengths"));
        assert_eq!(huge.cells(), small.cells());
        assert_eq!(huge.cluster_ids(), [0, u32::MAX]);
        assert_eq!(huge.class_ids(), [5, u32::MAX]);
    }

    #[test]
    fn one_cluster_per_point_stays_small() {
        let each = Array1::from_iter(0..70_000_u32);
        let table = Contingency::new(each.view(), each.view()).expect("equal lengths");
        assert_eq!(table.cells().len(), 70_000);
        assert!(table.is_bijection());
    }

    #[test]
    fn strided_views_are_counted_in_their_own_order() {
        let clusters = array![0_u32, 9, 1, 9, 1, 9];
        let labels = array![1_u32, 1, 0];
        let strided = Contingency::new(clusters.slice(s![..;2]), labels.slice(s![..;-1]));
        let plain = Contingency::new(array![0, 1, 1].view(), array![0, 1, 1].view());
        assert_eq!(strided, plain);
    }

    #[test]
    fn wrong_lengths_are_refused_with_both() {
        let error = Contingency::new(array![0, 1].view(), array![0].view()).expect_err("2 against 1");
        assert_eq!(
            error.to_string(),
            "2 cluster labels but 1 class labels: pass one of each per point, in the same order"
        );
        let none = Array1::<u32>::zeros(0);
        assert_eq!(Contingency::new(none.view(), none.view()), Err(Error::Empty { what: "cluster labels" }));
        assert_eq!(majority_share(none.view()), Err(Error::Empty { what: "class labels" }));
    }
}
