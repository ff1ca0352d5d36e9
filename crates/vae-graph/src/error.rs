//! The error type of the crate.

/// What can go wrong with a graph. Texts are lowercase fragments that end in the remedy where there
/// is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration value is outside its range.
    #[error("`{field}` is {value}, expected {expected}")]
    Config {
        /// Path of the key in the configuration.
        field: String,
        /// The value found, as text.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// Two sizes that had to agree do not.
    #[error("{what} has size {got}, expected {expected}")]
    Size {
        /// What was looked at.
        what: String,
        /// The size that was found.
        got: usize,
        /// The size that was needed.
        expected: usize,
    },
    /// The arrays of a graph contradict each other.
    #[error("the arrays do not describe a graph: {0}")]
    Malformed(String),
    /// No candidate partition has all clusters.
    #[error("no partition of the graph has {n_clusters} clusters; use fewer, or more neighbours")]
    NoPartition {
        /// The number that was asked for.
        n_clusters: usize,
    },
    /// k-means on the eigenvectors failed.
    #[error(transparent)]
    KMeans(#[from] vae_gmm::Error),
    /// Something below failed.
    #[error(transparent)]
    Core(#[from] vae_core::Error),
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

impl Error {
    /// A configuration value out of range.
    pub(crate) fn config(field: &str, value: impl std::fmt::Display, expected: &str) -> Self {
        Self::Config { field: field.into(), value: value.to_string(), expected: expected.into() }
    }
}

/// For code that runs inside a training. An interruption keeps its variant.
impl From<Error> for vae_core::Error {
    fn from(e: Error) -> Self {
        match e {
            Error::Core(e) => e,
            Error::Torch(e) => e.into(),
            Error::Config { field, value, expected } => Self::Config { field, value, expected },
            Error::Malformed(_) | Error::Size { .. } => Self::Internal(e.to_string()),
            Error::NoPartition { .. } | Error::KMeans(_) => Self::Numeric(e.to_string()),
        }
    }
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
