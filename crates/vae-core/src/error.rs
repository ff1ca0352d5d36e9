//! The error type of the crate.

use std::path::{Path, PathBuf};

/// What can go wrong below the methods. Texts are lowercase fragments that end in the remedy where
/// there is one.
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
    /// A checkpoint, an artefact of a phase, a model or a file of weights lacks what it should
    /// hold.
    #[error("{what} {why}; {remedy}")]
    Checkpoint {
        /// Which one, for example `the checkpoint`.
        what: String,
        /// What is wrong with it, for example `has no tensor`, and its name.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// A computation gave values that cannot be used; the text says which, and what to change.
    #[error("{0}")]
    Numeric(String),
    /// A state that only a defect of the program can cause.
    #[error("{0}: this is a defect of the program, please report it with this text and the command you ran")]
    Internal(String),
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
    /// The loss is NaN or infinite.
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
    /// A file is damaged, or was not written by this program.
    #[error("{path}: {why}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        why: String,
    },
    /// The requested device is not available.
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

    /// A checkpoint, an artefact or a model without the tensor `name`.
    pub fn missing(what: impl Into<String>, name: impl std::fmt::Display, remedy: &str) -> Self {
        Self::Checkpoint { what: what.into(), why: format!("has no tensor `{name}`"), remedy: remedy.into() }
    }

    /// The same as an error of the file it was read from, for what may be wrong with one.
    #[must_use]
    pub fn of_file(self, path: impl AsRef<Path>, remedy: &str) -> Self {
        match self {
            Self::Checkpoint { what, why, .. } => Self::corrupt(path, format!("{what} {why}; {remedy}")),
            Self::Shape { .. } | Self::Torch(_) => Self::corrupt(path, format!("{self}; {remedy}")),
            other => other,
        }
    }

    /// The error of a damaged file with the remedy, which its reader knows.
    #[must_use]
    pub fn remedy(self, remedy: &str) -> Self {
        match self {
            Self::Corrupt { path, why } => Self::Corrupt { path, why: format!("{why}: {remedy}") },
            other => other,
        }
    }

    /// The same with the name of a table before the key: every `check` names keys as in its own
    /// table, and its caller adds the table's name.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_becomes_an_error_of_its_file_and_other_errors_stay() {
        let missing = Error::missing("phase `pretrain`", "centres", "fit again");
        assert_eq!(missing.to_string(), "phase `pretrain` has no tensor `centres`; fit again");
        let of_file = missing.of_file("run/x", "delete it").to_string();
        assert_eq!(of_file, "run/x: phase `pretrain` has no tensor `centres`; delete it");
        let stop = Error::Interrupted { signal: 2 }.of_file("run/x", "delete it");
        assert!(matches!(stop, Error::Interrupted { signal: 2 }));
        assert!(Error::Internal("no target".into()).to_string().contains("defect of the program"));
    }
}
