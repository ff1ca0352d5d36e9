//! The table `[init]`: how the initial mixture of the codes is found.

use super::codes::{CodeClustering, Codes, CodesInit};
use super::graph_partition::OtherSpace;
use crate::Result;
use serde::{Deserialize, Serialize};
use vae_core::identity::neutral;
use vae_core::phase::PhaseRecord;
use vae_graph::knn::Metric;
use vae_graph::partition::PartitionConfig;
use vae_graph::siamese::{self, SiameseConfig};

/// The initial prior.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InitKind {
    /// A diagonal Gaussian mixture fitted to the codes.
    Gmm,
    /// k-means centres with unit variances (the authors' Reuters script).
    Kmeans,
    /// The mixture, or Gaussians of the clusters of k-means that it was started from: whichever
    /// clusters have the higher modularity in the graph of the codes' nearest neighbours.
    #[serde(rename = "kmeans-or-gmm")]
    KmeansOrGmm,
    /// Gaussians fitted to a partition of the codes' neighbour graph.
    Graph,
}

/// The initial mixing weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PiInit {
    /// Those of the mixture; for `kmeans`, which has none, the shares of the samples in its
    /// clusters.
    Gmm,
    /// 1/K (the authors' code).
    Uniform,
}

/// The initial variance of q(z | x).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogVarInit {
    /// A head with random weights (the authors' code): variances about 1, whatever the scale of the
    /// codes.
    Glorot,
    /// A constant: a tenth of the mean variance of the codes within a cluster.
    Scaled,
}

/// Whose nearest neighbours make the graph that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GraphOf {
    /// `both` for images, whose pixels are near for many reasons, else `features`: the codes of a
    /// small table can lose its groups.
    Auto,
    /// The codes of the auto-encoder.
    Codes,
    /// The features.
    Features,
    /// The mean of both graphs.
    Both,
}

/// The table `[init]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InitConfig {
    /// `gmm`, `kmeans`, `kmeans-or-gmm` or `graph`.
    pub kind: InitKind,
    /// `gmm` or `uniform`.
    pub pi: PiInit,
    /// `glorot` or `scaled`. Codes of small data can have a variance far below 1: noise of variance
    /// 1 then merges the clusters in the first epochs.
    #[serde(skip_serializing_if = "of_the_encoder")]
    pub log_var: LogVarInit,
    /// How the codes are clustered, for all kinds but `graph`.
    pub codes: CodeClustering,
    /// How the graph is partitioned, for `graph`; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<PartitionConfig>,
    /// For `graph`: whose neighbours make it, `auto`, `codes`, `features` or `both`.
    #[serde(skip_serializing_if = "of_codes_alone")]
    pub graph: GraphOf,
    /// For `graph`: a Siamese network whose neighbour graph is averaged with that of the codes.
    /// Absent: the graph of the codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub siamese: Option<SiameseConfig>,
}

fn of_codes_alone(graph: &GraphOf) -> bool {
    neutral(graph, &GraphOf::Codes)
}

fn of_the_encoder(log_var: &LogVarInit) -> bool {
    neutral(log_var, &LogVarInit::Glorot)
}

impl Default for InitConfig {
    fn default() -> Self {
        Self {
            kind: InitKind::Gmm,
            pi: PiInit::Gmm,
            log_var: LogVarInit::Scaled,
            codes: CodeClustering::default(),
            partition: None,
            graph: GraphOf::Auto,
            siamese: None,
        }
    }
}

impl InitConfig {
    /// The clusters of the codes, by EM or by a partition of their graph.
    pub(crate) fn fit(
        &self,
        codes: &Codes<'_>,
        n_clusters: usize,
        phases: &mut Vec<PhaseRecord>,
    ) -> Result<CodesInit> {
        let Some(partition) = &self.partition else {
            return match self.kind {
                InitKind::KmeansOrGmm => codes.better_start(&self.codes, n_clusters, phases),
                InitKind::Kmeans => Ok(codes.cluster(&self.codes, n_clusters)?.of_kmeans(&self.codes)),
                InitKind::Gmm | InitKind::Graph => codes.cluster(&self.codes, n_clusters),
            };
        };
        let siamese = match &self.siamese {
            Some(siamese) => Some(codes.siamese(siamese, Metric::Euclidean, phases)?),
            None => None,
        };
        let points = siamese.as_ref().map(siamese::codes).transpose()?;
        let siamese = points.as_ref().zip(siamese.as_ref());
        let siamese = siamese.map(|(points, s)| OtherSpace { points, key: &s.record.key });
        let others: Vec<OtherSpace<'_>> = siamese.into_iter().collect();
        codes.partition(partition, n_clusters, (self.graph, &others))
    }
}
