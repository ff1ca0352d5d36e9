//! What is explained: the data as their owner knows them, and what a clustering said of them.

use crate::{Error, Result};
use ndarray::{ArrayView1, ArrayView2};
use std::collections::BTreeMap;
use vae_array::{ColumnKind, Csr, ImageShape, Schema, as_written};

/// Names that somebody gave to clusters, by their numbers.
pub type ClusterNames = BTreeMap<u32, String>;

/// The original values: never standardised, so that a reader knows their units.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// A table with numbers, categories and missing cells.
    Table(Table<'a>),
    /// Documents with their words.
    Documents(Documents<'a>),
    /// Images. Their pixels are no features to speak of, so only members are named.
    Images(Images<'a>),
}

impl Data<'_> {
    /// The same data for a shorter time: views of `ndarray` do not shorten by themselves.
    pub fn reborrow(&self) -> Data<'_> {
        match self {
            Self::Table(table) => Data::Table(Table { x: table.x.view(), schema: table.schema }),
            Self::Documents(documents) => Data::Documents(*documents),
            Self::Images(images) => Data::Images(Images { x: images.x.view(), shape: images.shape }),
        }
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        match self {
            Self::Table(table) => table.x.nrows(),
            Self::Documents(documents) => documents.weights.n(),
            Self::Images(images) => images.x.nrows(),
        }
    }
}

/// A table, as `vae-data` reads one.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    x: ArrayView2<'a, f32>,
    schema: &'a Schema,
}

impl<'a> Table<'a> {
    /// A table `x` `[n, d]` whose `d` features `schema` describes.
    ///
    /// Names of columns are shown as they are: a unit that belongs to a number stands there, as in
    /// `income (EUR)`. A value that is not finite is a missing cell.
    ///
    /// # Errors
    /// A schema of another number of features.
    pub fn new(x: ArrayView2<'a, f32>, schema: &'a Schema) -> Result<Self> {
        let (expected, got) = (x.ncols(), schema.n_features());
        if expected != got {
            return Err(Error::Columns { what: "described features", expected, got });
        }
        Ok(Self { x, schema })
    }

    /// What the columns are.
    pub fn schema(&self) -> &'a Schema {
        self.schema
    }

    /// Number of columns of the table; a category is one.
    pub fn n_columns(&self) -> usize {
        self.schema.columns.len()
    }

    /// Name of each column, in their order.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.schema.columns.iter().map(|column| column.name.as_str())
    }

    /// The columns one after another; each is read when it is asked for, so that one is in memory
    /// at a time.
    pub fn columns(&self) -> impl Iterator<Item = (&'a str, Values<'a>)> {
        let x = self.x;
        self.schema.columns.iter().zip(self.schema.ranges()).map(move |(column, features)| {
            let values = match &column.kind {
                ColumnKind::Number { offset } => Values::Numbers(numbers(x.column(features.start), *offset)),
                ColumnKind::Category { levels } => {
                    let part = x.slice(ndarray::s![.., features]);
                    Values::Levels { levels, rows: part.rows().into_iter().map(level).collect() }
                }
            };
            (column.name.as_str(), values)
        })
    }
}

/// Numbers on the scale of the file.
fn numbers(column: ArrayView1<'_, f32>, offset: f64) -> Vec<Option<f64>> {
    column.iter().map(|&v| v.is_finite().then(|| as_written(v, offset))).collect()
}

/// The level whose feature is set; none where the cell is missing.
fn level(row: ArrayView1<'_, f32>) -> Option<u32> {
    if row.iter().any(|v| !v.is_finite()) {
        return None;
    }
    row.iter().position(|&v| v > 0.5).map(|at| at as u32)
}

/// The values of one column, `[n]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Values<'a> {
    /// `None` where the cell is missing.
    Numbers(Vec<Option<f64>>),
    /// The place of each row's value among the levels; `None` where the cell is missing.
    Levels {
        /// All values there are.
        levels: &'a [String],
        /// `[n]`.
        rows: Vec<Option<u32>>,
    },
}

/// Documents as weights of terms.
#[derive(Clone, Copy, Debug)]
pub struct Documents<'a> {
    /// Counts or tf-idf weights, `[n, terms]`; none is negative.
    pub weights: &'a Csr,
    /// What the columns are, `[terms]`.
    pub terms: &'a [String],
    /// The texts themselves, `[n]`, where there are some to show.
    pub texts: Option<&'a [String]>,
}

