//! The columns that a map can be coloured by.

use crate::clusters::Clusters;
use crate::data::{Table, Values};
use crate::text::cut;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Columns of a map, at most: each costs some sixty thousand bytes of the page.
const COLUMNS: usize = 20;
/// Levels of a category, at most: beyond, colours tell nothing.
const LEVELS: usize = 100;

/// Values of the points of a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapColumn {
    /// Name of the column.
    pub name: String,
    /// A value a point.
    pub values: MapValues,
}

/// The values of a column, `[m]`; `None` where a cell is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapValues {
    /// Numbers.
    Numbers(Vec<Option<f64>>),
    /// Places among the levels.
    Levels {
        /// All levels.
        levels: Vec<String>,
        /// The place of each point's value.
        rows: Vec<Option<u32>>,
    },
}

impl MapColumn {
    pub(super) fn len(&self) -> usize {
        match &self.values {
            MapValues::Numbers(values) => values.len(),
            MapValues::Levels { rows, .. } => rows.len(),
        }
    }
}

/// Places and names of all columns, those that tell clusters apart most first.
pub fn strongest<'a>(table: &Table<'a>, clusters: &Clusters) -> Vec<(usize, &'a str)> {
    let mut strength: BTreeMap<&str, f64> = BTreeMap::new();
    for feature in clusters.clusters.iter().flat_map(|cluster| &cluster.features) {
        let most = strength.entry(&feature.column).or_default();
        *most = most.max(feature.difference.abs());
    }
    let of_name = |name: &str| strength.get(name).copied().unwrap_or(0.0);
    let mut order: Vec<(usize, &str)> = table.names().enumerate().collect();
    order.sort_by(|a, b| of_name(b.1).total_cmp(&of_name(a.1)));
    order
}

/// The columns of `table` at `rows`, those that tell clusters apart first, and how many were left
/// out.
pub fn of(table: &Table<'_>, rows: &[usize], clusters: &Clusters) -> (Vec<MapColumn>, usize) {
    let order = strongest(table, clusters);
    let rank: BTreeMap<usize, usize> =
        order.iter().take(COLUMNS).enumerate().map(|(r, (at, _))| (*at, r)).collect();
    let mut chosen: Vec<(usize, MapColumn)> = Vec::new();
    for (at, (name, values)) in table.columns().enumerate() {
        let Some(&rank) = rank.get(&at) else { continue };
        let values = match values {
            Values::Numbers(values) => MapValues::Numbers(rows.iter().map(|&row| values[row]).collect()),
            Values::Levels { levels, .. } if levels.len() > LEVELS => continue,
            Values::Levels { levels, rows: of } => MapValues::Levels {
                levels: levels.iter().map(|level| cut(level, 60)).collect(),
                rows: rows.iter().map(|&row| of[row]).collect(),
            },
        };
        chosen.push((rank, MapColumn { name: cut(name, 100), values }));
    }
    chosen.sort_by_key(|(rank, _)| *rank);
    let left_out = order.len() - chosen.len();
    (chosen.into_iter().map(|(_, column)| column).collect(), left_out)
}
