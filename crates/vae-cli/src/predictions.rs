//! Assignments that somebody made: from a run folder, a table, one value a line, or NPY.
//!
//! A cluster is a whole number (also written `2.0`), or a name; -1 means that the sample is not
//! assigned. The first column has the names of the rows, where it is none of those that the program
//! writes; others are passed over.

use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// What a sample has that is in no cluster.
const NOT_ASSIGNED: i64 = -1;

/// First lines that name a column, where there is only one.
const HEADERS: [&str; 9] =
    ["cluster", "clusters", "label", "labels", "class", "group", "pred", "prediction", "predictions"];

/// Columns of assignments that are no names of rows.
const OWN: [&str; 5] = ["index", "cluster", "cluster_name", "confidence", "outlier"];

/// The most names that are listed.
const MOST_NAMES: usize = 20;

/// Assignments, one for each sample.
#[derive(Debug, PartialEq, Eq)]
pub struct Predictions {
    /// The cluster of each sample; `None` for one that is not assigned.
    pub clusters: Vec<Option<u32>>,
    /// What the numbers stand for, where the file had names, in their order.
    pub names: Vec<String>,
    /// The column that names the samples, and their names.
    pub ids: Option<(String, Vec<String>)>,
}

impl Predictions {
    /// Reads a file: NPY of whole numbers, a CSV with a column `cluster` (and in the order of
    /// `index`, if it has one), or one cluster a line.
    ///
    /// # Errors
    /// A file that cannot be read, or what is no cluster in it, with its line.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_beside(path, None)
    }

    /// [`Predictions::read`]; a column of a table has the names of the rows too if it is called
    /// `id_column`, as other data on the same rows call theirs.
    ///
    /// # Errors
    /// As [`Predictions::read`].
    pub fn read_beside(path: &Path, id_column: Option<&str>) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let read = if bytes.starts_with(b"\x93NUMPY") {
            of_npy(&bytes).with_context(|| format!("{} is no NPY of assignments", path.display()))?
        } else {
            let text =
                std::str::from_utf8(&bytes).with_context(|| format!("{} is not text", path.display()))?;
            // As spreadsheets begin a file in UTF-8.
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            of_text(text, id_column).with_context(|| format!("{} holds no assignments", path.display()))?
        };
        ensure!(!read.clusters.is_empty(), "{} is empty: assignments expected, one a row", path.display());
        ensure!(
            read.clusters.iter().any(Option::is_some),
            "{} assigns no sample: all are {NOT_ASSIGNED}",
            path.display()
        );
        Ok(read)
    }

    /// What became of names, in words.
    pub fn about_names(&self) -> Option<String> {
        if self.names.is_empty() {
            return None;
        }
        let shown: Vec<String> =
            self.names.iter().take(MOST_NAMES).enumerate().map(|(i, name)| format!("{name} = {i}")).collect();
        let more = if self.names.len() > MOST_NAMES { ", ..." } else { "" };
        Some(format!(
            "the {} different names are taken as clusters: {}{more}",
            self.names.len(),
            shown.join(", ")
        ))
    }
}

/// The names of the columns of a table; none of other files.
pub fn head_of(path: &Path) -> Vec<String> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    let mut lines = BufReader::new(file).lines().map_while(Result::ok);
    let Some(first) = lines.find(|line| !line.trim().is_empty()) else { return Vec::new() };
    let first = first.strip_prefix('\u{feff}').unwrap_or(&first);
    let names = fields(first, separator_of(first));
    if names.len() < 2 { Vec::new() } else { names }
}

/// Whether the program writes a column of this name.
pub fn is_own(name: &str) -> bool {
    OWN.contains(&name)
}

/// Whether the first column has the names of the rows, as the program writes them; of a table that
/// --append has made the columns are the user's.
pub fn begins_with_ids(names: &[String]) -> bool {
    matches!(names, [first, second, ..] if !is_own(first) && is_own(second))
}