/// Images of one shape.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    /// `[n, channels * height * width]`, channel-major.
    pub x: ArrayView2<'a, f32>,
    /// Shape of a row.
    pub shape: ImageShape,
}

/// How sure a model is of each row.
#[derive(Clone, Copy, Debug, Default)]
pub enum Confidence<'a> {
    /// It does not say.
    #[default]
    Unknown,
    /// The posterior probability of each row's cluster, `[n]`.
    OfCluster(ArrayView1<'a, f32>),
    /// All posterior probabilities, `[n, k]`: they also say which cluster comes second.
    Posterior(ArrayView2<'a, f32>),
}

/// A clustering and the data it is of.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The original values, `n` rows.
    pub data: Data<'a>,
    /// Cluster of each row, `[n]`, each below `n_clusters`.
    pub assignments: ArrayView1<'a, u32>,
    /// Number of clusters, empty ones included.
    pub n_clusters: usize,
    /// How sure the model is.
    pub confidence: Confidence<'a>,
    /// Latent codes `[n, j]`, where the model has some.
    pub codes: Option<ArrayView2<'a, f32>>,
    /// Names of the rows, `[n]`, where they have some.
    pub row_names: Option<&'a [String]>,
    /// Names of clusters.
    pub cluster_names: &'a ClusterNames,
}

impl Subject<'_> {
    /// The probability of each row's own cluster, at most 1.
    pub fn sure(&self) -> Option<Vec<f32>> {
        match self.confidence {
            Confidence::Unknown => None,
            Confidence::OfCluster(values) => Some(values.to_vec()),
            Confidence::Posterior(gamma) => {
                let of_row = |(row, &c): (ArrayView1<'_, f32>, &u32)| {
                    row.get(c as usize).copied().unwrap_or(0.0).min(1.0)
                };
                Some(gamma.rows().into_iter().zip(self.assignments).map(of_row).collect())
            }
        }
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.assignments.len()
    }

    /// What [`crate::explain`] asks of its input.
    pub(crate) fn check(&self) -> Result<()> {
        let expected = self.n();
        let same = |what, got: usize| match got == expected {
            true => Ok(()),
            false => Err(Error::Rows { what, expected, got }),
        };
        same("rows of data", self.data.n())?;
        if let Some(names) = self.row_names {
            same("names of rows", names.len())?;
        }
        match self.confidence {
            Confidence::Unknown => {}
            Confidence::OfCluster(values) => {
                same("confidences", values.len())?;
                finite("confidences", values.iter().map(|v| v.is_finite()))?;
            }
            Confidence::Posterior(gamma) => {
                same("rows of probabilities", gamma.nrows())?;
                if gamma.ncols() != self.n_clusters {
                    let (expected, got) = (self.n_clusters, gamma.ncols());
                    return Err(Error::Columns { what: "probabilities a row", expected, got });
                }
                finite("probabilities", gamma.rows().into_iter().map(|r| r.iter().all(|v| v.is_finite())))?;
            }
        }
        if let Some(codes) = self.codes {
            same("latent codes", codes.nrows())?;
            finite("latent codes", codes.rows().into_iter().map(|r| r.iter().all(|v| v.is_finite())))?;
        }
        if let Data::Documents(documents) = &self.data {
            documents.check()?;
            same("texts", documents.texts.map_or(expected, <[String]>::len))?;
        }
        let outside = self.assignments.iter().position(|&c| c as usize >= self.n_clusters);
        outside.map_or(Ok(()), |row| {
            Err(Error::Cluster { row, cluster: self.assignments[row], n_clusters: self.n_clusters })
        })
    }
}

impl Documents<'_> {
    fn check(&self) -> Result<()> {
        if !self.weights.is_consistent() {
            return Err(Error::Sparse);
        }
        let (expected, got) = (self.weights.n_columns, self.terms.len());
        if expected == got { Ok(()) } else { Err(Error::Columns { what: "terms", expected, got }) }
    }
}

fn finite(what: &'static str, mut rows: impl Iterator<Item = bool>) -> Result<()> {
    rows.position(|is_finite| !is_finite).map_or(Ok(()), |row| Err(Error::NotFinite { what, row }))
}
