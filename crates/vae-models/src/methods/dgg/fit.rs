//! The phases of DGG.

mod graph;

use self::graph::{Points, build};
use super::config::{DggConfig, DggInitKind, Space};
use super::net::DggNet;
use super::train::{DggTraining, Setting, classifier};
use crate::Result;
use crate::api::{FitSummary, Method};
use crate::config::Preset;
use crate::input::Input;
use crate::pretrained::{Codes, CodesInit, GraphOf, LogVarInit, OtherSpace, Partitioned};
use crate::shared::assignments::labels_to_tensor;
use crate::shared::mixture::{self, Mixture, gaussians};
use crate::shared::mixture_vae::{self, Fitted, MixtureVae};
use crate::shared::warmup::Warmup;
use serde_json::json;
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::Resident;
use vae_core::identity::Revision;
use vae_core::net;
use vae_core::optim::Group;
use vae_core::phase::{Artefact, FitContext, PhaseContext, PhaseRecord, PhaseSpec};
use vae_core::pretrain::pretrain;
use vae_core::random::Streams;
use vae_core::train::{self, train};
use vae_graph::{Graph, pairwise, partition};

/// The classifier's own training.
const CLASSIFIER: Revision = ("dgg-classifier", 1);

/// The initial mixture, and the training of the objective.
const OBJECTIVE: Revision = ("dgg", 1);

/// What is this method's own.
pub const REVISIONS: &[Revision] = &[CLASSIFIER, OBJECTIVE];

/// DGG.
#[derive(Debug)]
pub struct Dgg;

/// A fitted DGG.
pub type DggModel = Fitted<DggNet>;

impl Method for Dgg {
    const NAME: &'static str = "dgg";
    const SUMMARY: &'static str = "VaDE whose latents explain their neighbours too, by smoothed targets";
    const REFERENCE: &'static str = "Yang et al. 2019 (ICCV)";
    const GENERATIVE: bool = true;
    const PRESETS: &'static [Preset] = presets!("dgg":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    type Config = DggConfig;
    type Model = DggModel;

