//! The one error type of this crate: every message names the file, the place in it, what was
//! expected, what was found, and what to do.

mod parts;
mod table;
mod text;

use std::io;
use std::path::{Path, PathBuf};

pub use parts::{Attempt, Lacking, Looked, ValueProblem};
pub use table::{TableProblem, TextColumn};
use text::{
    attempts_text, available_text, fetch_text, gib, lacking, looked_text, name_text, near_column, near_text,
    others,
};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between a name on the command line and an array in memory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: a verb with its object's role, such as `read` or `create the folder`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },

    /// A name that is neither in the registry nor a path that exists.
    #[error("`{name}` is neither a known data set nor an existing path{}; known data sets: {}",
        near_text(near), known.join(", "))]
    UnknownDataSet {
        /// The text given.
        name: String,
        /// Known names that differ from it by a slip or two.
        near: Vec<String>,
        /// All known names.
        known: Vec<String>,
    },

    /// A known set is in none of the places searched.
    #[error("data set `{name}` was not found; looked in:{}\n{remedy}", looked_text(looked))]
    DataSetNotFound {
        /// Name in the registry.
        name: String,
        /// Each folder looked at and what was missing there.
        looked: Vec<Looked>,
        /// What to do.
        remedy: String,
    },

    /// The registry knows the set, this version cannot read it.
    #[error("reading the data set `{name}` is not supported by this version; it reads: {}", readable.join(", "))]
    NotReadable {
        /// Name in the registry.
        name: String,
        /// Names this version reads.
        readable: Vec<String>,
    },

    /// A file or folder without content.
    #[error("{} is empty: {expected} expected", path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },

    /// A file ends before what its header or its neighbours promise.
    #[error("{} is cut short: {expected} bytes expected, {found} found; copy or fetch it again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes of (uncompressed) content promised.
        expected: u64,
        /// Bytes of (uncompressed) content there.
        found: u64,
    },

    /// What a file holds does not fit into memory.
    #[error("{} needs {} more memory and {}; free some, use a larger machine, or keep fewer rows or columns",
        path.display(), gib(*needed), available_text(*available))]
    TooLarge {
        /// The file or folder.
        path: PathBuf,
        /// Bytes that were asked for last, on top of what is held already.
        needed: u64,
        /// Bytes that were to be had; `None` where the system refused without a number.
        available: Option<u64>,
    },

    /// A file goes on after its promised end.
    #[error("{} holds more than the {expected} bytes its header promises; copy or fetch it again", path.display())]
    TrailingBytes {
        /// The file.
        path: PathBuf,
        /// Bytes of (uncompressed) content promised.
        expected: u64,
    },

    /// Dimensions that cannot be meant.
    #[error("{}: dimensions {dims:?} are absurd: {reason}; the file is damaged or not what its name says",
        path.display())]
    AbsurdDims {
        /// The file.
        path: PathBuf,
        /// As read.
        dims: Vec<u64>,
        /// Why they are refused.
        reason: String,
    },

    /// A field of a binary format does not hold what it must.
    #[error("{}: {field} is {found}, expected {expected}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Name of the field.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it may hold, and the remedy where there is one.
        expected: String,
    },

    /// One value of a text file is wrong.
    #[error("{}, line {line}, column {column}{}: {problem}", path.display(), name_text(name))]
    Value {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: usize,
        /// Column, from 1: a field, not a character.
        column: usize,
        /// Name of the column, if there is a header.
        name: Option<String>,
        /// What is wrong with the value and what to do.
        problem: ValueProblem,
    },

    /// One value of a binary file is not a finite f32.
    #[error("{}: the value at row {row}, column {column} (both from 0) is {value}, which is not a finite 32-bit \
        number; clean or rescale the data first{}", path.display(), remedy_of(*value))]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Row, from 0.
        row: usize,
        /// Column of the flattened row, from 0.
        column: usize,
        /// As read.
        value: f64,
    },

    /// A line of a table with another number of fields.
    #[error("{}, line {line}: {found} fields, expected {expected} as in the first line; check separators and \
        quotes there", path.display())]
    Ragged {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: usize,
        /// Fields in the first line.
        expected: usize,
        /// Fields in this line.
        found: usize,
    },

    /// A line of a table that cannot be taken apart.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: usize,
        /// What is wrong and what to do.
        problem: &'static str,
    },

    /// A header with two columns of one name, or with a nameless column.
    #[error("{}: columns {first} and {second} of the header are both called `{name}`; rename one, or say --header no if it is a row", path.display())]
    DuplicateColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// First column of that name, from 1.
        first: usize,
        /// Second column of that name, from 1.
        second: usize,
    },

    /// A column that is asked for and not there.
    #[error("{} has no column `{name}`{}; it has: {}{}", path.display(), near_column(near), columns.join(", "),
        if *header { "" } else { " (no header was found, so columns go by number; say so if the first line is one)" })]
    NoSuchColumn {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// One that may be meant.
        near: Option<String>,
        /// The names there are (at most 20).
        columns: Vec<String>,
        /// Whether the file has a header.
        header: bool,
    },

    /// A table that lacks columns a model was fitted on.
    #[error("{} lacks columns that the model was fitted on: {}; add or rename them{}", path.display(),
        lacking(missing), others(unknown))]
    OtherColumns {
        /// The file.
        path: PathBuf,
        /// Columns of the model that the table has not (at most 20).
        missing: Vec<Lacking>,
        /// Names of the table that the model has not (at most 20), labels and names of rows aside.
        unknown: Vec<String>,
    },

    /// A table that cannot be used as it is.
    #[error("{}: {problem}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: TableProblem,
    },

    /// Features and labels disagree in number.
    #[error("{} holds {labels} labels for {rows} rows; one label a row is needed, in the same order", path.display())]
    LabelCount {
        /// The file the labels come from.
        path: PathBuf,
        /// Rows of features.
        rows: usize,
        /// Labels found.
        labels: usize,
    },

    /// A picture that cannot be used.
    #[error("{}: {problem}", path.display())]
    Picture {
        /// The picture.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },

    /// A path whose format is none of ours, or is used as what it is not.
    #[error("{}: {problem}", path.display())]
    Format {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },

    /// A right-looking file with other content than the published one.
    #[error("{} is not the published file: the SHA-256 of its content is {found}, expected {expected}; delete it{}",
        path.display(), fetch_text(name))]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Name of the data set in the registry, empty if it has none.
        name: String,
        /// Lower-case hexadecimal.
        expected: String,
        /// Lower-case hexadecimal.
        found: String,
    },

    /// A generated set that came out different from everywhere else.
    #[error(
        "the generated data set `{name}` has the SHA-256 {found}, expected {expected}: this build computes \
        differently, so its results cannot be compared; please report the platform and compiler"
    )]
    Generated {
        /// Name in the registry.
        name: &'static str,
        /// Lower-case hexadecimal.
        expected: &'static str,
        /// Lower-case hexadecimal.
        found: String,
    },

    /// An option that has no meaning for this kind of data.
    #[error("the option {option} does not apply: {reason}")]
    Option {
        /// As on the command line.
        option: &'static str,
        /// Why, and what to do.
        reason: String,
    },

    /// A fetch without network, or of a set that has no address.
    #[error("cannot fetch `{name}`: {reason}")]
    CannotFetch {
        /// Name in the registry.
        name: String,
        /// Why, and what to do.
        reason: String,
    },

    /// All addresses of a file failed.
    #[error("could not download {file}:{}\ncheck the network or proxy, or put the file into {} by hand",
        attempts_text(attempts), folder.display())]
    Download {
        /// Name of the file.
        file: String,
        /// Where it should have gone.
        folder: PathBuf,
        /// Each address with its last failure.
        attempts: Vec<Attempt>,
    },

    /// Another process is fetching the same file.
    #[error("{} is being written by another process; wait for it to end", path.display())]
    Busy {
        /// The temporary file.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn field(
        path: &Path,
        field: &'static str,
        found: impl ToString,
        expected: impl ToString,
    ) -> Error {
        Error::Field {
            path: path.to_owned(),
            field,
            found: found.to_string(),
            expected: expected.to_string(),
        }
    }

    pub(crate) fn table(path: &Path, problem: TableProblem) -> Error {
        Error::Table { path: path.to_owned(), problem }
    }

    pub(crate) fn format(path: &Path, problem: impl ToString) -> Error {
        Error::Format { path: path.to_owned(), problem: problem.to_string() }
    }
}

/// What else helps against a value that is not finite.
fn remedy_of(value: f64) -> &'static str {
    if value.is_nan() { ", or write them as a CSV, where NaN is a missing cell and is imputed" } else { "" }
}
