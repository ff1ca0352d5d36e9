//! The configuration of `kmeans`.

use crate::Result;
use crate::api::MethodConfig;
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use serde::{Deserialize, Serialize};

/// The configuration of `kmeans`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KMeansConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns.
    pub scale: ScaleKind,
    /// The algorithm's settings.
    pub kmeans: vae_gmm::KMeansConfig,
}

impl Default for KMeansConfig {
    fn default() -> Self {
        Self { n_clusters: 0, scale: ScaleKind::Auto, kmeans: vae_gmm::KMeansConfig::default() }
    }
}

impl MethodConfig for KMeansConfig {
    fn input(&self) -> InputConfig {
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood: None }
    }

    fn check(&self) -> Result<()> {
        self.kmeans.check().within("kmeans")
    }
}
