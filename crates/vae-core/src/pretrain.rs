//! Auto-encoder pretraining: end to end, or stacked denoising layers first.
//!
//! Every method of the VaDE family is initialised by an auto-encoder, and its result depends on the
//! pretraining. Three kinds:
//!
//! * `joint`: encoder and decoder together, by default with the reconstruction term of the ELBO (a
//!   sum over dimensions).
//! * `stacked`: each layer as a denoising auto-encoder of the one below (Vincent et al. 2010; DEC's
//!   recipe), then everything together.
//! * `variational`: a plain VAE, whose codes are the means of its posteriors.

mod joint;
mod stacked;
mod variational;

use crate::features::{BLOCK, Features, Resident};
use crate::identity::{Revision, neutral};
use crate::init::Init;
use crate::likelihood::Likelihood;
use crate::net::{self, Builder, Decoder, Encoder, NetConfig};
use crate::optim::{Group, OptimizerKind};
use crate::params::Params;
use crate::phase::{Artefact, FitContext, PhaseSpec};
use crate::random::Streams;
use crate::schedule::LrSchedule;
use crate::train::{self, TrainConfig};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

/// The auto-encoder's training, with what it uses.
pub const REVISIONS: &[Revision] = &[("pretraining", 1), train::REVISION, net::REVISION];

/// How the auto-encoder is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PretrainKind {
    /// All layers at once.
    Joint,
    /// Layer by layer, then all at once.
    Stacked,
    /// A VAE with a standard normal prior, all layers at once.
    Variational,
}

/// What the auto-encoder minimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReconstructionLoss {
    /// The method's likelihood: a sum over dimensions, nats.
    Likelihood,
    /// Mean squared error over all elements (DEC-keras); decoder outputs pass the likelihood's mean
    /// first.
    Mse,
    /// Half of it: the Euclidean loss of DEC's modified Caffe, for which its learning rate of 0.1
    /// is meant.
    HalfMse,
}

/// What the decoder gives while the auto-encoder is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outputs {
    /// The parameters of the method's likelihood: logits for `bernoulli`.
    Likelihood,
    /// Means without a bound, as for a Gaussian likelihood (DEC-keras); where the method's
    /// likelihood wants logits, the last layer is then turned into them ([`LOGITS_PER_UNIT`]).
    Means,
}

/// Logits of a mean m in [0, 1]: this times m − ½, the probabilities 0.018 and 0.982 at the ends.
pub const LOGITS_PER_UNIT: f64 = 8.0;

/// The noise of a layer while it is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerNoise {
    /// A share of its inputs is 0 (Vincent et al. 2010).
    Mask,
    /// Inverted dropout of its inputs and of its activated outputs, but neither of the data nor of
    /// the codes (DEC's code).
    Dropout,
}

/// A table `[pretrain]` of a method's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PretrainConfig {
    /// `joint`, `stacked` or `variational`.
    pub kind: PretrainKind,
    /// `likelihood` or `mse`.
    pub loss: ReconstructionLoss,
    /// `likelihood` or `means`.
    #[serde(skip_serializing_if = "of_the_likelihood")]
    pub outputs: Outputs,
    /// Initial weights of the auto-encoder (the method's own heads keep `net.init`).
    pub init: Init,
    /// Share of the inputs set to 0 in each batch while training end to end.
    pub input_mask: f64,
    /// For `stacked`: epochs per layer.
    pub layer_epochs: usize,
    /// For `stacked`: share of each layer's inputs set to 0.
    pub layer_mask: f64,
    /// For `stacked`: `mask` or `dropout`.
    #[serde(skip_serializing_if = "by_mask")]
    pub layer_noise: LayerNoise,
    /// Learning rate of the biases, as a multiple of that of the weights.
    #[serde(skip_serializing_if = "like_weights")]
    pub bias_lr_factor: f64,
    /// The training end to end; for `stacked` its optimiser and batch size are also those of the
    /// layers.
    pub train: TrainConfig,
}

