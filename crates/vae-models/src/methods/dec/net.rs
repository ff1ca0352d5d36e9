//! Encoder, centres, and for IDEC the decoder.

use super::config::DecConfig;
use super::loss::log_assignments;
use tch::{Device, Kind, Tensor};
use vae_core::Result;
use vae_core::features::{BLOCK, Resident};
use vae_core::net::{Builder, Decoder, Encoder};
use vae_core::params::Params;
use vae_core::program::{Op, Program, Value};
use vae_core::random::Streams;

/// Name of the centres among the parameters.
pub const CENTRES: &str = "centres";

/// The networks with their parameters `encoder.*`, `decoder.*`, and `centres`.
#[derive(Debug)]
pub struct DecNet {
    pub params: Params,
    pub encoder: Encoder,
    /// `None` when nothing is reconstructed.
    pub decoder: Option<Decoder>,
    /// `[K, J]`.
    centres: Tensor,
    alpha: f64,
}

impl DecNet {
    /// New networks and centres at 0, to be overwritten from a file or an artefact.
    pub fn new(config: &DecConfig, dim: usize, device: Device) -> Self {
        let (mut params, streams) = (Params::new(), Streams::new(0, "restore"));
        let init = config.net.init;
        let mut b = Builder { params: &mut params, streams: &streams, init, group: 0, device };
        let encoder = Encoder::deterministic(&mut b, &config.net, dim);
        let decoder = (config.reconstruction_weight > 0.0).then(|| Decoder::new(&mut b, &config.net, dim));
        let shape = [config.n_clusters as i64, config.net.latent_dim as i64];
        let centres = params.add(CENTRES, Tensor::zeros(shape, (Kind::Float, device)), 0);
        Self { params, encoder, decoder, centres, alpha: config.alpha }
    }

    /// `ln q` of codes `[b, J]`: `[b, K]`.
    pub fn log_q(&self, z: &Tensor) -> Tensor {
        log_assignments(z, &self.centres, self.alpha)
    }

    /// Adds q of codes to a program.
    pub fn describe_q(&self, program: &mut Program, z: &Value) -> Result<Value> {
        program.add(Op::StudentT { alpha: self.alpha }, &[z], &[("centres", &self.centres)])
    }

    /// Codes of all samples, `[n, J]`.
    pub fn codes(&self, data: &Resident<'_>) -> Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.encoder.mu(x)))
    }

    /// q of all samples, `[n, K]`.
    pub fn all_q(&self, data: &Resident<'_>) -> Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.log_q(&self.encoder.mu(x)).exp()))
    }
}
