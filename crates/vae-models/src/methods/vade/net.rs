//! VaDE's networks and prior, with the loss that the training loop calls.

use super::config::VadeConfig;
use super::loss::{loss, loss_with};
use crate::shared::mixture::Mixture;
use crate::shared::mixture_vae::{MixtureVae, Vae};
use crate::shared::posterior::held;
use tch::{Device, Tensor};
use vae_core::Result;
use vae_core::features::Resident;
use vae_core::likelihood::Likelihood;
use vae_core::params::Params;
use vae_core::program::{Program, Value};
use vae_core::random::Streams;
use vae_core::train::{Batch, Loss, Trainable};
use vae_gmm::prior::Pi;

/// Assignments that are fixed in the first epochs.
#[derive(Debug)]
pub(super) struct Held {
    /// i64 `[n]` on the device.
    pub labels: Tensor,
    /// Number of epochs.
    pub epochs: usize,
}

#[derive(Debug)]
pub struct VadeNet {
    pub(super) vae: Vae,
    gamma: super::loss::Gamma,
    pub(super) held: Option<Held>,
}

impl VadeNet {
    /// New networks, and a prior with the parameters of `mixture`.
    pub(super) fn new(
        config: &VadeConfig,
        of: (&Likelihood, usize),
        mixture: &Mixture,
        streams: &Streams,
        device: Device,
    ) -> Self {
        let vae = Vae::new(&config.net, of, (mixture, Pi::Trained), streams, device);
        Self { vae, gamma: config.gamma, held: None }
    }
}

impl MixtureVae for VadeNet {
    fn vae(&self) -> &Vae {
        &self.vae
    }

    fn log_gamma(&self, z: &Tensor) -> Tensor {
        self.vae.prior.log_gamma(z)
    }

    fn describe_gamma(&self, program: &mut Program, z: &Value) -> Result<Value> {
        self.vae.prior.describe(program, z)
    }
}

impl Trainable for VadeNet {
    fn params(&self) -> &Params {
        &self.vae.params
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let Vae { decoder, prior, likelihood, .. } = &self.vae;
        let (posterior, clamped) = self.vae.posterior(batch.x, batch)?;
        let out = decoder.forward(&posterior.z);
        let t = match self.held.as_ref().filter(|h| batch.epoch < h.epochs) {
            None => loss(likelihood, self.gamma, prior, &posterior, &out, batch.target()),
            Some(h) => {
                let labels = h.labels.f_index_select(0, batch.index)?;
                let log_gamma = held(&labels, prior.mu.size()[0] as usize);
                loss_with(likelihood, log_gamma, prior, &posterior, &out, batch.target())
            }
        };
        let terms = vec![("rec", t.rec), ("zc", t.zc), ("ent", t.ent), ("cat", t.cat), ("clamped", clamped)];
        Ok(Loss { total: t.total, terms })
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        Ok(Some(self.winners(data)?))
    }
}
