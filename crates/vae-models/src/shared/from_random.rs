//! Methods that train one network from random weights, without pretraining: the one phase, the
//! restarts, and the fitted model.

use crate::api::{Calibration, Density, FitSummary, Generative, Model, OwnGraph, Soft};
use crate::shared::assignments::{as_observed, labels_of};
use crate::shared::elbo;
use crate::{Error, Result};
use ndarray::{Array1, Array2, ArrayView2};
use serde::Serialize;
use serde_json::json;
use tch::{Device, Tensor};
use vae_core::bundle::Tensors;
use vae_core::features::{CONVOLUTION_BLOCK, Resident, to_array2, to_tensor};
use vae_core::identity::Revision;
use vae_core::likelihood::Likelihood;
use vae_core::net;
use vae_core::optim::{EpsForm, Group};
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_core::program::{Outputs, Program, Value};
use vae_core::random::Streams;
use vae_core::train::{self, TrainConfig, Trainable, train};
use vae_core::{Features, Result as CoreResult};
use vae_graph::partition::{PartitionConfig, number};
use vae_graph::{affinity, knn};

/// Trainings from random weights, with what they use.
pub const REVISIONS: &[Revision] = &[("random-start", 1), train::REVISION, net::REVISION];

/// The choice among several trainings, with what it uses.
pub const CHOICE_REVISIONS: &[Revision] = &[("restart-choice", 1), affinity::REVISION, knn::REVISION];

/// A network with clusters. All methods are evaluated at the means of its posteriors, without
/// gradients.
pub trait Network: Trainable + std::fmt::Debug + Send {
    /// Soft assignments.
    ///
    /// # Shapes
    /// `x`: `[b, d]`; result `[b, K]`, rows sum to 1.
    fn gamma(&self, x: &Tensor) -> Tensor;

    /// Points of the latent space.
    ///
    /// # Shapes
    /// `x`: `[b, d]`; result `[b, J]`.
    fn code(&self, x: &Tensor) -> Tensor;

    /// Adds the soft assignments and the codes to a program.
    ///
    /// # Errors
    /// libtorch.
    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs>;

    /// Number of dimensions of the latent space, J.
    fn latent_dim(&self) -> usize;

    /// The means of p(x | z) at points of the latent space.
    ///
    /// # Shapes
    /// `z`: `[b, J]`; result `[b, d]`.
    fn means(&self, z: &Tensor) -> Tensor;

    /// The means of p(x | z) at the codes, `[b, d]`.
    fn reconstruct(&self, x: &Tensor) -> Tensor {
        self.means(&self.code(x))
    }

    /// Whether p(z) has a component for each cluster; without them a cluster cannot be sampled.
    fn has_priors(&self) -> bool {
        true
    }

    /// For networks that say how probable a sample is.
    fn evidence(&self) -> Option<&dyn Evidence> {
        None
    }

    /// Means of p(x | z) with z from the prior of `cluster`, `[n, d]`.
    fn sample(&self, cluster: usize, n: usize, streams: &Streams, device: Device) -> Tensor;
}

/// The parts of a network's ELBO.
pub trait Evidence {
    /// p(x | z).
    fn likelihood(&self) -> &Likelihood;

    /// The outputs of the decoder at the codes, `[b, d]`, and all of the ELBO but `ln p(x | z)`,
    /// `[b]`.
    fn decoded(&self, x: &Tensor) -> (Tensor, Tensor);
}

/// The most probable cluster of every sample, for [`Trainable::observe`].
///
/// # Errors
/// libtorch's.
pub(crate) fn observe(net: &dyn Network, data: &Resident<'_>) -> CoreResult<Option<Tensor>> {
    Ok(Some(as_observed(&winners(net, data)?)?))
}

/// The most probable cluster of every sample, i64 `[n]`.
fn winners(net: &dyn Network, data: &Resident<'_>) -> CoreResult<Tensor> {
    data.map_rows(CONVOLUTION_BLOCK, |x| Ok(net.gamma(x).f_argmax(1, false)?))
}

/// A training from random weights.
pub(crate) struct Job<'a, C> {
    /// Revisions of the method's own code.
    pub revisions: &'a [&'a [Revision]],
    /// The observation model, with `auto` resolved.
    pub likelihood: &'a Likelihood,
    /// The method's configuration.
    pub config: &'a C,
    /// Its settings of the training loop.
    pub train: &'a TrainConfig,
    /// Trainings to choose from, at least 1.
    pub n_init: usize,
    /// The phase whose weights `build` loads into the networks; `None` for random weights.
    pub init: Option<&'a PhaseRecord>,
}

