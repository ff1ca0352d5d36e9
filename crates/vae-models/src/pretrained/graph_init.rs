//! Classes initialised by a partition of the codes of a VAE without classes.
//!
//! From random weights the classes separate while the codes still change, and training keeps the
//! first partition that lowers the loss. Here the same networks are trained as a VAE without
//! classes first (phase `plain`: y is uniform), the neighbour graph of its codes and that of a
//! Siamese network (phases `neighbours` and `siamese`) are averaged and partitioned (phase
//! `partition`), and training continues from there (phase `train`), in the first epochs with y
//! fixed at the partition while the classifier learns it without a gradient with respect to the
//! codes. No label is used.

use super::default_net;
use super::graph_partition::{self, cut};
use super::siamese::{check_random_siamese, siamese};
use crate::api::FitSummary;
use crate::error::Within;
use crate::shared::assignments::labels_of;
use crate::shared::class_vae::{ClusterNet, Held, MEANS};
use crate::shared::from_random::{Job, Network, Trained, fit, groups};
use crate::shared::mixture;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};
use vae_core::Features;
use vae_core::features::{CONVOLUTION_BLOCK, Resident, to_array2, to_tensor};
use vae_core::identity::Revision;
use vae_core::net::{self, NetConfig};
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_core::random::Streams;
use vae_core::train::{self, TrainConfig, check_epochs, train};
use vae_graph::knn::Metric;
use vae_graph::partition::PartitionConfig;
use vae_graph::siamese::{SiameseConfig, SiameseInit, codes as siamese_codes};

/// The phase `plain` and the means of the classes.
pub const REVISION: Revision = ("graph-start", 1);

/// The table `[graph_start]`; without it all weights are initialised at random.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GraphInit {
    /// Epochs of the VAE without classes, at least 1; its other settings are those of `train`.
    pub epochs: usize,
    /// Smallest number of its updates.
    pub min_updates: usize,
    /// Share of the epochs of `train`, from the first on, in which y is fixed at the partition
    /// while the classifier learns it.
    pub hold_share: f64,
    /// How the graph is partitioned.
    pub partition: PartitionConfig,
    /// The Siamese network on the features, from random weights.
    pub siamese: SiameseConfig,
    /// Its layers; `latent_dim` is the number of its outputs.
    pub siamese_net: NetConfig,
}

impl Default for GraphInit {
    fn default() -> Self {
        Self {
            epochs: 10,
            min_updates: 2000,
            hold_share: 0.8,
            partition: PartitionConfig::default(),
            siamese: SiameseConfig { start: SiameseInit::Random, ..SiameseConfig::default() },
            siamese_net: default_net(),
        }
    }
}

impl GraphInit {
    /// Checks the ranges.
    ///
    /// # Errors
    /// An error that names the key.
    pub(crate) fn check(&self) -> Result<()> {
        check_epochs(self.epochs)?;
        if !(self.hold_share > 0.0 && self.hold_share <= 1.0) {
            let expected = "a number above 0 and at most 1";
            return Err(Error::config("hold_share", self.hold_share, expected));
        }
        check_random_siamese(&self.siamese).within("siamese")?;
        self.siamese_net.check().within("siamese_net")?;
        self.partition.check().within("partition")
    }

    /// Epochs of `train` in which y is held, on `n` samples; at least one.
    fn hold_epochs(&self, train: &TrainConfig, n: usize) -> usize {
        let epochs = train.resolved(n.div_ceil(train.batch_size)).epochs;
        (self.hold_share * epochs as f64).ceil() as usize
    }

    /// The training of the VAE without classes.
    pub(crate) fn plain(&self, train: &TrainConfig) -> TrainConfig {
        TrainConfig {
            epochs: self.epochs,
            min_updates: self.min_updates,
            observe_every_epochs: 0,
            ..train.clone()
        }
    }
}

/// What [`fit_classes`] needs for the initialisation by the graph.
pub(crate) struct Plain<'a, C> {
    pub graph_init: &'a GraphInit,
    /// The method's configuration in the phase `plain`, without `[graph_start]`.
    pub config: C,
    pub n_clusters: usize,
}

/// The initial values of the training.
struct Initial {
    /// The networks of the VAE without classes.
    plain: Artefact,
    /// The means of the classes, and `assignments`.
    partition: Artefact,
    /// All phases, in order.
    records: Vec<PhaseRecord>,
}

