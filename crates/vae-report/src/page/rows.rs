//! What is shown of single rows: a few values, a text, an image.

use super::thumbs;
use crate::Result;
use crate::clusters::{Cluster, Clusters};
use crate::data::{Data, Table, Values};
use crate::text::{cut, number};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Values that are shown of a row, at most.
const VALUES: usize = 4;
/// Bytes of a text, at most.
const TEXT: usize = 240;
/// Bytes of all images, at most.
const IMAGES: usize = 768 * 1024;
/// Clusters whose members are shown, at most.
pub const CLUSTERS: usize = 100;

/// A row, as far as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFacts {
    /// Its place in the data; counts from 0.
    pub row: usize,
    /// Names of columns and the row's values; of a table, those that set its cluster apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(String, String)>,
    /// The beginning of its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its image, a PNG in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub png: Option<String>,
}

impl RowFacts {
    /// The rows that `clusters` name as typical or doubtful, with what `data` say of them.
    ///
    /// # Errors
    /// An image that cannot be encoded.
    pub fn of(data: &Data<'_>, clusters: &Clusters) -> Result<Vec<Self>> {
        let mut wanted: BTreeMap<usize, &Cluster> = BTreeMap::new();
        for cluster in clusters.clusters.iter().take(CLUSTERS) {
            let doubtful = cluster.doubtful.iter().map(|doubt| doubt.member.row);
            wanted.extend(cluster.typical.iter().map(|m| m.row).chain(doubtful).map(|row| (row, cluster)));
        }
        let rows: Vec<usize> = wanted.keys().copied().filter(|row| *row < data.n()).collect();
        let empty = |row| Self { row, ..Self::default() };
        match data {
            Data::Table(table) => Ok(of_table(table, clusters, &wanted)),
            Data::Documents(documents) => {
                let text = |row: usize| documents.texts.map(|texts| cut(texts[row].trim(), TEXT));
                Ok(rows.into_iter().map(|row| Self { text: text(row), ..empty(row) }).collect())
            }
            Data::Images(images) => {
                let range = thumbs::range(images.x);
                let mut left = IMAGES;
                let mut of = Vec::new();
                for row in rows {
                    let png = thumbs::png(images.x.row(row), images.shape, range)?;
                    let fits = png.len() <= left;
                    left -= if fits { png.len() } else { 0 };
                    of.push(Self { png: fits.then_some(png), ..empty(row) });
                }
                Ok(of)
            }
        }
    }
}

fn of_table(table: &Table<'_>, clusters: &Clusters, wanted: &BTreeMap<usize, &Cluster>) -> Vec<RowFacts> {
    let strongest = super::map_columns::strongest(table, clusters);
    // First the columns that set the cluster apart, then those that tell the others apart.
    let columns_of = |cluster: &Cluster| {
        let own = cluster.features.iter().map(|feature| feature.column.as_str());
        let mut names: Vec<String> = Vec::new();
        for name in own.chain(strongest.iter().map(|(_, name)| *name)) {
            if names.len() < VALUES && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    };
    let mut facts: Vec<RowFacts> = wanted
        .iter()
        .map(|(&row, cluster)| {
            let values = columns_of(cluster).into_iter().map(|name| (name, String::new())).collect();
            RowFacts { row, values, ..RowFacts::default() }
        })
        .collect();
    for (name, values) in table.columns() {
        for facts in &mut facts {
            let row = facts.row;
            if let Some((_, value)) = facts.values.iter_mut().find(|(column, _)| column == name) {
                *value = cell(&values, row);
            }
        }
    }
    facts
}

fn cell(values: &Values<'_>, row: usize) -> String {
    let missing = || "missing".to_owned();
    match values {
        Values::Numbers(values) => values[row].map_or_else(missing, number),
        Values::Levels { levels, rows } => {
            rows[row].and_then(|level| levels.get(level as usize)).map_or_else(missing, |l| cut(l, 60))
        }
    }
}
