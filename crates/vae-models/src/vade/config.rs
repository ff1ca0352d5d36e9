//! The configuration of VaDE.

use super::loss::Gamma;
use crate::config::check_optional;
use crate::error::Within;
use crate::input::InputConfig;
use crate::method::MethodConfig;
use crate::scale::ScaleKind;
use crate::two_stage::{CodeClustering, Codes, OtherSpace, Start};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vae_core::identity::neutral;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::phase::PhaseRecord;
use vae_core::pretrain::PretrainConfig;
use vae_core::schedule::LrSchedule;
use vae_core::train::TrainConfig;
use vae_graph::knn::Metric;
use vae_graph::partition::PartitionConfig;
use vae_graph::siamese::{self, SiameseConfig};

/// Where the prior starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InitKind {
    /// A diagonal Gaussian mixture fitted to the codes.
    Gmm,
    /// k-means centres with unit variances (the authors' Reuters script).
    Kmeans,
    /// Gaussians fitted to a partition of the codes' neighbour graph.
    Graph,
}

/// Where the mixing weights start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PiInit {
    /// Those of the mixture; for `kmeans`, which has none, the shares of the samples in its clusters.
    Gmm,
    /// 1/K (the authors' code).
    Uniform,
}

/// Where the variance of q(z | x) starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogVarInit {
    /// A head with random weights (the authors' code): variances about 1, whatever the scale of the codes.
    Glorot,
    /// A constant: a tenth of the mean variance of the codes within a cluster.
    Scaled,
}

/// The table `[init]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InitConfig {
    /// `gmm`, `kmeans` or `graph`.
    pub kind: InitKind,
    /// `gmm` or `uniform`.
    pub pi: PiInit,
    /// `glorot` or `scaled`. Codes of small data can be so narrow that noise of variance 1 drowns them, and the clusters
    /// merge in the first epochs.
    #[serde(skip_serializing_if = "of_the_encoder")]
    pub log_var: LogVarInit,
    /// How the codes are clustered, for `gmm` and `kmeans`.
    pub codes: CodeClustering,
    /// How the graph is cut, for `graph`; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<PartitionConfig>,
    /// For `graph`: a Siamese network whose neighbour graph is averaged with that of the codes before the cut. Absent: the
    /// codes alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub siamese: Option<SiameseConfig>,
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
            siamese: None,
        }
    }
}

impl InitConfig {
    /// The clusters of the codes, by EM or by a partition of their graph.
    pub(crate) fn start(
        &self,
        codes: &Codes<'_>,
        n_clusters: usize,
        phases: &mut Vec<PhaseRecord>,
    ) -> Result<Start> {
        let Some(partition) = &self.partition else {
            let start = codes.cluster(&self.codes, n_clusters)?;
            return Ok(match self.kind {
                InitKind::Kmeans => start.of_kmeans(&self.codes),
                InitKind::Gmm | InitKind::Graph => start,
            });
        };
        let siamese = match &self.siamese {
            Some(siamese) => Some(codes.siamese(siamese, Metric::Euclidean, phases)?),
            None => None,
        };
        let points = siamese.as_ref().map(siamese::codes).transpose()?;
        let other = points.as_ref().zip(siamese.as_ref());
        let other = other.map(|(points, s)| OtherSpace { points, key: &s.record.key });
        codes.partition(partition, n_clusters, other)
    }
}

/// The configuration of VaDE. The defaults are meant for data nobody has tuned for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VadeConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// p(x | z).
    pub likelihood: LikelihoodKind,
    /// λ of a Gaussian likelihood.
    pub likelihood_variance: f64,
    /// p(c | x) inside the loss.
    pub gamma: Gamma,
    /// Learning rate of pi, mu and log_var of the prior; it follows the schedule of `train`.
    pub prior_lr: f64,
    /// Encoder and decoder.
    pub net: NetConfig,
    /// The auto-encoder that training starts from.
    pub pretrain: PretrainConfig,
    /// The start of the prior.
    pub init: InitConfig,
    /// Epochs in which p(c | x) is held at the assignments of the start. The first epochs pull the codes about before the
    /// prior has shaped them; free assignments follow them astray.
    #[serde(skip_serializing_if = "no_warmup")]
    pub assignment_warmup_epochs: usize,
    /// The training of the ELBO.
    pub train: TrainConfig,
}

fn no_warmup(epochs: &usize) -> bool {
    neutral(epochs, &0)
}

impl Default for VadeConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            likelihood: LikelihoodKind::Auto,
            // A tenth of a standardised column's variance is noise: with 1 a few columns could not outweigh the prior,
            // and the latent space would go unused.
            likelihood_variance: 0.1,
            gamma: Gamma::Sample,
            prior_lr: 2e-3,
            net: crate::two_stage::default_net(),
            pretrain: crate::two_stage::default_pretrain(),
            init: InitConfig::default(),
            assignment_warmup_epochs: 0,
            train: TrainConfig {
                epochs: 50,
                min_updates: 2000,
                batch_size: 128,
                lr: 2e-3,
                lr_schedule: LrSchedule::Step,
                lr_decay_every_epochs: 10,
                lr_decay_factor: 0.9,
                lr_floor: 2e-4,
                adam_eps: 1e-4,
                observe_every_epochs: 5,
                ..TrainConfig::default()
            },
        }
    }
}

impl MethodConfig for VadeConfig {
    fn input(&self) -> InputConfig {
        let likelihood = Some((self.likelihood, self.likelihood_variance));
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood }
    }

    fn every_table() -> Self {
        let mut all = Self::default();
        all.init.partition = Some(PartitionConfig::default());
        all.init.siamese = Some(SiameseConfig::default());
        all
    }

    fn complete(&mut self) {
        if self.init.kind == InitKind::Graph {
            self.init.partition.get_or_insert_default();
        }
    }

    fn check(&self) -> Result<()> {
        self.net.check().within("net")?;
        self.pretrain.check().within("pretrain")?;
        self.init.codes.check().within("init.codes")?;
        let graph = (self.init.kind == InitKind::Graph, "init.kind is \"graph\"");
        check_optional("init.partition", self.init.partition.as_ref(), graph, |p| Ok(p.check()?))?;
        check_optional("init.siamese", self.init.siamese.as_ref(), graph, |s| Ok(s.check()?))?;
        self.train.check().within("train")?;
        if !(self.prior_lr > 0.0 && self.prior_lr.is_finite()) {
            return Err(Error::config("prior_lr", self.prior_lr, "a finite number above 0"));
        }
        Ok(())
    }
}
