//! Small file formats: NPY, assignments as CSV or NPY. Everything is written atomically.

use anyhow::{Context, Result, bail};
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

/// Reads assignments: NPY of whole numbers, a CSV with a column `cluster` (and in the order of
/// `index`, if it has one), or one number a line.
pub fn read_assignments(path: &Path) -> Result<Array1<u32>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let clusters = if bytes.starts_with(b"\x93NUMPY") {
        read_npy_clusters(&bytes).with_context(|| format!("{} is no NPY of assignments", path.display()))?
    } else {
        let text = std::str::from_utf8(&bytes).with_context(|| format!("{} is not text", path.display()))?;
        read_text_clusters(text).with_context(|| format!("{} holds no assignments", path.display()))?
    };
    if clusters.is_empty() {
        bail!("{} is empty: assignments expected, one a row", path.display());
    }
    Ok(clusters.into())
}

fn read_npy_clusters(bytes: &[u8]) -> Result<Vec<u32>> {
    let file = npyz::NpyFile::new(bytes)?;
    if file.shape().len() != 1 {
        bail!("its shape is {:?}, expected one dimension", file.shape());
    }
    let npyz::DType::Plain(kind) = file.dtype() else {
        bail!("its type is a record, expected whole numbers")
    };
    let whole = |v: i64| u32::try_from(v).with_context(|| format!("cluster {v} is not in 0..2^32"));
    match (kind.type_char(), kind.num_bytes()) {
        (npyz::TypeChar::Uint, Some(4)) => Ok(file.into_vec::<u32>()?),
        (npyz::TypeChar::Uint, Some(1)) => Ok(file.into_vec::<u8>()?.into_iter().map(u32::from).collect()),
        (npyz::TypeChar::Int, Some(8)) => file.into_vec::<i64>()?.into_iter().map(whole).collect(),
        (npyz::TypeChar::Int, Some(4)) => {
            file.into_vec::<i32>()?.into_iter().map(|v| whole(v.into())).collect()
        }
        _ => bail!("its type is {kind}, expected u1, u4, i4 or i8"),
    }
}

fn read_text_clusters(text: &str) -> Result<Vec<u32>> {
    let mut lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()).peekable();
    let Some((_, first)) = lines.peek() else { return Ok(Vec::new()) };
    let names: Vec<&str> = first.split(',').map(|f| f.trim().trim_matches('"')).collect();
    let index = names.iter().position(|n| *n == "index");
    let column = match names.iter().position(|n| *n == "cluster") {
        Some(column) => column,
        None if names.len() > 1 => bail!("line 1: no column `cluster` among {}", names.join(", ")),
        None => 0,
    };
    if names[column].parse::<u32>().is_err() {
        lines.next();
    }
    let field = |line: &str, column: usize| line.split(',').nth(column).unwrap_or_default().trim().to_owned();
    let rows = lines.map(|(i, line)| {
        let cluster = field(line, column);
        let cluster =
            cluster.parse().with_context(|| format!("line {}: `{cluster}` is no cluster number", i + 1))?;
        let place = index.map(|index| {
            let place = field(line, index);
            place.parse().with_context(|| format!("line {}: `{place}` is no index", i + 1))
        });
        Ok((i + 1, place.transpose()?, cluster))
    });
    in_order_of_index(rows.collect::<Result<_>>()?)
}

/// Clusters in the order of their column `index`, where there is one: a program may have sorted the
/// rows by another. Each row is the number of its line, its index and its cluster.
fn in_order_of_index(mut rows: Vec<(usize, Option<usize>, u32)>) -> Result<Vec<u32>> {
    rows.sort_by_key(|(_, place, _)| *place);
    for (expected, (line, place, _)) in rows.iter().enumerate() {
        match place {
            Some(place) if *place < expected => {
                bail!("line {line}: index {place} stands on another line too")
            }
            Some(place) if *place > expected => bail!(
                "index {expected} is missing: all of 0 to {} are expected, one row each; leave the column `index` out \
                 to take the rows as they stand",
                rows.len() - 1
            ),
            _ => {}
        }
    }
    Ok(rows.into_iter().map(|(_, _, cluster)| cluster).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().expect("temp dir");
        let clusters = array![3_u32, 0, 7];
        let (npy, csv) = (dir.path().join("a.npy"), dir.path().join("a.csv"));
        write_npy_u32(&npy, clusters.view()).expect("npy");
        let p = ndarray::Array2::<f32>::from_elem((3, 8), 0.125);
        write_atomic(&csv, |out| assignments_csv(out, clusters.view(), Probability::All(p.view())))
            .expect("csv");
        assert_eq!(read_assignments(&npy).expect("npy"), clusters);
        assert_eq!(read_assignments(&csv).expect("csv"), clusters);
        let text = std::fs::read_to_string(&csv).expect("text");
        assert!(text.starts_with("index,cluster,p0,p1") && text.contains("\n1,0,0.125000"), "{text}");
    }

    #[test]
    fn one_number_a_line_will_do() {
        assert_eq!(read_text_clusters("4\n5\n").expect("numbers"), [4, 5]);
        assert_eq!(read_text_clusters("cluster\n4\n").expect("header"), [4]);
    }

    #[test]
    fn names_with_commas_are_quoted() {
        assert_eq!(csv_field("a,b \"c\""), "\"a,b \"\"c\"\"\"");
        assert_eq!(csv_field("7"), "7");
    }

    #[test]
    fn rows_go_by_their_index() {
        assert_eq!(read_text_clusters("cluster,index\n7,2\n5,0\n6,1\n").expect("shuffled"), [5, 6, 7]);
    }

    #[test]
    fn what_is_no_cluster_is_named_by_line() {
        let wrong = |text: &str| format!("{:#}", read_text_clusters(text).expect_err("no clusters"));
        assert!(wrong("index,cluster\n0,1\n1,-2\n").contains("line 3: `-2`"));
        assert!(wrong("a,b\n1,2\n").contains("no column `cluster` among a, b"));
        assert!(wrong("index,cluster\n0,1\n0,2\n").contains("line 3: index 0 stands on another line too"));
        assert!(wrong("index,cluster\n0,1\n2,2\n").contains("index 1 is missing: all of 0 to 1"));
        assert!(wrong("index,cluster\na,1\n").contains("line 2: `a` is no index"));
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
