//! The loss of a batch, and the target of a round, as the training loop calls them. An epoch of the
//! loop is a round of updates between two targets.

use super::config::DecConfig;
use super::loss::{kl, target};
use super::net::DecNet;
use crate::shared::assignments::winners;
use std::cell::{Cell, RefCell};
use tch::{Device, Kind, Tensor};
use vae_core::bundle::{START_ANEW, Tensors};
use vae_core::features::Resident;
use vae_core::likelihood::Likelihood;
use vae_core::params::Params;
use vae_core::pretrain::{ReconstructionLoss, reconstruction};
use vae_core::train::{Batch, Batches, Loss, Trainable};
use vae_core::{Error, Result};

/// DEC in training.
pub(super) struct DecTraining<'a> {
    config: &'a DecConfig,
    net: &'a DecNet,
    likelihood: &'a Likelihood,
    /// Updates in a round.
    interval: usize,
    round: RefCell<Option<Round>>,
    is_done: Cell<bool>,
}

/// What is fixed during a round.
struct Round {
    /// p of all samples, `[n, K]` on the device.
    target: Tensor,
    /// argmax q of all samples at its beginning, i64 `[n]` on the device.
    labels: Tensor,
    /// Share of the samples whose label changed since the round before; 1 in the first.
    changed: Tensor,
}

impl<'a> DecTraining<'a> {
    pub fn new(config: &'a DecConfig, net: &'a DecNet, likelihood: &'a Likelihood, n: usize) -> Self {
        let interval = config.interval(n);
        Self { config, net, likelihood, interval, round: RefCell::new(None), is_done: Cell::new(false) }
    }

    /// Whether the labels converged before the last round.
    pub fn converged(&self) -> bool {
        self.is_done.get()
    }
}

impl Trainable for DecTraining<'_> {
    fn params(&self) -> &Params {
        &self.net.params
    }

    fn batches(&self) -> Batches {
        Batches::Stream { steps: self.interval, order: self.config.order }
    }

    fn begin_epoch(&self, _round: usize, data: &Resident<'_>) -> Result<()> {
        let q = self.net.all_q(data)?;
        let labels = q.f_argmax(1, false)?;
        let mut round = self.round.borrow_mut();
        let changed = match &*round {
            Some(before) => {
                labels.f_ne_tensor(&before.labels)?.f_to_kind(Kind::Float)?.f_mean(Kind::Float)?
            }
            None => Tensor::f_ones([], (Kind::Float, data.device()))?,
        };
        self.is_done.set(round.is_some() && changed.f_double_value(&[])? < self.config.tolerance);
        *round = Some(Round { target: target(&q), labels, changed });
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.is_done.get()
    }

    fn restarts_optimizer(&self) -> bool {
        self.config.restart_momentum
    }

    fn state(&self) -> Result<Tensors> {
        let round = self.round.borrow();
        let Some(round) = &*round else { return Ok(Tensors::new()) };
        let named = [("target", &round.target), ("labels", &round.labels), ("changed", &round.changed)];
        Ok(named.into_iter().map(|(name, t)| (name.to_string(), t.shallow_clone())).collect())
    }

    fn restore(&self, state: &Tensors) -> Result<()> {
        let device = self.net.params.tensors().first().map_or(Device::Cpu, |t| t.device());
        let get = |name: &str| {
            let missing = || Error::missing("the checkpoint", format!("state.{name}"), START_ANEW);
            Ok::<_, Error>(state.get(name).ok_or_else(missing)?.f_to_device(device)?)
        };
        let round = Round { target: get("target")?, labels: get("labels")?, changed: get("changed")? };
        *self.round.borrow_mut() = Some(round);
        Ok(())
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let round = self.round.borrow();
        let round = round
            .as_ref()
            .ok_or_else(|| Error::Internal("DEC has no target before its first step".into()))?;
        let z = self.net.encoder.mu(batch.x);
        let divergence = kl(&round.target.f_index_select(0, batch.index)?, &self.net.log_q(&z));
        let mut total = &divergence * self.config.clustering_weight;
        let mut terms = vec![("kl", divergence)];
        if let Some(decoder) = &self.net.decoder {
            let out = decoder.forward(&z);
            let rec = reconstruction(ReconstructionLoss::Mse, self.likelihood, &out, batch.target());
            total += &rec * self.config.reconstruction_weight;
            terms.push(("rec", rec));
        }
        terms.push(("changed", round.changed.shallow_clone()));
        Ok(Loss { total, terms })
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        Ok(Some(winners(&self.net.all_q(data)?)?))
    }
}
