//! The fully connected encoder and decoder of the VaDE family: D–500–500–2000–J and its reverse.

use super::{Builder, Linear, Mlp};
use crate::activation::Activation;
use crate::init::Init;
use crate::program::{Program, Value};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use tch::Tensor;

/// Widest layer: a larger width is taken for a typing error, since its weights exceed any memory.
const MAX_WIDTH: usize = 100_000;

/// Widths and initialisation of encoder and decoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetConfig {
    /// Widths of the encoder's hidden layers; the decoder has them in reverse order.
    pub hidden: Vec<usize>,
    /// Dimension of the latent space, J.
    pub latent_dim: usize,
    /// Activation of the hidden layers. The code layer is linear.
    pub activation: Activation,
    /// Initial weights.
    pub init: Init,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            hidden: vec![500, 500, 2000],
            latent_dim: 10,
            activation: Activation::Relu,
            init: Init::GlorotUniform,
        }
    }
}

impl NetConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub fn check(&self) -> Result<()> {
        let widths = self.hidden.iter().enumerate().map(|(i, &width)| (format!("hidden[{i}]"), width));
        for (key, width) in widths.chain([("latent_dim".to_string(), self.latent_dim)]) {
            if !(1..=MAX_WIDTH).contains(&width) {
                return Err(Error::config(&key, width, &format!("1 to {MAX_WIDTH}")));
            }
        }
        Ok(())
    }
}

/// x → (mu, log_var) of q(z | x). The log-variance head is optional: an auto-encoder has none.
#[derive(Debug)]
pub struct Encoder {
    hidden: Mlp,
    mu: Linear,
    log_var: Option<Linear>,
}

impl Encoder {
    /// An encoder without a log-variance head: `encoder.0` … and `encoder.mu`.
    pub fn deterministic(builder: &mut Builder<'_>, net: &NetConfig, dim: usize) -> Self {
        let hidden = Mlp::new(builder, "encoder", dim, &net.hidden, net.activation);
        let width = net.hidden.last().copied().unwrap_or(dim);
        let mu = Linear::new(builder, "encoder.mu", width, net.latent_dim);
        Self { hidden, mu, log_var: None }
    }

    /// An encoder with both heads, the second named `encoder.log_var`.
    pub fn variational(builder: &mut Builder<'_>, net: &NetConfig, dim: usize) -> Self {
        let mut encoder = Self::deterministic(builder, net, dim);
        let width = net.hidden.last().copied().unwrap_or(dim);
        encoder.log_var = Some(Linear::new(builder, "encoder.log_var", width, net.latent_dim));
        encoder
    }

    /// Makes the log-variance head constant: its weights are 0 and its bias is `value`.
    ///
    /// # Panics
    /// When the encoder was built without a log-variance head, a mistake of the caller's code.
    pub fn set_constant_log_var(&self, value: f64) {
        let head = self.log_var.as_ref().expect("only variational encoders have a log-variance head");
        tch::no_grad(|| {
            let _ = head.weight.shallow_clone().fill_(0.0);
            let _ = head.bias.shallow_clone().fill_(value);
        });
    }

    /// The code: the mean of q(z | x).
    ///
    /// # Shapes
    /// `x`: `[b, d]`; result `[b, j]`.
    pub fn mu(&self, x: &Tensor) -> Tensor {
        self.mu.forward(&self.hidden.forward(x))
    }

    /// Mean and log-variance of q(z | x).
    ///
    /// # Shapes
    /// `x`: `[b, d]`; both results `[b, j]`.
    ///
    /// # Panics
    /// When the encoder was built without a log-variance head, a mistake of the caller's code.
    pub fn forward(&self, x: &Tensor) -> (Tensor, Tensor) {
        self.heads(&self.features(x))
    }

    /// The last hidden layer.
    ///
    /// # Shapes
    /// `x`: `[b, d]`; result `[b, last width]`.
    pub fn features(&self, x: &Tensor) -> Tensor {
        self.hidden.forward(x)
    }

    /// Mean and log-variance from the last hidden layer.
    ///
    /// # Shapes
    /// `features`: `[b, last width]`; both results `[b, j]`.
    ///
    /// # Panics
    /// When the encoder was built without a log-variance head, a mistake of the caller's code.
    pub fn heads(&self, features: &Tensor) -> (Tensor, Tensor) {
        let log_var = self.log_var.as_ref().expect("only variational encoders have a log-variance head");
        (self.mu.forward(features), log_var.forward(features))
    }

