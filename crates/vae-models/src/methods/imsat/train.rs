//! The loss of a batch and its perturbations, as the training loop calls them.

use super::config::{ImsatConfig, Perturbation, XiUnit};
use super::loss::{Terms, Weights, adversarial, loss, unit_rows};
use super::net::ImsatNet;
use crate::shared::assignments::winners;
use tch::{Device, Kind, Tensor};
use vae_core::Result;
use vae_core::features::Resident;
use vae_core::net::Statistics;
use vae_core::params::Params;
use vae_core::train::{Batch, Batches, Loss, Trainable};

/// The classifier in training.
pub(super) struct ImsatTraining<'a> {
    net: &'a ImsatNet,
    kind: Perturbation,
    /// Length of each sample's perturbation, `[n]` on the device.
    length: Tensor,
    /// In units of the input.
    xi: f64,
    weights: Weights,
}

impl<'a> ImsatTraining<'a> {
    /// `distance`: of each sample to its neighbour, f32 `[n]`.
    pub fn new(config: &ImsatConfig, net: &'a ImsatNet, distance: &Tensor, device: Device) -> Result<Self> {
        let p = &config.perturbation;
        let mean = distance.mean(Kind::Double).f_double_value(&[])?;
        let xi = match p.xi_unit {
            XiUnit::Input => p.xi,
            // Every row has a duplicate: the scale is not defined and xi is used as it is.
            XiUnit::Neighbours if mean == 0.0 => p.xi,
            XiUnit::Neighbours => p.xi * mean,
        };
        let log_shares = (!config.shares.is_empty()).then(|| {
            let (sum, k) = (config.shares.iter().sum::<f64>(), config.shares.len() as f64);
            let log: Vec<f32> = config.shares.iter().map(|q| (k * q / sum).ln() as f32).collect();
            Tensor::from_slice(&log).to_device(device)
        });
        let length = distance.f_to_device(device)? * p.radius;
        let weights = Weights { lambda: config.lambda, mu: config.mu, log_shares };
        Ok(Self { net, kind: p.kind, length, xi, weights })
    }

    /// The perturbations of a batch, `[b, d]`, without gradient.
    ///
    /// # Errors
    /// libtorch's.
    pub fn perturbation(&self, batch: &Batch<'_>, log_clean: &Tensor) -> Result<Tensor> {
        let random = unit_rows(&batch.normal("direction", &batch.x.size())?);
        let direction = match self.kind {
            Perturbation::Rpt => random,
            Perturbation::Vat => {
                let log_p = |x: &Tensor| self.net.log_p(x, Statistics::Batch);
                adversarial(log_p, batch.x, log_clean, &random, self.xi)?
            }
        };
        Ok(direction * self.length.f_index_select(0, batch.index)?.f_unsqueeze(1)?)
    }

    /// The terms of one batch.
    ///
    /// # Errors
    /// libtorch's.
    pub fn terms(&self, batch: &Batch<'_>) -> Result<Terms> {
        let log_p = self.net.log_p(batch.x, Statistics::Update);
        let r = self.perturbation(batch, &log_p.detach())?;
        let log_perturbed = self.net.log_p(&(batch.x + r), Statistics::Batch);
        Ok(loss(&self.weights, &log_p, &log_perturbed))
    }
}

impl Trainable for ImsatTraining<'_> {
    fn params(&self) -> &Params {
        &self.net.params
    }

    fn batches(&self) -> Batches {
        Batches::Subsets
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let Terms { total, sat, conditional, marginal } = self.terms(batch)?;
        Ok(Loss { total, terms: vec![("sat", sat), ("h_y_given_x", conditional), ("h_y", marginal)] })
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        Ok(Some(winners(&self.net.all_logits(data)?)?))
    }
}

#[cfg(test)]
mod tests;
