//! Layer by layer: each layer is a denoising auto-encoder of the (frozen, clean) output of the
//! layers below it.
//!
//! DEC's recipe (Xie, Girshick and Farhadi 2016); the target is the clean input. The noise is a
//! mask on the layer's input, or the dropout of DEC's code. Hidden outputs are compared by squared
//! error after the activation, the outermost one as the configuration's loss says. Each layer is a
//! phase of its own (`pretrain.layer0`, …), so a stop costs at most one checkpoint interval.

use super::{LayerNoise, PretrainConfig, REVISIONS, ReconstructionLoss};
use super::{dropout, groups_of, mask, reconstruction};
use crate::Result;
use crate::activation::Activation;
use crate::bundle::Tensors;
use crate::features::{Features, Resident};
use crate::likelihood::Likelihood;
use crate::net::{Builder, Linear, NetConfig};
use crate::params::Params;
use crate::phase::{Artefact, FitContext, PhaseContext, PhaseSpec};
use crate::random::Streams;
use crate::train::{Batch, Loss, TrainConfig, Trainable, train};
use tch::Tensor;

/// One layer and its mirror image.
struct Layer<'a> {
    params: Params,
    encode: Linear,
    decode: Linear,
    /// The frozen layers below.
    below: Vec<Linear>,
    activation: Activation,
    is_code: bool,
    config: &'a PretrainConfig,
    likelihood: &'a Likelihood,
}

/// (encoder name, decoder name, inputs, outputs) of layer `i`.
fn plan(net: &NetConfig, dim: usize, i: usize) -> (String, String, usize, usize) {
    let widths: Vec<usize> = [&[dim], net.hidden.as_slice(), &[net.latent_dim]].concat();
    let n_layers = widths.len() - 1;
    let encoder = if i + 1 == n_layers { "encoder.mu".into() } else { format!("encoder.{i}") };
    let decoder = if i == 0 { "decoder.out".into() } else { format!("decoder.{}", n_layers - 1 - i) };
    (encoder, decoder, widths[i], widths[i + 1])
}

impl<'a> Layer<'a> {
    fn new(
        net: &NetConfig,
        config: &'a PretrainConfig,
        likelihood: &'a Likelihood,
        dim: usize,
        i: usize,
        trained: &Tensors,
        cx: &PhaseContext<'_>,
    ) -> Result<Self> {
        let device = cx.fit.device;
        // The weights come from the streams of `pretrain`, as those of a joint training do.
        let streams = Streams::new(cx.fit.seed, "pretrain");
        let build = |params: &mut Params, i: usize| {
            let (encoder, decoder, n_in, n_out) = plan(net, dim, i);
            let mut b = Builder { params, streams: &streams, init: config.init, group: 0, device };
            (Linear::new(&mut b, &encoder, n_in, n_out), Linear::new(&mut b, &decoder, n_out, n_in))
        };
        let mut frozen = Params::new();
        let below = (0..i).map(|j| build(&mut frozen, j).0).collect();
        frozen.load(trained, "")?;
        let mut params = Params::new();
        let (encode, decode) = build(&mut params, i);
        let is_code = i == net.hidden.len();
        Ok(Self { params, encode, decode, below, activation: net.activation, is_code, config, likelihood })
    }
}

impl Trainable for Layer<'_> {
    fn params(&self) -> &Params {
        &self.params
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let h = tch::no_grad(|| {
            self.below
                .iter()
                .fold(batch.x.shallow_clone(), |h, layer| self.activation.apply(layer.forward(&h)))
        });
        let (share, is_first) = (self.config.layer_mask, self.below.is_empty());
        let noisy = match self.config.layer_noise {
            LayerNoise::Mask => mask(&h, share, "layer_mask", batch)?,
            LayerNoise::Dropout if is_first => h.shallow_clone(),
            LayerNoise::Dropout => dropout(&h, share, "layer_mask", batch)?,
        };
        let code = self.encode.forward(&noisy);
        let code = if self.is_code { code } else { self.activation.apply(code) };
        let code = match self.config.layer_noise {
            LayerNoise::Dropout if !self.is_code => dropout(&code, share, "layer_dropout", batch)?,
            _ => code,
        };
        let out = self.decode.forward(&code);
        let total = if is_first {
            reconstruction(self.config.loss, self.likelihood, &out, batch.target())
        } else {
            let out = self.activation.apply(out);
            match self.config.loss {
                ReconstructionLoss::Mse => out.mse_loss(&h, tch::Reduction::Mean),
                ReconstructionLoss::HalfMse => out.mse_loss(&h, tch::Reduction::Mean) * 0.5,
                ReconstructionLoss::Likelihood => half_squared_error(&out, &h),
            }
        };
        Ok(Loss { total, terms: vec![] })
    }
}

/// `½‖a − b‖²`, mean over the batch.
fn half_squared_error(a: &Tensor, b: &Tensor) -> Tensor {
    a.mse_loss(b, tch::Reduction::Sum) * (0.5 / a.size()[0] as f64)
}

/// Trains all layers; the last artefact holds the weights of all of them under their names in the
/// auto-encoder.
pub(super) fn layers(
    features: &Features,
    net: &NetConfig,
    config: &PretrainConfig,
    likelihood: &Likelihood,
    cx: &FitContext,
) -> Result<Artefact> {
    let training = TrainConfig { epochs: config.layer_epochs, min_updates: 0, ..config.train.clone() };
    let mut last = Artefact::default();
    for i in 0..=net.hidden.len() {
        let name = format!("pretrain.layer{i}");
        let spec = PhaseSpec {
            name: &name,
            revisions: &[REVISIONS],
            config: &(net, config, likelihood),
            inputs: &[features.sha256(), &last.record.key],
        };
        last = cx.phase(&spec, |phase| -> Result<Artefact> {
            let data = Resident::new(features, cx.device)?;
            let mut layer = Layer::new(net, config, likelihood, features.dim(), i, &last.tensors, phase)?;
            let groups = groups_of(&mut layer.params, &training, config.bias_lr_factor);
            let (record, _) = train(&layer, &data, &training, groups, phase)?;
            let mut tensors = layer.params.snapshot("")?;
            tensors.extend(last.tensors.iter().map(|(k, v)| (k.clone(), v.shallow_clone())));
            Ok(Artefact { tensors, record })
        })?;
    }
    Ok(last)
}
