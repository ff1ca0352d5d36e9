//! The configuration of DGG.

use crate::api::MethodConfig;
use crate::config::{check_above_0, check_at_least_1, check_optional, check_widths};
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use crate::pretrained::{CodeClustering, GraphOf, LogVarInit, net_for_data};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vae_core::Features;
use vae_core::identity::neutral;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::optim::OptimizerKind;
use vae_core::pretrain::PretrainConfig;
use vae_core::schedule::LrSchedule;
use vae_core::train::TrainConfig;
use vae_graph::affinity::AffinityConfig;
use vae_graph::knn::Metric;
use vae_graph::partition::PartitionConfig;
use vae_graph::siamese::SiameseConfig;

/// How the objective is computed. For given mixing weights pi_i both are the same number with the
/// same gradient (a Gaussian likelihood: up to a constant). In training pi_i is the mean assignment
/// of the tuple under the current weights, or that of the bank, which holds the assignment of each
/// point from its latest batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// Smoothed targets: one encoding and one decoding per point.
    Smoothed,
    /// A point and all its neighbours, as printed: the cost is multiplied by the size of the tuple.
    Tuples,
}

/// The mixing weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mixing {
    /// One distribution per sample, at its optimum: the mean assignment of the sample and its
    /// neighbours.
    PerSample,
    /// One for all, a trained parameter, as in VaDE.
    Global,
}

/// How the mixture and the assignments are initialised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DggInitKind {
    /// k-means on the codes, and the variances within its clusters (the paper).
    Kmeans,
    /// The clusters of k-means or of EM after it, whichever have the higher modularity in the graph
    /// of the codes' nearest neighbours.
    #[serde(rename = "kmeans-or-gmm")]
    KmeansOrGmm,
    /// A partition of the codes' neighbour graph.
    Graph,
}

/// The space in which neighbours are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    /// Codes of the auto-encoder.
    Codes,
    /// Codes of a Siamese network (the paper).
    Siamese,
    /// The features themselves.
    Raw,
}

/// What the classifier reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassifierInput {
    /// The posterior mean (the code for MNIST).
    Mean,
    /// The sampled z (the paper).
    Sample,
}

/// The table `[init]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DggInit {
    /// `kmeans`, `kmeans-or-gmm` or `graph`.
    pub kind: DggInitKind,
    /// `glorot` or `scaled`: the initial variance of q(z | x).
    #[serde(skip_serializing_if = "of_the_encoder")]
    pub log_var: LogVarInit,
    /// For `graph`: whose neighbours make it, `auto`, `codes`, `features` or `both`, beside those
    /// of `graph.space`.
    #[serde(skip_serializing_if = "of_codes_alone")]
    pub graph: GraphOf,
    /// k-means of the codes, for `kmeans` and `kmeans-or-gmm`.
    pub codes: CodeClustering,
    /// The partition of the graph, for `graph`; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<PartitionConfig>,
}

fn of_the_encoder(log_var: &LogVarInit) -> bool {
    neutral(log_var, &LogVarInit::Glorot)
}

fn of_codes_alone(graph: &GraphOf) -> bool {
    neutral(graph, &GraphOf::Codes)
}

impl Default for DggInit {
    fn default() -> Self {
        Self {
            kind: DggInitKind::Graph,
            log_var: LogVarInit::Scaled,
            graph: GraphOf::Auto,
            codes: CodeClustering::default(),
            partition: None,
        }
    }
}

/// The table `[graph]`. Its space is also used, beside the codes, for the initial partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GraphConfig {
    /// `codes`, `siamese` or `raw`.
    pub space: Space,
    /// The distance in that space.
    pub metric: Metric,
    /// Epochs (0-based) before which the graph is rebuilt on the current codes.
    pub rebuild_epochs: Vec<usize>,
    /// Epochs in which the assignments are fixed at a partition of the rebuilt graph, as in the
    /// warm-up. 0: the graph is rebuilt, the assignments are not fixed.
    pub repartition_hold_epochs: usize,
    /// How often per epoch pi is recomputed from the assignments.
    pub refreshes_per_epoch: usize,
    /// The choice of neighbours and their weights.
    pub neighbors: AffinityConfig,
}

impl Default for GraphConfig {
    fn default() -> Self {
        Self {
            space: Space::Raw,
            metric: Metric::Euclidean,
            rebuild_epochs: Vec::new(),
            repartition_hold_epochs: 0,
            refreshes_per_epoch: 4,
            neighbors: AffinityConfig::default(),
        }
    }
}

