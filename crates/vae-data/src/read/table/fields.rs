//! A line of a table taken apart into its fields, with quotes as in RFC 4180.

use std::borrow::Cow;
use std::path::Path;

use crate::error::Result;
use crate::memory::{self, Problem};

/// Why a line with a lost quote cannot be taken apart.
pub(crate) const OPEN_QUOTE: &str = "a quote is opened and not closed on this line";

/// Fields of one line; only quoted fields are copied.
pub(crate) fn split(line: &str, separator: char) -> Result<Vec<Cow<'_, str>>, Problem> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let after = if let Some(quoted) = rest.trim_start_matches(' ').strip_prefix('"') {
            let (field, after) = unquote(quoted)?;
            memory::push(&mut fields, Cow::Owned(field))?;
            after.trim_start_matches(' ')
        } else {
            let end = rest.find(separator).unwrap_or(rest.len());
            memory::push(&mut fields, Cow::Borrowed(rest[..end].trim()))?;
            &rest[end..]
        };
        match after.strip_prefix(separator) {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err("text follows a closing quote; put quotes around the whole field".into()),
        }
    }
}

pub(super) fn fields<'t>(
    path: &Path,
    line: usize,
    text: &'t str,
    separator: char,
) -> Result<Vec<Cow<'t, str>>> {
    split(text, separator).map_err(|problem| problem.at_line(path, line))
}

/// The field whose opening quote has just been passed, and what follows its closing quote.
fn unquote(text: &str) -> Result<(String, &str), &'static str> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"').ok_or(OPEN_QUOTE)?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return Ok((field, rest)),
        }
    }
}

/// The separator of a file: the tab for `.tsv`, else what its first line says.
pub(crate) fn separator_of(path: &Path, first_line: &str) -> char {
    let is_tsv = path.file_name().is_some_and(|name| name.to_string_lossy().contains(".tsv"));
    if is_tsv { '\t' } else { guess_separator(first_line) }
}

/// The separator of a file whose name does not say it: the one the first line has most of.
fn guess_separator(line: &str) -> char {
    let count = |separator: char| line.matches(separator).count();
    // `max_by_key` keeps the last of equals: the comma wins.
    ['\t', ';', ','].into_iter().max_by_key(|separator| count(*separator)).unwrap_or(',')
}
