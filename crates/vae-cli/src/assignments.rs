//! What is written of every row: its name, cluster, confidence, codes. As CSV; NPY has no names, so
//! that they go into a file beside it.

use crate::files::csv_field;
use crate::rows::{Place, RowNames, RowWriter, numbered};
use anyhow::{Context, Result};
use ndarray::{Array1, ArrayView1, ArrayView2};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use vae_data::Ids;
use vae_report::ClusterNames;

/// The column of clusters.
const CLUSTER: &str = "cluster";

/// The column of their names.
const NAME: &str = "cluster_name";

/// The number of a row that is in no cluster.
pub const NOT_ASSIGNED: i64 = -1;

/// Assignments, a row each.
#[derive(Debug, Clone, Copy)]
pub struct Assignments<'a> {
    /// Names of the rows; they are the first column.
    pub ids: Option<&'a Ids>,
    /// Clusters, `[n]`; [`NOT_ASSIGNED`] for none.
    pub clusters: ArrayView1<'a, i64>,
    /// Names of clusters, a column behind their numbers where there are any.
    pub cluster_names: Option<&'a ClusterNames>,
    /// What stands behind the clusters.
    pub beside: Beside<'a>,
    /// Outlier scores, `[n]`, at the end.
    pub outlier: Option<ArrayView1<'a, f32>>,
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
    /// Writes `[NAME,]index,cluster[,cluster_name][,confidence][,outlier]`, or `…,p0,p1,…`.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut to = RowWriter::new(out, &Place::Own);
        to.head(self.ids.map(Ids::name), &self.names(true))?;
        self.write_rows(&mut to, RowNames { ids: self.ids, n: self.clusters.len(), text: None }, Some(0))
    }

    fn cluster_names(&self) -> Option<&ClusterNames> {
        self.cluster_names.filter(|names| !names.is_empty())
    }

    /// Names of the columns.
    pub fn names(&self, has_index: bool) -> Vec<String> {
        let mut names: Vec<String> = has_index.then(|| "index".into()).into_iter().collect();
        names.push(CLUSTER.into());
        names.extend(self.cluster_names().map(|_| NAME.into()));
        match self.beside {
            Beside::Nothing => {}
            Beside::Confidence(_) => names.push("confidence".into()),
            Beside::Probabilities(p) => names.extend(numbered("p", 0, p.ncols())),
        }
        names.extend(self.outlier.map(|_| "outlier".into()));
        names
    }

    /// Writes the lines of these rows, with their numbers from `first` if they are to have some.
    pub fn write_rows(
        &self,
        to: &mut RowWriter<'_>,
        names: RowNames<'_>,
        first: Option<usize>,
    ) -> io::Result<()> {
        to.rows(names, |line, i| {
            if let Some(first) = first {
                line.push(format_args!("{}", first + i));
            }
            line.push(format_args!("{}", self.clusters[i]));
            if let Some(names) = self.cluster_names() {
                let name = u32::try_from(self.clusters[i]).ok().and_then(|cluster| names.get(&cluster));
                line.push_name(name.map_or("", String::as_str));
            }
            match self.beside {
                Beside::Nothing => {}
                Beside::Confidence(c) => line.push(format_args!("{:.6}", c[i])),
                Beside::Probabilities(p) => p.row(i).iter().for_each(|v| line.push(format_args!("{v:.6}"))),
            }
            if let Some(outlier) = self.outlier {
                line.push(format_args!("{:.4}", outlier[i]));
            }
        })
    }
}

/// The text of an `assignments.csv` with `names` as a column behind the clusters, instead of one
/// that is there; without any names without it.
///
/// # Errors
/// A text that is no such file.
pub fn with_names(text: &str, names: &ClusterNames) -> Result<String> {
    let mut records = records(text).into_iter();
    let head = records.next().unwrap_or_default();
    let at = head.iter().rposition(|&field| field == CLUSTER).context("it has no column `cluster`")?;
    let has_names = head.get(at + 1) == Some(&NAME);
    let mut out = String::with_capacity(text.len());
    for (number, record) in std::iter::once(head).chain(records).enumerate() {
        let (before, behind) = record
            .split_at_checked(at + 1)
            .with_context(|| format!("record {number} has no column `cluster`"))?;
        let name = match number {
            0 => NAME.to_owned(),
            _ => {
                let cluster = before[at].parse().ok().and_then(|cluster: u32| names.get(&cluster));
                cluster.map_or_else(String::new, |name| csv_field(name))
            }
        };
        let name = (!names.is_empty()).then_some(name.as_str());
        let behind = behind.iter().skip(usize::from(has_names));
        let fields: Vec<&str> = before.iter().copied().chain(name).chain(behind.copied()).collect();
        out.push_str(&fields.join(","));
        out.push('\n');
    }
    Ok(out)
}

/// The fields of each record as they are written, quotes included.
fn records(text: &str) -> Vec<Vec<&str>> {
    let (mut all, mut fields) = (Vec::new(), Vec::new());
    let (mut start, mut is_quoted) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            // A doubled quote opens and closes: nothing stands between.
            '"' => is_quoted = !is_quoted,
            ',' | '\n' if !is_quoted => {
                fields.push(&text[start..at]);
                start = at + 1;
                if c == '\n' {
                    all.push(std::mem::take(&mut fields));
                }
            }
            _ => {}
        }
    }
    all
}

/// Clusters as numbers that have room for [`NOT_ASSIGNED`].
pub fn numbers(clusters: ArrayView1<'_, u32>) -> Array1<i64> {
    clusters.mapv(i64::from)
}