fn of_npy(bytes: &[u8]) -> Result<Predictions> {
    use npyz::TypeChar::{Float, Int, Uint};
    let file = npyz::NpyFile::new(bytes)?;
    ensure!(file.shape().len() == 1, "its shape is {:?}, expected one dimension", file.shape());
    let npyz::DType::Plain(kind) = file.dtype() else {
        bail!("its type is a record, expected whole numbers")
    };
    let values: Vec<f64> = match (kind.type_char(), kind.num_bytes()) {
        (Uint, Some(1)) => file.into_vec::<u8>()?.into_iter().map(f64::from).collect(),
        (Uint, Some(2)) => file.into_vec::<u16>()?.into_iter().map(f64::from).collect(),
        (Uint, Some(4)) => file.into_vec::<u32>()?.into_iter().map(f64::from).collect(),
        (Uint, Some(8)) => file.into_vec::<u64>()?.into_iter().map(|v| v as f64).collect(),
        (Int, Some(1)) => file.into_vec::<i8>()?.into_iter().map(f64::from).collect(),
        (Int, Some(2)) => file.into_vec::<i16>()?.into_iter().map(f64::from).collect(),
        (Int, Some(4)) => file.into_vec::<i32>()?.into_iter().map(f64::from).collect(),
        (Int, Some(8)) => file.into_vec::<i64>()?.into_iter().map(|v| v as f64).collect(),
        (Float, Some(4)) => file.into_vec::<f32>()?.into_iter().map(f64::from).collect(),
        (Float, Some(8)) => file.into_vec::<f64>()?,
        _ => bail!("its type is {kind}, expected numbers; names are read from text"),
    };
    let clusters = values.into_iter().enumerate().map(|(row, value)| {
        cluster(value).with_context(|| format!("row {row}: {value} is no cluster: {EXPECTED}"))
    });
    Ok(Predictions { clusters: clusters.collect::<Result<_>>()?, names: Vec::new(), ids: None })
}

const EXPECTED: &str = "expected 0, 1, 2, ..., or -1 for a sample that is not assigned";

/// The cluster that a number stands for; the outer `None` where it stands for none.
fn cluster(value: f64) -> Option<Option<u32>> {
    if value == NOT_ASSIGNED as f64 {
        return Some(None);
    }
    let is_cluster = value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value);
    is_cluster.then_some(Some(value as u32))
}

/// So many rows in as many clusters of one row each are no clusters but something else.
const MANY: usize = 10;

/// One line of a text.
struct Row {
    /// Counts from 1.
    line: usize,
    index: Option<usize>,
    cluster: String,
    /// Name of the sample, where there are names.
    id: String,
}

fn of_text(text: &str, id_column: Option<&str>) -> Result<Predictions> {
    let (rows, id_name) = rows(text, id_column)?;
    let mut rows = in_order_of_index(rows)?;
    let ids = id_name.map(|name| (name, rows.iter_mut().map(|row| std::mem::take(&mut row.id)).collect()));
    let is_number = |row: &Row| row.cluster.parse::<f64>().is_ok();
    let is_name = |row: &&Row| !is_number(row) && !row.cluster.is_empty();
    if !rows.iter().any(|row| is_name(&row)) {
        let clusters = rows.iter().map(|Row { line, cluster: field, .. }| {
            let value = field.parse().ok().and_then(cluster);
            value.with_context(|| format!("line {line}: `{field}` is no cluster: {EXPECTED}"))
        });
        return Ok(Predictions { clusters: clusters.collect::<Result<_>>()?, names: Vec::new(), ids });
    }
    let not_assigned = |row: &Row| row.cluster.parse() == Ok(NOT_ASSIGNED as f64);
    if let Some(Row { line, cluster, .. }) = rows.iter().find(|row| !is_name(row) && !not_assigned(row)) {
        bail!("line {line}: `{cluster}` stands among names: give all clusters as names, or all as numbers");
    }
    let names: BTreeSet<&str> = rows.iter().filter(is_name).map(|row| row.cluster.as_str()).collect();
    if names.len() == rows.len() && rows.len() >= MANY {
        bail!(
            "every one of {} lines is another name: expected one cluster a line, or a table with a column `cluster`",
            rows.len()
        );
    }
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let clusters = rows.iter().map(|row| names.binary_search(&row.cluster).ok().map(|at| at as u32));
    Ok(Predictions { clusters: clusters.collect(), names, ids })
}

