//! `clusters.json` and `clusters.csv`: what is known of each cluster. The keys are stable.

use crate::data::ClusterNames;
use crate::summary;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Version of the keys of [`Clusters`].
pub const SCHEMA: u32 = 1;

/// All clusters of a clustering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clusters {
    /// Version of the keys.
    pub schema: u32,
    /// Number of rows.
    pub n: usize,
    /// Number of clusters, empty ones included.
    pub n_clusters: usize,
    /// Mean confidence of all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_confidence: Option<f64>,
    /// The clusters in the order of their numbers.
    pub clusters: Vec<Cluster>,
}

/// One cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its number; counts from 0.
    pub cluster: u32,
    /// A name that somebody gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One line about it.
    pub summary: String,
    /// Number of rows.
    pub size: usize,
    /// Its share of all rows.
    pub share: f64,
    /// Mean confidence of its rows; absent for an empty cluster and where the model does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_confidence: Option<f64>,
    /// The other cluster that is nearest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Nearest>,
    /// What sets it apart, the strongest first; of a table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
    /// Its words, the strongest first; of documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// How typical members were found.
    pub typical_by: TypicalBy,
    /// Typical members, the most typical first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub typical: Vec<Member>,
    /// Members in doubt, the most doubtful first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<Doubtful>,
}

/// Another cluster.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// Its number.
    pub cluster: u32,
    /// What is compared.
    pub by: NearestBy,
    /// The distance of the two centres, or the mean probability that the members have of being in
    /// the other cluster.
    pub value: f64,
}

/// How the nearest cluster is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NearestBy {
    /// The Euclidean distance of the centres in the latent space; small is near.
    Centres,
    /// The mean posterior probability of the members; large is near.
    Posterior,
}

/// How typical members are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypicalBy {
    /// The nearest to the cluster's mean in the latent space.
    Centre,
    /// The highest confidence.
    Confidence,
    /// The first by their place in the data: there is nothing to tell members apart.
    Order,
}

/// What sets a cluster apart from all other rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Name of the column.
    pub column: String,
    /// Whether the cluster has more or less of it.
    pub direction: Direction,
    /// Standardised difference to all other rows, signed, within ±100.
    pub difference: f64,
    /// What the two distributions have in common, from 0 (apart) to 1 (alike).
    pub overlap: f64,
    /// The numbers behind it.
    pub detail: Detail,
}

/// Which side of the others a cluster is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Larger values, a level more often.
    High,
    /// Smaller values, a level less often.
    Low,
}

impl Direction {
    pub(crate) fn of(difference: f64) -> Self {
        if difference < 0.0 { Self::Low } else { Self::High }
    }
}

/// The numbers behind a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// A column of numbers.
    Number {
        /// What `difference` is made of.
        measure: Measure,
        /// The members.
        inside: Spread,
        /// All other rows.
        outside: Spread,
        /// 2nd and 98th percentile of all rows, to draw the others on.
        axis: [f64; 2],
    },
    /// A level of a category.
    Level {
        /// The level.
        level: String,
        /// Members that have it.
        count: usize,
        /// Their share of the members whose cell is not missing.
        share_inside: f64,
        /// The same of all other rows.
        share_outside: f64,
        /// Share in the cluster over share of all rows.
        lift: f64,
    },
    /// Cells that are missing.
    Missing {
        /// Members without a value.
        count: usize,
        /// Their share of the members.
        share_inside: f64,
        /// The same of all other rows.
        share_outside: f64,
        /// Share in the cluster over share of all rows.
        lift: f64,
    },
}

/// What a standardised difference is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Difference of means in pooled standard deviations.
    Mean,
    /// Difference of medians in pooled interquartile widths (over 1.349, that of a normal
    /// distribution), for columns with heavy tails.
    Median,
}

/// Where the values of a column lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Rows with a value.
    pub count: usize,
    /// Mean.
    pub mean: f64,
    /// First quartile.
    pub q25: f64,
    /// Median: the typical value.
    pub median: f64,
    /// Third quartile.
    pub q75: f64,
}

/// A word of a cluster of documents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The term.
    pub word: String,
    /// Its class-based tf-idf.
    pub weight: f64,
    /// Share of the cluster's documents that have it.
    pub share_inside: f64,
    /// Share of all other documents that have it.
    pub share_outside: f64,
}

/// A row of a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its place in the data; counts from 0.
    pub row: usize,
    /// Its name, if rows have names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How sure the model is of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// A row that might be in another cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Doubtful {
    /// The row.
    #[serde(flatten)]
    pub member: Member,
    /// The cluster that comes second, where all probabilities are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<RunnerUp>,
}

/// The second most probable cluster of a row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunnerUp {
    /// Its number.
    pub cluster: u32,
    /// Its probability.
    pub probability: f64,
}

impl Clusters {
    /// Gives clusters the names of `names`; those without an entry lose theirs. Summaries carry the
    /// names.
    pub fn rename(&mut self, names: &ClusterNames) {
        for cluster in &mut self.clusters {
            cluster.name = names.get(&cluster.cluster).cloned();
            cluster.summary = summary::line(cluster, self.n);
        }
    }

    /// The same without single rows: no members, and of clusters with fewer than [`FEW`] rows,
    /// inside or outside, nothing but their size, since a median of one person is that person's
    /// value.
    #[must_use]
    pub fn without_rows(mut self) -> Self {
        for cluster in &mut self.clusters {
            cluster.typical.clear();
            cluster.doubtful.clear();
            if cluster.size < FEW || self.n - cluster.size.min(self.n) < FEW {
                cluster.features.clear();
                cluster.words.clear();
            }
            cluster.summary = summary::line(cluster, self.n);
        }
        self
    }

    /// `clusters.csv`: one line a cluster, with the columns `cluster`, `name`, `size`, `share`,
    /// `mean_confidence`, `nearest` and `summary`. What is not known is empty; fields are quoted
    /// where RFC 4180 asks for it.
    pub fn to_csv(&self) -> String {
        let mut csv = String::from("cluster,name,size,share,mean_confidence,nearest,summary\n");
        let or_empty = |value: Option<String>| value.unwrap_or_default();
        for c in &self.clusters {
            let _ = writeln!(
                csv,
                "{},{},{},{},{},{},{}",
                c.cluster,
                or_empty(c.name.as_deref().map(field)),
                c.size,
                c.share,
                or_empty(c.mean_confidence.map(|v| v.to_string())),
                or_empty(c.nearest.map(|v| v.cluster.to_string())),
                field(&c.summary)
            );
        }
        csv
    }
}

/// Below so many rows a cluster says too much about each of them.
pub const FEW: usize = 5;

fn field(text: &str) -> String {
    if text.trim() == text && !text.contains([',', '"', '\n', '\r']) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('"', "\"\""))
}
