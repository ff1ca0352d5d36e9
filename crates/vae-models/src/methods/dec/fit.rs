//! The phases of DEC, and the fitted model.

use super::config::DecConfig;
use super::net::{CENTRES, DecNet};
use super::train::DecTraining;
use crate::Result;
use crate::api::{FitSummary, Method, Model, Soft};
use crate::config::Preset;
use crate::input::Input;
use crate::pretrained::Codes;
use crate::shared::assignments::labels_of;
use ndarray::{Array1, Array2};
use tch::Device;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{Resident, to_array2, to_tensor_f64};
use vae_core::identity::Revision;
use vae_core::net;
use vae_core::optim::Group;
use vae_core::phase::{Artefact, FitContext, PhaseSpec};
use vae_core::pretrain::{groups_of, pretrain};
use vae_core::program::{Outputs, Program, Value};
use vae_core::train::{self, TrainConfig, train};

/// The phase `train`, with what it uses.
pub const REVISIONS: &[Revision] = &[("dec", 1), train::REVISION, net::REVISION];

/// DEC, or IDEC.
#[derive(Debug)]
pub struct Dec;

/// A trained encoder with its centres.
#[derive(Debug)]
pub struct DecModel {
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
    type Model = DecModel;

    fn fit(
        config: &DecConfig,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(DecModel, FitSummary)> {
        let likelihood = input.likelihood()?;
        let autoencoder = pretrain(x, &config.net, &config.pretrain, likelihood, cx)?;
        let init = Codes::new(x, &config.net, &autoencoder, cx).cluster(&config.codes, config.n_clusters)?;
        let mut net = DecNet::new(config, x.dim(), cx.device);
        let training = config.in_rounds(x.n());
        let groups = groups(&mut net, &training, config.bias_lr_factor);
        let spec = PhaseSpec {
            name: "train",
            revisions: &[REVISIONS],
            config,
            inputs: &[x.sha256(), &autoencoder.record.key, &init.record.key],
        };
        let trained = cx.phase(&spec, |phase| -> Result<Artefact> {
            let data = Resident::new(x, cx.device)?;
            net.params.load_present(&autoencoder.tensors, "")?;
            let centres = Tensors::from([(CENTRES.to_string(), to_tensor_f64(init.centres.view())?)]);
            net.params.load_present(&centres, "")?;
            let model = DecTraining::new(config, &net, likelihood, x.n());
            let (mut record, observed) = train(&model, &data, &training, groups, phase)?;
            record.notes = serde_json::json!({ "converged": model.converged(), "rounds": record.epochs });
            let mut tensors = net.params.snapshot("")?;
            tensors.extend(observed);
            Ok(Artefact { tensors, record })
        })?;
        net.params.load(&trained.tensors, "")?;
        let model = DecModel { net, device: cx.device };
        let observed = FitSummary::observed(&trained, || model.predict(x))?;
        let summary = FitSummary {
            start_assignments: Some(init.kmeans_assignments),
            selection: init.selection,
            phases: vec![autoencoder.record.clone(), init.record, trained.record],
            ..observed
        };
        Ok((model, summary))
    }

    fn restore(config: &DecConfig, input: &Input, tensors: &Tensors) -> Result<DecModel> {
        let net = DecNet::new(config, input.dim, Device::Cpu);
        net.params.load(tensors, "")?;
        Ok(DecModel { net, device: Device::Cpu })
    }
}

/// The optimiser's groups: weights, biases where they learn at a rate of their own, and the
/// centres, which have no weight decay.
fn groups(net: &mut DecNet, training: &TrainConfig, bias_lr_factor: f64) -> Vec<Group> {
    let mut groups = groups_of(&mut net.params, training, bias_lr_factor);
    net.params.regroup(groups.len(), |name| name == CENTRES);
    groups.push(training.group_without_decay());
    groups
}

impl Model for DecModel {
    fn tensors(&self) -> Result<Tensors> {
        Ok(self.net.params.snapshot("")?)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        labels_of(&self.net.all_q(&Resident::new(x, self.device)?)?.f_argmax(1, false)?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.net.codes(&Resident::new(x, self.device)?)?)?)
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let codes = self.net.encoder.describe(program, x)?;
        let scores = self.net.describe_q(program, &codes)?;
        Ok(Outputs { scores, are_probabilities: true, codes })
    }

    fn soft(&self) -> Option<&dyn Soft> {
        Some(self)
    }
}

impl Soft for DecModel {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.net.all_q(&Resident::new(x, self.device)?)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Kind, Tensor};
    use vae_core::optim::{Optimizer, Rule};

    #[test]
    fn weight_decay_spares_the_centres() {
        for factor in [1.0, 2.0] {
            let config = DecConfig { n_clusters: 3, ..DecConfig::default() };
            let mut net = DecNet::new(&config, 5, Device::Cpu);
            let training = TrainConfig { lr: 0.5, weight_decay: 0.1, ..TrainConfig::default() };
            let groups = groups(&mut net, &training, factor);
            let lrs: Vec<f64> = groups.iter().map(|g| g.lr).collect();
            let mut optimizer = Optimizer::new(Rule::sgd(0.0), groups, &net.params).expect("valid groups");
            tch::no_grad(|| net.params.iter().for_each(|p| drop(p.tensor.shallow_clone().fill_(1.0))));
            let still: Vec<Tensor> = net.params.tensors().iter().map(|t| t.zeros_like()).collect();
            optimizer.step(&net.params, &still, &lrs).expect("a step");
            for p in net.params.iter() {
                let value = p.tensor.mean(Kind::Double).double_value(&[]);
                assert_eq!(value == 1.0, p.name == CENTRES, "{} is {value} at {factor}", p.name);
            }
        }
    }
}
