//! A plain variational auto-encoder (Kingma and Welling 2014): a normal posterior with diagonal
//! covariance, a standard normal prior, one sample per datum.

use super::{PretrainConfig, groups_of, mask, reconstruction};
use crate::features::Resident;
use crate::kl;
use crate::likelihood::Likelihood;
use crate::net::{Builder, Decoder, Encoder, NetConfig};
use crate::params::Params;
use crate::phase::{Artefact, PhaseContext};
use crate::train::{Batch, Loss, Trainable, train};
use crate::{Error, Result};
use tch::Kind;

/// Log variances are clamped to ± this: a guard against overflow.
const LOG_VAR_LIMIT: f64 = 12.0;

/// The head that a code, the mean of the posterior, does not need.
const LOG_VAR_HEAD: &str = "encoder.log_var";

struct PlainVae<'a> {
    params: Params,
    encoder: Encoder,
    decoder: Decoder,
    config: &'a PretrainConfig,
    likelihood: &'a Likelihood,
}

impl Trainable for PlainVae<'_> {
    fn params(&self) -> &Params {
        &self.params
    }

    /// The negative ELBO, nats per sample (a mean over the batch): `rec` and `kl`.
    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let input = mask(batch.x, self.config.input_mask, "input_mask", batch)?;
        let (mu, log_var) = self.encoder.forward(&input);
        let log_var = log_var.clamp(-LOG_VAR_LIMIT, LOG_VAR_LIMIT);
        let noise = batch.normal("noise", &mu.size())?;
        let z = &mu + (&log_var * 0.5).exp() * noise;
        let rec =
            reconstruction(self.config.loss, self.likelihood, &self.decoder.forward(&z), batch.target());
        let kl = kl::gaussian_to_standard(&mu, &log_var).mean(None::<Kind>);
        Ok(Loss { total: &rec + &kl, terms: vec![("rec", rec), ("kl", kl)] })
    }
}

/// Trains new networks; the artefact has what an auto-encoder's has, with the means as codes.
pub(super) fn train_variational(
    net: &NetConfig,
    config: &PretrainConfig,
    data: &Resident<'_>,
    likelihood: &Likelihood,
    phase: &PhaseContext<'_>,
) -> Result<Artefact> {
    let mut params = Params::new();
    let (streams, device) = (&phase.streams, phase.fit.device);
    let mut builder = Builder { params: &mut params, streams, init: config.init, group: 0, device };
    let encoder = Encoder::variational(&mut builder, net, data.dim());
    let decoder = Decoder::new(&mut builder, net, data.dim());
    let groups = groups_of(&mut params, &config.train, config.bias_lr_factor);
    let vae = PlainVae { params, encoder, decoder, config, likelihood };
    let (record, _) = train(&vae, data, &config.train, groups, phase)?;
    let mut tensors = vae.params.snapshot("")?;
    tensors.retain(|name, _| !name.starts_with(LOG_VAR_HEAD));
    Ok(Artefact { tensors, record })
}

/// A VAE has a likelihood, and nothing else as its reconstruction.
pub(super) fn check(config: &PretrainConfig) -> Result<()> {
    match config.loss {
        super::ReconstructionLoss::Likelihood => Ok(()),
        loss => Err(Error::config(
            "loss",
            serde_json::json!(loss).as_str().unwrap_or_default(),
            "likelihood, where kind is variational",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Activation;
    use crate::init::Init;
    use crate::pretrain::{PretrainKind, ReconstructionLoss};
    use crate::random::Streams;
    use tch::{Device, Tensor};

    #[test]
    fn the_loss_is_the_negative_elbo() {
        let net = NetConfig {
            hidden: vec![3],
            latent_dim: 2,
            activation: Activation::Tanh,
            init: Init::GlorotUniform,
        };
        let config = PretrainConfig { kind: PretrainKind::Variational, ..PretrainConfig::default() };
        let (streams, device, likelihood) = (Streams::new(3, "vae"), Device::Cpu, Likelihood::Bernoulli);
        let mut params = Params::new();
        let mut builder =
            Builder { params: &mut params, streams: &streams, init: config.init, group: 0, device };
        let (encoder, decoder) =
            (Encoder::variational(&mut builder, &net, 4), Decoder::new(&mut builder, &net, 4));
        encoder.set_constant_log_var(-0.7);
        let x = crate::random::uniform(&mut streams.rng("x", 0, 0), &[5, 4], device);
        let index = Tensor::arange(5, (Kind::Int64, device));
        let batch = Batch { epoch: 2, step: 1, ..Batch::alone(&x, &index, &streams) };
        let vae = PlainVae { params, encoder, decoder, config: &config, likelihood: &likelihood };
        let loss = vae.loss(&batch).expect("finite");

        // By hand, in f64: KL = ½ Σ (mu² + exp(log_var) − 1 − log_var), and the cross-entropy of
        // the decoded sample.
        let mu = vae.encoder.mu(&x);
        let noise = crate::random::normal(&mut streams.rng("noise", 2, 1), &[5, 2], device);
        let out = vae.decoder.forward(&(&mu + noise * (-0.35f64).exp()));
        let values = |t: &Tensor| Vec::<f64>::try_from(t.to_kind(Kind::Double).view([-1])).expect("values");
        let kl: f64 =
            values(&mu).iter().map(|m| 0.5 * (m * m + (-0.7f64).exp() - 1.0 + 0.7)).sum::<f64>() / 5.0;
        let cross_entropy = |(a, x): (f64, f64)| (1.0 + a.exp()).ln() - x * a;
        let rec: f64 = values(&out).into_iter().zip(values(&x)).map(cross_entropy).sum::<f64>() / 5.0;
        let found: Vec<f64> = loss.terms.iter().map(|(_, t)| t.double_value(&[])).collect();
        assert!((found[0] - rec).abs() < 1e-5 && (found[1] - kl).abs() < 1e-5, "{found:?}, {rec}, {kl}");
        assert!((loss.total.double_value(&[]) - rec - kl).abs() < 1e-5);
    }

    #[test]
    fn another_reconstruction_is_refused() {
        let config = PretrainConfig {
            kind: PretrainKind::Variational,
            loss: ReconstructionLoss::Mse,
            ..PretrainConfig::default()
        };
        let error = config.check().expect_err("no likelihood").to_string();
        assert!(error.contains("loss") && error.contains("variational"), "{error}");
    }
}