/// The rows, and the name of the column that names them.
fn rows(text: &str, id_column: Option<&str>) -> Result<(Vec<Row>, Option<String>)> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let separator = separator_of(first);
    let fields = |line: &str| fields(line, separator);
    let names = fields(first);
    let mut lines = if names.len() > 1 { records(text)? } else { numbered_lines(text) };
    if lines.is_empty() {
        return Ok((Vec::new(), None));
    }
    let index = names.iter().position(|n| n == "index");
    let (column, is_header) = match names.iter().position(|n| n == "cluster") {
        Some(column) => (column, true),
        None if names.len() > 1 => bail!("line 1: no column `cluster` among {}", names.join(", ")),
        None => (0, is_header(&names[0], lines.get(1).map(|(_, line)| line.as_str()))),
    };
    if is_header {
        lines.remove(0);
    }
    let ids = match begins_with_ids(&names) {
        true => Some(0),
        false => names.iter().position(|name| Some(name.as_str()) == id_column && !is_own(name)),
    };
    let row = |(line, text): (usize, String)| {
        let of_line = fields(&text);
        let field = |column: usize| of_line.get(column).cloned().unwrap_or_default();
        let index = index.map(|index| {
            let place = field(index);
            place.parse().with_context(|| format!("line {line}: `{place}` is no index"))
        });
        let id = ids.map(field).unwrap_or_default();
        Ok(Row { line, index: index.transpose()?, cluster: field(column), id })
    };
    let rows = lines.into_iter().map(row).collect::<Result<_>>()?;
    Ok((rows, ids.map(|at| names[at].clone())))
}

/// The lines with something in them, by their numbers from 1.
fn numbered_lines(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(i, line)| (i + 1, line.to_owned())).collect()
}

/// The records of a table by the numbers of their first lines: a name in quotes may have several
/// lines.
fn records(text: &str) -> Result<Vec<(usize, String)>> {
    let mut records: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (i, line) in text.lines().enumerate() {
        match records.last_mut().filter(|_| is_open) {
            Some((_, record)) => {
                record.push('\n');
                record.push_str(line);
            }
            None if line.trim().is_empty() => continue,
            None => records.push((i + 1, line.to_owned())),
        }
        is_open ^= line.matches('"').count() % 2 == 1;
    }
    if let (true, Some((line, _))) = (is_open, records.last()) {
        bail!("line {line}: a quote is not closed");
    }
    Ok(records)
}

/// Whether the only column's first line is its name: a word that says so, or one above a number.
fn is_header(first: &str, second: Option<&str>) -> bool {
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
    let is_not_assigned = |text: &str| text.trim().parse() == Ok(NOT_ASSIGNED as f64);
    !is_number(first)
        && (HEADERS.contains(&first.to_lowercase().as_str())
            || second.is_some_and(|second| is_number(second) && !is_not_assigned(second)))
}

/// What separates the fields of a table with this header: `predict --append` keeps the separator of
/// the table. The comma, unless another leaves a column `cluster`.
fn separator_of(header: &str) -> char {
    let has_clusters = |separator: &char| {
        let names = fields(header, *separator);
        names.len() > 1 && names.iter().any(|name| name == "cluster")
    };
    [',', ';', '\t', '|'].into_iter().find(has_clusters).unwrap_or(',')
}

/// The fields of a line, without blanks and quotes around them; in quotes a separator is part of
/// its field, and two quotes are one.
fn fields(line: &str, separator: char) -> Vec<String> {
    let (mut fields, mut field, mut in_quotes) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if in_quotes && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => in_quotes = !in_quotes,
            c if c == separator && !in_quotes => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields.into_iter().map(|field| field.trim().to_owned()).collect()
}

/// Rows in the order of their column `index`, where there is one: a program may have sorted them by
/// another.
fn in_order_of_index(mut rows: Vec<Row>) -> Result<Vec<Row>> {
    rows.sort_by_key(|row| row.index);
    for (expected, Row { line, index, .. }) in rows.iter().enumerate() {
        match index {
            Some(index) if *index < expected => {
                bail!("line {line}: index {index} stands on another line too")
            }
            Some(index) if *index > expected => bail!(
                "index {expected} is missing: all of 0 to {} are expected, one row each; leave the column `index` out \
                 to take the rows as they stand",
                rows.len() - 1
            ),
            _ => {}
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
