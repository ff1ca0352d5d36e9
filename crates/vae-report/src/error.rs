//! What can be wrong with what a caller gives.

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two inputs that describe the same rows differ in number.
    #[error("{got} {what} for {expected} rows: one for each row is needed, in the same order")]
    Rows {
        /// What there is of the wrong number.
        what: &'static str,
        /// Number of assignments.
        expected: usize,
        /// Number given.
        got: usize,
    },
    /// A row is in a cluster that does not exist.
    #[error("row {row} is in cluster {cluster}, but there are {n_clusters} clusters, counted from 0")]
    Cluster {
        /// Counts from 0.
        row: usize,
        /// Its cluster.
        cluster: u32,
        /// Number of clusters.
        n_clusters: usize,
    },
    /// What describes the columns does not fit the columns.
    #[error("{got} {what} for {expected} columns: make both from the same data")]
    Columns {
        /// What there is of the wrong number.
        what: &'static str,
        /// Number of columns.
        expected: usize,
        /// Number given.
        got: usize,
    },
    /// A sparse matrix whose arrays contradict each other.
    #[error("the sparse matrix of the documents is damaged: its arrays do not fit each other")]
    Sparse,
    /// A probability or a code that is not finite.
    #[error("row {row} of the {what} is not finite")]
    NotFinite {
        /// What it is part of.
        what: &'static str,
        /// Counts from 0.
        row: usize,
    },
    /// The page could not be made. The templates are part of this crate, so this is a mistake in
    /// it.
    #[error("the page could not be made: {0}")]
    Template(#[from] minijinja::Error),
    /// A picture could not be encoded.
    #[error("a picture could not be encoded: {0}")]
    Picture(#[from] png::EncodingError),
    /// The data of the page could not be written as JSON.
    #[error("the data of the page could not be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
