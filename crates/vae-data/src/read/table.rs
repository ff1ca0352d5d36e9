//! Tables of text: comma-, tab- or semicolon-separated values with quotes as in RFC 4180, one row a line.
//!
//! Deviation: a quoted field ends on its line. Numbers need no line breaks, and so a lost quote is found where it
//! is and not at the end of the file.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result, ValueProblem};
use crate::labels::RawLabels;
use crate::memory::{self, Interner, Problem, Shortage};
use crate::read::Raw;
use crate::read::input::Input;
use crate::read::numbered::Numbered;

/// What the user says about a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableOptions {
    pub header: Option<bool>,
    pub label_column: Option<String>,
    /// The features and their order, where the table has names.
    pub columns: Option<Vec<String>>,
}

/// No line of a table is longer; a file that is no table at all ends here and not in memory.
const MAX_LINE_BYTES: u64 = 64 << 20;
/// Why a line with a lost quote cannot be taken apart.
pub(crate) const OPEN_QUOTE: &str = "a quote is opened and not closed on this line";
/// What some programs put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What is wrong with text of another encoding or with other line ends.
const UTF_16: &str = "the text is UTF-16; save the file as UTF-8";
const NOT_UTF_8: &str =
    "the line is not UTF-8 text; it may be Latin-1 or Windows-1252: save the file as UTF-8";
pub(crate) const CARRIAGE_RETURNS: &str =
    "lines end with carriage returns alone, as on old Macs; save the file with line feeds";
const BLANKS: &str = "the fields are separated by blanks; separate them by commas, semicolons or tabs";
/// Column names that are labels more often than not.
const LABEL_NAMES: [&str; 6] = ["label", "labels", "class", "target", "y", "species"];
/// Column names listed in an error.
const NAMES_IN_ERROR: usize = 20;

/// Lines of a file, numbered from 1, without line ends; empty lines are skipped.
pub(crate) struct Lines<'a> {
    numbered: Numbered<'a>,
    buffer: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub fn new(input: Input<'a>) -> Self {
        Self { numbered: Numbered::new(input), buffer: Vec::new() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.numbered.path
    }

    /// The next line that is not blank, with its number.
    pub fn next_line(&mut self) -> Result<Option<(usize, &str)>> {
        loop {
            self.buffer.clear();
            let n = self.numbered.read(MAX_LINE_BYTES, &mut self.buffer)?;
            if n == 0 {
                return Ok(None);
            }
            if n as u64 == MAX_LINE_BYTES {
                return Err(self.problem("the line is longer than 64 MiB; this is no table"));
            }
            if self.numbered.line == 1 {
                if is_utf_16(&self.buffer) {
                    return Err(self.problem(UTF_16));
                }
                if self.buffer.starts_with(BYTE_ORDER_MARK) {
                    self.buffer.drain(..BYTE_ORDER_MARK.len());
                }
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let mut bytes = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some((self.numbered.line, text))),
            Err(_) => Err(self.problem(NOT_UTF_8)),
        }
    }

    /// After the last line: checks the checksum of a published file.
    pub fn finish(self) -> Result<()> {
        self.numbered.finish()
    }

    /// [`Lines::problem`], where it may be the memory.
    pub fn stop(&self, problem: Problem) -> Error {
        problem.at_line(self.path(), self.numbered.line)
    }

    /// An error at the line that was read last.
    pub fn problem(&self, problem: &'static str) -> Error {
        self.numbered.problem(problem)
    }
}

/// Whether a first line has the mark of UTF-16, or zeros in half of its bytes as Latin text in UTF-16 has.
fn is_utf_16(line: &[u8]) -> bool {
    let zeros = line.iter().filter(|byte| **byte == 0).count();
    line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") || (zeros > 0 && zeros >= line.len() / 2)
}

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

fn fields<'t>(path: &Path, line: usize, text: &'t str, separator: char) -> Result<Vec<Cow<'t, str>>> {
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

fn is_missing(text: &str) -> bool {
    ["", "na", "n/a", "#n/a", "null", "none", "?", "-"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn number(text: &str) -> Result<f32, ValueProblem> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(ValueProblem::NotFinite(text.to_owned())),
        Err(_) if is_missing(text) => Err(ValueProblem::Missing(text.to_owned())),
        Err(_) if has_decimal_comma(text) => Err(ValueProblem::DecimalComma(text.to_owned())),
        Err(_) => Err(ValueProblem::NotANumber(text.chars().take(40).collect())),
    }
}

/// `1,5` and the like.
fn has_decimal_comma(text: &str) -> bool {
    text.matches(',').count() == 1 && text.len() < 40 && text.replace(',', ".").parse::<f32>().is_ok()
}