fn of_the_likelihood(outputs: &Outputs) -> bool {
    neutral(outputs, &Outputs::Likelihood)
}

fn by_mask(noise: &LayerNoise) -> bool {
    neutral(noise, &LayerNoise::Mask)
}

fn like_weights(factor: &f64) -> bool {
    neutral(factor, &1.0)
}

impl Default for PretrainConfig {
    fn default() -> Self {
        Self {
            kind: PretrainKind::Joint,
            loss: ReconstructionLoss::Likelihood,
            outputs: Outputs::Likelihood,
            init: Init::GlorotUniform,
            input_mask: 0.0,
            layer_epochs: 50,
            layer_mask: 0.2,
            layer_noise: LayerNoise::Mask,
            bias_lr_factor: 1.0,
            train: TrainConfig {
                epochs: 60,
                batch_size: 256,
                optimizer: OptimizerKind::Adam,
                lr: 1e-3,
                lr_schedule: LrSchedule::Cosine,
                ..TrainConfig::default()
            },
        }
    }
}

impl PretrainConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub fn check(&self) -> Result<()> {
        for (field, share) in [("input_mask", self.input_mask), ("layer_mask", self.layer_mask)] {
            if !(0.0..1.0).contains(&share) {
                return Err(Error::config(field, share, "a number in [0, 1)"));
            }
        }
        if !(self.bias_lr_factor > 0.0 && self.bias_lr_factor.is_finite()) {
            let expected = "a finite number above 0";
            return Err(Error::config("bias_lr_factor", self.bias_lr_factor, expected));
        }
        if self.kind == PretrainKind::Variational {
            variational::check(self)?;
        }
        self.train.check().map_err(|e| e.within("train"))
    }
}

/// An auto-encoder with its parameters.
#[derive(Debug)]
pub struct Autoencoder {
    /// Parameters under the names `encoder.*` and `decoder.*`.
    pub params: Params,
    /// x → code.
    pub encoder: Encoder,
    /// Code → logits or means.
    pub decoder: Decoder,
}

impl Autoencoder {
    /// An auto-encoder with initial weights. Equal streams give equal weights.
    pub fn new(net: &NetConfig, init: Init, dim: usize, streams: &Streams, device: Device) -> Self {
        let mut params = Params::new();
        let mut builder = Builder { params: &mut params, streams, init, group: 0, device };
        let encoder = Encoder::deterministic(&mut builder, net, dim);
        let decoder = Decoder::new(&mut builder, net, dim);
        Self { params, encoder, decoder }
    }

    /// Codes of all samples, `[n, latent_dim]`.
    ///
    /// # Errors
    /// [`Error::Torch`].
    pub fn codes(&self, data: &Resident<'_>) -> Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.encoder.mu(x)))
    }
}

/// Runs the phase `pretrain` and returns its artefact (tensors `encoder.*`, `decoder.*`).
///
/// # Errors
/// [`Error::Config`], and what training can return.
pub fn pretrain(
    features: &Features,
    net: &NetConfig,
    config: &PretrainConfig,
    likelihood: &Likelihood,
    cx: &FitContext,
) -> Result<Artefact> {
    net.check().map_err(|e| e.within("net"))?;
    config.check().map_err(|e| e.within("pretrain"))?;
    if config.outputs == Outputs::Means {
        return of_means(features, net, config, likelihood, cx);
    }
    let layers = match config.kind {
        PretrainKind::Joint | PretrainKind::Variational => None,
        PretrainKind::Stacked => Some(stacked::layers(features, net, config, likelihood, cx)?),
    };
    let layers_key = layers.as_ref().map_or("", |a| &a.record.key);
    let spec = PhaseSpec {
        name: "pretrain",
        revisions: &[REVISIONS],
        config: &(net, config, likelihood),
        inputs: &[features.sha256(), layers_key],
    };
    cx.phase(&spec, |phase| {
        let data = Resident::new(features, cx.device)?;
        if config.kind == PretrainKind::Variational {
            return variational::train_variational(net, config, &data, likelihood, phase);
        }
        let model = Autoencoder::new(net, config.init, features.dim(), &phase.streams, cx.device);
        if let Some(layers) = &layers {
            model.params.load(&layers.tensors, "")?;
        }
        joint::train_joint(model, &data, config, likelihood, phase)
    })
}

