//! The configuration of `kmeans`.

use crate::Result;
use crate::api::MethodConfig;
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use serde::{Deserialize, Serialize};
use vae_gmm::KMeansConfig;

/// The configuration of `kmeans`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KMeansMethodConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns.
    pub scale: ScaleKind,
    /// The algorithm's settings.
    pub kmeans: KMeansConfig,
}

impl Default for KMeansMethodConfig {
    fn default() -> Self {
        Self { n_clusters: 0, scale: ScaleKind::Auto, kmeans: KMeansConfig::default() }
    }
}

impl MethodConfig for KMeansMethodConfig {
    fn input(&self) -> InputConfig {
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood: None }
    }

    fn check(&self) -> Result<()> {
        self.kmeans.check().within("kmeans")
    }
}
