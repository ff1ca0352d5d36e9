//! What the columns of a table are taken for, for people and as JSON.

use crate::output::{counted, table, thousands};
use serde::Serialize;
use vae_data::{ColumnInfo, ColumnUse, Note, Severity, TableInfo};

/// The most levels of a category that people see.
const MOST_LEVELS: usize = 5;

/// A level is shown up to so many characters.
const LONGEST_LEVEL: usize = 24;

/// A table in JSON.
#[derive(Serialize)]
pub(super) struct Facts<'a> {
    header: bool,
    delimiter: char,
    columns: Vec<Column<'a>>,
}

#[derive(Serialize)]
struct Column<'a> {
    name: &'a str,
    #[serde(rename = "use")]
    used_as: &'static str,
    /// Number of the first feature made of it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    feature: Option<usize>,
    n_features: usize,
    missing: usize,
    min: Option<f64>,
    max: Option<f64>,
    mean: Option<f64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    levels: &'a [(String, usize)],
}

impl<'a> Facts<'a> {
    pub(super) fn of(info: &'a TableInfo) -> Self {
        let columns = numbered(info).map(|(feature, column)| Column {
            name: &column.name,
            used_as: word(column.used_as),
            feature,
            n_features: n_features(column),
            missing: column.missing,
            min: column.min,
            max: column.max,
            mean: column.mean,
            levels: &column.levels,
        });
        Self { header: info.named, delimiter: info.delimiter, columns: columns.collect() }
    }
}

fn word(used_as: ColumnUse) -> &'static str {
    match used_as {
        ColumnUse::Number => "number",
        ColumnUse::Category => "category",
        ColumnUse::Identifier => "identifier",
        ColumnUse::Label => "label",
        ColumnUse::LeftOut => "left_out",
        ColumnUse::Date => "date",
        ColumnUse::Text => "text",
        ColumnUse::Mixed => "mixed",
        ColumnUse::Empty => "empty",
    }
}

/// The columns, each with the number of its first feature, if it is one.
fn numbered(info: &TableInfo) -> impl Iterator<Item = (Option<usize>, &ColumnInfo)> {
    let mut next = 1;
    info.columns.iter().map(move |column| {
        let (first, n) = (next, n_features(column));
        next += n;
        ((n > 0).then_some(first), column)
    })
}

fn n_features(column: &ColumnInfo) -> usize {
    match column.used_as {
        ColumnUse::Number => 1,
        ColumnUse::Category => column.levels.len(),
        _ => 0,
    }
}

/// The columns as a table.
pub(super) fn text(info: &TableInfo) -> String {
    let header = if info.named { "the first line is a header" } else { "no header" };
    let delimiter = match info.delimiter {
        '\t' => "tabs".into(),
        ' ' => "blanks".into(),
        other => format!("`{other}`"),
    };
    let (n, columns) = (thousands(info.n), counted(info.columns.len(), "column"));
    let mut lines = vec![["  COLUMN", "USE", "MIN", "MAX", "MEAN", "MISSING", "VALUES"].map(String::from)];
    lines.extend(numbered(info).map(|(feature, column)| {
        let shown = |number: Option<f64>| number.map(short).unwrap_or_default();
        let missing = if column.missing == 0 { String::new() } else { thousands(column.missing) };
        let [min, max, mean] = [column.min, column.max, column.mean].map(shown);
        [format!("  {}", column.name), use_of(feature, column), min, max, mean, missing, levels(column)]
    }));
    let lines: Vec<Vec<String>> = lines.into_iter().map(|line| line.to_vec()).collect();
    format!("{n} rows, {columns}, separated by {delimiter}, {header}:\n{}", table(&lines))
}

fn use_of(feature: Option<usize>, column: &ColumnInfo) -> String {
    let first = feature.unwrap_or_default();
    match (column.used_as, n_features(column)) {
        (ColumnUse::Number, _) => format!("feature {first}, a number"),
        (ColumnUse::Category, 1) => format!("feature {first}, a category"),
        (ColumnUse::Category, n) => format!("features {first} to {}, a category", first + n - 1),
        (ColumnUse::Identifier, _) => "no feature: names or counts the rows".into(),
        (ColumnUse::Label, _) => "no feature: the labels".into(),
        (ColumnUse::LeftOut, _) => "no feature: left out by --drop or --columns".into(),
        (ColumnUse::Date, _) => "refused: dates or times".into(),
        (ColumnUse::Text, _) => "refused: texts".into(),
        (ColumnUse::Mixed, _) => "refused: words among numbers".into(),
        (ColumnUse::Empty, _) => "refused: no values".into(),
    }
}

