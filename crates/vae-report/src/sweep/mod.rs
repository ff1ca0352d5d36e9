//! `sweep.json` and its page: what a grid of runs says about the number of clusters, and which run
//! is typical.
//!
//! [`Sweep`] is plain data with stable keys; [`Sweep::render`] makes one HTML file of it that needs
//! nothing beside itself and runs no script. No clock and no machine is in it: equal runs give
//! equal bytes.

mod charts;
mod criteria;
mod heat;
mod view;

pub use criteria::{CRITERIA, Criterion, Good, criterion};

use crate::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the keys.
pub const SCHEMA: u32 = 1;

/// Everything that is known of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// Version of the keys, [`SCHEMA`].
    pub schema: u32,
    /// Name of the data.
    pub dataset: String,
    /// Rows.
    pub n: usize,
    /// Columns.
    pub dim: usize,
    /// SHA-256 of shape and values.
    pub data_sha256: String,
    /// Length of the trainings.
    pub profile: String,
    /// Settings that every fit got.
    pub set: Vec<String>,
    /// What was asked for.
    pub grid: Grid,
    /// The finished runs, by number of clusters, then method, then seed.
    pub runs: Vec<Run>,
    /// The names of fits that failed.
    pub failed: Vec<String>,
    /// Each criterion of the runs over the seeds, by number of clusters, then method.
    pub over_seeds: Vec<OverSeeds>,
    /// What the data alone say.
    pub data: OfData,
    /// Agreement of each pair of runs, in their order: the adjusted Rand index.
    pub agreement: Vec<Vec<f64>>,
    /// How many clusters there are.
    pub number: Number,
    /// The run to keep.
    pub recommended: Option<Recommended>,
    /// What the runs of one number of clusters have in common.
    pub consensus: Option<ConsensusFacts>,
}

/// The fits of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// Names of methods.
    pub methods: Vec<String>,
    /// Numbers of clusters, ascending.
    pub clusters: Vec<usize>,
    /// Seeds, ascending.
    pub seeds: Vec<u64>,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its name, that of its folder in `runs`.
    pub id: String,
    /// The method.
    pub method: String,
    /// The number of clusters that was asked for.
    pub n_clusters: usize,
    /// How many of them have a row.
    pub n_used: usize,
    /// The seed.
    pub seed: u64,
    /// Its criteria, by [`Criterion::key`]; those that it does not have are left out.
    pub criteria: BTreeMap<String, f64>,
}

/// The criteria of the runs of one method and number of clusters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverSeeds {
    /// The method.
    pub method: String,
    /// The number of clusters.
    pub n_clusters: usize,
    /// How many runs there are.
    pub n_runs: usize,
    /// By [`Criterion::key`]: mean and extremes.
    pub criteria: BTreeMap<String, Spread>,
}

/// A mean and how far values lie from it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

impl Spread {
    /// Of some values; `None` without any.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let (low, high) =
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (!values.is_empty()).then_some(Self { mean, low, high })
    }
}

/// What the data alone say, whatever the methods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OfData {
    /// Rows of the sample that was looked at.
    pub n_rows: usize,
    /// The largest conductance of the clusters of the neighbour graph's partition, relative to what
    /// halving the cluster costs, by number of clusters.
    pub relative_conductance: BTreeMap<usize, f64>,
    /// Prediction strength of the partition over random halves, by number of clusters.
    pub prediction_strength: BTreeMap<usize, Spread>,
    /// The numbers of clusters into which normal rows of the same mean and covariance come apart as
    /// much; of those up to the estimate and its runner-up.
    #[serde(default)]
    pub like_normal_rows: Vec<usize>,
    /// BIC of latent classes, by their number: the smaller, the better. Empty where the clusters
    /// are those of a graph.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bic: BTreeMap<usize, f64>,
}

impl OfData {
    /// Whether the clusters that are estimated are latent classes, which cut no graph: BIC counts
    /// them.
    #[must_use]
    pub fn are_latent_classes(&self) -> bool {
        !self.bic.is_empty()
    }
}

/// How clear a number of clusters is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clarity {
    /// All that decides agrees.
    Clear,
    /// Some of it does.
    Likely,
    /// No number of clusters stands out.
    None,
}

/// How many clusters there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// The recommended number; `None`: no number is clear.
    pub recommended: Option<usize>,
    /// The number of the grid that the consensus is made for.
    pub used: usize,
    /// How clear it is.
    pub clarity: Clarity,
    /// The same as a plain sentence.
    pub sentence: String,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
    /// The number that each criterion prefers.
    pub votes: Vec<Vote>,
}

/// What one criterion prefers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    /// [`Criterion::key`].
    pub criterion: String,
    /// The number of clusters; `None`: none.
    pub n_clusters: Option<usize>,
    /// Whether it takes part in the decision.
    pub decides: bool,
}

/// The run to keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommended {
    /// Its name.
    pub id: String,
    /// Its adjusted Rand index to the consensus; `None` where it is the only run.
    pub ari_to_consensus: Option<f64>,
    /// Why it is this one.
    pub why: String,
}

/// The consensus of the runs of one number of clusters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsensusFacts {
    /// The number of clusters.
    pub n_clusters: usize,
    /// The runs that voted.
    pub runs: Vec<String>,
    /// Rows in each cluster.
    pub sizes: Vec<usize>,
    /// Mean share of the runs that agree on a row.
    pub mean_confidence: f64,
    /// Rows that all runs agree on.
    pub n_unanimous: usize,
    /// Rows that at most half of the runs agree on.
    pub n_doubtful: usize,
    /// The mean adjusted Rand index of each pair of these runs.
    pub mean_ari: f64,
}

impl Sweep {
    /// The page as HTML, which needs nothing beside itself.
    ///
    /// # Errors
    /// Only mistakes of this crate: in its templates.
    pub fn render(&self) -> Result<String> {
        crate::page::render_with("sweep.html", &view::of(self))
    }
}
