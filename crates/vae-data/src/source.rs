//! What to load and how: the text a user gives, resolved to a registry name or a path, and the
//! options beside it.

use std::path::PathBuf;
use std::str::FromStr;

use vae_array::Schema;

use crate::error::{Error, Result};
use crate::registry::registry;

/// Where data comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A set of the registry, by name.
    Known(String),
    /// A file or folder of one's own.
    Path(PathBuf),
    /// Standard input, `-`.
    StandardInput,
}

impl FromStr for Source {
    type Err = Error;

    /// A name in the registry wins, then an existing path; `./mnist` is how to say the folder and
    /// not the set. `-` is standard input, and `./-` the file.
    ///
    /// # Errors
    /// [`Error::UnknownDataSet`] with the names that come near, where it is neither.
    fn from_str(text: &str) -> Result<Self> {
        if registry().get(text).is_some() {
            return Ok(Self::Known(text.to_owned()));
        }
        if text == "-" {
            return Ok(Self::StandardInput);
        }
        let path = PathBuf::from(text);
        if !text.is_empty() && path.try_exists().map_err(Error::io("look at", &path))? {
            return Ok(Self::Path(path));
        }
        Err(Error::UnknownDataSet {
            name: text.to_owned(),
            near: registry().near(text),
            known: registry().names(),
        })
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(name) => f.write_str(name),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::StandardInput => f.write_str("-"),
        }
    }
}

/// How quotes around the fields of a table are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Quote {
    /// `"`, as RFC 4180 says.
    #[default]
    Double,
    /// `'`.
    Single,
    /// Quotes are text like any other.
    None,
}

impl FromStr for Quote {
    type Err = Error;

    /// `"`, `'` or `none`.
    ///
    /// # Errors
    /// [`Error::Option`] for anything else.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "\"" => Ok(Self::Double),
            "'" => Ok(Self::Single),
            "none" => Ok(Self::None),
            _ => Err(Error::Option {
                option: "--quote",
                reason: format!("`{text}` is no quote; give \", ' or none"),
            }),
        }
    }
}

/// How to load; the default is right for every known set and for files that say everything
/// themselves.
///
/// Columns of a table are called by the header's names or, without a header, `1`, `2`, `3`, …
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadOptions {
    /// Where known sets are looked for first (`--data-dir`).
    pub data_dir: Option<PathBuf>,
    /// A file with one label a row, in the order of the rows; it replaces labels the data brings
    /// itself.
    pub labels: Option<PathBuf>,
    /// The column of a table that holds the labels and is no feature.
    pub label_column: Option<String>,
    /// The column of a table that holds the names of the rows and is no feature; `None`: it is
    /// recognised, and a note says so.
    pub id_column: Option<String>,
    /// Columns of a table that are not used.
    pub drop: Vec<String>,
    /// The columns of a table that are features, if not all; none of them is taken for names of
    /// rows.
    pub columns: Vec<String>,
    /// Columns of a table whose values are categories whatever they look like. Others are
    /// recognised.
    pub categorical: Vec<String>,
    /// Words that stand for a missing cell of a table or a missing label, in any case of letters,
    /// instead of NA, NaN, N/A, #N/A, null, none, `?` and `-`. An empty cell is always missing.
    pub missing: Vec<String>,
    /// Whether the first line of a table is a header; `None`: look at the first lines.
    pub header: Option<bool>,
    /// What stands between the fields of a table, one ASCII character; a blank stands for any
    /// number of them. `None`: the tab, semicolon, comma or bar, as the first lines show.
    pub delimiter: Option<char>,
    /// `.` or `,`; `None`: the point, or the comma where semicolons or tabs separate the fields and
    /// all numbers agree.
    pub decimal: Option<char>,
    /// Quotes around fields of a table; `None`: `"`.
    pub quote: Option<Quote>,
    /// The column of a table that holds documents; the others, but for the labels and the names of
    /// the rows, are not used.
    pub text_column: Option<String>,
    /// Name of the features in a MATLAB or NPZ file.
    pub x_key: Option<String>,
    /// Name of the labels in a MATLAB or NPZ file.
    pub y_key: Option<String>,
    /// Height and width of the pictures of a folder; `None`: the most common size among them.
    /// Others are resized.
    pub image_size: Option<(usize, usize)>,
    /// Terms kept of one's own documents; `None`: [`DEFAULT_MAX_TERMS`](crate::DEFAULT_MAX_TERMS).
    pub max_terms: Option<usize>,
    /// A file written from a [`Vocabulary`](crate::Vocabulary): documents get its columns and
    /// weights instead of their own. Data that are no documents are read as without it.
    pub vocabulary: Option<PathBuf>,
    /// What the features of a fitted model are made of: a table gives these features, in this
    /// order, whatever its own order is. Of an array it gives the numbers that are subtracted from
    /// the columns. Other data are read as without it.
    pub schema: Option<Schema>,
    /// The column that named the rows of the fit. A table that has it names its rows by it, however
    /// few they are and in whatever order, unless another column is said to or `schema` has it.
    pub fitted_id: Option<String>,
    /// The words that stood for missing cells in the fit, where they were said; they do in a table
    /// too, beside those of [`LoadOptions::missing`].
    pub fitted_missing: Vec<String>,
    /// Whether the data are for a fitted model: without a `schema` the numbers of an array are then
    /// taken as they are, however few of their digits f32 has, as the model was fitted on such.
    pub as_fitted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_name_wins_over_a_path() {
        assert_eq!("mnist".parse::<Source>().expect("known"), Source::Known("mnist".into()));
    }

    #[test]
    fn a_dash_is_standard_input() {
        assert_eq!("-".parse::<Source>().expect("a dash"), Source::StandardInput);
        assert_eq!(Source::StandardInput.to_string(), "-");
    }

    #[test]
    fn quotes_are_named() {
        assert_eq!("none".parse::<Quote>().expect("none"), Quote::None);
        assert_eq!("'".parse::<Quote>().expect("single"), Quote::Single);
        assert!("no".parse::<Quote>().expect_err("no quote").to_string().contains("`no` is no quote"));
    }

    #[test]
    fn an_existing_path_is_a_path() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let text = dir.path().to_str().expect("utf-8");
        assert_eq!(text.parse::<Source>().expect("exists"), Source::Path(dir.path().to_owned()));
    }

    #[test]
    fn anything_else_is_answered_with_near_names() {
        let message = "minst".parse::<Source>().expect_err("no such set").to_string();
        assert!(message.contains("did you mean mnist?"), "{message}");
        assert!("".parse::<Source>().is_err());
    }
}
