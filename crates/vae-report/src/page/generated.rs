//! What a generative model draws from its clusters, and what it makes of the way from one cluster
//! to another, as values: for tables and documents. Images are drawings.

use super::map_columns;
use crate::clusters::Clusters;
use crate::data::{Data, Table, Values};
use crate::text::{cut, number};
use crate::{Error, Result};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use vae_array::{ColumnKind, Schema};

/// Columns that are shown, at most.
const COLUMNS: usize = 10;
/// Words of a document, at most.
const WORDS: usize = 10;

/// Rows that a model made up, as texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    /// Names of the columns, those that tell the clusters apart first.
    pub columns: Vec<String>,
    /// Columns that are left out.
    #[serde(default)]
    pub left_out: usize,
    /// New rows of each cluster.
    pub samples: Vec<Samples>,
    /// Ways between clusters.
    pub walks: Vec<Walk>,
}

/// New rows of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    /// The cluster.
    pub cluster: u32,
    /// Values by column.
    pub rows: Vec<Vec<String>>,
}

/// Rows on the way from the centre of one cluster to that of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// Where it begins.
    pub from: u32,
    /// Where it ends.
    pub to: u32,
    /// Values by column.
    pub rows: Vec<Vec<String>>,
}

/// What a model made, features on the scale of the data.
#[derive(Debug, Default)]
pub struct Made {
    /// Clusters and new rows of them, `[m, d]`.
    pub samples: Vec<(u32, Array2<f32>)>,
    /// Two clusters, and rows on the way from the one to the other, `[m, d]`.
    pub walks: Vec<([u32; 2], Array2<f32>)>,
}

impl Generated {
    /// What was `made` by a model of `data`; nothing of images, and where nothing was made.
    ///
    /// # Errors
    /// Rows with another number of features than the data.
    pub fn of(data: &Data<'_>, clusters: &Clusters, made: &Made) -> Result<Option<Self>> {
        if made.samples.is_empty() && made.walks.is_empty() {
            return Ok(None);
        }
        let (columns, n_columns, order) = match data {
            Data::Table(table) => {
                let order: Vec<(usize, &str)> = map_columns::strongest(table, clusters);
                let names = order.iter().take(COLUMNS).map(|(_, name)| cut(name, 100)).collect();
                (names, order.len(), order.iter().take(COLUMNS).map(|(at, _)| *at).collect())
            }
            Data::Documents(_) => (vec!["words with the largest weights".to_owned()], 1, Vec::new()),
            Data::Images(_) => return Ok(None),
        };
        let texts = |x: &Array2<f32>| texts(data, &order, x.view());
        let samples =
            made.samples.iter().map(|(cluster, x)| Ok(Samples { cluster: *cluster, rows: texts(x)? }));
        let walks =
            made.walks.iter().map(|([from, to], x)| Ok(Walk { from: *from, to: *to, rows: texts(x)? }));
        Ok(Some(Self {
            left_out: n_columns - columns.len(),
            columns,
            samples: samples.collect::<Result<_>>()?,
            walks: walks.collect::<Result<_>>()?,
        }))
    }
}

/// The rows of `x` in texts; `order` are the columns of a table.
fn texts(data: &Data<'_>, order: &[usize], x: ArrayView2<'_, f32>) -> Result<Vec<Vec<String>>> {
    match data {
        Data::Table(table) => of_table(table.schema(), order, x),
        Data::Documents(documents) => {
            let (expected, got) = (documents.terms.len(), x.ncols());
            if expected != got {
                return Err(Error::Columns { what: "weights of terms", expected, got });
            }
            Ok(x.rows().into_iter().map(|row| vec![words(documents.terms, row.to_vec())]).collect())
        }
        Data::Images(_) => Ok(Vec::new()),
    }
}

fn of_table(schema: &Schema, order: &[usize], x: ArrayView2<'_, f32>) -> Result<Vec<Vec<String>>> {
    let x = with_levels(schema, x);
    let table = Table::new(x.view(), schema)?;
    let columns: Vec<Vec<String>> = table.columns().map(|(_, values)| cells(values)).collect();
    let row = |i: usize| order.iter().map(|&at| columns[at][i].clone()).collect();
    Ok((0..x.nrows()).map(row).collect())
}

/// The most probable level of each category takes the place of the probabilities.
fn with_levels(schema: &Schema, x: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut x = x.to_owned();
    for (column, range) in schema.columns.iter().zip(schema.ranges()) {
        if !matches!(column.kind, ColumnKind::Category { .. }) || range.end > x.ncols() {
            continue;
        }
        for mut row in x.rows_mut() {
            let mut levels = row.slice_mut(ndarray::s![range.clone()]);
            let best = levels.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(at, _)| at);
            levels.iter_mut().enumerate().for_each(|(at, v)| *v = f32::from(u8::from(Some(at) == best)));
        }
    }
    x
}

fn cells(values: Values<'_>) -> Vec<String> {
    match values {
        Values::Numbers(values) => values.into_iter().map(|v| v.map_or_else(String::new, number)).collect(),
        Values::Levels { levels, rows } => {
            let name = |at: u32| levels.get(at as usize).map_or_else(String::new, |level| cut(level, 60));
            rows.into_iter().map(|at| at.map_or_else(String::new, name)).collect()
        }
    }
}

/// The words of the largest weights, the largest first.
fn words(terms: &[String], weights: Vec<f32>) -> String {
    let mut order: Vec<usize> = (0..weights.len()).filter(|&at| weights[at] > 0.0).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let words: Vec<String> = order.iter().take(WORDS).map(|&at| cut(&terms[at], 40)).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use vae_array::Column;

    #[test]
    fn probabilities_of_levels_become_the_most_probable_level() {
        let schema = Schema {
            named: true,
            columns: vec![Column::number("a"), Column::category("c", ["x", "y"]), Column::number("b")],
        };
        let x = array![[1.5f32, 0.4, 0.6, 10.0], [2.0, 0.7, 0.3, 0.125]];
        let rows = of_table(&schema, &[1, 2, 0], x.view()).expect("fits");
        assert_eq!(rows, [["y", "10", "1.50"], ["x", "0.125", "2"]]);
        assert!(of_table(&schema, &[0], array![[1.0f32]].view()).is_err());
    }

    #[test]
    fn the_largest_weights_are_the_words() {
        let terms = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(words(&terms, vec![0.1, -1.0, 3.0]), "c a");
    }
}