fn initialise<C: Serialize>(
    x: &Features,
    plain: &Plain<'_, C>,
    job: &Job<'_, C>,
    build: impl Fn(&Streams, Device) -> ClusterNet,
    cx: &FitContext,
) -> Result<Initial> {
    let train_config = &plain.graph_init.plain(job.train);
    let own: &[Revision] = &[REVISION, train::REVISION, net::REVISION];
    let revisions: Vec<&[Revision]> = job.revisions.iter().copied().chain([own]).collect();
    let spec = PhaseSpec {
        name: "plain",
        revisions: &revisions,
        config: &(&plain.config, job.likelihood),
        inputs: &[x.sha256()],
    };
    let trained = cx.phase(&spec, |phase| -> Result<Artefact> {
        let net = ClusterNet { held: Some(Held::Uniform), ..build(&phase.streams, cx.device) };
        let data = Resident::new(x, cx.device)?;
        let (record, _) = train(&net, &data, train_config, groups(train_config), phase)?;
        Ok(Artefact { tensors: net.params.snapshot("")?, record })
    })?;
    let mut records = vec![trained.record.clone()];
    let (config, net) = (&plain.graph_init.siamese, (&plain.graph_init.siamese_net, None));
    let other = siamese(x, config, Metric::Euclidean, net, cx, &mut records)?;
    let spec = PhaseSpec {
        name: "partition",
        revisions: &[&[REVISION, mixture::REVISION], plain.graph_init.partition.revisions(x.n())],
        config: &(&plain.graph_init.partition, plain.n_clusters),
        inputs: &[x.sha256(), &trained.record.key, &other.record.key],
    };
    let partition = cx.phase(&spec, |phase| -> Result<Artefact> {
        let net = build(&phase.streams, cx.device);
        net.params.load(&trained.tensors, "")?;
        let codes = Resident::new(x, cx.device)?.map_rows(CONVOLUTION_BLOCK, |x| Ok(net.code(x)))?;
        let codes = Features::dense(to_array2(&codes)?)?;
        let spaces = [&siamese_codes(&other)?, &codes];
        let (mixture, mut cut) =
            cut(&plain.graph_init.partition, &codes, &spaces, (plain.n_clusters, None), phase)?;
        let means = mixture.mu.mapv(|m| m as f32);
        cut.tensors.insert(MEANS.into(), to_tensor(means.view(), Device::Cpu)?);
        Ok(cut)
    })?;
    records.push(partition.record.clone());
    Ok(Initial { plain: trained, partition, records })
}

/// Trains classes from random weights, or from a partition of the graphs of `plain` and a Siamese
/// network. In the second case all `job.n_init` trainings have the same initial partition and
/// weights.
///
/// # Errors
/// What training and the partition can return.
pub(crate) fn fit_classes<C: Serialize>(
    x: &Features,
    job: Job<'_, C>,
    plain: Option<Plain<'_, C>>,
    build: impl Fn(&C, &Streams, Device) -> ClusterNet,
    cx: &FitContext,
) -> Result<(Trained<ClusterNet>, FitSummary)> {
    let Some(plain) = plain else {
        return fit(x, &job, |streams, device| Ok(build(job.config, streams, device)), cx);
    };
    let build_plain = |streams: &Streams, device| build(&plain.config, streams, device);
    let initial = initialise(x, &plain, &job, build_plain, cx)?;
    let assignments = initial.partition.tensor("assignments")?;
    let job = Job { init: Some(&initial.partition.record), ..job };
    let epochs = plain.graph_init.hold_epochs(job.train, x.n());
    let from_init = |streams: &Streams, device: Device| -> Result<ClusterNet> {
        let net = build(job.config, streams, device);
        net.params.load(&initial.plain.tensors, "")?;
        net.params.load_present(&initial.partition.tensors, "")?;
        let labels = assignments.f_to_kind(Kind::Int64)?.f_to_device(device)?;
        Ok(ClusterNet { held: Some(Held::Labels { labels, epochs }), ..net })
    };
    let (model, summary) = fit(x, &job, from_init, cx)?;
    let start_assignments = Some(labels_of(assignments)?);
    let of_partition = graph_partition::selection(&plain.graph_init.partition);
    let selection = match job.n_init {
        1 => of_partition.into(),
        _ => format!("{of_partition}; {}", summary.selection),
    };
    let mut phases = initial.records;
    phases.extend(summary.phases);
    Ok((model, FitSummary { start_assignments, selection, phases, ..summary }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hold_is_a_share_of_all_epochs() {
        let graph_init = GraphInit { hold_share: 0.25, ..GraphInit::default() };
        let train = TrainConfig { epochs: 40, batch_size: 100, ..TrainConfig::default() };
        assert_eq!(graph_init.hold_epochs(&train, 60_000), 10);
        // 950 samples are 10 updates an epoch: 500 updates are 50 epochs.
        let train = TrainConfig { min_updates: 500, ..train };
        assert_eq!(graph_init.hold_epochs(&train, 950), 13);
        assert_eq!(graph_init.hold_epochs(&TrainConfig { epochs: 1, min_updates: 0, ..train }, 950), 1);
    }
}
