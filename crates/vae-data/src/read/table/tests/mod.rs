//! Tests of the table reader.

mod arbitrary;
mod columns;
mod doubts;
mod fitted;
mod syntax;

use super::*;
use crate::error::Error;
use crate::labels::RawLabels;
use crate::note::Severity;

fn read_as(text: &str, options: &LoadOptions) -> Result<Table> {
    read(Content::bytes(text.as_bytes()), options)
}

fn read_with(text: &str, header: Option<bool>, label_column: Option<&str>) -> Result<Table> {
    read_as(
        text,
        &LoadOptions { header, label_column: label_column.map(str::to_owned), ..LoadOptions::default() },
    )
}

fn read_text(text: &str) -> Result<Table> {
    read_with(text, None, None)
}

fn message(result: Result<Table>) -> String {
    result.expect_err("must be refused").to_string()
}

fn labels(table: &Table) -> Vec<String> {
    match &table.labels {
        Some(RawLabels::Texts(texts)) => texts.iter().map(|text| text.to_string()).collect(),
        other => panic!("labels are {other:?}"),
    }
}

fn names(table: &Table) -> Vec<String> {
    table.schema.feature_names()
}

/// The texts of the notes of this severity, each on a line.
fn notes(table: &Table, severity: Severity) -> String {
    let texts = table.notes.iter().filter(|note| note.severity == severity).map(|note| note.text.as_str());
    texts.collect::<Vec<_>>().join("\n")
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
