//! The phases of LTVAE, and the fitted model.

use super::config::{CodeBasisKind, CovarianceKind, LtvaeConfig};
use super::net::code_basis::CodeBasis;
use super::net::{LtvaeNet, TREE};
use super::train::LtvaeTraining;
use crate::Result;
use crate::api::{Calibration, Density, Facets, FitSummary, Generative, Method, Model, Soft};
use crate::config::Preset;
use crate::input::Input;
use crate::pretrained::{Codes, CodesInit, LogVarInit};
use crate::shared::assignments::{labels_of, labels_to_tensor};
use crate::shared::elbo;
use crate::shared::mixture::{self, gaussians};
use crate::shared::posterior;
use crate::shared::warmup::Warmup;
use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde_json::json;
use std::cell::RefCell;
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{BLOCK, Resident, to_array2, to_tensor};
use vae_core::identity::Revision;
use vae_core::kl;
use vae_core::net;
use vae_core::phase::{Artefact, FitContext, PhaseContext, PhaseSpec};
use vae_core::pretrain::pretrain;
use vae_core::program::{Outputs, Program, Value};
use vae_core::random::{Streams, normal, uniform};
use vae_core::train::{self, train};
use vae_gmm::tree::LatentTree;
use vae_gmm::{KMeansConfig, kmeans, tree};

/// The phase `train`, with what it uses.
pub const REVISIONS: &[Revision] = &[
    ("ltvae", 1),
    train::REVISION,
    net::REVISION,
    tree::REVISION,
    kmeans::REVISION,
    posterior::REVISION,
    mixture::REVISION,
];

/// LTVAE.
#[derive(Debug)]
pub struct Ltvae;

/// A fitted LTVAE.
#[derive(Debug)]
pub struct LtvaeModel {
    net: LtvaeNet,
    tree: LatentTree,
    device: Device,
}

/// The initial values of the training.
struct Initial {
    tree: LatentTree,
    /// Assignments of the root, i64 `[n]` on the device.
    labels: Tensor,
    /// Mean variance of the codes within the root's clusters.
    within: f64,
    alpha: f64,
}

/// Assignments by k-means on the given columns of the codes, one-hot f64 `[n, c]`.
fn own_states(codes: &Array2<f32>, columns: &[usize], n_states: usize, seed: u64) -> Result<Tensor> {
    let x = codes.select(Axis(1), columns);
    let fit = KMeansConfig::fixed(20).fit(x.view(), n_states, seed)?;
    let labels = labels_to_tensor(&fit.labels().to_owned()).f_to_kind(Kind::Int64)?;
    Ok(labels.f_one_hot(n_states as i64)?.f_to_kind(Kind::Double)?)
}

/// The initial tree: the root has the initial clusters of the codes (in another basis those of
/// k-means on its own variables), every other latent those of k-means on its own variables.
/// Covariances are `alpha I` where they are fixed, else those within the clusters.
fn initialise(
    config: &LtvaeConfig,
    codes: &Array2<f32>,
    init: &CodesInit,
    streams: &Streams,
    device: Device,
) -> Result<Initial> {
    let structure = &config.initial_structure();
    let mut gamma = Vec::new();
    for (y, latent) in structure.latents.iter().enumerate() {
        if y == 0 && config.basis == CodeBasisKind::Codes {
            let labels = labels_to_tensor(&init.assignments).f_to_kind(Kind::Int64)?;
            gamma.push(
                labels.f_one_hot(latent.n_states as i64)?.f_to_kind(Kind::Double)?.f_to_device(device)?,
            );
            continue;
        }
        let mut own: Vec<usize> =
            structure.leaves_of(y).flat_map(|b| structure.leaves[b].variables.clone()).collect();
        if own.is_empty() {
            own = (0..codes.ncols()).collect();
        }
        let seed = streams.derived_seed(&format!("latent.{y}"));
        gamma.push(own_states(codes, &own, latent.n_states, seed)?.f_to_device(device)?);
    }
    let labels = gamma[0].f_argmax(1, false)?;
    let winners = labels_of(&labels)?;
    let within =
        gaussians(&Features::dense(codes.clone())?, winners.view(), config.n_clusters).mean_variance();
    let alpha = if config.alpha > 0.0 { config.alpha } else { within };
    let z = to_tensor(codes.view(), device)?.f_to_kind(Kind::Double)?;
    let tree = LatentTree::of_assignments(structure, &z, &gamma, config.covariance_floor)?;
    let tree = match config.covariance {
        CovarianceKind::Fixed => tree.with_isotropic(alpha)?,
        CovarianceKind::Estimated => tree,
    };
    Ok(Initial { tree, labels, within, alpha })
}

