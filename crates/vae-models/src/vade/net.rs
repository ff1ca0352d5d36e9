//! VaDE's networks and prior together, as something the loop can train.

use super::config::VadeConfig;
use super::loss::{Posterior, held, loss, loss_with};
use crate::mixture::Mixture;
use tch::{Device, Kind, Tensor};
use vae_core::Result;
use vae_core::features::Resident;
use vae_core::likelihood::Likelihood;
use vae_core::net::{Builder, Decoder, Encoder, NetConfig};
use vae_core::params::Params;
use vae_core::random::{Streams, normal};
use vae_core::train::{Batch, Loss, Trainable};
use vae_gmm::prior::MixturePrior;

/// Log variances are kept within ± this in the forward pass: a guard against overflow, not a part of the method. The
/// term `clamped` of the history counts how often it acted.
const LOG_VAR_LIMIT: f64 = 12.0;

/// Assignments that training holds on to in its first epochs.
#[derive(Debug)]
pub(super) struct Held {
    /// i64 `[n]` on the device.
    pub labels: Tensor,
    /// Epochs it is held.
    pub epochs: usize,
}

/// Rows per block when all samples are encoded.
const BLOCK: usize = 4096;

#[derive(Debug)]
pub(super) struct VadeNet {
    pub params: Params,
    pub encoder: Encoder,
    pub decoder: Decoder,
    pub prior: MixturePrior,
    pub likelihood: Likelihood,
    gamma: super::loss::Gamma,
    pub held: Option<Held>,
}

impl VadeNet {
    /// Fresh networks, and a prior with the parameters of `mixture`. Networks are group 0, the prior is group 1.
    pub fn new(
        config: &VadeConfig,
        likelihood: Likelihood,
        dim: usize,
        mixture: &Mixture,
        streams: &Streams,
        device: Device,
    ) -> Self {
        let mut params = Params::new();
        let net: &NetConfig = &config.net;
        let mut builder = Builder { params: &mut params, streams, init: net.init, group: 0, device };
        let encoder = Encoder::variational(&mut builder, net, dim);
        let decoder = Decoder::new(&mut builder, net, dim);
        let (pi, mu, var) = (mixture.pi.view(), mixture.mu.view(), mixture.var.view());
        let prior = MixturePrior::new(&mut params, 1, device, pi, mu, var);
        Self { params, encoder, decoder, prior, likelihood, gamma: config.gamma, held: None }
    }

    /// Posterior means of all samples, `[n, J]`.
    pub fn codes(&self, data: &Resident<'_>) -> Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.encoder.mu(x)))
    }

    /// p(c | z = mu) of all samples, `[n, K]`.
    pub fn gamma_at_mean(&self, data: &Resident<'_>) -> Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.prior.log_gamma(&self.encoder.mu(x)).exp()))
    }

    /// Decoded posterior means of all samples, `[n, d]`.
    pub fn reconstructions(&self, data: &Resident<'_>) -> Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.likelihood.mean(&self.decoder.forward(&self.encoder.mu(x)))))
    }
}

impl Trainable for VadeNet {
    fn params(&self) -> &Params {
        &self.params
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let (mu, log_var) = self.encoder.forward(batch.x);
        let clamped = log_var.abs().gt(LOG_VAR_LIMIT).sum(Kind::Float) / batch.x.size()[0] as f64;
        let log_var = log_var.clamp(-LOG_VAR_LIMIT, LOG_VAR_LIMIT);
        let noise = normal(&mut batch.streams.rng("noise", batch.epoch, batch.step), &mu.size(), mu.device());
        let posterior = Posterior::sample(mu, log_var, &noise);
        let out = self.decoder.forward(&posterior.z);
        let t = match self.held.as_ref().filter(|h| batch.epoch < h.epochs) {
            None => loss(self.likelihood, self.gamma, &self.prior, &posterior, &out, batch.x),
            Some(h) => {
                let labels = h.labels.f_index_select(0, batch.index)?;
                let log_gamma = held(&labels, self.prior.mu.size()[0] as usize);
                loss_with(self.likelihood, log_gamma, &self.prior, &posterior, &out, batch.x)
            }
        };
        let terms = vec![("rec", t.rec), ("zc", t.zc), ("ent", t.ent), ("cat", t.cat), ("clamped", clamped)];
        Ok(Loss { total: t.total, terms })
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        let winner = self.gamma_at_mean(data)?.f_argmax(1, false)?;
        Ok(Some(winner.f_to_device(Device::Cpu)?.f_to_kind(Kind::Int)?))
    }
}
