//! The header of a table: whether there is one, its names, and where a name stands.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::{Error, Result};
use crate::near::nearest;
use crate::note::{Note, listed};
use crate::read::table::cell::Cells;

/// Column names listed in an error.
const NAMES_IN_ERROR: usize = 20;
/// What a column of row names is called that has no name: as pandas does.
const UNNAMED: &str = "Unnamed: 0";
/// What R's row names are called: their column has no place in the header.
const ROW_NAMES: &str = "rownames";

/// Whether the first of some records is a header, and a note where that may be wrong. `known` are
/// names that a header of this kind has.
pub(super) fn is_header(records: &[Vec<String>], known: &[&str], cells: &Cells) -> (bool, Option<Note>) {
    let Some((first, rest)) = records.split_first() else { return (false, None) };
    if !known.is_empty() && known.iter().all(|name| first.iter().any(|field| field == name)) {
        return (true, None);
    }
    let numbers = first.iter().filter(|field| cells.is_number(field)).count();
    let texts = first.iter().filter(|field| cells.is_text(field)).count();
    let below = rest.first().map(Vec::as_slice).unwrap_or_default();
    let text_over_number =
        first.iter().zip(below).any(|(above, below)| cells.is_text(above) && cells.is_number(below));
    let shown = || listed(first.iter().map(String::as_str));
    if numbers == 0 {
        return of_texts(first, rest, texts, text_over_number);
    }
    if is_counting(first, texts > 0, cells) && !rest.is_empty() {
        let alike = rest.iter().filter(|row| is_counting_like(first, row, cells)).count();
        let is_other = alike * 2 < rest.len();
        let note = match is_other || text_over_number {
            true => {
                format!("the first line ({}) is taken for a header; if it is a row, say --header no", shown())
            }
            false => format!(
                "the first line ({}) is taken for a row; if it is a header, say --header yes",
                shown()
            ),
        };
        return (is_other || text_over_number, Some(Note::warning(note)));
    }
    let most = |row: &[String]| row.iter().filter(|field| cells.is_number(field)).count() * 2 > row.len();
    if most(first) && most(below) || !text_over_number {
        return (false, None);
    }
    let note = format!(
        "the first line ({}) is taken for a header though it holds a number; if it is a row, say --header no",
        shown()
    );
    (true, Some(Note::warning(note)))
}

/// A first line without numbers is a header, unless its words come again where rows are texts too.
fn of_texts(
    first: &[String],
    rest: &[Vec<String>],
    texts: usize,
    text_over_number: bool,
) -> (bool, Option<Note>) {
    if texts == 0 {
        return (false, None);
    }
    if text_over_number || rest.is_empty() {
        return (true, None);
    }
    let comes_again =
        |(i, field): (usize, &String)| !field.is_empty() && rest.iter().any(|row| row.get(i) == Some(field));
    let is_row = first.iter().enumerate().any(comes_again);
    let shown = listed(first.iter().map(String::as_str));
    let note = match is_row {
        true => Note::warning(format!(
            "the first line ({shown}) is taken for a row, since its words come again below; if it is a header, say --header yes"
        )),
        false => Note::info(format!(
            "the first line ({shown}) is taken for a header; if it is a row, say --header no"
        )),
    };
    (!is_row, Some(note))
}

/// Whether the numbers of a first line are names as programs give them: 0, 1, 2, … or 1, 2, 3, …,
/// or years that rise.
fn is_counting(first: &[String], has_words: bool, cells: &Cells) -> bool {
    let numbers: Vec<&String> = first.iter().filter(|field| cells.is_number(field)).collect();
    let whole: Option<Vec<u32>> = numbers.iter().map(|field| field.parse().ok()).collect();
    let Some(whole) = whole else { return false };
    let rises = whole.windows(2).all(|pair| pair[0] < pair[1]);
    let steps = whole.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    let enough = if has_words { 2 } else { 3 };
    let from_start = whole.first().is_some_and(|number| *number <= 1);
    whole.len() >= enough && rises && (steps && from_start || whole.iter().all(|number| is_year(*number)))
}

fn is_year(number: u32) -> bool {
    (1900..=2100).contains(&number)
}

/// Whether a row could follow such a first line as one of its kind: where that has years, years;
/// else whole numbers.
fn is_counting_like(first: &[String], row: &[String], cells: &Cells) -> bool {
    let are_years = first.iter().filter_map(|field| field.parse().ok()).all(is_year);
    let pairs = first.iter().zip(row).filter(|(above, _)| cells.is_number(above));
    pairs.map(|(_, below)| below).all(|below| match are_years {
        true => below.parse().is_ok_and(is_year) || cells.missing.is(below),
        false => below.parse::<i64>().is_ok() || cells.missing.is(below),
    })
}

/// Whether the header leaves out a name for the first column, as R does for row names: words that
/// differ, or 1, 2, 3, …
///
/// Anything less is a fault: decimal commas between commas look much alike.
pub(super) fn lacks_row_names(records: &[Vec<String>], cells: &Cells) -> bool {
    let Some((first, rest)) = records.split_first() else { return false };
    if rest.is_empty() || first.len() < 2 || rest.iter().any(|row| row.len() != first.len() + 1) {
        return false;
    }
    let counts = rest.iter().enumerate().all(|(i, row)| row[0] == (i + 1).to_string());
    let distinct: HashSet<&String> = rest.iter().map(|row| &row[0]).collect();
    let are_words = rest.iter().all(|row| cells.is_text(&row[0])) && distinct.len() == rest.len();
    first.iter().all(|field| cells.is_text(field)) && (counts || are_words)
}

/// The names in a header; with `lacks_row_names` the first column has none there.
pub(super) fn header_names(path: &Path, fields: &[String], lacks_row_names: bool) -> Result<Vec<String>> {
    let mut names = fields.to_vec();
    if lacks_row_names {
        names.insert(0, ROW_NAMES.to_owned());
    } else if let Some(first) = names.first_mut().filter(|first| first.is_empty()) {
        // A data frame wrote its row index.
        UNNAMED.clone_into(first);
    }
    let mut seen = HashMap::new();
    for (i, name) in names.iter().enumerate() {
        if name.is_empty() {
            let expected = match i + 1 == names.len() {
                true => {
                    "a name for every column; if the line only ends with a separator, remove it on all lines"
                }
                false => "a name for every column; if it is a row and no header, say --header no",
            };
            let found = format!("without a name in column {}", i + 1);
            return Err(Error::field(path, "the header", found, expected));
        }
        if let Some(first) = seen.insert(name.as_str(), i) {
            let (first, second) = (first + 1, i + 1);
            return Err(Error::DuplicateColumn { path: path.to_owned(), name: name.clone(), first, second });
        }
    }
    Ok(names)
}

/// Where a column stands, by its name.
pub(super) fn find_column(path: &Path, names: &[String], named: bool, wanted: &str) -> Result<usize> {
    names.iter().position(|name| name == wanted).ok_or_else(|| Error::NoSuchColumn {
        path: path.to_owned(),
        name: wanted.to_owned(),
        // Numbers are near to each other, and mean nothing by that.
        near: nearest(wanted, names.iter().filter(|_| named).map(String::as_str)).map(str::to_owned),
        columns: names.iter().take(NAMES_IN_ERROR).cloned().collect(),
        header: named,
    })
}

/// As many columns as an error lists.
pub(super) fn some_of<T>(columns: impl IntoIterator<Item = T>) -> Vec<T> {
    columns.into_iter().take(NAMES_IN_ERROR).collect()
}
