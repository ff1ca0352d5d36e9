//! The confusion matrix of a clustering, with clusters matched to classes.

use std::cmp::Reverse;
use std::fmt;

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::assignment::check_bytes;
use crate::contingency::Contingency;
use crate::error::Result;

/// Counts `[n_clusters, n_classes]`, rows are clusters and columns are classes, and the one-to-one
/// matching of the two with the most points.
///
/// Prints as a table: one line per cluster, one column per class.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::confusion;
///
/// let table = confusion(array![0, 0, 1, 1, 2].view(), array![1, 1, 0, 0, 0].view())?;
/// assert_eq!(table.counts(), array![[0, 2], [2, 0], [1, 0]]);
/// assert_eq!(table.cluster_ids(), [0, 1, 2]);
/// assert_eq!(table.class_ids(), [0, 1]);
/// assert_eq!(table.matching(), [Some(1), Some(0), None]);
///
/// let shown = table.permuted();
/// assert_eq!(shown.counts(), array![[2, 0], [0, 2], [1, 0]]);
/// assert_eq!(shown.cluster_ids(), [1, 0, 2]);
/// assert_eq!(shown.to_string(), "cluster  0  1\n      1  2  0\n      0  0  2\n      2  1  0\n");
/// # Ok::<(), vae_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    counts: Array2<u64>,
    cluster_ids: Vec<u32>,
    class_ids: Vec<u32>,
    matching: Vec<Option<usize>>,
}

/// Confusion matrix of `clusters` `[n]` (rows) and `labels` `[n]` (columns), ascending by value.
///
/// # Errors
///
/// [`Error::LengthMismatch`](crate::Error::LengthMismatch), [`Error::Empty`](crate::Error::Empty)
/// and [`Error::MatchingTooLarge`](crate::Error::MatchingTooLarge).
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let table = vae_metrics::confusion(array![5, 5, 6].view(), array![0, 1, 1].view())?;
/// assert_eq!(table.counts(), array![[1, 1], [0, 1]]);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn confusion(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<Confusion> {
    Contingency::new(clusters, labels)?.confusion()
}

impl Contingency {
    /// The table as a matrix with its matching: see [`confusion()`].
    ///
    /// # Errors
    ///
    /// [`Error::MatchingTooLarge`](crate::Error::MatchingTooLarge).
    pub fn confusion(&self) -> Result<Confusion> {
        check_bytes(self.n_clusters(), self.n_classes())?;
        let matching = self.matching()?;
        Ok(Confusion {
            counts: self.to_dense(),
            cluster_ids: self.cluster_ids().to_vec(),
            class_ids: self.class_ids().to_vec(),
            matching,
        })
    }
}

impl Confusion {
    /// The counts, `[n_clusters, n_classes]`.
    pub fn counts(&self) -> ArrayView2<'_, u64> {
        self.counts.view()
    }

    /// The cluster value behind each row.
    pub fn cluster_ids(&self) -> &[u32] {
        &self.cluster_ids
    }

    /// The class value behind each column.
    pub fn class_ids(&self) -> &[u32] {
        &self.class_ids
    }

    /// The column matched to each row, `None` for rows left over.
    pub fn matching(&self) -> &[Option<usize>] {
        &self.matching
    }

    /// The same table in the order to show it in: matched pairs on the diagonal by ascending
    /// column, then the clusters left over, the largest first, or the classes left over in their
    /// order.
    ///
    /// The diagonal sums to the points that [`acc`](crate::acc) counts right.
    pub fn permuted(&self) -> Self {
        let mut rows: Vec<usize> = (0..self.cluster_ids.len()).collect();
        rows.sort_by_key(|&row| match self.matching[row] {
            Some(column) => (0, column, Reverse(0)),
            None => (1, 0, Reverse(self.counts.row(row).sum())),
        });
        let matched: Vec<usize> = rows.iter().filter_map(|&row| self.matching[row]).collect();
        let left_over = (0..self.class_ids.len()).filter(|column| matched.binary_search(column).is_err());
        let columns: Vec<usize> = matched.iter().copied().chain(left_over).collect();
        let n_matched = matched.len();
        Self {
            counts: Array2::from_shape_fn(self.counts.dim(), |(i, j)| self.counts[[rows[i], columns[j]]]),
            cluster_ids: rows.iter().map(|&row| self.cluster_ids[row]).collect(),
            class_ids: columns.iter().map(|&column| self.class_ids[column]).collect(),
            matching: (0..rows.len()).map(|row| (row < n_matched).then_some(row)).collect(),
        }
    }
}

impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEAD: &str = "cluster";
        let widest_id = self.cluster_ids.iter().max().map_or(0, |id| id.to_string().len());
        let head_width = HEAD.len().max(widest_id);
        let widest_class = self.class_ids.iter().max().map_or(0, |id| id.to_string().len());
        let width = self.counts.iter().max().map_or(0, |count| count.to_string().len()).max(widest_class);
        write!(f, "{HEAD:>head_width$}")?;
        for class in &self.class_ids {
            write!(f, "  {class:>width$}")?;
        }
        writeln!(f)?;
        for (cluster, row) in self.cluster_ids.iter().zip(self.counts.rows()) {
            write!(f, "{cluster:>head_width$}")?;
            for count in row {
                write!(f, "  {count:>width$}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};
    use proptest::prelude::*;

    use super::*;
    use crate::acc;

    proptest! {
        #[test]
        fn the_diagonal_of_the_permuted_table_is_acc(points in prop::collection::vec((0_u32..7, 0_u32..5), 1..120)) {
            let (clusters, labels): (Vec<u32>, Vec<u32>) = points.into_iter().unzip();
            let (clusters, labels) = (Array1::from(clusters), Array1::from(labels));
            let table = confusion(clusters.view(), labels.view()).expect("valid");
            let shown = table.permuted();
            let right: u64 = shown.counts().diag().sum();
            prop_assert_eq!(Ok(right as f64 / clusters.len() as f64), acc(clusters.view(), labels.view()));
            prop_assert_eq!(shown.counts().sum(), clusters.len() as u64);
            for (i, &cluster) in shown.cluster_ids().iter().enumerate() {
                for (j, &class) in shown.class_ids().iter().enumerate() {
                    let pairs = clusters.iter().zip(&labels);
                    let count = pairs.filter(|&(&c, &l)| c == cluster && l == class).count() as u64;
                    prop_assert_eq!(shown.counts()[[i, j]], count);
                }
            }
            prop_assert_eq!(shown.permuted(), shown);
        }
    }

    #[test]
    fn more_classes_than_clusters_leave_columns_over() {
        let table = confusion(array![0, 0, 1, 1, 1].view(), array![2, 2, 0, 0, 1].view()).expect("valid");
        let shown = table.permuted();
        assert_eq!(shown.class_ids(), [0, 2, 1]);
        assert_eq!(shown.cluster_ids(), [1, 0]);
        assert_eq!(shown.counts(), array![[2, 0, 1], [0, 2, 0]]);
    }

    #[test]
    fn left_over_clusters_come_last_the_largest_first() {
        let table = confusion(array![0, 1, 1, 2, 2, 2, 3].view(), Array1::from_elem(7, 5).view());
        let shown = table.expect("valid").permuted();
        assert_eq!(shown.cluster_ids(), [2, 1, 0, 3]);
        assert_eq!(shown.matching(), [Some(0), None, None, None]);
    }
}