/// The table `[classifier]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifierConfig {
    /// Widths of its hidden layers; none makes it linear.
    pub hidden: Vec<usize>,
    /// `mean` or `sample`.
    pub input: ClassifierInput,
    /// Its training on the initial assignments, with the encoder fixed.
    pub train: TrainConfig,
}

impl Default for ClassifierConfig {
    fn default() -> Self {
        Self {
            hidden: Vec::new(),
            input: ClassifierInput::Mean,
            train: TrainConfig {
                epochs: 30,
                min_updates: 1000,
                batch_size: 100,
                optimizer: OptimizerKind::Sgd,
                lr: 0.02,
                weight_decay: 1e-4,
                ..TrainConfig::default()
            },
        }
    }
}

/// The configuration of DGG. The defaults are for data without tuned settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DggConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// p(x | z).
    pub likelihood: LikelihoodKind,
    /// λ of a Gaussian likelihood.
    pub likelihood_variance: f64,
    /// `smoothed` or `tuples`.
    pub objective: Objective,
    /// `per-sample` or `global`.
    pub pi: Mixing,
    /// Learning rate of the mixture; it follows the schedule of `train`.
    pub prior_lr: f64,
    /// Epochs in which the assignments are fixed at the initial ones while the classifier learns
    /// them.
    #[serde(skip_serializing_if = "no_warmup")]
    pub assignment_warmup_epochs: usize,
    /// Encoder and decoder.
    pub net: NetConfig,
    /// The auto-encoder's training, which gives the initial weights.
    pub pretrain: PretrainConfig,
    /// The initial mixture.
    pub init: DggInit,
    /// The neighbours.
    pub graph: GraphConfig,
    /// The Siamese network, for `graph.space = "siamese"`; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub siamese: Option<SiameseConfig>,
    /// q(c | z).
    pub classifier: ClassifierConfig,
    /// The joint training.
    pub train: TrainConfig,
}

fn no_warmup(epochs: &usize) -> bool {
    neutral(epochs, &0)
}

impl Default for DggConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            likelihood: LikelihoodKind::Auto,
            likelihood_variance: 0.1,
            objective: Objective::Smoothed,
            pi: Mixing::PerSample,
            prior_lr: 2e-3,
            assignment_warmup_epochs: 25,
            net: crate::pretrained::default_net(),
            pretrain: crate::pretrained::default_pretrain(),
            init: DggInit::default(),
            graph: GraphConfig::default(),
            siamese: None,
            classifier: ClassifierConfig::default(),
            train: TrainConfig {
                epochs: 50,
                min_updates: 2000,
                batch_size: 128,
                lr: 2e-3,
                lr_schedule: LrSchedule::Cosine,
                observe_every_epochs: 5,
                ..TrainConfig::default()
            },
        }
    }
}

impl MethodConfig for DggConfig {
    fn input(&self) -> InputConfig {
        let likelihood = Some((self.likelihood, self.likelihood_variance));
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood }
    }

    fn every_table() -> Self {
        let mut all = Self { siamese: Some(SiameseConfig::default()), ..Self::default() };
        all.init.partition = Some(PartitionConfig::default());
        all
    }

    fn complete(&mut self) {
        if self.init.kind == DggInitKind::Graph {
            self.init.partition.get_or_insert_default();
        }
        if self.graph.space == Space::Siamese {
            self.siamese.get_or_insert_default();
        }
    }

    fn for_data(&mut self, x: &Features) -> Option<String> {
        net_for_data(&mut self.net, x)
    }

    fn check(&self) -> Result<()> {
        self.net.check().within("net")?;
        self.pretrain.check().within("pretrain")?;
        self.init.codes.check().within("init.codes")?;
        self.graph.neighbors.check().within("graph.neighbors")?;
        self.classifier.train.check().within("classifier.train")?;
        self.train.check().within("train")?;
        let graph = (self.init.kind == DggInitKind::Graph, "init.kind is \"graph\"");
        check_optional("init.partition", self.init.partition.as_ref(), graph, |p| Ok(p.check()?))?;
        let siamese = (self.graph.space == Space::Siamese, "graph.space is \"siamese\"");
        check_optional("siamese", self.siamese.as_ref(), siamese, |s| Ok(s.check()?))?;
        check_widths("classifier.hidden", &self.classifier.hidden)?;
        check_at_least_1("graph.refreshes_per_epoch", self.graph.refreshes_per_epoch)?;
        check_above_0("prior_lr", self.prior_lr)?;
        if self.objective == Objective::Tuples && self.pi == Mixing::Global {
            let expected = "\"per-sample\" where objective is \"tuples\": the printed objective has no other";
            return Err(Error::config("pi", "global", expected));
        }
        Ok(())
    }
}