/// Four digits of a number, or all of a whole one.
fn short(v: f64) -> String {
    match v {
        v if v.fract() == 0.0 && v.abs() < 1e15 => format!("{v}"),
        v if (1e-3..1e6).contains(&v.abs()) => {
            let digits = 3 - (v.abs().log10().floor() as i32).clamp(-3, 3);
            format!("{v:.0$}", digits as usize)
        }
        v => format!("{v:.3e}"),
    }
}

/// The most frequent levels of what is a category or the labels.
fn levels(column: &ColumnInfo) -> String {
    if !matches!(column.used_as, ColumnUse::Category | ColumnUse::Label) {
        return String::new();
    }
    let mut levels: Vec<&(String, usize)> = column.levels.iter().collect();
    levels.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let cut = |level: &str| match level.chars().count() > LONGEST_LEVEL {
        true => level.chars().take(LONGEST_LEVEL).chain("...".chars()).collect(),
        false => level.to_owned(),
    };
    let shown: Vec<String> = levels
        .iter()
        .take(MOST_LEVELS)
        .map(|(level, count)| format!("{} ({})", cut(level), thousands(*count)))
        .collect();
    let more = levels.len().saturating_sub(MOST_LEVELS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}

/// A note in JSON.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NoteFacts {
    severity: &'static str,
    text: String,
}

impl From<&Note> for NoteFacts {
    fn from(note: &Note) -> Self {
        let severity = match note.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
        };
        Self { severity, text: note.text.clone() }
    }
}

/// The notes, a line each.
pub(super) fn notes(notes: &[Note]) -> String {
    notes.iter().map(|note| format!("{note}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, used_as: ColumnUse, levels: &[(&str, usize)]) -> ColumnInfo {
        let levels = levels.iter().map(|(level, n)| ((*level).to_owned(), *n)).collect();
        ColumnInfo { name: name.into(), used_as, missing: 0, min: None, max: None, mean: None, levels }
    }

    #[test]
    fn columns_say_their_features() {
        let number = ColumnInfo {
            min: Some(-1.0),
            max: Some(2.5),
            mean: Some(0.123_456),
            missing: 3,
            ..column("a", ColumnUse::Number, &[])
        };
        let colour = column("colour", ColumnUse::Category, &[("blue", 1), ("red", 2)]);
        let columns = vec![
            column("who", ColumnUse::Identifier, &[]),
            number,
            colour,
            column("z", ColumnUse::Number, &[]),
            column("when", ColumnUse::Date, &[]),
        ];
        let info = TableInfo { n: 3, named: true, delimiter: ';', columns, notes: Vec::new() };
        assert_eq!(
            text(&info),
            "3 rows, 5 columns, separated by `;`, the first line is a header:\n\
             \u{20} COLUMN  USE                                   MIN  MAX    MEAN    MISSING  VALUES\n\
             \u{20} who     no feature: names or counts the rows\n\
             \u{20} a       feature 1, a number                   -1   2.500  0.1235  3\n\
             \u{20} colour  features 2 to 3, a category                                        red (2), blue (1)\n\
             \u{20} z       feature 4, a number\n\
             \u{20} when    refused: dates or times\n"
        );
        let json = serde_json::to_value(Facts::of(&info)).expect("json");
        assert_eq!(
            (&json["columns"][3]["feature"], &json["columns"][2]["n_features"]),
            (&4.into(), &2.into())
        );
        assert_eq!((&json["columns"][4]["use"], json["columns"][4].get("feature")), (&"date".into(), None));
    }

    #[test]
    fn numbers_have_four_digits() {
        let shown = [0.0, 12.0, 12.345_6, 0.012_345, 123_456.7, 1.5e9 + 0.5, 1e20].map(short);
        assert_eq!(shown, ["0", "12", "12.35", "0.01235", "123457", "1.500e9", "1.000e20"]);
    }
}
