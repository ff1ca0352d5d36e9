//! The training of the map.

use super::config::{ClusterChoice, SpectralNetConfig};
use super::loss::{affinity, laplacian, orthonormaliser};
use super::net::SpectralNetNet;
use super::net::clusters::unit;
use crate::shared::assignments::labels_to_tensor;
use tch::{Kind, Tensor};
use vae_core::Result;
use vae_core::features::{Resident, to_array2};
use vae_core::params::Params;
use vae_core::random::permutation;
use vae_core::train::{Batch, Loss, Trainable};
use vae_gmm::KMeansConfig;

/// What the training of a map is given.
pub(super) struct SpectralNetTraining<'a> {
    pub map: &'a SpectralNetNet,
    pub config: &'a SpectralNetConfig,
    pub points: &'a Resident<'a>,
    /// The points where distances are taken, `[n, p]` on the device.
    pub near: &'a Tensor,
    /// The scale of the affinities.
    pub scale: f64,
    pub seed: u64,
}

impl Trainable for SpectralNetTraining<'_> {
    fn params(&self) -> &Params {
        &self.map.params
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let (n, b) = (self.points.n(), batch.x.size()[0]);
        // A separate batch is used for the orthonormalisation: on the same one the constraint would
        // hold exactly and not affect the gradient.
        let len = self.config.train.batch_size.min(n);
        let other = batch.integers("orthonormal", 1, |rng, _| {
            let mut order = permutation(rng, n);
            order.truncate(len);
            order
        })?;
        let y = self.map.forward(&Tensor::f_cat(&[&self.points.gather(&other)?, batch.x], 0)?);
        let (of_other, y) = (y.f_narrow(0, 0, len as i64)?, y.f_narrow(0, len as i64, b)?);
        let one = |value: f64| Tensor::full([0; 0], value, (Kind::Float, self.points.device()));
        let Some(weights) = orthonormaliser(&of_other)? else {
            // A gradient of zeros: the step changes only the optimiser's moments.
            return Ok(Loss {
                total: y.f_nan_to_num(0.0, 0.0, 0.0)?.sum(None::<Kind>) * 0.0,
                terms: vec![("skipped", one(1.0))],
            });
        };
        let weights = if self.config.grad_through_ortho { weights } else { weights.detach() };
        let near = self.near.f_index_select(0, batch.index)?;
        let w = affinity(&near, self.config.affinity().n_neighbors, self.scale)?;
        let total = laplacian(&w, &y.f_matmul(&weights)?);
        Ok(Loss { total, terms: vec![("skipped", one(0.0))] })
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        let (y, _) = self.map.orthonormalised(data)?;
        observed(&y, self.config, self.seed)
    }
}

/// Assignments for the accuracy curve: k-means with two restarts on all outputs.
fn observed(y: &Tensor, config: &SpectralNetConfig, seed: u64) -> Result<Option<Tensor>> {
    let rows = to_array2(y)?;
    let rows = if config.clusters == ClusterChoice::Modularity { unit(rows) } else { rows };
    match (KMeansConfig { n_init: 2, ..config.kmeans.clone() }).fit(rows.view(), config.n_clusters, seed) {
        Ok(fit) => Ok(Some(labels_to_tensor(&fit.labels().to_owned()))),
        // Early in training outputs may coincide: there are no clusters to observe yet.
        Err(vae_gmm::Error::TooFewDistinctRows { .. }) => Ok(None),
        Err(e) => Err(vae_core::Error::Internal(format!("the outputs of the map cannot be clustered ({e})"))),
    }
}
