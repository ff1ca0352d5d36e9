//! Rows in the plane, with what is said of each.

use super::looks::Looks;
use super::map_columns::{self, MapColumn, MapValues};
use crate::clusters::Clusters;
use crate::data::{Data, Subject};
use crate::text::cut;
use crate::{Error, Result};
use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

/// Points of a map, at most.
const POINTS: usize = 10_000;
/// Bytes of a row's name on the map, at most.
const TEXT: usize = 100;

/// The rows for a map of `n`: all, or 10,000 that are evenly spaced.
pub fn map_rows(n: usize) -> Vec<usize> {
    let m = n.min(POINTS);
    (0..m).map(|i| i * n / m).collect()
}

/// Where rows lie in the plane.
#[derive(Clone, Debug)]
pub struct MapInput<'a> {
    /// The rows that are shown, `[m]`, such as [`map_rows`] chooses.
    pub rows: &'a [usize],
    /// Where they lie, `[m, 2]`.
    pub points: ArrayView2<'a, f64>,
    /// How the points were made, such as `first two principal components of the latent space`.
    pub about: String,
    /// Names of the two axes.
    pub axes: [String; 2],
    /// Names of the classes and the class of each row of the data, `[n]`, where there are labels.
    pub labels: Option<(&'a [String], ArrayView1<'a, Option<u32>>)>,
}

/// A map of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// Number of rows of the data.
    pub n: usize,
    /// How the points were made.
    pub about: String,
    /// Names of the two axes.
    pub axes: [String; 2],
    /// Further layouts of the same points.
    #[serde(default)]
    pub more: Vec<Layout>,
    /// The row of each point, `[m]`.
    pub rows: Vec<usize>,
    /// Where each lies, `[m]`.
    pub points: Vec<[f32; 2]>,
    /// Its cluster, `[m]`.
    pub clusters: Vec<u32>,
    /// How sure the model is of it, `[m]`.
    #[serde(default)]
    pub confidence: Option<Vec<f32>>,
    /// Its class, `[m]`.
    #[serde(default)]
    pub labels: Option<MapColumn>,
    /// Its name, `[m]`.
    #[serde(default)]
    pub names: Option<Vec<String>>,
    /// Its values, those that tell clusters apart first.
    #[serde(default)]
    pub columns: Vec<MapColumn>,
    /// Columns of the data that are not among them.
    #[serde(default)]
    pub left_out: usize,
    /// Images or texts of some of the points.
    #[serde(default)]
    pub looks: Option<Looks>,
}

/// Other places for the points of a map, whose axes mean nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Its name, such as `t-SNE`.
    pub name: String,
    /// How the places were made, and what they do not show.
    pub about: String,
    /// Where each point lies, `[m]`.
    pub points: Vec<[f32; 2]>,
}

impl Map {
    /// A map of the rows of `subject`; `clusters` say which columns matter most.
    ///
    /// # Errors
    /// Points, rows or labels that do not fit each other.
    pub fn new(input: &MapInput<'_>, subject: &Subject<'_>, clusters: &Clusters) -> Result<Self> {
        subject.check()?;
        let (rows, n) = (input.rows, subject.n());
        let (expected, got) = (rows.len(), input.points.nrows());
        if expected != got || input.points.ncols() != 2 {
            return Err(Error::Rows { what: "points of the plane", expected, got });
        }
        if let Some(row) = rows.iter().find(|row| **row >= n) {
            return Err(Error::Rows { what: "as the last row of a map", expected: n, got: *row });
        }
        let labels = match input.labels {
            Some((_, y)) if y.len() != n => {
                return Err(Error::Rows { what: "labels", expected: n, got: y.len() });
            }
            Some((levels, y)) => Some(MapColumn {
                name: "label".into(),
                values: MapValues::Levels {
                    levels: levels.iter().map(|level| cut(level, TEXT)).collect(),
                    rows: rows.iter().map(|&row| y[row]).collect(),
                },
            }),
            None => None,
        };
        let (columns, left_out) = match &subject.data {
            Data::Table(table) => map_columns::of(table, rows, clusters),
            _ => (Vec::new(), 0),
        };
        let confidence = subject.sure();
        Ok(Self {
            n,
            about: input.about.clone(),
            axes: input.axes.clone(),
            rows: rows.to_vec(),
            points: input.points.rows().into_iter().map(|p| [p[0] as f32, p[1] as f32]).collect(),
            clusters: rows.iter().map(|&row| subject.assignments[row]).collect(),
            confidence: confidence.map(|values| rows.iter().map(|&row| values[row]).collect()),
            labels,
            names: names(subject, rows),
            columns,
            left_out,
            more: Vec::new(),
            looks: Looks::of(&subject.data, rows)?,
        })
    }

    /// Positions, clusters and confidences alone.
    pub(super) fn without_rows(self) -> Self {
        let left_out = self.left_out + self.columns.len();
        Self { labels: None, names: None, columns: Vec::new(), left_out, looks: None, ..self }
    }

    /// Whether its parts have one length, as those from a damaged file may not have.
    pub(super) fn is_sound(&self) -> bool {
        let m = self.rows.len();
        let of_column = |column: &MapColumn| column.len() == m;
        self.points.len() == m
            && self.more.iter().all(|layout| layout.points.len() == m)
            && self.looks.as_ref().is_none_or(|looks| looks.is_sound(m))
            && self.clusters.len() == m
            && self.confidence.as_ref().is_none_or(|values| values.len() == m)
            && self.names.as_ref().is_none_or(|names| names.len() == m)
            && self.columns.iter().chain(&self.labels).all(of_column)
            && m > 0
    }
}

/// Names of rows, where they have some.
fn names(subject: &Subject<'_>, rows: &[usize]) -> Option<Vec<String>> {
    subject.row_names.map(|names| rows.iter().map(|&row| cut(&names[row], TEXT)).collect())
}
