//! The phases of VaDE.

use super::config::VadeConfig;
use super::net::{Held, VadeNet};
use crate::Result;
use crate::api::{FitSummary, Method};
use crate::config::Preset;
use crate::input::Input;
use crate::pretrained::{Codes, CodesInit, InitKind, LogVarInit, PiInit};
use crate::shared::assignments::{labels_to_tensor, shares};
use crate::shared::mixture::{self, Mixture};
use crate::shared::mixture_vae::{self, Fitted, MixtureVae};
use crate::shared::warmup::Warmup;
use tch::{Device, Kind};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::Resident;
use vae_core::identity::Revision;
use vae_core::net;
use vae_core::optim::Group;
use vae_core::phase::{Artefact, FitContext, PhaseSpec};
use vae_core::pretrain::pretrain;
use vae_core::random::Streams;
use vae_core::train::{self, train};

/// The phase `train`, with what it uses.
pub const REVISIONS: &[Revision] = &[("vade", 1), train::REVISION, net::REVISION];

/// VaDE.
#[derive(Debug)]
pub struct Vade;

/// A fitted VaDE.
pub type VadeModel = Fitted<VadeNet>;

impl Method for Vade {
    const NAME: &'static str = "vade";
    const SUMMARY: &'static str = "variational deep embedding: a VAE whose prior is a Gaussian mixture";
    const REFERENCE: &'static str = "Jiang et al. 2017, arXiv 1611.05148";
    const GENERATIVE: bool = true;
    const PRESETS: &'static [Preset] = presets!("vade":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    type Config = VadeConfig;
    type Model = VadeModel;

    fn fit(
        config: &VadeConfig,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(VadeModel, FitSummary)> {
        let likelihood = input.likelihood()?;
        let autoencoder = pretrain(x, &config.net, &config.pretrain, likelihood, cx)?;
        let mut phases = vec![autoencoder.record.clone()];
        let codes = Codes::new(x, &config.net, &autoencoder, cx);
        let init = config.init.fit(&codes, config.n_clusters, &mut phases)?;

        let mixture = prior(config, &init);
        let streams = Streams::new(cx.seed, "train");
        let mut net = VadeNet::new(config, (likelihood, x.dim()), &mixture, &streams, cx.device);
        let warmup = Warmup::new(config.assignment_warmup_epochs, &config.train, x.n());
        if warmup.epochs > 0 {
            let labels = labels_to_tensor(&init.assignments).f_to_kind(Kind::Int64)?;
            let labels = labels.f_to_device(cx.device)?;
            let refresh_epochs = config.train.part_of_resolved(config.assignment_refresh_epochs, x.n());
            net.held = Some(Held { labels: labels.into(), epochs: warmup.epochs, refresh_epochs });
        }
        let prior_of_clusters: &[Revision] =
            if config.init.kind == InitKind::KmeansOrGmm { &[mixture::REVISION] } else { &[] };
        let spec = PhaseSpec {
            name: "train",
            revisions: &[REVISIONS, mixture_vae::REVISIONS, warmup.revisions, prior_of_clusters],
            config,
            inputs: &[x.sha256(), &autoencoder.record.key, &init.record.key],
        };
        let trained = cx.phase(&spec, |phase| -> Result<Artefact> {
            let data = Resident::new(x, cx.device)?;
            net.vae.params.load_present(&autoencoder.tensors, "")?;
            if config.init.log_var == LogVarInit::Scaled {
                net.vae.encoder.set_constant_log_var((0.1 * init.mixture.mean_variance()).ln());
            }
            let prior = Group { lr: config.prior_lr, weight_decay: 0.0 };
            let (record, observed) =
                train(&net, &data, &config.train, vec![config.train.group(), prior], phase)?;
            let mut tensors = net.snapshot()?;
            tensors.extend(observed);
            Ok(Artefact { tensors, record })
        })?;
        net.load(&trained.tensors)?;
        let model = Fitted { net, device: cx.device };
        phases.push(init.record.clone());
        let summary = model.summary(x, (init.assignments, init.selection), trained, phases)?;
        Ok((model, summary))
    }

    fn restore(config: &VadeConfig, input: &Input, tensors: &Tensors) -> Result<VadeModel> {
        let mixture = Mixture::placeholder(config.n_clusters, config.net.latent_dim);
        let (of, streams) = ((input.likelihood()?, input.dim), Streams::new(0, "restore"));
        let net = VadeNet::new(config, of, &mixture, &streams, Device::Cpu);
        net.load(tensors)?;
        Ok(Fitted { net, device: Device::Cpu })
    }
}

/// The initial prior: the mixture of the codes, with the weights, means and variances that the
/// configuration asks for.
fn prior(config: &VadeConfig, init: &CodesInit) -> Mixture {
    let mut mixture = init.mixture.clone();
    if config.init.kind == InitKind::Kmeans {
        mixture.pi = shares(&init.kmeans_assignments, config.n_clusters);
        mixture.mu = init.centres.clone();
        mixture.var.fill(1.0);
    }
    if config.init.pi == PiInit::Uniform {
        mixture.pi.fill(1.0 / config.n_clusters as f64);
    }
    mixture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pretrained::InitConfig;
    use ndarray::{Array1, array};
    use vae_core::phase::PhaseRecord;

    #[test]
    fn the_weights_of_k_means_are_the_shares_of_its_clusters() {
        let codes_init = || CodesInit {
            mixture: Mixture { pi: array![0.9, 0.1], mu: array![[1.0], [2.0]], var: array![[3.0], [4.0]] },
            centres: array![[-1.0], [1.0]],
            assignments: Array1::zeros(4),
            kmeans_assignments: array![1, 0, 1, 1],
            selection: String::new(),
            record: PhaseRecord::default(),
        };
        let weights = |kind, pi| {
            let init = InitConfig { kind, pi, ..InitConfig::default() };
            prior(&VadeConfig { n_clusters: 2, init, ..VadeConfig::default() }, &codes_init()).pi
        };
        assert_eq!(weights(InitKind::Kmeans, PiInit::Gmm), array![0.25, 0.75]);
        assert_eq!(weights(InitKind::Kmeans, PiInit::Uniform), array![0.5, 0.5]);
        assert_eq!(weights(InitKind::Gmm, PiInit::Gmm), array![0.9, 0.1]);
    }
}