    /// Adds the layers up to the last hidden one to a program.
    ///
    /// # Errors
    /// libtorch's.
    pub fn describe_features(&self, program: &mut Program, x: &Value) -> Result<Value> {
        self.hidden.describe(program, x)
    }

    /// Adds the code's layer on the last hidden one to a program.
    ///
    /// # Errors
    /// libtorch's.
    pub fn describe_mu(&self, program: &mut Program, features: &Value) -> Result<Value> {
        self.mu.describe(program, features)
    }

    /// Adds all layers up to the code to a program.
    ///
    /// # Errors
    /// libtorch's.
    pub fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        let features = self.describe_features(program, x)?;
        self.describe_mu(program, &features)
    }
}

/// z → the parameters of p(x | z): logits or means.
#[derive(Debug)]
pub struct Decoder {
    hidden: Mlp,
    out: Linear,
}

impl Decoder {
    /// The widths of the encoder in reverse order: `decoder.0` … and `decoder.out`.
    pub fn new(builder: &mut Builder<'_>, net: &NetConfig, dim: usize) -> Self {
        let widths: Vec<usize> = net.hidden.iter().rev().copied().collect();
        let hidden = Mlp::new(builder, "decoder", net.latent_dim, &widths, net.activation);
        let width = widths.last().copied().unwrap_or(net.latent_dim);
        let out = Linear::new(builder, "decoder.out", width, dim);
        Self { hidden, out }
    }

    /// # Shapes
    /// `z`: `[b, j]`; result `[b, d]`.
    pub fn forward(&self, z: &Tensor) -> Tensor {
        self.out.forward(&self.hidden.forward(z))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;
    use crate::random::Streams;
    use tch::{Device, Kind};

    fn build(net: &NetConfig, dim: usize, variational: bool) -> (Params, Encoder, Decoder) {
        let (mut params, streams) = (Params::new(), Streams::new(0, "test"));
        let mut b =
            Builder { params: &mut params, streams: &streams, init: net.init, group: 0, device: Device::Cpu };
        let encoder = if variational {
            Encoder::variational(&mut b, net, dim)
        } else {
            Encoder::deterministic(&mut b, net, dim)
        };
        let decoder = Decoder::new(&mut b, net, dim);
        (params, encoder, decoder)
    }

    #[test]
    fn parameter_counts_by_hand() {
        let net = NetConfig::default();
        assert_eq!(build(&net, 784, false).0.n_values(), 3_330_794);
        assert_eq!(build(&net, 784, true).0.n_values(), 3_350_804);
        // DEC's encoder alone, and its multiply-adds per sample.
        let encoder = build(&net, 784, false).0;
        let of_encoder = || encoder.iter().filter(|p| p.name.starts_with("encoder."));
        let matrices = of_encoder().filter(|p| p.tensor.dim() == 2);
        assert_eq!(of_encoder().map(|p| p.tensor.numel()).sum::<usize>(), 1_665_010);
        assert_eq!(matrices.map(|p| p.tensor.numel()).sum::<usize>(), 1_662_000);
    }

    #[test]
    fn shapes() {
        let net = NetConfig { hidden: vec![5, 4], latent_dim: 3, ..NetConfig::default() };
        let (_, encoder, decoder) = build(&net, 7, true);
        let (mu, log_var) = encoder.forward(&Tensor::ones([2, 7], (Kind::Float, Device::Cpu)));
        assert_eq!((mu.size(), log_var.size()), (vec![2, 3], vec![2, 3]));
        assert_eq!(decoder.forward(&mu).size(), [2, 7]);
    }

    #[test]
    fn equal_seeds_give_equal_weights_with_or_without_the_second_head() {
        let net = NetConfig { hidden: vec![5], latent_dim: 2, ..NetConfig::default() };
        let (a, b) = (build(&net, 4, false).0, build(&net, 4, true).0);
        let b = b.snapshot("").expect("snapshot");
        assert!(a.iter().all(|p| p.tensor.equal(&b[&p.name])));
    }

    #[test]
    fn no_hidden_layer_is_a_linear_model() {
        let net = NetConfig { hidden: vec![], latent_dim: 2, ..NetConfig::default() };
        let (params, encoder, _) = build(&net, 4, false);
        assert_eq!(params.n_values(), 4 * 2 + 2 + 2 * 4 + 4);
        assert_eq!(encoder.mu(&Tensor::ones([3, 4], (Kind::Float, Device::Cpu))).size(), [3, 2]);
    }
}
