//! The classifier: (linear, batch norm, ReLU) for each hidden width, then linear.

use super::config::ImsatNetConfig;
use tch::{Device, Kind, Tensor};
use vae_core::Result;
use vae_core::features::{BLOCK, Resident};
use vae_core::init::Init;
use vae_core::net::{BatchNorm, Builder, Linear, Statistics};
use vae_core::params::Params;
use vae_core::program::{Op, Program, Value};
use vae_core::random::Streams;

/// p(y | x) with its parameters `net.*`.
#[derive(Debug)]
pub struct ImsatNet {
    pub params: Params,
    hidden: Vec<(Linear, BatchNorm)>,
    out: Linear,
}

impl ImsatNet {
    /// A new one. Equal streams give equal weights.
    pub fn new(
        config: &ImsatNetConfig,
        dim: usize,
        n_clusters: usize,
        streams: &Streams,
        device: Device,
    ) -> Self {
        let mut params = Params::new();
        let mut b = Builder { params: &mut params, streams, init: Init::HeNormal, group: 0, device };
        let mut width = dim;
        let mut hidden = Vec::with_capacity(config.hidden.len());
        for (i, &n_out) in config.hidden.iter().enumerate() {
            let linear = Linear::new(&mut b, &format!("net.{i}"), width, n_out).scaled(config.hidden_scale);
            hidden.push((
                linear,
                BatchNorm::new(&mut b, &format!("net.{i}.norm"), n_out, config.batch_norm_eps),
            ));
            width = n_out;
        }
        let out = Linear::new(&mut b, "net.out", width, n_clusters).scaled(config.output_scale);
        Self { params, hidden, out }
    }

    /// # Shapes
    /// `x`: `[b, d]`; result `[b, K]`.
    pub fn logits(&self, x: &Tensor, statistics: Statistics) -> Tensor {
        let h = self.hidden.iter().fold(x.shallow_clone(), |h, (linear, norm)| {
            norm.forward(&linear.forward(&h), statistics).relu_()
        });
        self.out.forward(&h)
    }

    /// Adds the logits with the running statistics to a program.
    pub fn describe_logits(&self, program: &mut Program, x: &Value) -> Result<Value> {
        let mut h = x.clone();
        for (linear, norm) in &self.hidden {
            h = linear.describe(program, &h)?;
            h = norm.describe(program, &h)?;
            h = program.add(Op::Relu, &[&h], &[])?;
        }
        self.out.describe(program, &h)
    }

    /// ln p(y | x), `[b, K]`.
    pub fn log_p(&self, x: &Tensor, statistics: Statistics) -> Tensor {
        self.logits(x, statistics).log_softmax(1, None::<Kind>)
    }

    /// The logits of all samples with the running statistics, `[n, K]`.
    pub fn all_logits(&self, data: &Resident<'_>) -> Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.logits(x, Statistics::Running)))
    }
}
