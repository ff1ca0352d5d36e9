//! What is written of every row: its name, cluster, confidence, codes. As CSV; NPY has no names, so
//! that they go into a file beside it.

use crate::files::csv_field;
use anyhow::{Context, Result};
use ndarray::{Array1, ArrayView1, ArrayView2};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use vae_core::fsio::write_atomic;
use vae_data::Ids;

/// The number of a row that is in no cluster.
pub const NOT_ASSIGNED: i64 = -1;

/// What the column of names is called where its own name is that of another column.
const OTHER_NAME: &str = "id";

/// Assignments, a row each.
#[derive(Debug, Clone, Copy)]
pub struct Assignments<'a> {
    /// Names of the rows; they are the first column.
    pub ids: Option<&'a Ids>,
    /// Clusters, `[n]`; [`NOT_ASSIGNED`] for none.
    pub clusters: ArrayView1<'a, i64>,
    /// What stands behind the clusters.
    pub beside: Beside<'a>,
}

/// What stands behind the cluster.
#[derive(Debug, Clone, Copy)]
pub enum Beside<'a> {
    /// Nothing.
    Nothing,
    /// The largest probability of each row, `[n]`.
    Confidence(ArrayView1<'a, f32>),
    /// The probabilities of all clusters, `[n, k]`.
    Probabilities(ArrayView2<'a, f32>),
}

impl Assignments<'_> {
    /// Writes `[NAME,]index,cluster[,confidence]`, or `…,p0,p1,…`.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let behind: Vec<String> = match self.beside {
            Beside::Nothing => Vec::new(),
            Beside::Confidence(_) => vec!["confidence".into()],
            Beside::Probabilities(p) => (0..p.ncols()).map(|k| format!("p{k}")).collect(),
        };
        let head: Vec<String> = ["index", "cluster"].map(String::from).into_iter().chain(behind).collect();
        write_rows(out, self.ids, Some(&head), self.clusters.len(), |line, i| {
            let _ = write!(line, "{i},{}", self.clusters[i]);
            match self.beside {
                Beside::Nothing => {}
                Beside::Confidence(c) => push(line, format_args!("{:.6}", c[i])),
                Beside::Probabilities(p) => {
                    p.row(i).iter().for_each(|v| push(line, format_args!("{v:.6}")));
                }
            }
        })
    }
}

/// Clusters as numbers that have room for [`NOT_ASSIGNED`].
pub fn numbers(clusters: ArrayView1<'_, u32>) -> Array1<i64> {
    clusters.mapv(i64::from)
}

/// Writes `[NAME,]index,facet0,facet1,…`: a column for each of several clusterings of the same
/// rows, all of one length.
pub fn write_facets(out: &mut dyn Write, ids: Option<&Ids>, facets: &[Array1<u32>]) -> io::Result<()> {
    let columns = (0..facets.len()).map(|i| format!("facet{i}"));
    let head: Vec<String> = std::iter::once("index".into()).chain(columns).collect();
    let n = facets.first().map_or(0, Array1::len);
    write_rows(out, ids, Some(&head), n, |line, i| {
        let _ = write!(line, "{i}");
        facets.iter().for_each(|facet| push(line, format_args!("{}", facet[i])));
    })
}

/// Writes points `[n, d]`, the shortest digits that read back to the same number: with names
/// `NAME,z1,z2,…` and a header, without them the numbers alone.
pub fn write_points(out: &mut dyn Write, ids: Option<&Ids>, z: ArrayView2<'_, f32>) -> io::Result<()> {
    let head: Vec<String> = (1..=z.ncols()).map(|i| format!("z{i}")).collect();
    let head = ids.is_some().then_some(head.as_slice());
    write_rows(out, ids, head, z.nrows(), |line, i| {
        for (j, v) in z.row(i).iter().enumerate() {
            let comma = if j == 0 { "" } else { "," };
            let _ = write!(line, "{comma}{v}");
        }
    })
}

/// The file of names beside an NPY file.
pub fn ids_file(npy: &Path) -> PathBuf {
    let mut name = npy.as_os_str().to_owned();
    name.push(".ids.csv");
    name.into()
}

/// Writes `write`'s NPY with the names of its rows beside it. Names of other rows must not lie
/// there: an older file goes first.
///
/// # Errors
/// Files that cannot be written or removed.
pub fn write_npy_with_ids(
    npy: &Path,
    ids: Option<&Ids>,
    write: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let beside = ids_file(npy);
    if let Err(e) = std::fs::remove_file(&beside)
        && e.kind() != io::ErrorKind::NotFound
    {
        return Err(e).with_context(|| format!("cannot replace {}", beside.display()));
    }
    write(npy)?;
    let Some(ids) = ids else { return Ok(()) };
    write_atomic(&beside, |out| write_rows(out, Some(ids), Some(&[]), ids.len(), |_, _| {}))?;
    Ok(())
}