/// The body of the phase `train`: the networks from the weights of the auto-encoder, the tree from
/// the initial clusters.
fn train_net(
    net: &LtvaeNet,
    config: &LtvaeConfig,
    (x, codes): (&Features, &Codes<'_>),
    autoencoder: &Tensors,
    init: &CodesInit,
    phase: &PhaseContext<'_>,
) -> Result<Artefact> {
    let device = phase.fit.device;
    let data = Resident::new(x, device)?;
    let codes = codes.get()?;
    let mut z = codes.dense_rows(0, codes.n());
    let mut weights: Tensors =
        autoencoder.iter().map(|(name, t)| (name.clone(), t.shallow_clone())).collect();
    if config.basis == CodeBasisKind::Independent {
        let exact = to_tensor(z.view(), Device::Cpu)?.f_to_kind(Kind::Double)?;
        let basis = CodeBasis::independent(&exact)?;
        z = to_array2(&basis.apply(&exact))?;
        basis.rewrite(&mut weights)?;
    }
    net.params.load_present(&weights, "")?;
    let Initial { tree, labels, within, alpha } = initialise(config, &z, init, &phase.streams, device)?;
    if config.init.log_var == LogVarInit::Scaled {
        net.encoder.set_constant_log_var((0.1 * within).ln());
    }
    let tree = RefCell::new(tree);
    let warmup_epochs = Warmup::new(config.assignment_warmup_epochs, &config.train, x.n()).epochs;
    let training = LtvaeTraining { net, config, warmup_epochs, tree, alpha, labels, seed: phase.fit.seed };
    let (mut record, observed) = train(&training, &data, &config.train, vec![config.train.group()], phase)?;
    let tree = training.tree.into_inner();
    record.notes = json!({
        "alpha": alpha,
        "variance_within_the_start_over_alpha": within / alpha,
        "structure": tree.structure.to_string(),
    });
    let mut tensors = net.params.snapshot("")?;
    tree.store(TREE, &mut tensors)?;
    tensors.extend(observed);
    Ok(Artefact { tensors, record })
}

impl Method for Ltvae {
    const NAME: &'static str = "ltvae";
    const SUMMARY: &'static str = "a VAE whose prior is a latent tree: one clustering, or several at once";
    const REFERENCE: &'static str = "Li et al. 2019 (ICLR)";
    const GENERATIVE: bool = true;
    const PRESETS: &'static [Preset] = presets!("ltvae":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    type Config = LtvaeConfig;
    type Model = LtvaeModel;

    fn fit(
        config: &LtvaeConfig,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(LtvaeModel, FitSummary)> {
        let likelihood = input.likelihood()?;
        let autoencoder = pretrain(x, &config.net, &config.pretrain, likelihood, cx)?;
        let mut phases = vec![autoencoder.record.clone()];
        let codes = Codes::new(x, &config.net, &autoencoder, cx);
        let init = config.init.fit(&codes, config.n_clusters, &mut phases)?;
        let streams = Streams::new(cx.seed, "train");
        let net = LtvaeNet::new(&config.net, (likelihood, x.dim()), &streams, cx.device);
        let warmup = Warmup::new(config.assignment_warmup_epochs, &config.train, x.n());
        let spec = PhaseSpec {
            name: "train",
            revisions: &[REVISIONS, warmup.revisions],
            config,
            inputs: &[x.sha256(), &autoencoder.record.key, &init.record.key],
        };
        let trained = cx
            .phase(&spec, |phase| train_net(&net, config, (x, &codes), &autoencoder.tensors, &init, phase))?;
        net.params.load(&trained.tensors, "")?;
        let tree = LatentTree::load(TREE, &trained.tensors, config.net.latent_dim, cx.device)?;
        let model = LtvaeModel { net, tree, device: cx.device };

        let observed = FitSummary::observed(&trained, || model.predict(x))?;
        phases.extend([init.record, trained.record]);
        let started = (config.basis == CodeBasisKind::Codes).then_some(init.assignments);
        let summary =
            FitSummary { start_assignments: started, selection: init.selection, phases, ..observed };
        Ok((model, summary))
    }

    fn restore(config: &LtvaeConfig, input: &Input, tensors: &Tensors) -> Result<LtvaeModel> {
        let (of, streams) = ((input.likelihood()?, input.dim), Streams::new(0, "restore"));
        let net = LtvaeNet::new(&config.net, of, &streams, Device::Cpu);
        net.params.load(tensors, "")?;
        let tree = LatentTree::load(TREE, tensors, config.net.latent_dim, Device::Cpu)?;
        Ok(LtvaeModel { net, tree, device: Device::Cpu })
    }
}

impl LtvaeModel {
    /// The latent tree over z.
    pub fn tree(&self) -> &LatentTree {
        &self.tree
    }

    fn posterior(&self, x: &Features, latent: usize) -> Result<Tensor> {
        let z = self.net.codes(&Resident::new(x, self.device)?)?;
        let _guard = tch::no_grad_guard();
        Ok(self.tree.posteriors(&z).log_state.swap_remove(latent).f_exp()?)
    }
}

impl Model for LtvaeModel {
    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = self.net.params.snapshot("")?;
        self.tree.store(TREE, &mut tensors)?;
        Ok(tensors)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        labels_of(&self.posterior(x, 0)?.f_argmax(1, false)?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.net.codes(&Resident::new(x, self.device)?)?)?)
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let codes = self.net.encoder.describe(program, x)?;
        let scores = self.tree.describe(program, &codes)?;
        Ok(Outputs { scores, are_probabilities: true, codes })
    }

    fn soft(&self) -> Option<&dyn Soft> {
        Some(self)
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }

    fn facets(&self) -> Option<&dyn Facets> {
        Some(self)
    }

    fn density(&self) -> Option<&dyn Density> {
        Some(self)
    }
}

