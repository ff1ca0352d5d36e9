//! Writers of small file formats: NPY, CSV of samples. Everything is written atomically.

use anyhow::Result;
use ndarray::{ArrayView1, ArrayView2, s};
use npyz::WriterBuilder;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use vae_core::fsio::write_atomic;
use vae_data::{ColumnKind, Schema};

/// Writes `[n]` unsigned numbers as NPY.
pub fn write_npy_u32(path: &Path, values: ArrayView1<'_, u32>) -> Result<()> {
    write_npy(path, &[values.len() as u64], values.iter().copied())
}

/// Writes a matrix as NPY, rows first.
pub fn write_npy_f32(path: &Path, values: ArrayView2<'_, f32>) -> Result<()> {
    write_npy(path, &[values.nrows() as u64, values.ncols() as u64], values.iter().copied())
}

/// [`write_atomic`] where other things than the file may fail: `path` has its old content or the
/// whole new one.
///
/// # Errors
/// What `fill` returns; with the path where it is the file that cannot be written.
pub fn write_file(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut failure = None;
    let written = write_atomic(path, |out| {
        fill(out).map_err(|error| {
            let stopped = io::Error::other("not finished");
            failure = Some(error);
            stopped
        })
    });
    match failure {
        Some(error) if error.is::<io::Error>() => {
            Err(error.context(format!("cannot write {}", path.display())))
        }
        Some(error) => Err(error),
        None => Ok(written?),
    }
}

fn write_npy<T: npyz::AutoSerialize>(
    path: &Path,
    shape: &[u64],
    values: impl Iterator<Item = T>,
) -> Result<()> {
    write_atomic(path, |out| {
        let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(out).begin_nd()?;
        writer.extend(values)?;
        writer.finish()
    })?;
    Ok(())
}

/// Writes samples as CSV: `cluster`, of which each was drawn, then the columns of the table as it
/// had them, or the features as `x1`, `x2`, …
///
/// Numbers are moved back from 0, a category is the most probable of its levels.
pub fn write_samples_csv(
    path: &Path,
    samples: ArrayView2<'_, f32>,
    clusters: impl Iterator<Item = usize> + Clone,
    schema: Option<&Schema>,
) -> Result<()> {
    let names = match schema {
        Some(schema) => schema.columns.iter().map(|column| csv_field(&column.name)).collect::<Vec<_>>(),
        None => (1..=samples.ncols()).map(|i| format!("x{i}")).collect(),
    };
    write_atomic(path, |out| {
        writeln!(out, "cluster,{}", names.join(","))?;
        let mut line = String::new();
        for (row, cluster) in samples.rows().into_iter().zip(clusters.clone()) {
            line.clear();
            let _ = write!(line, "{cluster}");
            match schema {
                Some(schema) => schema.columns.iter().zip(schema.ranges()).for_each(|(column, features)| {
                    let cell = cell(&column.kind, row.slice(s![features]));
                    let _ = write!(line, ",{cell}");
                }),
                None => append(&mut line, row),
            }
            writeln!(out, "{line}")?;
        }
        Ok(())
    })?;
    Ok(())
}

/// The cell of a table that became these features.
fn cell(kind: &ColumnKind, features: ArrayView1<'_, f32>) -> String {
    match kind {
        ColumnKind::Number { offset: 0.0 } => features[0].to_string(),
        ColumnKind::Number { offset } => (f64::from(features[0]) + offset).to_string(),
        ColumnKind::Category { levels } => {
            let best = (0..levels.len()).fold(0, |a, b| if features[b] > features[a] { b } else { a });
            csv_field(&levels[best])
        }
    }
}

/// Appends values to a line of a CSV, separated by commas from each other and from what the line
/// holds.
fn append(line: &mut String, values: ArrayView1<'_, f32>) {
    for v in values {
        let comma = if line.is_empty() { "" } else { "," };
        let _ = write!(line, "{comma}{v}");
    }
}

/// A text as a CSV field, in quotes where some reader may need them.
pub fn csv_field(text: &str) -> String {
    if text.is_empty() || text.trim() != text || text.contains([',', ';', '\t', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_written_as_the_table_had_them() {
        let category = ColumnKind::Category { levels: vec!["blue".into(), "a,b".into()] };
        let of = |kind: &ColumnKind, features: &[f32]| cell(kind, ArrayView1::from(features));
        assert_eq!(of(&category, &[0.75, 0.25]), "blue");
        assert_eq!(of(&category, &[0.25, 0.75]), "\"a,b\"");
        assert_eq!(of(&ColumnKind::Number { offset: 0.0 }, &[0.1]), "0.1");
        assert_eq!(of(&ColumnKind::Number { offset: 1_700_000_000.0 }, &[0.5]), "1700000000.5");
    }

    #[test]
    fn what_fails_while_a_file_is_written_leaves_the_old_one() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("a.csv");
        write_file(&path, |out| Ok(out.write_all(b"old")?)).expect("written");
        let failed = write_file(&path, |out| {
            out.write_all(b"half")?;
            anyhow::bail!("row 7 is wrong")
        });
        assert_eq!(failed.expect_err("wrong").to_string(), "row 7 is wrong");
        let full = write_file(&path, |_| Err(io::Error::other("disk full").into()));
        assert!(full.expect_err("full").to_string().contains("cannot write"));
        assert_eq!(std::fs::read(&path).expect("read"), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 1);
    }

    #[test]
    fn names_with_commas_are_quoted() {
        assert_eq!(csv_field("a,b \"c\""), "\"a,b \"\"c\"\"\"");
        assert_eq!(csv_field("7"), "7");
        assert_eq!((csv_field(" 7"), csv_field("")), ("\" 7\"".into(), "\"\"".into()));
    }
}
