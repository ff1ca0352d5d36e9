//! What is wrong with a table as a whole or with one of its columns.

use std::fmt::Write as _;

use crate::error::text::cut;

/// Why a table cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableProblem {
    /// Columns of texts that are no categories.
    #[error("{}", text_columns(.0))]
    TextColumns(Vec<TextColumn>),

    /// A column in which every cell is missing.
    #[error("column `{column}` has no value in any row; leave it out with --drop '{column}'")]
    NoValues {
        /// Its name.
        column: String,
    },

    /// A column that is to be a category and has too many values.
    #[error(
        "column `{column}` has more than {most} different values, each of which would be a feature; leave it out with \
        --drop '{column}', or not under --categorical"
    )]
    TooManyLevels {
        /// Its name.
        column: String,
        /// The most there may be.
        most: usize,
    },

    /// A label column in which every cell is missing.
    #[error(
        "the label column `{column}` has no label in any row; name another one, or leave it out with --drop '{column}'"
    )]
    NoLabels {
        /// Its name.
        column: String,
    },

    /// No column is left for features.
    #[error("no column is left for features{}; keep one with --columns", if .taken.is_empty() { String::new() } else {
        format!(" beside {}", cut(.taken)) })]
    NoFeatures {
        /// The columns there are, and what they are used for.
        taken: Vec<String>,
    },

    /// Commas and semicolons that both take all lines apart evenly.
    #[error(
        "both commas and semicolons separate as many fields on each line; say --delimiter , or --delimiter ';'"
    )]
    AmbiguousDelimiter,

    /// Another number of columns than a model without names was fitted on.
    #[error("{found} columns are left for features ({}), and the model was fitted on {expected}{}; columns without names go by \
        their place: leave others out with --drop, --label-column or --id-column", cut(.columns), cut_places(.places))]
    ColumnCount {
        /// Columns the model was fitted on.
        expected: usize,
        /// Their names, which are their places if they are numbers.
        places: Vec<String>,
        /// Columns that could be features.
        found: usize,
        /// Their names.
        columns: Vec<String>,
    },

    /// A column that is said to be two things.
    #[error("column `{column}` is named by {first} and by {second}; leave one out")]
    TwoRoles {
        /// Its name.
        column: String,
        /// An option.
        first: &'static str,
        /// Another one.
        second: &'static str,
    },

    /// A schema that contradicts itself.
    #[error(
        "the model's description of its columns is damaged: {0}; fit the model again or restore the file"
    )]
    Schema(String),

    /// Another content the second time.
    #[error("the file changed while it was read; read it again when it is complete")]
    Changed,
}

/// A column of texts that are no features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextColumn {
    /// Its name.
    pub name: String,
    /// What it holds, such as `dates or times`.
    pub holds: String,
    /// One of its values.
    pub example: String,
    /// Whether it could be a category if the user says so.
    pub may_be_category: bool,
    /// Whether it could be a column of documents.
    pub may_be_documents: bool,
    /// Whether its values are all different, as those of identifiers.
    pub may_be_ids: bool,
}

fn text_columns(columns: &[TextColumn]) -> String {
    const SHOWN: usize = 10;
    let mut text = String::new();
    for (i, column) in columns.iter().take(SHOWN).enumerate() {
        let TextColumn { name, holds, example, .. } = column;
        let start = if i == 0 { "" } else { "\n  " };
        let mut ways = vec![format!("leave it out with --drop '{name}'")];
        if column.may_be_ids {
            ways.push(format!("keep it as names of the rows with --id-column '{name}'"));
        }
        if column.may_be_category {
            ways.push(format!("make each value a feature with --categorical '{name}'"));
        }
        if column.may_be_documents {
            ways.push(format!("cluster its words alone with --text-column '{name}'"));
        }
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{start}column `{name}` holds {holds} (such as `{example}`) and is no feature: {}",
            ways.join(", or ")
        );
    }
    if columns.len() > SHOWN {
        let _ = write!(text, "\n  and so do {} more columns", columns.len() - SHOWN);
    }
    text
}

fn cut_places(places: &[String]) -> String {
    if places.is_empty() { String::new() } else { format!(" ({})", cut(places)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_column_has_its_ways_out() {
        let column = |name: &str, may_be_category, may_be_ids| TextColumn {
            name: name.to_owned(),
            holds: "dates or times".to_owned(),
            example: "2024-01-01".to_owned(),
            may_be_category,
            may_be_documents: false,
            may_be_ids,
        };
        let text =
            TableProblem::TextColumns(vec![column("a", true, false), column("b", false, true)]).to_string();
        assert_eq!(
            text,
            "column `a` holds dates or times (such as `2024-01-01`) and is no feature: leave it out with --drop 'a', or make \
             each value a feature with --categorical 'a'\n  column `b` holds dates or times (such as `2024-01-01`) and is \
             no feature: leave it out with --drop 'b', or keep it as names of the rows with --id-column 'b'"
        );
        let many = TableProblem::TextColumns(vec![column("a", true, true); 12]).to_string();
        assert!(many.ends_with("and so do 2 more columns"), "{many}");
    }
}
