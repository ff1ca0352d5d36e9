//! The configuration of `auto`.

use crate::api::MethodConfig;
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use crate::methods::dgg::DggConfig;
use crate::methods::spectral::{MAX_ROWS, usual_max_rows};
use crate::pretrained::{default_net, default_pretrain, net_for_data};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vae_core::Features;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::pretrain::PretrainConfig;
use vae_core::train::TrainConfig;
use vae_gmm::KMeansConfig;
use vae_graph::partition::PartitionConfig;
use vae_graph::siamese::SiameseConfig;

/// The spaces whose neighbour graphs are averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spaces {
    /// `all` for images, else `features`.
    Auto,
    /// The scaled features.
    Features,
    /// The features, the codes of the auto-encoder, and those of a Siamese network.
    All,
}

/// The configuration of `auto`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoConfig {
    /// Number of clusters, K; 0: it is estimated.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// p(x | z).
    pub likelihood: LikelihoodKind,
    /// λ of a Gaussian likelihood with a fixed variance.
    pub likelihood_variance: f64,
    /// `auto`, `features` or `all`.
    pub spaces: Spaces,
    /// The graph, and how it is cut.
    pub partition: PartitionConfig,
    /// k-means of the features, whose clusters are a candidate beside the cuts.
    pub kmeans: KMeansConfig,
    /// The training's clusters are kept if their modularity is at most so much below the
    /// partition's.
    pub tolerance: f64,
    /// Nearest fitted rows that vote on a new one, where the partition is kept.
    pub n_voters: usize,
    /// Encoder and decoder.
    pub net: NetConfig,
    /// The auto-encoder.
    pub pretrain: PretrainConfig,
    /// The Siamese network, where it is used.
    pub siamese: SiameseConfig,
    /// Epochs in which DGG's assignments are held at the partition.
    pub assignment_warmup_epochs: usize,
    /// DGG's training.
    pub train: TrainConfig,
    /// Most rows that are fitted: of more rows a random sample is, and the model assigns the
    /// others. The time to search the neighbours grows with the square of the rows. 0: all rows.
    #[serde(skip_serializing_if = "usual_max_rows")]
    pub max_rows: usize,
}

impl Default for AutoConfig {
    fn default() -> Self {
        let dgg = DggConfig::default();
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            likelihood: LikelihoodKind::Auto,
            likelihood_variance: dgg.likelihood_variance,
            spaces: Spaces::Auto,
            partition: PartitionConfig::default(),
            kmeans: KMeansConfig::default(),
            tolerance: 0.002,
            n_voters: 5,
            net: default_net(),
            pretrain: default_pretrain(),
            siamese: SiameseConfig::default(),
            assignment_warmup_epochs: dgg.assignment_warmup_epochs,
            train: dgg.train,
            max_rows: MAX_ROWS,
        }
    }
}

impl AutoConfig {
    /// DGG's configuration for `n_clusters`.
    pub(super) fn dgg(&self, n_clusters: usize) -> DggConfig {
        let mut dgg = DggConfig {
            n_clusters,
            scale: self.scale,
            likelihood: self.likelihood,
            likelihood_variance: self.likelihood_variance,
            net: self.net.clone(),
            pretrain: self.pretrain.clone(),
            assignment_warmup_epochs: self.assignment_warmup_epochs,
            train: self.train.clone(),
            ..DggConfig::default()
        };
        dgg.complete();
        dgg
    }
}

impl MethodConfig for AutoConfig {
    fn input(&self) -> InputConfig {
        let likelihood = Some((self.likelihood, self.likelihood_variance));
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood }
    }

    fn estimates_n_clusters(&self) -> bool {
        true
    }

    fn max_rows(&self) -> Option<usize> {
        Some(self.max_rows).filter(|rows| *rows > 0)
    }

    fn for_data(&mut self, x: &Features) -> Option<String> {
        net_for_data(&mut self.net, x)
    }

    fn check(&self) -> Result<()> {
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return Err(Error::config("tolerance", self.tolerance, "a finite number, at least 0"));
        }
        if self.n_voters == 0 {
            return Err(Error::config("n_voters", 0, "at least 1"));
        }
        self.partition.check().within("partition")?;
        self.kmeans.check().within("kmeans")?;
        self.siamese.check().within("siamese")?;
        self.dgg(self.n_clusters.max(1)).check()
    }
}
