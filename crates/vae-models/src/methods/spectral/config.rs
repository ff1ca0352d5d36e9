//! The configuration of `spectral`.

use crate::api::MethodConfig;
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vae_gmm::KMeansConfig;
use vae_graph::partition::PartitionConfig;

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
}

impl Default for SpectralConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            partition: PartitionConfig::default(),
            kmeans: KMeansConfig::default(),
            n_voters: 5,
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

    fn check(&self) -> Result<()> {
        if self.n_voters == 0 {
            return Err(Error::config("n_voters", 0, "at least 1"));
        }
        self.kmeans.check().within("kmeans")?;
        self.partition.check().within("partition")
    }
}
