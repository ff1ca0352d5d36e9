//! The configuration of `spectral`.

use crate::api::MethodConfig;
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vae_core::identity::neutral;
use vae_gmm::KMeansConfig;
use vae_graph::partition::PartitionConfig;

/// Most rows whose neighbour graph is cut, where nothing else is said.
pub(crate) const MAX_ROWS: usize = 100_000;

/// Younger than recorded runs, none of which has more rows.
pub(crate) fn usual_max_rows(rows: &usize) -> bool {
    neutral(rows, &MAX_ROWS)
}

/// The configuration of `spectral`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpectralConfig {
    /// Number of clusters, K; 0: it is estimated.
    pub n_clusters: usize,
    /// Scaling of the columns.
    pub scale: ScaleKind,
    /// The graph of the features' neighbours, and how it is cut.
    pub partition: PartitionConfig,
    /// k-means of the features, whose clusters are a candidate beside the cuts.
    pub kmeans: KMeansConfig,
    /// Nearest fitted rows that vote on a new one.
    pub n_voters: usize,
    /// Most rows that are fitted: of more rows a random sample is, and the model assigns the
    /// others. The time to search the neighbours grows with the square of the rows. 0: all rows.
    #[serde(skip_serializing_if = "usual_max_rows")]
    pub max_rows: usize,
}

impl Default for SpectralConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            partition: PartitionConfig::default(),
            kmeans: KMeansConfig::default(),
            n_voters: 5,
            max_rows: MAX_ROWS,
        }
    }
}

impl MethodConfig for SpectralConfig {
    fn input(&self) -> InputConfig {
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood: None }
    }

    fn estimates_n_clusters(&self) -> bool {
        true
    }

    fn max_rows(&self) -> Option<usize> {
        Some(self.max_rows).filter(|rows| *rows > 0)
    }

    fn check(&self) -> Result<()> {
        if self.n_voters == 0 {
            return Err(Error::config("n_voters", 0, "at least 1"));
        }
        self.kmeans.check().within("kmeans")?;
        self.partition.check().within("partition")
    }
}