/// Names what is really wrong where numbers with decimal commas stand between semicolons: `1,5;2,5` has more commas.
fn explain(error: Error, text: &str, separator: char) -> Error {
    let comma = || text.split(';').map(str::trim).find(|field| has_decimal_comma(field));
    let are_numbers = || {
        text.split(';').all(|field| field.trim().parse::<f32>().is_ok() || has_decimal_comma(field.trim()))
    };
    match error {
        Error::Value { path, line, column, name, problem: ValueProblem::NotANumber(found) }
            if separator == ',' && found.contains(';') =>
        {
            let problem = match comma().filter(|_| are_numbers()) {
                Some(number) => ValueProblem::DecimalComma(number.to_owned()),
                None => ValueProblem::NotANumber(found),
            };
            Error::Value { path, line, column, name, problem }
        }
        other => other,
    }
}

/// Whether the only field is really several numbers with blanks between them, and perhaps a label.
fn is_separated_by_blanks(fields: &[Cow<'_, str>]) -> bool {
    let [only] = fields else { return false };
    only.split_ascii_whitespace().filter(|piece| piece.parse::<f32>().is_ok()).nth(1).is_some()
}

fn is_text(field: &str) -> bool {
    field.parse::<f32>().is_err() && !is_missing(field)
}

/// A first line is a header if all of it is text, or if some of it is text where the second line has a number.
fn looks_like_header(first: &[Cow<'_, str>], second: &[Cow<'_, str>]) -> bool {
    let text_over_number = |(a, b): (&Cow<'_, str>, &Cow<'_, str>)| is_text(a) && b.parse::<f32>().is_ok();
    first.iter().all(|field| is_text(field)) || first.iter().zip(second).any(text_over_number)
}

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

fn check_label(field: &str) -> Result<(), ValueProblem> {
    let is_missing = is_missing(field) || field.eq_ignore_ascii_case("nan");
    if is_missing { Err(ValueProblem::Missing(field.to_owned())) } else { Ok(()) }
}

/// A table being read.
struct Rows {
    path: PathBuf,
    /// Names from the header, if there is one.
    names: Option<Vec<String>>,
    columns: usize,
    label: Option<usize>,
    /// The columns that are features, in the order of the features.
    features: Vec<usize>,
    /// Whether they are those of a fitted model.
    as_fitted: bool,
    x: Vec<f32>,
    labels: Vec<Arc<str>>,
    texts: Interner,
    n: usize,
}

impl Rows {
    fn new(
        path: PathBuf,
        names: Option<Vec<String>>,
        columns: usize,
        options: &TableOptions,
    ) -> Result<Self> {
        let label = options
            .label_column
            .as_ref()
            .map(|name| find_column(&path, &names, columns, name))
            .transpose()?;
        let features = match (&names, &options.columns) {
            (Some(names), Some(fitted)) => in_fitted_order(&path, names, label, fitted)?,
            _ => (0..columns).filter(|i| label != Some(*i)).collect(),
        };
        Ok(Self {
            path,
            names,
            columns,
            label,
            features,
            as_fitted: options.columns.is_some(),
            x: Vec::new(),
            labels: Vec::new(),
            texts: Interner::default(),
            n: 0,
        })
    }

    fn push(&mut self, line: usize, fields: &[Cow<'_, str>]) -> Result<()> {
        if fields.len() != self.columns {
            let (expected, found) = (self.columns, fields.len());
            return Err(Error::Ragged { path: self.path.clone(), line, expected, found });
        }
        let Self { path, names, x, labels, texts, label, features, .. } = self;
        let short = |short: Shortage| short.at(path);
        memory::reserve(x, self.columns).map_err(short)?;
        let at = |i: usize| {
            let (path, name) = (path.clone(), names.as_ref().map(|names| names[i].clone()));
            move |problem| Error::Value { path, line, column: i + 1, name, problem }
        };
        if let Some(i) = *label {
            check_label(&fields[i]).map_err(at(i))?;
            let label = texts.get(&fields[i]).map_err(short)?;
            memory::push(labels, label).map_err(short)?;
        }
        for &i in features.iter() {
            x.push(number(&fields[i]).map_err(at(i))?);
        }
        self.n += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<Raw> {
        let d = self.features.len();
        if self.n == 0 {
            let header = self.names.unwrap_or_default();
            let shown: String = header.join(", ").chars().take(40).collect();
            let problem = format!(
                "holds one line, taken for a header ({shown}), and no row below it; add rows, or say --header no"
            );
            return Err(Error::format(&self.path, problem));
        }
        if d == 0 {
            return Err(Error::Empty { path: self.path, expected: "at least one column beside the labels" });
        }
        if self.label.is_none()
            && !self.as_fitted
            && let Some(name) =
                self.names.iter().flatten().find(|n| LABEL_NAMES.contains(&n.to_lowercase().as_str()))
        {
            tracing::warn!(
                "{}: column `{name}` is used as a feature; if it holds labels, name it with --label-column",
                self.path.display()
            );
        }
        self.x.shrink_to_fit();
        let labels = self.label.map(|_| RawLabels::Texts(self.labels));
        let columns = self.names.map(|names| self.features.iter().map(|i| names[*i].clone()).collect());
        Ok(Raw { x: self.x, n: self.n, d, columns, image: None, n_train: self.n, labels })
    }
}

/// Where the columns of a model stand among `names`, of which `label` is no feature.
fn in_fitted_order(
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

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
