//! Which options mean something for which kind of data.

use crate::error::{Error, Result};
use crate::source::LoadOptions;

pub(crate) const KEY_OPTIONS: [&str; 2] = ["--x-key", "--y-key"];
pub(crate) const TEXT_OPTIONS: [&str; 1] = ["--max-terms"];
/// Of a folder whose content is not known yet, and of one of pictures.
pub(crate) const FOLDER_OPTIONS: [&str; 2] = ["--max-terms", "--image-size"];
pub(crate) const PICTURE_OPTIONS: [&str; 1] = ["--image-size"];
pub(crate) const TABLE_OPTIONS: [&str; 10] = [
    "--label-column",
    "--id-column",
    "--drop",
    "--columns",
    "--categorical",
    "--missing",
    "--header",
    "--delimiter",
    "--decimal",
    "--quote",
];
/// Of a table with a column of documents.
pub(crate) const COLUMN_OPTIONS: [&str; 8] = [
    "--label-column",
    "--id-column",
    "--missing",
    "--header",
    "--delimiter",
    "--quote",
    "--text-column",
    "--max-terms",
];

/// An option that means nothing for this kind of data is not ignored.
pub(crate) fn only_options(options: &LoadOptions, allowed: &[&str], kind: &str) -> Result<()> {
    let tables = "tables (CSV, TSV)";
    let arrays = "MATLAB and NPZ files";
    let documents = "documents (folders of texts, tables with --text-column)";
    let given = [
        ("--label-column", options.label_column.is_some(), tables),
        ("--id-column", options.id_column.is_some(), tables),
        ("--drop", !options.drop.is_empty(), tables),
        ("--columns", !options.columns.is_empty(), tables),
        ("--categorical", !options.categorical.is_empty(), tables),
        // A file of labels has missing ones, too.
        ("--missing", !options.missing.is_empty() && options.labels.is_none(), tables),
        ("--header", options.header.is_some(), tables),
        ("--delimiter", options.delimiter.is_some(), tables),
        ("--decimal", options.decimal.is_some(), tables),
        ("--quote", options.quote.is_some(), tables),
        ("--text-column", options.text_column.is_some(), tables),
        ("--image-size", options.image_size.is_some(), "folders of pictures"),
        ("--max-terms", options.max_terms.is_some(), documents),
        ("--x-key", options.x_key.is_some(), arrays),
        ("--y-key", options.y_key.is_some(), arrays),
    ];
    match given.into_iter().find(|(option, given, _)| *given && !allowed.contains(option)) {
        None => Ok(()),
        Some((option, _, of)) => {
            Err(Error::Option { option, reason: format!("it is for {of}, and this is {kind}; leave it out") })
        }
    }
}