/// The auto-encoder with outputs that are means: where `likelihood` wants logits, that of a
/// Gaussian with its last layer mapped.
fn of_means(
    features: &Features,
    net: &NetConfig,
    config: &PretrainConfig,
    likelihood: &Likelihood,
    cx: &FitContext,
) -> Result<Artefact> {
    let refused = |expected: &str| Error::config("outputs", "means", expected).within("pretrain");
    let plain = PretrainConfig { outputs: Outputs::Likelihood, ..config.clone() };
    match likelihood {
        // They are means anyway.
        Likelihood::Gaussian { .. } | Likelihood::Learned { .. } => {
            return pretrain(features, net, &plain, likelihood, cx);
        }
        Likelihood::Table(_) => {
            return Err(refused("\"likelihood\" for tables with categories or missing values"));
        }
        Likelihood::Bernoulli | Likelihood::Squashed { .. } => {}
    }
    if config.loss == ReconstructionLoss::Likelihood {
        return Err(refused("\"likelihood\" unless `loss` is \"mse\" or \"halfmse\""));
    }
    let mut found = pretrain(features, net, &plain, &Likelihood::Gaussian { variance: 1.0 }, cx)?;
    for (name, shift) in [("decoder.out.weight", 0.0), ("decoder.out.bias", 0.5)] {
        let logits = (found.tensor(name)? - shift) * LOGITS_PER_UNIT;
        found.tensors.insert(name.into(), logits);
    }
    Ok(found)
}

/// Zeroes a random share of the entries (masking noise), without rescaling the others.
fn mask(x: &Tensor, share: f64, name: &'static str, batch: &train::Batch<'_>) -> Result<Tensor> {
    if share == 0.0 {
        return Ok(x.shallow_clone());
    }
    let u = batch.uniform(name, &x.size())?;
    Ok(x * u.ge(share).to_kind(x.kind()))
}

/// Inverted dropout: zeroes a random share of the entries and enlarges the others, so that sums
/// keep their mean.
fn dropout(x: &Tensor, share: f64, name: &'static str, batch: &train::Batch<'_>) -> Result<Tensor> {
    Ok(mask(x, share, name, batch)? / (1.0 - share))
}

/// The optimiser's groups of a training whose biases learn at `factor` times the rate of the
/// weights.
///
/// Moves the parameters named `*.bias` to group 1 unless the factor is 1.
pub fn groups_of(params: &mut Params, config: &TrainConfig, factor: f64) -> Vec<Group> {
    let group = config.group();
    if factor == 1.0 {
        return vec![group];
    }
    params.regroup(1, |name| name.ends_with(".bias"));
    vec![group, Group { lr: group.lr * factor, ..group }]
}

/// The loss of the reconstruction `out` (logits or means) of `x`, both `[b, d]`: a scalar.
/// `likelihood` is a sum over dimensions and a mean over the batch, the others are means over all
/// elements.
pub fn reconstruction(loss: ReconstructionLoss, likelihood: &Likelihood, out: &Tensor, x: &Tensor) -> Tensor {
    match loss {
        ReconstructionLoss::Likelihood => likelihood.nll_sum(out, x) / x.size()[0] as f64,
        ReconstructionLoss::Mse => likelihood.squared_error(out, x),
        ReconstructionLoss::HalfMse => likelihood.squared_error(out, x) * 0.5,
    }
}

#[cfg(test)]
mod tests;
