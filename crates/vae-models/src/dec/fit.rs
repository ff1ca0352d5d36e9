//! The phases of DEC, and the fitted model.

use super::config::DecConfig;
use super::net::DecNet;
use super::training::Training;
use crate::Result;
use crate::clusterer::FitSummary;
use crate::input::Input;
use crate::method::{Method, Model, Soft};
use crate::registry::Preset;
use crate::two_stage::{Codes, labels_of};
use ndarray::{Array1, Array2};
use tch::Device;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{Resident, to_array2, to_tensor_f64};
use vae_core::identity::Revision;
use vae_core::net;
use vae_core::phase::{Artefact, FitContext, PhaseSpec};
use vae_core::pretrain::{groups_of, pretrain};
use vae_core::train::{self, train};

/// The phase `train`, with what it uses.
pub const REVISIONS: &[Revision] = &[("dec", 1), train::REVISION, net::REVISION];

/// DEC, or IDEC.
#[derive(Debug)]
pub struct Dec;

/// A trained encoder with its centres.
#[derive(Debug)]
pub struct Embedded {
    net: DecNet,
    device: Device,
}

impl Method for Dec {
    const NAME: &'static str = "dec";
    const SUMMARY: &'static str =
        "deep embedded clustering: codes drawn to centres (IDEC: and still decoded)";
    const REFERENCE: &'static str = "Xie et al. 2016, arXiv 1511.06335; Guo et al. 2017 (IDEC)";
    const PRESETS: &'static [Preset] = presets!("dec":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    type Config = DecConfig;
    type Model = Embedded;

    fn fit(
        config: &DecConfig,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(Embedded, FitSummary)> {
        let likelihood = input.likelihood()?;
        let autoencoder = pretrain(x, &config.net, &config.pretrain, likelihood, cx)?;
        let start = Codes::new(x, &config.net, &autoencoder, cx).cluster(&config.codes, config.n_clusters)?;
        let mut net = DecNet::new(config, x.dim(), cx.device);
        let training = config.in_rounds(x.n());
        let groups = groups_of(&mut net.params, &training, config.bias_lr_factor);
        let spec = PhaseSpec {
            name: "train",
            revisions: &[REVISIONS],
            config,
            inputs: &[x.sha256(), &autoencoder.record.key, &start.record.key],
        };
        let trained = cx.phase(&spec, |phase| -> Result<Artefact> {
            let data = Resident::new(x, cx.device)?;
            net.params.load_present(&autoencoder.tensors, "")?;
            let centres = Tensors::from([("centres".to_string(), to_tensor_f64(start.centres.view())?)]);
            net.params.load_present(&centres, "")?;
            let model = Training::new(config, &net, likelihood, x.n());
            let (mut record, observed) = train(&model, &data, &training, groups, phase)?;
            record.notes = serde_json::json!({ "converged": model.converged(), "rounds": record.epochs });
            let mut tensors = net.params.snapshot("")?;
            tensors.extend(observed);
            Ok(Artefact { tensors, record })
        })?;
        net.params.load(&trained.tensors, "")?;
        let model = Embedded { net, device: cx.device };
        let observed = FitSummary::observed(&trained, || model.predict(x))?;
        let summary = FitSummary {
            start_assignments: Some(start.kmeans_assignments),
            selection: start.selection,
            phases: vec![autoencoder.record.clone(), start.record, trained.record],
            ..observed
        };
        Ok((model, summary))
    }

    fn restore(config: &DecConfig, input: &Input, tensors: &Tensors) -> Result<Embedded> {
        let net = DecNet::new(config, input.dim, Device::Cpu);
        net.params.load(tensors, "")?;
        Ok(Embedded { net, device: Device::Cpu })
    }
}

impl Model for Embedded {
    fn tensors(&self) -> Result<Tensors> {
        Ok(self.net.params.snapshot("")?)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        labels_of(&self.net.all_q(&Resident::new(x, self.device)?)?.f_argmax(1, false)?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.net.codes(&Resident::new(x, self.device)?)?)?)
    }

    fn soft(&self) -> Option<&dyn Soft> {
        Some(self)
    }
}

impl Soft for Embedded {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.net.all_q(&Resident::new(x, self.device)?)?)?)
    }
}