impl<'a, C> Job<'a, C> {
    /// From random weights.
    pub fn new(
        revisions: &'a [&'a [Revision]],
        likelihood: &'a Likelihood,
        config: &'a C,
        (train, n_init): (&'a TrainConfig, usize),
    ) -> Self {
        Self { revisions, likelihood, config, train, n_init, init: None }
    }
}

/// A fitted network.
#[derive(Debug)]
pub struct Trained<N> {
    net: N,
    device: Device,
}

impl<N: Network> Trained<N> {
    /// `net` with the weights and the state that [`Model::tensors`] gave.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub(crate) fn restore(net: N, tensors: &Tensors, device: Device) -> Result<Self> {
        net.params().load(tensors, "")?;
        Ok(Self { net, device })
    }
}

/// The optimiser's groups of a [`Network`]: group 0 for its layers, group 1 for the class means,
/// which have no weight decay.
pub(crate) fn groups(train: &TrainConfig) -> Vec<Group> {
    vec![train.group(), train.group_without_decay()]
}

/// The default training, for data without tuned settings: Adam in Keras' form. From random weights
/// the classes separate after some thousand updates.
pub(crate) fn default_train() -> TrainConfig {
    TrainConfig {
        epochs: 50,
        min_updates: 6000,
        batch_size: 100,
        lr: 2e-3,
        adam_eps: 1e-7,
        adam_eps_form: EpsForm::Keras,
        observe_every_epochs: 5,
        ..TrainConfig::default()
    }
}

/// Trains `job.n_init` networks and keeps the one whose clusters have the highest modularity in the
/// graph of the data's own neighbours: the loss chooses no better than a draw
/// (results/selection).
///
/// # Errors
/// What training and searching neighbours can return.
pub(crate) fn fit<N: Network, C: Serialize>(
    x: &Features,
    job: &Job<'_, C>,
    build: impl Fn(&Streams, Device) -> Result<N>,
    cx: &FitContext,
) -> Result<(Trained<N>, FitSummary)> {
    let mut all = Vec::with_capacity(job.n_init);
    let mut inputs = vec![x.sha256()];
    inputs.extend(job.init.map(|record| record.key.as_str()));
    let revisions: Vec<&[Revision]> = job.revisions.iter().copied().chain([REVISIONS]).collect();
    for run in 1..=job.n_init {
        let name = if job.n_init == 1 { "train".to_string() } else { format!("train-{run}") };
        let spec = PhaseSpec {
            name: &name,
            revisions: &revisions,
            config: &(job.config, job.likelihood),
            inputs: &inputs,
        };
        let trained = cx.phase(&spec, |phase| -> Result<Artefact> {
            let net = build(&phase.streams, cx.device)?;
            let data = Resident::new(x, cx.device)?;
            let (record, observed) = train(&net, &data, job.train, groups(job.train), phase)?;
            let mut tensors = net.params().snapshot("")?;
            tensors.extend(observed);
            Ok(Artefact { tensors, record })
        })?;
        all.push(trained);
    }
    let model_of = |trained: &Artefact| -> Result<Trained<N>> {
        let net = build(&Streams::new(cx.seed, "train"), cx.device)?;
        Trained::restore(net, &trained.tensors, cx.device)
    };
    let mut phases: Vec<PhaseRecord> = all.iter().map(|trained| trained.record.clone()).collect();
    let mut selection = "one training".to_string();
    let mut kept = 0;
    if job.n_init > 1 {
        let choice = choose(x, &all, |trained| model_of(trained)?.predict(x), cx)?;
        kept = choice.tensor("kept")?.int64_value(&[0]) as usize;
        selection = format!(
            "highest modularity of {} trainings in the neighbour graph of the data: phase {}",
            job.n_init, phases[kept].name
        );
        phases.push(choice.record);
    }
    let kept = all.get(kept).ok_or_else(|| Error::config("n_init", job.n_init, "at least 1"))?;
    let model = model_of(kept)?;
    let observed = FitSummary::observed(kept, || model.predict(x))?;
    Ok((model, FitSummary { selection, phases, ..observed }))
}

