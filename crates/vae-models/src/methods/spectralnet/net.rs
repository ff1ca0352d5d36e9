//! The network that maps points to eigenvectors.

pub(super) mod clusters;

use super::config::SpectralNetConfig;
use super::loss::orthonormaliser;
use tch::{Device, Tensor};
use vae_core::features::{BLOCK, Resident};
use vae_core::net::{Builder, Linear, Mlp};
use vae_core::params::Params;
use vae_core::program::{Op, Program, Value};
use vae_core::random::Streams;
use vae_core::{Error, Result};

/// Points to K outputs in (−1, 1), before they are orthonormalised.
#[derive(Debug)]
pub(super) struct SpectralNetNet {
    pub params: Params,
    hidden: Mlp,
    out: Linear,
}

impl SpectralNetNet {
    /// A map of points `[n, dim]`, with initial weights.
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

    /// Adds the outputs to a program.
    pub fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        let h = self.hidden.describe(program, x)?;
        let h = self.out.describe(program, &h)?;
        program.add(Op::Tanh, &[&h], &[])
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
