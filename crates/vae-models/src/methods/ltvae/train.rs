//! The joint training: gradients for the network, stepwise EM for the tree, and at intervals a
//! search for a better structure.

use super::config::LtvaeConfig;
use super::loss::loss;
use super::net::{LtvaeNet, TREE};
use crate::shared::assignments::winners;
use crate::shared::posterior::{Posterior, clamped, guarded};
use std::cell::RefCell;
use tch::{Kind, Tensor};
use vae_core::Result;
use vae_core::bundle::Tensors;
use vae_core::features::Resident;
use vae_core::params::Params;
use vae_core::random::{Streams, permutation};
use vae_core::train::{Batch, Loss, Trainable};
use vae_gmm::tree::LatentTree;
use vae_gmm::tree::search::search;

pub(super) struct LtvaeTraining<'a> {
    pub net: &'a LtvaeNet,
    pub config: &'a LtvaeConfig,
    /// Epochs with the initial assignments.
    pub warmup_epochs: usize,
    /// Replaced by each update.
    pub tree: RefCell<LatentTree>,
    /// Variance of the leaves where covariances are fixed.
    pub alpha: f64,
    /// The initial assignments, i64 `[n]` on the device.
    pub labels: Tensor,
    pub seed: u64,
}

impl LtvaeTraining<'_> {
    fn is_held(&self, epoch: usize) -> bool {
        epoch < self.warmup_epochs
    }

    /// Searches for a structure that describes the current codes better.
    fn search(&self, epoch: usize, data: &Resident<'_>) -> Result<()> {
        let Some(config) = &self.config.search else { return Ok(()) };
        let streams = Streams::new(self.seed, format!("search.{epoch}"));
        let mut rows = permutation(&mut streams.rng("rows", 0, 0), data.n());
        // Enough for every state to have points.
        let least = (20 * self.config.n_clusters).min(data.n());
        rows.truncate(((config.share * data.n() as f64).ceil() as usize).max(least));
        let rows = Tensor::f_from_slice(&rows)?.f_to_device(data.device())?;
        let z = self.net.codes(data)?.f_index_select(0, &rows)?;
        let found = search(&self.tree.borrow(), &z, &config.climb, &streams)?;
        let tree = match self.config.covariance() {
            vae_gmm::tree::em::Covariance::Kept => found.tree.with_isotropic(self.alpha)?,
            vae_gmm::tree::em::Covariance::Estimated { .. } => found.tree,
        };
        *self.tree.borrow_mut() = tree;
        Ok(())
    }
}

impl Trainable for LtvaeTraining<'_> {
    fn params(&self) -> &Params {
        &self.net.params
    }

    fn begin_epoch(&self, epoch: usize, data: &Resident<'_>) -> Result<()> {
        let due = |s: &super::StructureSearch| epoch > 0 && epoch.is_multiple_of(s.every_epochs);
        if self.config.search.as_ref().is_some_and(due) && !self.is_held(epoch) {
            self.search(epoch, data)?;
        }
        Ok(())
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let net = self.net;
        let (mu, log_var) = net.encoder.forward(batch.x);
        let (clamped, log_var) = (clamped(&log_var), guarded(&log_var));
        let noise = batch.normal("noise", &mu.size())?;
        let posterior = Posterior::sample(mu, log_var, &noise);
        let out = net.decoder.forward(&posterior.z);
        let z = posterior.z.f_to_kind(Kind::Double)?;
        let covariance = self.config.covariance();
        let tree = self.tree.borrow();
        let (log_p, next) = match self.is_held(batch.epoch) {
            false => (tree.log_prob(&z), tree.stepwise(&z, self.config.eta, covariance)?),
            true => {
                let root = self.labels.f_index_select(0, batch.index)?;
                let next = tree.stepwise_with_root(&z, &root, self.config.eta, covariance)?;
                (tree.log_prob_with_root(&z, &root), next)
            }
        };
        drop(tree);
        let t = loss(&net.likelihood, &log_p.f_to_kind(Kind::Float)?, &posterior, &out, batch.target());
        *self.tree.borrow_mut() = next.0;
        let terms = vec![("rec", t.rec), ("tree", t.tree), ("ent", t.ent), ("clamped", clamped)];
        Ok(Loss { total: t.total, terms })
    }

    fn state(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        self.tree.borrow().store(TREE, &mut tensors)?;
        Ok(tensors)
    }

    fn restore(&self, tensors: &Tensors) -> Result<()> {
        let device = self.tree.borrow().device();
        *self.tree.borrow_mut() = LatentTree::load(TREE, tensors, self.config.net.latent_dim, device)?;
        Ok(())
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        let z = self.net.codes(data)?;
        let _guard = tch::no_grad_guard();
        Ok(Some(winners(&self.tree.borrow().posteriors(&z).log_state[0])?))
    }
}
