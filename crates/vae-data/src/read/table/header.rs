//! The header of a table: whether there is one, its names, and where a name stands.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::{Error, Result};
use crate::memory;
use crate::read::table::cells::is_text;

/// Column names listed in an error.
const NAMES_IN_ERROR: usize = 20;

/// A first line is a header if all of it is text, or if some of it is text where the second line has a number.
pub(super) fn looks_like_header(first: &[Cow<'_, str>], second: &[Cow<'_, str>]) -> bool {
    let text_over_number = |(a, b): (&Cow<'_, str>, &Cow<'_, str>)| is_text(a) && b.parse::<f32>().is_ok();
    first.iter().all(|field| is_text(field)) || first.iter().zip(second).any(text_over_number)
}

pub(crate) fn header_names(path: &Path, fields: &[Cow<'_, str>]) -> Result<Vec<String>> {
    // A name costs its text, its place in the list and in the map.
    memory::check(fields.len().saturating_mul(128)).map_err(|short| short.at(path))?;
    let mut seen = HashMap::new();
    for (i, name) in fields.iter().enumerate() {
        if name.is_empty() {
            let expected = match i {
                0 => "a name for every column; a row index that a data frame wrote must be left out",
                _ if i + 1 == fields.len() => {
                    "a name for every column; if the line only ends with a separator, remove it on all lines"
                }
                _ => "a name for every column",
            };
            return Err(Error::field(
                path,
                "the header",
                format!("without a name in column {}", i + 1),
                expected,
            ));
        }
        if let Some(first) = seen.insert(name.as_ref(), i) {
            let (first, second) = (first + 1, i + 1);
            return Err(Error::DuplicateColumn {
                path: path.to_owned(),
                name: name.to_string(),
                first,
                second,
            });
        }
    }
    Ok(fields.iter().map(|name| name.to_string()).collect())
}

/// Where the columns of a model stand among `names`, of which `label` is no feature.
pub(super) fn in_fitted_order(
    path: &Path,
    names: &[String],
    label: Option<usize>,
    fitted: &[String],
) -> Result<Vec<usize>> {
    let places: HashMap<&str, usize> = names
        .iter()
        .enumerate()
        .filter(|(i, _)| label != Some(*i))
        .map(|(i, name)| (name.as_str(), i))
        .collect();
    let missing: Vec<&str> =
        fitted.iter().map(String::as_str).filter(|name| !places.contains_key(name)).collect();
    let known: HashSet<&str> = fitted.iter().map(String::as_str).collect();
    let unknown =
        names.iter().enumerate().filter(|(i, name)| label != Some(*i) && !known.contains(name.as_str()));
    let unknown: Vec<&str> = unknown.map(|(_, name)| name.as_str()).collect();
    if missing.is_empty() && unknown.is_empty() {
        return Ok(fitted.iter().map(|name| places[name.as_str()]).collect());
    }
    Err(Error::OtherColumns { path: path.to_owned(), missing: some_of(&missing), unknown: some_of(&unknown) })
}

/// The first names of a list, for an error.
fn some_of(names: &[&str]) -> Vec<String> {
    names.iter().take(NAMES_IN_ERROR).map(|name| (*name).to_owned()).collect()
}

pub(crate) fn find_column(
    path: &Path,
    names: &Option<Vec<String>>,
    columns: usize,
    wanted: &str,
) -> Result<usize> {
    let found = match names {
        Some(names) => names.iter().position(|name| name == wanted),
        None => wanted.parse::<usize>().ok().and_then(|i| i.checked_sub(1)).filter(|i| *i < columns),
    };
    found.ok_or_else(|| Error::NoSuchColumn {
        path: path.to_owned(),
        name: wanted.to_owned(),
        columns: match names {
            Some(names) => names.iter().take(NAMES_IN_ERROR).cloned().collect(),
            None => (1..=columns.min(NAMES_IN_ERROR)).map(|i| i.to_string()).collect(),
        },
        header: names.is_some(),
    })
}
