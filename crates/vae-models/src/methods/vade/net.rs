//! VaDE's networks and prior, with the loss that the training loop calls.

use super::config::VadeConfig;
use super::loss::{loss, loss_with};
use crate::shared::mixture::Mixture;
use crate::shared::mixture_vae::{MixtureVae, Vae};
use crate::shared::posterior::held;
use std::cell::RefCell;
use tch::{Device, Tensor};
use vae_core::bundle::{START_ANEW, Tensors};
use vae_core::features::Resident;
use vae_core::likelihood::Likelihood;
use vae_core::params::Params;
use vae_core::program::{Program, Value};
use vae_core::random::Streams;
use vae_core::train::{Batch, Loss, Trainable};
use vae_core::{Error, Result};
use vae_gmm::prior::Pi;

/// Assignments that are fixed in the first epochs.
#[derive(Debug)]
pub(super) struct Held {
    /// i64 `[n]` on the device.
    pub labels: RefCell<Tensor>,
    /// Number of epochs.
    pub epochs: usize,
    /// After every so many of them they are taken anew from the model; 0: never.
    pub refresh_epochs: usize,
}

impl Held {
    fn is_due(&self, epoch: usize) -> bool {
        self.refresh_epochs > 0
            && (1..self.epochs).contains(&epoch)
            && epoch.is_multiple_of(self.refresh_epochs)
    }
}

/// The held assignments in a checkpoint.
const HELD: &str = "held";

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
                let labels = h.labels.borrow().f_index_select(0, batch.index)?;
                let log_gamma = held(&labels, prior.mu.size()[0] as usize);
                loss_with(likelihood, log_gamma, prior, &posterior, &out, batch.target())
            }
        };
        let terms = vec![("rec", t.rec), ("zc", t.zc), ("ent", t.ent), ("cat", t.cat), ("clamped", clamped)];
        Ok(Loss { total: t.total, terms })
    }

    fn begin_epoch(&self, epoch: usize, data: &Resident<'_>) -> Result<()> {
        if let Some(held) = self.held.as_ref().filter(|h| h.is_due(epoch)) {
            // Copying converts to the kind and the device of those that are held.
            held.labels.borrow_mut().f_copy_(&self.winners(data)?)?;
        }
        Ok(())
    }

    fn state(&self) -> Result<Tensors> {
        let of_model = self.held.as_ref().filter(|h| h.refresh_epochs > 0);
        Ok(of_model.map(|h| (HELD.to_string(), h.labels.borrow().shallow_clone())).into_iter().collect())
    }

    fn restore(&self, state: &Tensors) -> Result<()> {
        if let Some(held) = self.held.as_ref().filter(|h| h.refresh_epochs > 0) {
            let labels = state.get(HELD).ok_or_else(|| Error::missing("the checkpoint", HELD, START_ANEW))?;
            held.labels.borrow_mut().f_copy_(labels)?;
        }
        Ok(())
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        Ok(Some(self.winners(data)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vae_core::Features;

    /// Assignments of a prior with one component at each of two points; those that were held are
    /// taken anew before the epochs that are due, and nowhere else.
    #[test]
    fn held_assignments_become_the_models() {
        let mut config = VadeConfig { n_clusters: 2, ..VadeConfig::default() };
        (config.net.hidden, config.net.latent_dim) = (vec![], 1);
        let mixture = Mixture {
            pi: ndarray::array![0.5, 0.5],
            mu: ndarray::array![[-1.0], [1.0]],
            var: ndarray::array![[1.0], [1.0]],
        };
        let (of, streams) = ((&Likelihood::Bernoulli, 1), Streams::new(0, "test"));
        let mut net = VadeNet::new(&config, of, &mixture, &streams, Device::Cpu);
        for param in net.vae.params.iter().filter(|p| p.name.starts_with("encoder.mu.")) {
            let value = f64::from(u8::from(param.name.ends_with("weight")));
            tch::no_grad(|| drop(param.tensor.shallow_clone().fill_(value)));
        }
        let x = Features::dense(ndarray::array![[-2.0], [0.5], [3.0], [-0.1]]).expect("finite");
        let data = Resident::new(&x, Device::Cpu).expect("resident");
        let wrong = || Tensor::from_slice(&[1i64, 1, 0, 0]);
        let held = |net: &VadeNet| {
            Vec::<i64>::try_from(&*net.held.as_ref().expect("held").labels.borrow()).expect("i64")
        };
        net.held = Some(Held { labels: wrong().into(), epochs: 5, refresh_epochs: 2 });
        for (epoch, is_due) in [(0, false), (1, false), (2, true), (3, false), (4, true), (6, false)] {
            net.restore(&[(HELD.to_string(), wrong())].into()).expect("restored");
            net.begin_epoch(epoch, &data).expect("begun");
            assert_eq!(held(&net), if is_due { vec![0, 1, 1, 0] } else { vec![1, 1, 0, 0] }, "epoch {epoch}");
        }
        assert!(net.restore(&Tensors::new()).is_err_and(|e| e.to_string().contains(HELD)));

        net.held = Some(Held { labels: wrong().into(), epochs: 5, refresh_epochs: 0 });
        net.begin_epoch(2, &data).expect("begun");
        assert!(held(&net) == [1, 1, 0, 0] && net.state().expect("none").is_empty());
    }
}
