//! The configuration of `gmm`.

use crate::Result;
use crate::api::MethodConfig;
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use serde::{Deserialize, Serialize};

/// The configuration of `gmm`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GmmConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns.
    pub scale: ScaleKind,
    /// The algorithm's settings. `min_covar` matters on raw features: a column that is constant
    /// within a component would otherwise decide every assignment.
    pub gmm: vae_gmm::GmmConfig,
}

impl Default for GmmConfig {
    fn default() -> Self {
        let gmm = vae_gmm::GmmConfig { reg_covar: 1e-3, ..vae_gmm::GmmConfig::default() };
        Self { n_clusters: 0, scale: ScaleKind::Auto, gmm }
    }
}

impl MethodConfig for GmmConfig {
    fn input(&self) -> InputConfig {
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood: None }
    }

    fn check(&self) -> Result<()> {
        self.gmm.check().within("gmm")
    }
}
