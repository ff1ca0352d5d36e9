//! Writers of small file formats: NPY, CSV of samples. Everything is written atomically.

use anyhow::Result;
use ndarray::{ArrayView1, ArrayView2};
use npyz::WriterBuilder;
use std::fmt::Write as _;
use std::path::Path;
use vae_core::fsio::write_atomic;

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

/// Writes samples as CSV: `cluster`, of which each was drawn, then the features by their names, or
/// `x1`, `x2`, …
pub fn write_samples_csv(
    path: &Path,
    samples: ArrayView2<'_, f32>,
    clusters: impl Iterator<Item = usize> + Clone,
    names: Option<&[String]>,
) -> Result<()> {
    let names = match names {
        Some(names) => names.iter().map(|name| csv_field(name)).collect::<Vec<_>>(),
        None => (1..=samples.ncols()).map(|i| format!("x{i}")).collect(),
    };
    write_atomic(path, |out| {
        writeln!(out, "cluster,{}", names.join(","))?;
        let mut line = String::new();
        for (row, cluster) in samples.rows().into_iter().zip(clusters.clone()) {
            line.clear();
            let _ = write!(line, "{cluster}");
            append(&mut line, row);
            writeln!(out, "{line}")?;
        }
        Ok(())
    })?;
    Ok(())
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
    fn names_with_commas_are_quoted() {
        assert_eq!(csv_field("a,b \"c\""), "\"a,b \"\"c\"\"\"");
        assert_eq!(csv_field("7"), "7");
        assert_eq!((csv_field(" 7"), csv_field("")), ("\" 7\"".into(), "\"\"".into()));
    }
}
