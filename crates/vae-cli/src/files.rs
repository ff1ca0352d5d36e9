//! Writers of small file formats: NPY, CSV of matrices and assignments. Everything is written
//! atomically.

use anyhow::Result;
use ndarray::{Array1, ArrayView1, ArrayView2};
use npyz::WriterBuilder;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use vae_core::fsio::write_atomic;

/// Writes `[n]` unsigned numbers as NPY.
pub fn write_npy_u32(path: &Path, values: ArrayView1<'_, u32>) -> Result<()> {
    write_npy(path, &[values.len() as u64], values.iter().copied())
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

/// Writes a matrix as CSV without a header; the shortest digits that read back to the same number.
pub fn write_csv(path: &Path, values: ArrayView2<'_, f32>) -> Result<()> {
    write_atomic(path, |out| {
        let mut line = String::new();
        for row in values.rows() {
            line.clear();
            append(&mut line, row);
            writeln!(out, "{line}")?;
        }
        Ok(())
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
    if text.contains([',', ';', '\t', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

/// What stands beside the cluster in an assignments CSV.
#[derive(Debug, Clone, Copy)]
pub enum Probability<'a> {
    /// Nothing.
    None,
    /// The probability of the assigned cluster, of `[n, k]`.
    Assigned(ArrayView2<'a, f32>),
    /// The probabilities of all clusters, `[n, k]`.
    All(ArrayView2<'a, f32>),
}

/// Writes `index,cluster[,probability…]`.
pub fn assignments_csv(
    out: &mut dyn Write,
    clusters: ArrayView1<'_, u32>,
    probability: Probability<'_>,
) -> std::io::Result<()> {
    let head = match probability {
        Probability::None => String::new(),
        Probability::Assigned(_) => ",probability".into(),
        Probability::All(p) => (0..p.ncols()).map(|k| format!(",p{k}")).collect(),
    };
    writeln!(out, "index,cluster{head}")?;
    for (i, &cluster) in clusters.iter().enumerate() {
        write!(out, "{i},{cluster}")?;
        match probability {
            Probability::None => {}
            Probability::Assigned(p) => write!(out, ",{:.6}", p[[i, cluster as usize]])?,
            Probability::All(p) => p.row(i).iter().try_for_each(|v| write!(out, ",{v:.6}"))?,
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Writes `index,facet0,facet1,…`: a column for each of several clusterings of the same samples,
/// all of one length.
pub fn facets_csv(out: &mut dyn Write, facets: &[Array1<u32>]) -> std::io::Result<()> {
    let head: String = (0..facets.len()).map(|i| format!(",facet{i}")).collect();
    writeln!(out, "index{head}")?;
    for i in 0..facets.first().map_or(0, Array1::len) {
        write!(out, "{i}")?;
        facets.iter().try_for_each(|facet| write!(out, ",{}", facet[i]))?;
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn names_with_commas_are_quoted() {
        assert_eq!(csv_field("a,b \"c\""), "\"a,b \"\"c\"\"\"");
        assert_eq!(csv_field("7"), "7");
    }

    #[test]
    fn a_matrix_as_csv_keeps_every_bit() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("m.csv");
        write_csv(&path, array![[0.1_f32, -1e-20], [1.0 / 3.0, 5.0]].view()).expect("csv");
        let text = std::fs::read_to_string(&path).expect("text");
        let first: f32 =
            text.lines().nth(1).and_then(|l| l.split(',').next()).expect("field").parse().expect("f32");
        assert_eq!(first, 1.0 / 3.0);
    }
}