/// Writes `n` lines, each with its name before what `fill` adds, below a header if there is one.
fn write_rows(
    out: &mut dyn Write,
    ids: Option<&Ids>,
    head: Option<&[String]>,
    n: usize,
    fill: impl Fn(&mut String, usize),
) -> io::Result<()> {
    if ids.is_some_and(|ids| ids.len() != n) {
        return Err(io::Error::other(format!("{n} rows have another number of names; this is a bug of vae")));
    }
    let comma = if head.is_some_and(<[String]>::is_empty) { "" } else { "," };
    if let Some(head) = head {
        let name = ids.map(|ids| match head.iter().any(|other| other == ids.name()) {
            true => format!("{OTHER_NAME}{comma}"),
            false => format!("{}{comma}", csv_field(ids.name())),
        });
        writeln!(out, "{}{}", name.unwrap_or_default(), head.join(","))?;
    }
    let mut line = String::new();
    for i in 0..n {
        line.clear();
        if let Some(id) = ids.and_then(|ids| ids.get(i)) {
            let _ = write!(line, "{}{comma}", csv_field(id));
        }
        fill(&mut line, i);
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Appends a field to a line that is not empty.
fn push(line: &mut String, value: std::fmt::Arguments<'_>) {
    let _ = write!(line, ",{value}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use vae_data::{LoadOptions, Source};

    /// Names from a table: its first column.
    fn ids(table: &str) -> Ids {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("t.csv");
        std::fs::write(&path, table).expect("table");
        let name = table.split(',').next().expect("a name").to_owned();
        let options = LoadOptions { id_column: Some(name), ..LoadOptions::default() };
        vae_data::load(&Source::Path(path), &options).expect("loads").0.ids.expect("names")
    }

    fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).expect("memory");
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn names_come_first() {
        let ids = ids("who,x\n\"a,b\",1\n\"c\",2\n");
        let (clusters, confidence) = (array![3_i64, NOT_ASSIGNED], array![0.5_f32, 0.25]);
        let all = Assignments {
            ids: Some(&ids),
            clusters: clusters.view(),
            beside: Beside::Confidence(confidence.view()),
        };
        let expected = "who,index,cluster,confidence\n\"a,b\",0,3,0.500000\nc,1,-1,0.250000\n";
        assert_eq!(text(|out| all.write_csv(out)), expected);
        let plain = Assignments { ids: None, clusters: clusters.view(), beside: Beside::Nothing };
        assert_eq!(text(|out| plain.write_csv(out)), "index,cluster\n0,3\n1,-1\n");
        let z = array![[1.5_f32, 0.0], [2.0, -1.0]];
        assert_eq!(text(|out| write_points(out, Some(&ids), z.view())), "who,z1,z2\n\"a,b\",1.5,0\nc,2,-1\n");
        assert_eq!(text(|out| write_points(out, None, z.view())), "1.5,0\n2,-1\n");
        let facets = [array![0_u32, 1], array![1_u32, 0]];
        let expected = "who,index,facet0,facet1\n\"a,b\",0,0,1\nc,1,1,0\n";
        assert_eq!(text(|out| write_facets(out, Some(&ids), &facets)), expected);
    }

    #[test]
    fn no_column_has_the_name_of_another() {
        let ids = ids("cluster,x\nu,1\nv,2\n");
        let clusters = array![0_i64, 1];
        let all = Assignments { ids: Some(&ids), clusters: clusters.view(), beside: Beside::Nothing };
        assert_eq!(text(|out| all.write_csv(out)), "id,index,cluster\nu,0,0\nv,1,1\n");
    }

    #[test]
    fn names_beside_an_array_are_those_of_its_rows() {
        let dir = tempfile::tempdir().expect("temp dir");
        let npy = dir.path().join("z.npy");
        let write = |ids: Option<&Ids>| {
            write_npy_with_ids(&npy, ids, |path| Ok(std::fs::write(path, "array")?)).expect("written");
            std::fs::read_to_string(dir.path().join("z.npy.ids.csv")).ok()
        };
        let ids = ids("who,x\n7,1\n,2\n");
        assert_eq!(write(Some(&ids)).as_deref(), Some("who\n7\n\"\"\n"));
        assert_eq!(write(None), None, "names of other rows would stay");
    }
}
