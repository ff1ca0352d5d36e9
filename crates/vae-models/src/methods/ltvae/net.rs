//! LTVAE's networks.

pub(super) mod code_basis;

use tch::{Device, Kind, Tensor};
use vae_core::features::{BLOCK, Resident};
use vae_core::likelihood::Likelihood;
use vae_core::net::{Builder, Decoder, Encoder, NetConfig};
use vae_core::params::Params;
use vae_core::random::Streams;

/// Name of the tree's tensors.
pub(super) const TREE: &str = "tree.";

/// Encoder and decoder.
#[derive(Debug)]
pub(super) struct LtvaeNet {
    pub params: Params,
    pub encoder: Encoder,
    pub decoder: Decoder,
    pub likelihood: Likelihood,
}

impl LtvaeNet {
    /// Networks for `dim` features, with initial weights.
    pub fn new(
        net: &NetConfig,
        (likelihood, dim): (&Likelihood, usize),
        streams: &Streams,
        device: Device,
    ) -> Self {
        let mut params = Params::new();
        let mut builder = Builder { params: &mut params, streams, init: net.init, group: 0, device };
        let encoder = Encoder::variational(&mut builder, net, dim);
        let decoder = Decoder::new(&mut builder, net, dim);
        Self { params, encoder, decoder, likelihood: likelihood.clone() }
    }

    /// Posterior means of all samples, f64 `[n, J]`.
    pub fn codes(&self, data: &Resident<'_>) -> vae_core::Result<Tensor> {
        Ok(data.map_rows(BLOCK, |x| Ok(self.encoder.mu(x)))?.f_to_kind(Kind::Double)?)
    }
}