/// The phase `choice`: which of several trainings is kept. Of equal ones, such as the only two rows
/// of data without a graph, the first.
fn choose(
    x: &Features,
    all: &[Artefact],
    clusters: impl Fn(&Artefact) -> Result<Array1<u32>>,
    cx: &FitContext,
) -> Result<Artefact> {
    let mut inputs: Vec<&str> =
        [x.sha256()].into_iter().chain(all.iter().map(|trained| trained.record.key.as_str())).collect();
    inputs.extend((x.has_categories() && !x.gaps().is_empty()).then_some("missing categories"));
    // Of a table with categories the groups of the numbers weigh the columns.
    let of_table: [&[Revision]; 2] = match x.has_categories() {
        true => [number::REVISIONS, PartitionConfig::default().revisions(x.n())],
        false => [&[]; 2],
    };
    let spec = PhaseSpec {
        name: "choice",
        revisions: &[CHOICE_REVISIONS, of_table[0], of_table[1]],
        config: &all.len(),
        inputs: &inputs,
    };
    cx.phase(&spec, |_| {
        let graph = OwnGraph::new(x, cx)?;
        let of = |trained: &Artefact| match &graph {
            Some(graph) => graph.modularity(&clusters(trained)?),
            None => Ok(0.0),
        };
        let modularity = all.iter().map(of).collect::<Result<Vec<f64>>>()?;
        let kept = (1..all.len()).fold(0, |best, i| if modularity[i] > modularity[best] { i } else { best });
        let tensors = Tensors::from([("kept".to_string(), Tensor::from_slice(&[kept as i64]))]);
        let loss: Vec<Option<f64>> = all.iter().map(|trained| trained.record.final_loss_nats).collect();
        let notes = json!({ "modularity": modularity, "loss": loss, "kept": all[kept].record.name });
        Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
    })
}

impl<N: Network> Trained<N> {
    fn map(&self, x: &Features, f: impl Fn(&Tensor) -> Tensor) -> Result<Array2<f32>> {
        Ok(to_array2(&Resident::new(x, self.device)?.map_rows(CONVOLUTION_BLOCK, |x| Ok(f(x)))?)?)
    }
}

impl<N: Network> Model for Trained<N> {
    fn tensors(&self) -> Result<Tensors> {
        Ok(self.net.params().snapshot("")?)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        labels_of(&winners(&self.net, &Resident::new(x, self.device)?)?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        self.map(x, |x| self.net.code(x))
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        self.net.describe(program, x)
    }

    fn soft(&self) -> Option<&dyn Soft> {
        Some(self)
    }

    fn generative(&self) -> Option<&dyn Generative> {
        self.net.has_priors().then_some(self as &dyn Generative)
    }

    fn density(&self) -> Option<&dyn Density> {
        self.net.evidence().map(|_| self as &dyn Density)
    }
}

impl<N: Network> Trained<N> {
    fn evidence(&self) -> Result<&dyn Evidence> {
        self.net.evidence().ok_or_else(|| Error::Unsupported("this model has no ELBO of samples".into()))
    }
}

impl<N: Network> Density for Trained<N> {
    fn name(&self) -> &'static str {
        elbo::NAME
    }

    fn calibrate(&self, x: &Features) -> Result<Calibration> {
        let (evidence, data) = (self.evidence()?, Resident::new(x, self.device)?);
        elbo::calibrate(evidence.likelihood(), &data, CONVOLUTION_BLOCK, |x| evidence.decoded(x).0)
    }

    fn log_density(&self, x: &Features, calibration: &Calibration) -> Result<Array1<f32>> {
        let (evidence, data) = (self.evidence()?, Resident::new(x, self.device)?);
        let of = (evidence.likelihood(), calibration);
        elbo::by_block(of, &data, CONVOLUTION_BLOCK, |likelihood, x, target| {
            let (out, latent) = evidence.decoded(x);
            Ok(latent - likelihood.nll(&out, target))
        })
    }
}

impl<N: Network> Soft for Trained<N> {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        self.map(x, |x| self.net.gamma(x))
    }
}

impl<N: Network> Generative for Trained<N> {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        let _guard = tch::no_grad_guard();
        Ok(to_array2(&self.net.sample(cluster, n, &Streams::new(seed, "sample"), self.device))?)
    }

    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        self.map(x, |x| self.net.reconstruct(x))
    }

    fn latent_dim(&self) -> usize {
        self.net.latent_dim()
    }

    fn decode(&self, z: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        let _guard = tch::no_grad_guard();
        Ok(to_array2(&self.net.means(&to_tensor(z, self.device)?))?)
    }
}