    fn fit(
        config: &DggConfig,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(DggModel, FitSummary)> {
        let autoencoder = pretrain(x, &config.net, &config.pretrain, input.likelihood()?, cx)?;
        let phases = vec![autoencoder.record.clone()];
        Self::fit_from(config, x, input, Begun { autoencoder, partition: None, phases }, cx)
    }

    fn restore(config: &DggConfig, input: &Input, tensors: &Tensors) -> Result<DggModel> {
        let mixture = Mixture::placeholder(config.n_clusters, config.net.latent_dim);
        let (of, streams) = ((input.likelihood()?, input.dim), Streams::new(0, "restore"));
        let net = DggNet::new(config, of, &mixture, &streams, Device::Cpu);
        net.load(tensors)?;
        Ok(Fitted { net, device: Device::Cpu })
    }
}

/// What a fit goes on from.
pub(crate) struct Begun {
    /// The auto-encoder of the configuration's layers.
    pub autoencoder: Artefact,
    /// The initial assignments, if `[init]` does not say how they are found.
    pub partition: Option<Partitioned>,
    /// The phases before.
    pub phases: Vec<PhaseRecord>,
}

impl Dgg {
    /// The phases after the auto-encoder.
    ///
    /// # Errors
    /// As [`Method::fit`].
    pub(crate) fn fit_from(
        config: &DggConfig,
        x: &Features,
        input: &Input,
        begun: Begun,
        cx: &FitContext,
    ) -> Result<(DggModel, FitSummary)> {
        let (likelihood, Begun { autoencoder, partition: given, mut phases }) = (input.likelihood()?, begun);
        let codes = Codes::new(x, &config.net, &autoencoder, cx);
        let points = Points::new(config, &codes, &mut phases)?;
        let init = match given {
            Some(given) => of_partition(given, codes.get()?, config.n_clusters),
            None => initialise(config, &codes, &points, &mut phases)?,
        };
        phases.push(init.record.clone());
        let (graph, graph_record) = build(x, &points, config, cx)?;
        let graph_key = graph_record.key.clone();
        phases.push(graph_record);
        let labels = labels_to_tensor(&init.assignments).f_to_kind(Kind::Int64)?.f_to_device(cx.device)?;

        let spec = PhaseSpec {
            name: "classifier",
            revisions: &[&[CLASSIFIER, OBJECTIVE, train::REVISION, net::REVISION]],
            config: &(&config.classifier, config.n_clusters),
            inputs: &[x.sha256(), codes.key(), &init.record.key],
        };
        let classifier = cx.phase(&spec, |phase| {
            classifier::pretrain(codes.get()?, &labels, &config.classifier, config.n_clusters, phase)
        })?;
        phases.push(classifier.record.clone());

        let streams = Streams::new(cx.seed, "train");
        let net = DggNet::new(config, (likelihood, x.dim()), &init.mixture, &streams, cx.device);
        let rebuilt = match &config.init.partition {
            Some(partition) if !config.graph.rebuild_epochs.is_empty() => partition.revisions(x.n()),
            _ if !config.graph.rebuild_epochs.is_empty() => partition::REVISIONS,
            _ => &[],
        };
        let warmup = Warmup::new(config.assignment_warmup_epochs, &config.train, x.n());
        let spec = PhaseSpec {
            name: "train",
            revisions: &[
                &[OBJECTIVE, train::REVISION, net::REVISION, mixture::REVISION],
                mixture_vae::REVISIONS,
                pairwise::REVISIONS,
                rebuilt,
                warmup.revisions,
            ],
            config,
            inputs: &[x.sha256(), codes.key(), &init.record.key, &graph_key, &classifier.record.key],
        };
        let trained = cx.phase(&spec, |phase| {
            net.vae.params.load_present(&autoencoder.tensors, "")?;
            net.vae.params.load_present(&classifier.tensors, "")?;
            train_net(&net, config, (x, &points), (&init, labels), graph, phase)
        })?;
        net.load(&trained.tensors)?;
        let model = Fitted { net, device: cx.device };
        let summary = model.summary(x, (init.assignments, init.selection), trained, phases)?;
        Ok((model, summary))
    }
}

/// The body of the phase `train`, from the weights that `net` has; `labels` are the initial
/// assignments, i64 `[n]` on the device.
fn train_net(
    net: &DggNet,
    config: &DggConfig,
    (x, points): (&Features, &Points<'_>),
    (init, labels): (&CodesInit, Tensor),
    graph: Graph,
    phase: &PhaseContext<'_>,
) -> Result<Artefact> {
    let cx = phase.fit;
    if config.init.log_var == LogVarInit::Scaled {
        net.vae.encoder.set_constant_log_var((0.1 * init.mixture.mean_variance()).ln());
    }
    let prior = Group { lr: config.prior_lr, weight_decay: 0.0 };
    let groups = vec![config.train.group(), prior];
    let data = Resident::new(x, cx.device)?;
    let agreement = graph.agreement(init.assignments.view());
    let other = points.other_than_codes().map(|o| o.points);
    let warmup_epochs = Warmup::new(config.assignment_warmup_epochs, &config.train, x.n()).epochs;
    let setting = Setting { net, config, x, data: &data, points: other, warmup_epochs, cx };
    let training = DggTraining::new(setting, graph, labels)?;
    let (mut record, observed) = train(&training, &data, &config.train, groups, phase)?;
    record.notes = json!({
        "neighbours_agreeing_with_the_start": agreement,
        "neighbours_agreeing_at_the_end": training.agreement()?,
    });
    let mut tensors = net.snapshot()?;
    tensors.extend(observed);
    Ok(Artefact { tensors, record })
}

/// The initial assignments, and a Gaussian for each of their clusters.
fn initialise(
    config: &DggConfig,
    codes: &Codes<'_>,
    points: &Points<'_>,
    phases: &mut Vec<PhaseRecord>,
) -> Result<CodesInit> {
    if let (DggInitKind::Graph, Some(partition)) = (config.init.kind, &config.init.partition) {
        let others: Vec<OtherSpace<'_>> = points.other_than_codes().into_iter().collect();
        // The features are not taken twice.
        let twice = config.graph.space == Space::Raw && config.init.graph != GraphOf::Codes;
        let others = if twice { &[][..] } else { &others[..] };
        return codes.partition(partition, config.n_clusters, (config.init.graph, others));
    }
    if config.init.kind == DggInitKind::KmeansOrGmm {
        return codes.better_start(&config.init.codes, config.n_clusters, phases);
    }
    // As in the paper: the clusters of k-means and their variances, no EM.
    let init = codes.cluster(&config.init.codes, config.n_clusters)?;
    let mixture = gaussians(codes.get()?, init.kmeans_assignments.view(), config.n_clusters);
    Ok(CodesInit { mixture, ..init.of_kmeans(&config.init.codes) })
}

/// A Gaussian of the codes of each given cluster.
fn of_partition(given: Partitioned, codes: &Features, n_clusters: usize) -> CodesInit {
    let mixture = gaussians(codes, given.assignments.view(), n_clusters);
    CodesInit {
        centres: mixture.mu.clone(),
        mixture,
        kmeans_assignments: given.assignments.clone(),
        assignments: given.assignments,
        selection: given.selection,
        record: given.record,
    }
}
