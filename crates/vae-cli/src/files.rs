//! Writers of small file formats: NPY, CSV of samples. Everything is written atomically.

use anyhow::Result;
use ndarray::{ArrayView1, ArrayView2, s};
use npyz::WriterBuilder;
use std::fmt::Write as _;
use std::path::Path;
use vae_core::fsio::write_atomic;
use vae_data::{ColumnKind, Schema};

/// Writes `[n]` unsigned numbers as NPY.
pub fn write_npy_u32(path: &Path, values: ArrayView1<'_, u32>) -> Result<()> {
    write_npy(path, &[values.len() as u64], values.iter().copied())
}

/// Writes `[n]` whole numbers as NPY of i32.
pub fn write_npy_i32(path: &Path, values: ArrayView1<'_, i64>) -> Result<()> {
    let values: Vec<i32> = values.iter().map(|v| i32::try_from(*v)).collect::<Result<_, _>>()?;
    write_npy(path, &[values.len() as u64], values.into_iter())
}

/// Writes a matrix as NPY, rows first.
pub fn write_npy_f32(path: &Path, values: ArrayView2<'_, f32>) -> Result<()> {
    write_npy(path, &[values.nrows() as u64, values.ncols() as u64], values.iter().copied())
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
    fn names_with_commas_are_quoted() {
        assert_eq!(csv_field("a,b \"c\""), "\"a,b \"\"c\"\"\"");
        assert_eq!(csv_field("7"), "7");
        assert_eq!((csv_field(" 7"), csv_field("")), ("\" 7\"".into(), "\"\"".into()));
    }
}
