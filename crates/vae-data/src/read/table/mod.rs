//! Tables of text: comma-, tab- or semicolon-separated values with quotes as in RFC 4180, one row a line.
//!
//! Deviation: a quoted field ends on its line. Numbers need no line breaks, and so a lost quote is found where it
//! is and not at the end of the file.
mod cells;
mod fields;
mod header;
mod rows;

pub(crate) use fields::{OPEN_QUOTE, separator_of, split};
pub(crate) use header::{find_column, header_names};

use crate::error::{Error, Result};
use crate::read::Raw;
use crate::read::input::Input;
use crate::read::lines::{CARRIAGE_RETURNS, Lines};
use cells::{explain, is_separated_by_blanks};
use fields::fields;
use header::looks_like_header;
use rows::Rows;

/// What the user says about a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableOptions {
    pub header: Option<bool>,
    pub label_column: Option<String>,
    /// The features and their order, where the table has names.
    pub columns: Option<Vec<String>>,
}

const BLANKS: &str = "the fields are separated by blanks; separate them by commas, semicolons or tabs";

/// Reads a table of numbers, with labels in one column if the options name it.
///
/// Without a header, columns are called `1`, `2`, `3`, …
pub(crate) fn read(input: Input<'_>, options: &TableOptions) -> Result<Raw> {
    let mut lines = Lines::new(input);
    let path = lines.path().to_owned();
    let owned = |(line, text): (usize, &str)| (line, text.to_owned());
    let Some((first_line, first_text)) = lines.next_line()?.map(owned) else {
        return Err(Error::Empty { path, expected: "a table with at least one row" });
    };
    // A lone carriage return ends no line here, so the file would be one line.
    if first_text.trim_end().contains('\r') {
        return Err(lines.problem(CARRIAGE_RETURNS));
    }
    let separator = separator_of(&path, &first_text);
    let first = fields(&path, first_line, &first_text, separator)?;
    let second = lines.next_line()?.map(owned);
    let second_text = second.as_ref().map(|(_, text)| text.as_str()).unwrap_or_default();
    let second = match &second {
        Some((line, text)) => Some((*line, fields(&path, *line, text, separator)?)),
        None => None,
    };
    // The first line may be a header, whose name may have blanks.
    let (line, row) = second.as_ref().map_or((first_line, &first), |(line, second)| (*line, second));
    if is_separated_by_blanks(row) {
        return Err(Error::Line { path, line, problem: BLANKS });
    }
    let header = options.header.unwrap_or_else(|| {
        looks_like_header(&first, second.as_ref().map(|(_, fields)| fields.as_slice()).unwrap_or_default())
    });

    let names = header.then(|| header_names(&path, &first)).transpose()?;
    let mut rows = Rows::new(path.clone(), names, first.len(), options)?;
    if !header {
        rows.push(first_line, &first).map_err(|error| explain(error, &first_text, separator))?;
    }
    if let Some((line, second)) = &second {
        rows.push(*line, second).map_err(|error| explain(error, second_text, separator))?;
    }
    while let Some((line, text)) = lines.next_line()? {
        let fields = fields(&path, line, text, separator)?;
        rows.push(line, &fields).map_err(|error| explain(error, text, separator))?;
    }
    lines.finish()?;
    rows.finish()
}

#[cfg(test)]
mod tests;
