//! What errors are made of beside their places: folders, addresses, values.

use std::path::PathBuf;

/// A folder that was searched for a data set, and why it was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The folder.
    pub folder: PathBuf,
    /// Where the folder comes from: `--data-dir`, `VAE_DATA_DIR`, or the cache folder.
    pub origin: &'static str,
    /// `None`: there is no such folder. Otherwise the files that are missing in it.
    pub missing: Option<Vec<String>>,
}

/// An address that was tried and its last failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The address.
    pub url: String,
    /// How often it was tried.
    pub tries: u32,
    /// Why the last try failed.
    pub reason: String,
}

/// What is wrong with one value of a text file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueProblem {
    /// Nothing there, or a word that stands for nothing.
    #[error("the value is missing (`{0}`); fill it in or drop the row")]
    Missing(String),
    /// NaN, infinity, or a number beyond 32 bits.
    #[error("`{0}` is not a finite 32-bit number; clean or rescale the data first")]
    NotFinite(String),
    /// A number as it is written in many languages.
    #[error("`{0}` has a decimal comma; write decimal points, and commas nowhere else")]
    DecimalComma(String),
    /// Text among the features.
    #[error("`{0}` is not a number; drop the column, encode it, or name it as the label column")]
    NotANumber(String),
}