/// Writes `[NAME,]index,facet0,facet1,…`: a column for each of several clusterings of the same
/// rows, all of one length.
pub fn write_facets(out: &mut dyn Write, ids: Option<&Ids>, facets: &[Array1<u32>]) -> io::Result<()> {
    let mut to = RowWriter::new(out, &Place::Own);
    to.head(ids.map(Ids::name), &facet_names(facets, true))?;
    let n = facets.first().map_or(0, Array1::len);
    facet_rows(&mut to, RowNames { ids, n, text: None }, facets, Some(0))
}

/// Names of the columns of several clusterings.
pub fn facet_names(facets: &[Array1<u32>], has_index: bool) -> Vec<String> {
    let index = has_index.then(|| "index".into());
    index.into_iter().chain(numbered("facet", 0, facets.len())).collect()
}

/// Writes the lines of several clusterings, with the numbers of the rows from `first` if they are
/// to have some.
pub fn facet_rows(
    to: &mut RowWriter<'_>,
    names: RowNames<'_>,
    facets: &[Array1<u32>],
    first: Option<usize>,
) -> io::Result<()> {
    to.rows(names, |line, i| {
        if let Some(first) = first {
            line.push(format_args!("{}", first + i));
        }
        facets.iter().for_each(|facet| line.push(format_args!("{}", facet[i])));
    })
}

/// Writes the lines of points `[n, d]`, the shortest digits that read back to the same number.
pub fn point_rows(to: &mut RowWriter<'_>, names: RowNames<'_>, z: ArrayView2<'_, f32>) -> io::Result<()> {
    to.rows(names, |line, i| z.row(i).iter().for_each(|v| line.push(format_args!("{v}"))))
}

/// The file of names beside an NPY file.
pub fn ids_file(npy: &Path) -> PathBuf {
    let mut name = npy.as_os_str().to_owned();
    name.push(".ids.csv");
    name.into()
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
            cluster_names: None,
            beside: Beside::Confidence(confidence.view()),
            outlier: None,
        };
        let expected = "who,index,cluster,confidence\n\"a,b\",0,3,0.500000\nc,1,-1,0.250000\n";
        assert_eq!(text(|out| all.write_csv(out)), expected);
        let outlier = array![0.5_f32, 0.99994];
        let plain = Assignments {
            ids: None,
            clusters: clusters.view(),
            cluster_names: None,
            beside: Beside::Nothing,
            outlier: Some(outlier.view()),
        };
        let expected = "index,cluster,outlier\n0,3,0.5000\n1,-1,0.9999\n";
        assert_eq!(text(|out| plain.write_csv(out)), expected);
        let z = array![[1.5_f32, 0.0], [2.0, -1.0]];
        let points = |ids: Option<&Ids>| {
            text(|out| {
                let names = RowNames { ids, n: 2, text: None };
                point_rows(&mut RowWriter::new(out, &Place::Own), names, z.view())
            })
        };
        assert_eq!(points(Some(&ids)), "\"a,b\",1.5,0\nc,2,-1\n");
        assert_eq!(points(None), "1.5,0\n2,-1\n");
        let facets = [array![0_u32, 1], array![1_u32, 0]];
        let expected = "who,index,facet0,facet1\n\"a,b\",0,0,1\nc,1,1,0\n";
        assert_eq!(text(|out| write_facets(out, Some(&ids), &facets)), expected);
    }

    #[test]
    fn no_column_has_the_name_of_another() {
        let ids = ids("cluster,x\nu,1\nv,2\n");
        let clusters = array![0_i64, 1];
        let all = Assignments {
            ids: Some(&ids),
            clusters: clusters.view(),
            cluster_names: None,
            beside: Beside::Nothing,
            outlier: None,
        };
        assert_eq!(text(|out| all.write_csv(out)), "id,index,cluster\nu,0,0\nv,1,1\n");
    }

    #[test]
    fn names_stand_behind_the_clusters() {
        let clusters = array![1_i64, -1, 0];
        let names = ClusterNames::from([(1, "young, \"active\"".into()), (7, "nobody".into())]);
        let confidence = array![0.5_f32, 0.25, 1.0];
        let ids = ids("who,a\n\"two, lines\",1\nb,2\nc,3\n");
        let all = Assignments {
            ids: Some(&ids),
            clusters: clusters.view(),
            cluster_names: Some(&names),
            beside: Beside::Confidence(confidence.view()),
            outlier: None,
        };
        let write = |all: &Assignments<'_>| text(|out| all.write_csv(out));
        let named = write(&all);
        assert_eq!(
            named,
            "who,index,cluster,cluster_name,confidence\n\"two, lines\",0,1,\"young, \"\"active\"\"\",0.500000\n\
             b,1,-1,,0.250000\nc,2,0,,1.000000\n"
        );
        let plain = write(&Assignments { cluster_names: Some(&ClusterNames::new()), ..all });
        assert!(plain.starts_with("who,index,cluster,confidence\n"));
        // The same column comes into the file of a run and goes again.
        assert_eq!(with_names(&plain, &names).expect("a file"), named);
        assert_eq!(with_names(&named, &names).expect("a file"), named);
        assert_eq!(with_names(&named, &ClusterNames::new()).expect("a file"), plain);
        assert!(with_names("a,b\n1,2\n", &names).is_err());
        assert!(with_names("index,cluster\n1\n", &names).is_err());
    }
}
