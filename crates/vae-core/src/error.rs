//! The error type of the crate.

use std::path::{Path, PathBuf};

/// What can go wrong below the methods. Texts are lowercase fragments that end in the remedy where there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two shapes that had to agree do not.
    #[error("{what} has shape {got:?}, expected {expected:?}")]
    Shape {
        /// What was looked at.
        what: String,
        /// The shape that was needed.
        expected: Vec<i64>,
        /// The shape that was found.
        got: Vec<i64>,
    },
    /// A feature is NaN or infinite.
    #[error(
        "the value at row {row}, column {column} is {value}: features must be finite (remove or impute it)"
    )]
    NonFiniteFeature {
        /// 0-based row.
        row: usize,
        /// 0-based column.
        column: usize,
        /// The value itself.
        value: f32,
    },
    /// The features cannot be used as they are.
    #[error("{0}")]
    Features(String),
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
    /// The loss left the real numbers.
    #[error(
        "the loss is no longer finite in phase `{phase}` at epoch {epoch}, step {step}: term `{term}` is {value}; lower the learning rate, set a gradient clip, or scale the data"
    )]
    NonFiniteLoss {
        /// Name of the phase.
        phase: String,
        /// 1-based epoch.
        epoch: usize,
        /// 1-based step within the epoch.
        step: usize,
        /// The first term that is not finite.
        term: String,
        /// Its value.
        value: f64,
    },
    /// Reading or writing a file failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of ours is damaged or belongs to something else.
    #[error("{path}: {why}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        why: String,
    },
    /// The asked device is not there.
    #[error("{0}")]
    Device(String),
    /// SIGINT or SIGTERM arrived; the state was saved.
    #[error("stopped by signal {signal}; the same command continues from here")]
    Interrupted {
        /// The signal's number.
        signal: i32,
    },
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

impl Error {
    /// An I/O error together with the file it happened to.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_path_buf(), source }
    }

    /// A damaged file and what is wrong with it.
    pub fn corrupt(path: impl AsRef<Path>, why: impl Into<String>) -> Self {
        Self::Corrupt { path: path.as_ref().to_path_buf(), why: why.into() }
    }

    /// The same with what to do about a damaged file, which only its reader knows.
    #[must_use]
    pub fn remedy(self, remedy: &str) -> Self {
        match self {
            Self::Corrupt { path, why } => Self::Corrupt { path, why: format!("{why}: {remedy}") },
            other => other,
        }
    }

    /// The same with the name of a table before the key: every `check` names keys as its own table has them, and whoever
    /// holds the table calls this.
    #[must_use]
    pub fn within(self, table: &str) -> Self {
        match self {
            Self::Config { field, value, expected } => {
                Self::Config { field: format!("{table}.{field}"), value, expected }
            }
            other => other,
        }
    }

    /// A configuration value out of range.
    pub fn config(field: &str, value: impl std::fmt::Display, expected: &str) -> Self {
        Self::Config { field: field.into(), value: value.to_string(), expected: expected.into() }
    }
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
