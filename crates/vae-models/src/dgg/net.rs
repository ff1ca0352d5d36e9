//! DGG's networks and mixture.

use super::classifier::Classifier;
use super::config::{DggConfig, Mixing};
use crate::mixture::Mixture;
use tch::{Device, Tensor};
use vae_core::Result;
use vae_core::bundle::Tensors;
use vae_core::features::Resident;
use vae_core::likelihood::Likelihood;
use vae_core::net::{Builder, Decoder, Encoder};
use vae_core::params::Params;
use vae_core::random::Streams;
use vae_gmm::prior::MixturePrior;

/// Rows per block when all samples are encoded.
const BLOCK: usize = 4096;

#[derive(Debug)]
pub(super) struct DggNet {
    pub params: Params,
    pub encoder: Encoder,
    pub decoder: Decoder,
    pub classifier: Classifier,
    pub prior: MixturePrior,
    pub likelihood: Likelihood,
}

impl DggNet {
    /// Fresh networks (group 0), and a mixture with the given parameters (group 1).
    pub fn new(
        config: &DggConfig,
        likelihood: Likelihood,
        dim: usize,
        mixture: &Mixture,
        streams: &Streams,
        device: Device,
    ) -> Self {
        let mut params = Params::new();
        let net = &config.net;
        let mut builder = Builder { params: &mut params, streams, init: net.init, group: 0, device };
        let encoder = Encoder::variational(&mut builder, net, dim);
        let decoder = Decoder::new(&mut builder, net, dim);
        let classifier = Classifier::new(&mut builder, &config.classifier, net.latent_dim, config.n_clusters);
        let (pi, mu, var) = (mixture.pi.view(), mixture.mu.view(), mixture.var.view());
        let prior = match config.pi {
            Mixing::Global => MixturePrior::new(&mut params, 1, device, pi, mu, var),
            // With mixing weights of each sample's own there is nothing to train in these.
            Mixing::PerSample => MixturePrior::with_fixed_pi(&mut params, 1, device, pi, mu, var),
        };
        Self { params, encoder, decoder, classifier, prior, likelihood }
    }

    /// Everything a fitted model needs.
    pub fn snapshot(&self) -> Result<Tensors> {
        let mut tensors = self.params.snapshot("")?;
        tensors.insert("prior.logits".into(), self.prior.logits.detach().f_to_device(Device::Cpu)?);
        Ok(tensors)
    }

    /// Takes back a snapshot.
    pub fn load(&self, tensors: &Tensors) -> Result<()> {
        self.params.load(tensors, "")?;
        if let Some(logits) = tensors.get("prior.logits") {
            tch::no_grad(|| self.prior.logits.shallow_clone().f_copy_(logits))?;
        }
        Ok(())
    }

    /// Posterior means of all samples, `[n, J]`.
    pub fn codes(&self, data: &Resident<'_>) -> Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.encoder.mu(x)))
    }

    /// q(c | z = mu) of all samples, `[n, K]`.
    pub fn gamma_at_mean(&self, data: &Resident<'_>) -> Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.classifier.log_gamma(&self.encoder.mu(x)).exp()))
    }

    /// Decoded posterior means of all samples, `[n, d]`.
    pub fn reconstructions(&self, data: &Resident<'_>) -> Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.likelihood.mean(&self.decoder.forward(&self.encoder.mu(x)))))
    }
}
