//! `report.html`: everything that is known of a run on one page.
//!
//! [`Page`] is plain data, so that a run folder can keep it (as JSON) and the page can be made
//! again: with other names of clusters, or without rows. [`Page::render`] fills the templates of
//! this crate.
//!
//! # What protects the reader
//!
//! Everything from outside passes the escaping of the template engine, which is on for all
//! templates; the data of the map are JSON in which no tag can end; pictures are shown as images,
//! where no script of theirs runs. The page's own script is named by its hash in a content security
//! policy, so no other script runs, and nothing is loaded from anywhere.

mod cards;
mod colours;
mod confidence;
mod curves;
mod generated;
mod looks;
mod map;
mod map_columns;
mod map_data;
mod pictures;
mod render;
mod rows;
mod thumbs;
mod view;

pub use confidence::ConfidenceCounts;
pub use generated::{Generated, Made, Samples, Walk};
pub use looks::Looks;
pub use map::{Layout, Map, MapInput, map_rows};
pub use map_columns::{MapColumn, MapValues};
pub use pictures::Picture;
pub use rows::RowFacts;
pub use thumbs::{MeanImage, Sheet};

pub(crate) use colours::of as colour;
pub(crate) use render::with as render_with;

use crate::clusters::Clusters;
use crate::data::ClusterNames;
use serde::{Deserialize, Serialize};

/// The largest page, in bytes. What would not fit is left out, and the page says so.
pub const MOST_BYTES: usize = 5 * 1024 * 1024;

/// Everything that the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The heading, such as `vade on customers.csv`.
    pub title: String,
    /// What each cluster is.
    pub clusters: Clusters,
    /// Scores, where there are labels.
    #[serde(default)]
    pub scores: Option<Scores>,
    /// Reasons to doubt.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What the run was and cost.
    #[serde(default)]
    pub facts: Vec<Fact>,
    /// How the data were read.
    #[serde(default)]
    pub data_notes: Vec<String>,
    /// The phases of the fit.
    #[serde(default)]
    pub phases: Vec<Phase>,
    /// Losses and scores over the epochs.
    #[serde(default)]
    pub curves: Vec<Curve>,
    /// Drawings that somebody else made.
    #[serde(default)]
    pub pictures: Vec<Picture>,
    /// What the model drew, of tables and documents.
    #[serde(default)]
    pub generated: Option<Generated>,
    /// The configuration, as text.
    #[serde(default)]
    pub configuration: String,
    /// How sure the model is.
    #[serde(default)]
    pub confidence: Option<ConfidenceCounts>,
    /// Rows in the plane.
    #[serde(default)]
    pub map: Option<Map>,
    /// What the images of each cluster have in common.
    #[serde(default)]
    pub mean_images: Vec<MeanImage>,
    /// What is shown of the members that the clusters name.
    #[serde(default)]
    pub rows: Vec<RowFacts>,
    /// Whether rows were left out on purpose.
    #[serde(default)]
    pub is_without_rows: bool,
}

/// Scores against labels, as fractions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Accuracy under the best matching of clusters and classes.
    pub acc: f64,
    /// Normalised mutual information.
    pub nmi: f64,
    /// Adjusted Rand index.
    pub ari: f64,
    /// Purity.
    pub purity: f64,
    /// The accuracy that the method's own training started from.
    #[serde(default)]
    pub start_acc: Option<f64>,
}

/// One thing that is known, with its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// In words.
    pub value: String,
}

/// A phase of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// Number of epochs.
    pub epochs: usize,
    /// Mean loss of the last epoch, per sample: in nats, or a squared error.
    #[serde(default)]
    pub final_loss_nats: Option<f64>,
    /// How long it took, in words.
    pub time: String,
    /// Where it comes from, if not from this run.
    #[serde(default)]
    pub note: String,
}

/// A quantity over the epochs of a phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The phase.
    pub phase: String,
    /// The quantity.
    pub name: String,
    /// Epoch and value, ascending.
    pub points: Vec<(f64, f64)>,
}

impl Page {
    /// A page about `clusters` and nothing else; its fields are there to be filled.
    pub fn new(title: impl Into<String>, clusters: Clusters) -> Self {
        Self {
            title: title.into(),
            clusters,
            scores: None,
            warnings: Vec::new(),
            facts: Vec::new(),
            data_notes: Vec::new(),
            phases: Vec::new(),
            curves: Vec::new(),
            pictures: Vec::new(),
            generated: None,
            configuration: String::new(),
            confidence: None,
            map: None,
            mean_images: Vec::new(),
            rows: Vec::new(),
            is_without_rows: false,
        }
    }

    /// The same without single rows: members, their values, texts and images, names and values on
    /// the map, labels, pictures that show rows, and all but the size of clusters of few rows, what
    /// a model draws of them included.
    ///
    /// Left are positions, clusters and confidences of the map, statistics of larger clusters,
    /// levels of categories and words. A rare level or word can still tell of one person.
    #[must_use]
    pub fn without_rows(mut self) -> Self {
        self.clusters = self.clusters.without_rows();
        self.pictures.retain(|picture| !picture.shows_rows);
        self.map = self.map.map(Map::without_rows);
        self.rows.clear();
        let clusters = &self.clusters.clusters;
        let is_large = |c: u32| clusters.get(c as usize).is_some_and(|cluster| cluster.size >= crate::FEW);
        self.mean_images.retain(|image| is_large(image.cluster));
        if let Some(generated) = &mut self.generated {
            // The centre of a cluster of one row is that row.
            generated.samples.retain(|samples| is_large(samples.cluster));
            generated.walks.retain(|walk| is_large(walk.from) && is_large(walk.to));
        }
        self.is_without_rows = true;
        self
    }

    /// Gives clusters the names of `names`.
    pub fn rename(&mut self, names: &ClusterNames) {
        self.clusters.rename(names);
    }

    /// The page as HTML, which needs nothing beside itself; below [`MOST_BYTES`].
    ///
    /// # Errors
    /// Only mistakes of this crate: in its templates, or in what is written as JSON.
    pub fn render(&self) -> crate::Result<String> {
        render::html(self)
    }
}