impl Density for LtvaeModel {
    fn name(&self) -> &'static str {
        elbo::NAME
    }

    fn calibrate(&self, x: &Features) -> Result<Calibration> {
        let net = &self.net;
        let decode = |x: &Tensor| net.decoder.forward(&net.encoder.mu(x));
        elbo::calibrate(&net.likelihood, &Resident::new(x, self.device)?, BLOCK, decode)
    }

    /// `ln p(x | z) + ln p(z) + H[q(z | x)]` at the mean of q, without constants.
    fn log_density(&self, x: &Features, calibration: &Calibration) -> Result<Array1<f32>> {
        let (net, data) = (&self.net, Resident::new(x, self.device)?);
        elbo::by_block((&net.likelihood, calibration), &data, BLOCK, |likelihood, x, target| {
            let (mu, log_var) = net.encoder.forward(x);
            let log_p = self.tree.log_prob(&mu.f_to_kind(Kind::Double)?).f_to_kind(Kind::Float)?;
            let entropy = kl::gaussian_entropy_without_constant(&posterior::guarded(&log_var));
            Ok(log_p + entropy - likelihood.nll(&net.decoder.forward(&mu), target))
        })
    }
}

impl Facets for LtvaeModel {
    fn assignments(&self, x: &Features) -> Result<Vec<Array1<u32>>> {
        let z = self.net.codes(&Resident::new(x, self.device)?)?;
        let _guard = tch::no_grad_guard();
        self.tree.posteriors(&z).log_state.iter().map(|l| labels_of(&l.f_argmax(1, false)?)).collect()
    }

    fn structure(&self) -> String {
        self.tree.structure.to_string()
    }
}

impl Soft for LtvaeModel {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.posterior(x, 0)?)?)
    }
}

impl Generative for LtvaeModel {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        let _guard = tch::no_grad_guard();
        let (streams, n) = (Streams::new(seed, "sample"), n as i64);
        let (l, j) = (self.tree.structure.latents.len() as i64, self.tree.structure.dim() as i64);
        let noise = normal(&mut streams.rng("noise", cluster, 0), &[n, j], self.device);
        let states = uniform(&mut streams.rng("states", cluster, 0), &[n, l], self.device);
        let z = self.tree.sample_given_root(
            cluster,
            &states.f_to_kind(Kind::Double)?,
            &noise.f_to_kind(Kind::Double)?,
        )?;
        let out = self.net.decoder.forward(&z.f_to_kind(Kind::Float)?);
        Ok(to_array2(&self.net.likelihood.mean(&out))?)
    }

    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        let (net, data) = (&self.net, Resident::new(x, self.device)?);
        let decode = |x: &Tensor| Ok(net.likelihood.mean(&net.decoder.forward(&net.encoder.mu(x))));
        Ok(to_array2(&data.map_rows(BLOCK, decode)?)?)
    }

    fn latent_dim(&self) -> usize {
        self.tree.structure.dim()
    }

    fn decode(&self, z: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        let _guard = tch::no_grad_guard();
        let out = self.net.decoder.forward(&to_tensor(z, self.device)?);
        Ok(to_array2(&self.net.likelihood.mean(&out))?)
    }
}
