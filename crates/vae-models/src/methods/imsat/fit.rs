//! The phases of IMSAT, and the fitted classifier.

use super::config::ImsatConfig;
use super::net::ImsatNet;
use super::train::ImsatTraining;
use crate::Result;
use crate::api::{FitSummary, Method, Model, Soft};
use crate::config::Preset;
use crate::input::Input;
use crate::shared::assignments::labels_of;
use ndarray::{Array1, Array2};
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{Resident, to_array2};
use vae_core::identity::Revision;
use vae_core::net;
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_core::program::{Op, Outputs, Program, Value};
use vae_core::random::Streams;
use vae_core::train::{self, train};
use vae_graph::knn::{self, Knn, Metric};

/// The phase `train`, with what it uses.
pub const REVISIONS: &[Revision] = &[OWN, train::REVISION, net::REVISION];

/// What is IMSAT's own.
const OWN: Revision = ("imsat", 1);

/// IMSAT.
#[derive(Debug)]
pub struct Imsat;

/// A trained classifier.
#[derive(Debug)]
pub struct ImsatModel {
    net: ImsatNet,
    device: Device,
}

impl Method for Imsat {
    const NAME: &'static str = "imsat";
    const SUMMARY: &'static str = "a classifier that maximises mutual information and resists perturbations";
    const REFERENCE: &'static str = "Hu et al. 2017, arXiv 1702.08720";
    const PRESETS: &'static [Preset] = presets!("imsat":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    type Config = ImsatConfig;
    type Model = ImsatModel;

    fn fit(
        config: &ImsatConfig,
        x: &Features,
        _input: &Input,
        cx: &FitContext,
    ) -> Result<(ImsatModel, FitSummary)> {
        let neighbours = distances(x, config.perturbation.neighbor, cx)?;
        let streams = Streams::new(cx.seed, "train");
        let net = ImsatNet::new(&config.net, x.dim(), config.n_clusters, &streams, cx.device);
        let spec = PhaseSpec {
            name: "train",
            revisions: &[REVISIONS],
            config,
            inputs: &[x.sha256(), &neighbours.record.key],
        };
        let trained = cx.phase(&spec, |phase| -> Result<Artefact> {
            let data = Resident::new(x, cx.device)?;
            let training = ImsatTraining::new(config, &net, neighbours.tensor("distance")?, cx.device)?;
            let (record, observed) =
                train(&training, &data, &config.train, vec![config.train.group()], phase)?;
            let mut tensors = net.params.snapshot("")?;
            tensors.extend(observed);
            Ok(Artefact { tensors, record })
        })?;
        net.params.load(&trained.tensors, "")?;
        let model = ImsatModel { net, device: cx.device };
        let observed = FitSummary::observed(&trained, || model.predict(x))?;
        let summary = FitSummary {
            selection: "one run, nothing chosen".into(),
            phases: vec![neighbours.record, trained.record],
            ..observed
        };
        Ok((model, summary))
    }

    fn restore(config: &ImsatConfig, input: &Input, tensors: &Tensors) -> Result<ImsatModel> {
        let (streams, device) = (Streams::new(0, "restore"), Device::Cpu);
        let net = ImsatNet::new(&config.net, input.dim, config.n_clusters, &streams, device);
        net.params.load(tensors, "")?;
        Ok(ImsatModel { net, device })
    }
}

/// The phase `neighbours`: the Euclidean distance of each row to its `neighbor`-th nearest other
/// row (the farthest, where there are fewer), f32 `[n]` under the name `distance`.
fn distances(x: &Features, neighbor: usize, cx: &FitContext) -> Result<Artefact> {
    let inputs = [x.sha256()];
    let revisions: &[&[Revision]] = &[&[OWN, knn::REVISION]];
    let spec = PhaseSpec { name: "neighbours", revisions, config: &neighbor, inputs: &inputs };
    cx.phase(&spec, |_| -> Result<Artefact> {
        let k = neighbor.min(x.n().saturating_sub(1));
        let distance = match k {
            // A single row.
            0 => vec![0.0f32; x.n()],
            _ => {
                let found = Knn { k, metric: Metric::Euclidean }.of(x, cx)?;
                found.distance().column(k - 1).to_vec()
            }
        };
        let mean = distance.iter().map(|&d| f64::from(d)).sum::<f64>() / distance.len() as f64;
        let notes = serde_json::json!({ "neighbor": k, "mean_distance": mean });
        let tensors = Tensors::from([("distance".to_string(), Tensor::from_slice(&distance))]);
        Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
    })
}

impl ImsatModel {
    fn logits(&self, x: &Features) -> Result<Tensor> {
        Ok(self.net.all_logits(&Resident::new(x, self.device)?)?)
    }
}

impl Model for ImsatModel {
    fn tensors(&self) -> Result<Tensors> {
        Ok(self.net.params.snapshot("")?)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        labels_of(&self.logits(x)?.f_argmax(1, false)?)
    }

    /// The logits, `[n, K]`.
    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.logits(x)?)?)
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let codes = self.net.describe_logits(program, x)?;
        let scores = program.add(Op::Softmax, &[&codes], &[])?;
        Ok(Outputs { scores, are_probabilities: true, codes })
    }

    fn soft(&self) -> Option<&dyn Soft> {
        Some(self)
    }
}

impl Soft for ImsatModel {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.logits(x)?.f_softmax(1, None::<Kind>)?)?)
    }
}
