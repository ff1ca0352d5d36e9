//! What to load and how: the text a user gives, resolved to a registry name or a path, and the options beside it.

use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::registry::registry;

/// Where data comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A set of the registry, by name.
    Known(String),
    /// A file or folder of one's own.
    Path(PathBuf),
}

impl FromStr for Source {
    type Err = Error;

    /// A name in the registry wins, then an existing path; `./mnist` is how to say the folder and not the set.
    ///
    /// # Errors
    /// [`Error::UnknownDataSet`] with the names that come near, where it is neither.
    fn from_str(text: &str) -> Result<Self> {
        if registry().get(text).is_some() {
            return Ok(Self::Known(text.to_owned()));
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
        }
    }
}

/// How to load; the default is right for every known set and for files that say everything themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Where known sets are looked for first (`--data-dir`).
    pub data_dir: Option<PathBuf>,
    /// A file with one label a row, in the order of the rows; it replaces labels the data brings itself.
    pub labels: Option<PathBuf>,
    /// The column of a table that holds the labels and is no feature. Without a header, columns are called
    /// `1`, `2`, `3`, …
    pub label_column: Option<String>,
    /// Whether the first line of a table is a header; `None`: look at the first two lines.
    pub header: Option<bool>,
    /// The column of a table that holds documents; the others, but for the labels, are not used.
    pub text_column: Option<String>,
    /// Name of the features in a MATLAB or NPZ file.
    pub x_key: Option<String>,
    /// Name of the labels in a MATLAB or NPZ file.
    pub y_key: Option<String>,
    /// Terms kept of one's own documents; `None`: [`DEFAULT_MAX_TERMS`](crate::DEFAULT_MAX_TERMS).
    pub max_terms: Option<usize>,
    /// A file written from a [`Vocabulary`](crate::Vocabulary): documents get its columns and weights instead of
    /// their own. Data that are no documents are read as without it.
    pub vocabulary: Option<PathBuf>,
    /// Names of the columns a model was fitted on: a table with a header gives these, in this order, whatever its own
    /// order is. Data without names are read as without it.
    pub columns: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_name_wins_over_a_path() {
        assert_eq!("mnist".parse::<Source>().expect("known"), Source::Known("mnist".into()));
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
