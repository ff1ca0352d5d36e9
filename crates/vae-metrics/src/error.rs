//! The one error type of the crate: every way an input can be refused, with the numbers that were
//! wrong.

use ndarray::{ArrayView1, ArrayView2, Axis};

/// What was wrong with an input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing to score.
    #[error("no {what}: pass at least one point")]
    Empty {
        /// The input without an entry.
        what: &'static str,
    },
    /// Two inputs that describe the same points differ in length.
    #[error("{left} {left_name} but {right} {right_name}: pass one of each per point, in the same order")]
    LengthMismatch {
        /// What the first input holds.
        left_name: &'static str,
        /// Length of the first input.
        left: usize,
        /// What the second input holds.
        right_name: &'static str,
        /// Length of the second input.
        right: usize,
    },
    /// A coordinate or a probability is NaN or infinite.
    #[error("{what} [{row}, {column}] is {value}: remove or repair rows that are not finite")]
    NotFinite {
        /// The matrix it was found in.
        what: &'static str,
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// A soft assignment is below zero.
    #[error(
        "soft assignment [{row}, {column}] is {value}: pass probabilities, not logits or log-probabilities"
    )]
    Negative {
        /// Its row, a point.
        row: usize,
        /// Its column, a cluster.
        column: usize,
        /// The negative value.
        value: f64,
    },
    /// A row of soft assignments is not a distribution over clusters.
    #[error("row {row} of the soft assignments sums to {sum}, not 1: normalise each row over its clusters")]
    NotNormalised {
        /// The row, a point.
        row: usize,
        /// What it sums to.
        sum: f64,
    },
    /// A table that a one-to-one matching needs would take too much memory.
    #[error(
        "a table of {rows} times {columns} groups takes {bytes} bytes, more than the {max_bytes} it is limited to or than \
         this machine has: merge clusters, or use a score without a matching (purity, nmi, ari)"
    )]
    MatchingTooLarge {
        /// Rows of the table: groups that matter on the larger side.
        rows: usize,
        /// Columns of the table.
        columns: usize,
        /// Its size.
        bytes: usize,
        /// The limit, [`MAX_MATCHING_BYTES`](crate::MAX_MATCHING_BYTES).
        max_bytes: usize,
    },
    /// The solver of the one-to-one matching ended without one, which no table of counts should
    /// make it do.
    #[error(
        "no one-to-one matching ({reason}): use a score without one (purity, nmi, ari), and report the table"
    )]
    MatchingFailed {
        /// What the solver said.
        reason: String,
    },
    /// A score of separation was asked of a clustering that separates nothing.
    #[error("this score compares clusters but only cluster {cluster} was found: pass at least two")]
    OneCluster {
        /// The only cluster there is.
        cluster: u32,
    },
    /// There are fewer entries than a score is defined for.
    #[error("{found} {what}, but at least {needed} are needed: pass more, or leave this score out")]
    TooFew {
        /// What there is too little of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        needed: usize,
    },
    /// Two lists that belong together have different lengths.
    #[error("{found} {what} where {expected} belong: pass exactly that many, in the same order")]
    WrongCount {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A label is not one of the clusters that there are said to be.
    #[error(
        "label {label} of point {point} is not below the number of clusters {n_clusters}: number the clusters from 0"
    )]
    LabelOutOfRange {
        /// The point.
        point: usize,
        /// Its label.
        label: u32,
        /// How many clusters there are said to be.
        n_clusters: usize,
    },
    /// A setting is outside its range.
    #[error("{what} is {value}: pass a value {range}")]
    OutOfRange {
        /// The setting.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The values it may have.
        range: &'static str,
    },
    /// Values that must be sorted are not.
    #[error("{what} {index} breaks the order of those before it: sort them, ascending or descending")]
    NotSorted {
        /// The values.
        what: &'static str,
        /// The position, from 0, of the first value out of order.
        index: usize,
    },
    /// Equal values have no ranks to correlate.
    #[error("all {what} are equal, so that no rank correlation exists: leave this pair out")]
    Constant {
        /// The values.
        what: &'static str,
    },
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Checks that two inputs describe the same, positive number of points.
pub(crate) fn check_lengths(left: (&'static str, usize), right: (&'static str, usize)) -> Result<()> {
    if left.1 != right.1 {
        return Err(Error::LengthMismatch {
            left_name: left.0,
            left: left.1,
            right_name: right.0,
            right: right.1,
        });
    }
    if left.1 == 0 {
        return Err(Error::Empty { what: left.0 });
    }
    Ok(())
}

/// Refuses a matrix with an entry that is NaN or infinite.
pub(crate) fn check_finite<T: Copy + Into<f64>>(what: &'static str, x: ArrayView2<'_, T>) -> Result<()> {
    for ((row, column), &value) in x.indexed_iter() {
        let value: f64 = value.into();
        if !value.is_finite() {
            return Err(Error::NotFinite { what, row, column, value });
        }
    }
    Ok(())
}

/// Refuses a list with an entry that is NaN or infinite; its position is the row, the column 0.
pub(crate) fn check_finite_list(what: &'static str, values: ArrayView1<'_, f64>) -> Result<()> {
    check_finite(what, values.insert_axis(Axis(1)))
}
