//! The phases of LTVAE.

use super::config::{CovarianceKind, LtvaeConfig};
use super::model::{Fitted, Networks, TREE};
use super::training::Training;
use crate::Result;
use crate::clusterer::FitSummary;
use crate::input::Input;
use crate::method::{Method, Model};
use crate::registry::Preset;
use crate::two_stage::{Codes, Start, labels_to_tensor};
use crate::vade::LogVarInit;
use serde_json::json;
use std::cell::RefCell;
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{Resident, to_tensor};
use vae_core::phase::{Artefact, FitContext, PhaseSpec};
use vae_core::pretrain::pretrain;
use vae_core::random::Streams;
use vae_core::train::train;
use vae_gmm::KMeansConfig;
use vae_gmm::tree::LatentTree;

/// Raised when the phase `train` changes its result.
const REVISION: u32 = 1;

/// LTVAE.
#[derive(Debug)]
pub struct Ltvae;

/// The tree of the codes at the start: the root has the start's clusters, every other latent k-means on the variables of
/// its own leaves. Covariances are `alpha I` where they stay fixed, else those within the clusters.
fn first_tree(
    config: &LtvaeConfig,
    codes: &Features,
    start: &Start,
    alpha: f64,
    streams: &Streams,
    device: Device,
) -> Result<LatentTree> {
    let structure = &config.start_structure();
    let z = codes.dense_rows(0, codes.n());
    let one_hot = |labels: &ndarray::Array1<u32>, n_states: usize| -> Result<Tensor> {
        let labels = labels_to_tensor(labels).f_to_kind(Kind::Int64)?.f_to_device(device)?;
        Ok(labels.f_one_hot(n_states as i64)?.f_to_kind(Kind::Double)?)
    };
    let mut gamma = vec![one_hot(&start.assignments, structure.latents[0].n_states)?];
    for (y, latent) in structure.latents.iter().enumerate().skip(1) {
        let mut own: Vec<usize> =
            structure.leaves_of(y).flat_map(|b| structure.leaves[b].variables.clone()).collect();
        if own.is_empty() {
            own = (0..z.ncols()).collect();
        }
        let x = z.select(ndarray::Axis(1), &own);
        let seed = streams.derived_seed(&format!("latent.{y}"));
        let fit = KMeansConfig::default().fit(x.view(), latent.n_states, seed)?;
        gamma.push(one_hot(&fit.labels().to_owned(), latent.n_states)?);
    }
    let z = to_tensor(z.view(), device)?.f_to_kind(Kind::Double)?;
    let tree = LatentTree::of_assignments(structure, &z, &gamma, config.covariance_floor)?;
    Ok(match config.covariance {
        CovarianceKind::Fixed => tree.with_isotropic(alpha)?,
        CovarianceKind::Estimated => tree,
    })
}

impl Method for Ltvae {
    const NAME: &'static str = "ltvae";
    const SUMMARY: &'static str = "a VAE whose prior is a latent tree: one clustering, or several at once";
    const REFERENCE: &'static str = "Li et al. 2019 (ICLR)";
    const GENERATIVE: bool = true;
    const PRESETS: &'static [Preset] = presets!("ltvae":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    type Config = LtvaeConfig;
    type Model = Fitted;

    fn fit(
        config: &LtvaeConfig,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(Fitted, FitSummary)> {
        let likelihood = input.likelihood()?;
        let autoencoder = pretrain(x, &config.net, &config.pretrain, likelihood, cx)?;
        let mut phases = vec![autoencoder.record.clone()];
        let codes = Codes::new(x, &config.net, &autoencoder, cx);
        let start = config.init.start(&codes, config.n_clusters, &mut phases)?;
        let within = start.mixture.mean_variance();
        let alpha = if config.alpha > 0.0 { config.alpha } else { within };

        let streams = Streams::new(cx.seed, "train");
        let networks = Networks::new(&config.net, (likelihood, x.dim()), &streams, cx.device);
        let spec = PhaseSpec {
            name: "train",
            revision: REVISION,
            config,
            inputs: &[x.sha256(), &autoencoder.record.key, &start.record.key],
        };
        let trained = cx.phase(&spec, |phase| -> Result<Artefact> {
            let data = Resident::new(x, cx.device)?;
            networks.params.load_present(&autoencoder.tensors, "")?;
            if config.init.log_var == LogVarInit::Scaled {
                networks.encoder.set_constant_log_var((0.1 * within).ln());
            }
            let tree = first_tree(config, codes.get()?, &start, alpha, &phase.streams, cx.device)?;
            let labels =
                labels_to_tensor(&start.assignments).f_to_kind(Kind::Int64)?.f_to_device(cx.device)?;
            let training = Training {
                networks: &networks,
                config,
                tree: RefCell::new(tree),
                alpha,
                labels,
                seed: cx.seed,
            };
            let (mut record, observed) =
                train(&training, &data, &config.train, vec![config.train.group()], phase)?;
            let tree = training.tree.into_inner();
            record.notes = json!({
                "alpha": alpha,
                "variance_within_the_start_over_alpha": within / alpha,
                "structure": tree.structure.to_string(),
            });
            let mut tensors = networks.params.snapshot("")?;
            tree.store(TREE, &mut tensors)?;
            tensors.extend(observed);
            Ok(Artefact { tensors, record })
        })?;
        networks.params.load(&trained.tensors, "")?;
        let tree = LatentTree::load(TREE, &trained.tensors, config.net.latent_dim, cx.device)?;
        let model = Fitted { networks, tree, device: cx.device };

        let observed = FitSummary::observed(&trained, || model.predict(x))?;
        phases.extend([start.record, trained.record]);
        let summary = FitSummary {
            start_assignments: Some(start.assignments),
            selection: start.selection,
            phases,
            ..observed
        };
        Ok((model, summary))
    }

    fn restore(config: &LtvaeConfig, input: &Input, tensors: &Tensors) -> Result<Fitted> {
        let (of, streams) = ((input.likelihood()?, input.dim), Streams::new(0, "restore"));
        let networks = Networks::new(&config.net, of, &streams, Device::Cpu);
        networks.params.load(tensors, "")?;
        let tree = LatentTree::load(TREE, tensors, config.net.latent_dim, Device::Cpu)?;
        Ok(Fitted { networks, tree, device: Device::Cpu })
    }
}
