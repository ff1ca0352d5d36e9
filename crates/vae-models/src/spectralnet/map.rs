//! The network that maps points to eigenvectors, and its training.

use super::clusters::observed;
use super::config::SpectralNetConfig;
use super::loss::{affinity, laplacian, orthonormaliser};
use tch::{Device, Kind, Tensor};
use vae_core::features::{BLOCK, Resident};
use vae_core::net::{Builder, Linear, Mlp};
use vae_core::params::Params;
use vae_core::random::{Streams, permutation};
use vae_core::train::{Batch, Loss, Trainable};
use vae_core::{Error, Result};

/// Points to K outputs in (−1, 1), before they are orthonormalised.
#[derive(Debug)]
pub(super) struct SpectralMap {
    pub params: Params,
    hidden: Mlp,
    out: Linear,
}

impl SpectralMap {
    /// A fresh map of points with `dim` numbers.
    pub fn new(config: &SpectralNetConfig, dim: usize, streams: &Streams, device: Device) -> Self {
        let mut params = Params::new();
        let map = &config.map;
        let mut builder = Builder { params: &mut params, streams, init: map.init, group: 0, device };
        let hidden = Mlp::new(&mut builder, "map", dim, &map.hidden, map.activation);
        let width = map.hidden.last().copied().unwrap_or(dim);
        let out = Linear::new(&mut builder, "map.out", width, config.n_outputs());
        Self { params, hidden, out }
    }

    /// # Shapes
    /// `x`: `[b, dim]`; result `[b, K]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.out.forward(&self.hidden.forward(x)).tanh()
    }

    /// The outputs of all points, `[n, K]`, without a gradient.
    pub fn outputs(&self, points: &Resident<'_>) -> Result<Tensor> {
        points.map_rows(BLOCK, |x| Ok(self.forward(x)))
    }

    /// The orthonormalised outputs of all points, `[n, K]`, and the matrix that made them so.
    pub fn orthonormalised(&self, points: &Resident<'_>) -> Result<(Tensor, Tensor)> {
        let y = self.outputs(points)?;
        let _guard = tch::no_grad_guard();
        let weights = orthonormaliser(&y)?.ok_or_else(|| {
            Error::Numeric("the outputs of the map are not finite; lower the learning rate".into())
        })?;
        Ok((y.f_matmul(&weights)?, weights))
    }
}

/// What the training of a map is given.
pub(super) struct Training<'a> {
    pub map: &'a SpectralMap,
    pub config: &'a SpectralNetConfig,
    pub points: &'a Resident<'a>,
    /// The points where distances are taken, `[n, p]` on the device.
    pub near: &'a Tensor,
    /// The scale of the affinities.
    pub scale: f64,
    pub seed: u64,
}

impl Trainable for Training<'_> {
    fn params(&self) -> &Params {
        &self.map.params
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let (n, b) = (self.points.n(), batch.x.size()[0]);
        // A batch of its own orthonormalises: on the same one the loss would not feel the constraint.
        let mut order = permutation(&mut batch.streams.rng("orthonormal", batch.epoch, batch.step), n);
        order.truncate(self.config.train.batch_size.min(n));
        let other = Tensor::f_from_slice(&order)?.f_to_device(self.points.device())?;
        let y = self.map.forward(&Tensor::f_cat(&[&self.points.gather(&other)?, batch.x], 0)?);
        let (of_other, y) = (y.f_narrow(0, 0, order.len() as i64)?, y.f_narrow(0, order.len() as i64, b)?);
        let one = |value: f64| Tensor::from(value).to_kind(Kind::Float).to_device(self.points.device());
        let Some(weights) = orthonormaliser(&of_other)? else {
            // A gradient of zeros: the step changes nothing but the optimiser's moments.
            return Ok(Loss {
                total: y.f_nan_to_num(0.0, 0.0, 0.0)?.sum(None::<Kind>) * 0.0,
                terms: vec![("skipped", one(1.0))],
            });
        };
        let weights = if self.config.grad_through_ortho { weights } else { weights.detach() };
        let near = self.near.f_index_select(0, batch.index)?;
        let w = affinity(&near, self.config.affinity.n_neighbors, self.scale)?;
        let total = laplacian(&w, &y.f_matmul(&weights)?);
        Ok(Loss { total, terms: vec![("skipped", one(0.0))] })
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        let (y, _) = self.map.orthonormalised(data)?;
        observed(&y, self.config, self.seed)
    }
}
