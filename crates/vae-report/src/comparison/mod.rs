//! Several runs on the same rows: how far they agree, and what becomes of the clusters of each run
//! in the next.
//!
//! [`Comparison`] is plain data with stable keys, the JSON of `vae compare`;
//! [`Comparison::render`] makes one HTML file of it that needs nothing beside itself and runs no
//! script. No clock and no machine is in it: equal runs give equal bytes.

mod changes;
mod flow;
mod view;

use crate::Result;
use crate::data::ClusterNames;
use crate::page::Scores;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the keys.
pub const SCHEMA: u32 = 1;

/// What is known of several runs on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of the keys, [`SCHEMA`].
    pub schema: u32,
    /// Name of the data, where a run says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Samples.
    pub n: usize,
    /// The runs in the order in which they were named.
    pub runs: Vec<Run>,
    /// Adjusted Rand index of each pair, `[runs, runs]`.
    pub ari: Vec<Vec<f64>>,
    /// Normalised mutual information of each pair, `[runs, runs]`.
    pub nmi: Vec<Vec<f64>>,
    /// Share of the samples in the same cluster after the best one-to-one matching, `[runs, runs]`.
    pub acc: Vec<Vec<f64>>,
    /// Each run with each later one.
    pub pairs: Vec<Pair>,
}

/// One of the runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its folder or file.
    pub run: String,
    /// The method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Clusters that have a sample.
    pub n_clusters: usize,
    /// Samples of each cluster that has some.
    pub sizes: BTreeMap<u32, usize>,
    /// Names that somebody gave to clusters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: ClusterNames,
    /// Mean loss of the last epoch of the last phase that has one, per sample: in nats, or a
    /// squared error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_nats: Option<f64>,
    /// Criteria without labels, by [`Criterion::key`](crate::sweep::Criterion::key).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub criteria: BTreeMap<String, f64>,
    /// Scores, where the run was fitted beside labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
}

/// What happens to the clusters of the run `a` in the run `b`; both are places in
/// [`Comparison::runs`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The one run.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// Adjusted Rand index.
    pub ari: f64,
    /// Normalised mutual information.
    pub nmi: f64,
    /// Share of the samples in the same cluster after the best one-to-one matching.
    pub acc: f64,
    /// Clusters of `a` that are clusters of `b`.
    pub kept: Vec<[u32; 2]>,
    /// Clusters of `a` that two or more of `b` are parts of.
    pub split: Vec<Parts>,
    /// Clusters of `b` that two or more of `a` are parts of.
    pub merged: Vec<Parts>,
    /// All samples by their cluster in `a` and in `b`, the largest first.
    pub flows: Vec<Flow>,
}

/// A cluster of one run and its parts in the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// The cluster.
    pub cluster: u32,
    /// Clusters of the other run.
    pub parts: Vec<u32>,
}

/// The samples of one cluster of the run `a` and one of the run `b`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// The cluster in the run `a`.
    pub a: u32,
    /// The cluster in the run `b`.
    pub b: u32,
    /// How many samples are in both.
    pub count: u64,
    /// Their share of `a`.
    pub share_of_a: f64,
    /// Their share of `b`.
    pub share_of_b: f64,
    /// What this means.
    pub change: Change,
}

/// What becomes of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Both are the same cluster.
    Kept,
    /// The one in `b` is a part of that in `a`.
    Split,
    /// The one in `a` is a part of that in `b`.
    Merged,
    /// Neither.
    Mixed,
}

impl Comparison {
    /// The page as HTML, which needs nothing beside itself.
    ///
    /// # Errors
    /// Only mistakes of this crate in its template.
    pub fn render(&self) -> Result<String> {
        crate::page::render_with("comparison.html", &view::of(self))
    }

    /// The pairs of each run and the next, in their order.
    pub fn consecutive(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(|pair| pair.b == pair.a + 1)
    }

    /// What becomes of the clusters of the run `pair.a` in the run `pair.b`, a sentence each: what
    /// is kept, what splits, what merges, and larger flows that are none of these.
    #[must_use]
    pub fn changes(&self, pair: &Pair) -> Vec<String> {
        changes::of(self, pair)
    }
}

impl Run {
    /// `3`, or with its name.
    pub(crate) fn cluster(&self, cluster: u32) -> String {
        match self.names.get(&cluster) {
            Some(name) => format!("{cluster} “{name}”"),
            None => cluster.to_string(),
        }
    }
}
