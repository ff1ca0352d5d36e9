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

/// A column of a fitted model that a table lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Its name.
    pub name: String,
    /// A column of the table, unknown to the model, whose name is near to it.
    pub near: Option<String>,
    /// Whether the table has it, and an option says that it is something else.
    pub is_taken: bool,
}

/// What is wrong with one value of a text file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueProblem {
    /// NaN, infinity, or a number beyond 32 bits.
    #[error("`{0}` is not a finite 32-bit number; clean or rescale the data first")]
    NotFinite(String),
    /// A number as it is written in many languages.
    #[error("`{0}` has a decimal comma; write decimal points, and commas nowhere else, or say --decimal ,")]
    DecimalComma(String),
    /// Numbers with decimal commas beside numbers with decimal points.
    #[error(
        "`{comma}` has a comma, and `{point}` on line {line} a point; remove what separates thousands, or say --decimal , \
        or --decimal . and correct the others"
    )]
    BothDecimals {
        /// A number with a comma.
        comma: String,
        /// A number with a point.
        point: String,
        /// Where the point is: line in the file, from 1.
        line: usize,
    },
    /// Numbers such as `1,234`, where nothing says what the comma is.
    #[error(
        "the comma in `{0}` may be decimal or separate thousands; say --decimal , if it is decimal, and remove it if not"
    )]
    Thousands(String),
    /// A number with thousands apart, or with points where commas are decimal.
    #[error(
        "`{0}` is a number in a notation that is not read; write no separators of thousands, and a decimal point, or a \
        decimal comma with --decimal ,"
    )]
    OtherNotation(String),
    /// Text in a file that can hold numbers only.
    #[error("`{0}` is not a number; the file is damaged or not what its name says")]
    NotANumber(String),
    /// Text in a column of numbers.
    #[error(
        "`{0}` is not a number as others in its column are; correct it, say --missing '{0}' if it means that nothing is \
        known, or leave the column out of the fit with --drop"
    )]
    AmongNumbers(String),
    /// Text above numbers in a first line that is no header.
    #[error(
        "`{0}` is not a number, and the first line holds too many numbers for a header; correct it, or say --header yes"
    )]
    FirstLine(String),
}
