//! The two encoders, the class priors and the decoder, with the loss that the training loop calls.

use super::config::GmvaeM2Config;
use super::loss::{Gaussian, Pairs, Terms, latent, loss, loss_of_pairs};
use crate::shared::from_random::{Network, observe};
use tch::{Device, Kind, Tensor};
use vae_core::Result;
use vae_core::activation::Activation;
use vae_core::features::Resident;
use vae_core::likelihood::Likelihood;
use vae_core::matmul::{linear, row_multiple};
use vae_core::net::{Builder, Decoder, Linear, Mlp};
use vae_core::params::Params;
use vae_core::program::{Op, Outputs, Program, Value};
use vae_core::random::{Streams, normal};
use vae_core::train::{Batch, Loss, Trainable};

/// Added to every variance: a softplus can underflow.
const MIN_VARIANCE: f64 = 1e-5;

/// q(z | x, y) for all y at once: the first layer multiplies x once and adds the column of each
/// class.
#[derive(Debug)]
struct ClassEncoder {
    /// The first layer, on x and the one-hot class; `None` without hidden layers.
    first: Option<Linear>,
    rest: Mlp,
    mu: Linear,
    var: Linear,
    n_clusters: i64,
}

impl ClassEncoder {
    fn new(builder: &mut Builder<'_>, config: &GmvaeM2Config, dim: usize) -> Self {
        let (k, net) = (config.n_clusters, &config.net);
        let (first, rest) = match net.hidden.split_first() {
            Some((&width, rest)) => (Some(Linear::new(builder, "encoder.first", dim + k, width)), rest),
            None => (None, &[][..]),
        };
        let behind = net.hidden.first().copied().unwrap_or(dim + k);
        let width = net.hidden.last().copied().unwrap_or(dim + k);
        Self {
            first,
            rest: Mlp::new(builder, "encoder", behind, rest, Activation::Relu),
            mu: Linear::new(builder, "encoder.mu", width, net.latent_dim),
            var: Linear::new(builder, "encoder.var", width, net.latent_dim),
            n_clusters: k as i64,
        }
    }

    /// q(z | x, y) of some classes of some samples.
    ///
    /// # Shapes
    /// `x`: `[b, d]`; both parts of the result `[m, J]`.
    fn of_pairs(&self, x: &Tensor, pairs: &Pairs) -> Gaussian {
        let (d, k) = (x.size()[1], self.n_clusters);
        let h = match &self.first {
            Some(Linear { weight, bias }) => {
                let of_x = linear(x, &weight.narrow(1, 0, d), Some(bias)).index_select(0, &pairs.row);
                let of_class = weight.narrow(1, d, k).transpose(0, 1).index_select(0, &pairs.class);
                (of_x + of_class).relu_()
            }
            None => {
                let class = pairs.class.one_hot(k).to_kind(x.kind());
                Tensor::cat(&[x.index_select(0, &pairs.row), class], 1)
            }
        };
        self.heads(&self.rest.forward(&h))
    }

    /// Adds the mean of q(z | x, y) at the most probable class to a program.
    fn describe_mu(&self, program: &mut Program, x: &Value, scores: &Value) -> Result<Value> {
        let class = program.add(Op::OneHot, &[scores], &[])?;
        let mut h = program.add(Op::Concat, &[x, &class], &[])?;
        if let Some(first) = &self.first {
            h = first.describe(program, &h)?;
            h = program.add(Op::Relu, &[&h], &[])?;
        }
        let h = self.rest.describe(program, &h)?;
        self.mu.describe(program, &h)
    }

    fn heads(&self, h: &Tensor) -> Gaussian {
        Gaussian { mu: self.mu.forward(h), var: self.var.forward(h).softplus() + MIN_VARIANCE }
    }

    /// # Shapes
    /// `x`: `[b, d]`; both parts of the result `[K, b, J]`.
    fn forward(&self, x: &Tensor) -> Gaussian {
        let (b, d, k) = (x.size()[0], x.size()[1], self.n_clusters);
        let h = match &self.first {
            Some(Linear { weight, bias }) => {
                let of_x = linear(x, &weight.narrow(1, 0, d), Some(bias));
                let of_class = weight.narrow(1, d, k).transpose(0, 1).unsqueeze(1);
                Activation::Relu.apply(of_x.unsqueeze(0) + of_class)
            }
            None => {
                let class = Tensor::eye(k, (x.kind(), x.device())).unsqueeze(1).expand([k, b, k], false);
                Tensor::cat(&[x.unsqueeze(0).expand([k, b, d], false), class], 2)
            }
        };
        let h = self.rest.forward(&h.reshape([k * b, -1]));
        let (shape, q) = ([k, b, -1], self.heads(&h));
        Gaussian { mu: q.mu.view(shape), var: q.var.view(shape) }
    }
}

impl Gaussian {
    /// The normals of some classes, `[m]` of `[K, 1, J]`.
    fn of_classes(&self, class: &Tensor) -> Self {
        let of = |t: &Tensor| t.squeeze_dim(1).index_select(0, class);
        Self { mu: of(&self.mu), var: of(&self.var) }
    }
}

/// A Bernoulli sample of every value, with the value as the probability of 1.
///
/// # Shapes
/// `x` (in [0, 1]) and `uniform` (in [0, 1)): `[b, d]`, and so is the result.
fn binarized(x: &Tensor, uniform: &Tensor) -> Tensor {
    uniform.lt_tensor(x).to_kind(x.kind())
}

/// The networks of GMVAE-M2.
#[derive(Debug)]
pub struct GmvaeM2Net {
    params: Params,
    /// x → the hidden layers of q(y | x).
    classifier: Mlp,
    classes: Linear,
    encoder: ClassEncoder,
    /// One-hot class → mean and variance of p(z | y).
    prior_mu: Linear,
    prior_var: Linear,
    decoder: Decoder,
    likelihood: Likelihood,
    binarize: bool,
    class_floor: f64,
}

impl GmvaeM2Net {
    /// Networks with initial weights.
    pub fn new(
        config: &GmvaeM2Config,
        (likelihood, dim): (&Likelihood, usize),
        streams: &Streams,
        device: Device,
    ) -> Self {
        let (net, k) = (&config.net, config.n_clusters);
        let mut params = Params::new();
        let mut b = Builder { params: &mut params, streams, init: net.init, group: 0, device };
        let classifier = Mlp::new(&mut b, "classifier", dim, &net.hidden, Activation::Relu);
        let width = net.hidden.last().copied().unwrap_or(dim);
        let classes = Linear::new(&mut b, "classifier.out", width, k);
        let encoder = ClassEncoder::new(&mut b, config, dim);
        let prior_mu = Linear::new(&mut b, "prior.mu", k, net.latent_dim);
        let prior_var = Linear::new(&mut b, "prior.var", k, net.latent_dim);
        let decoder = Decoder::new(&mut b, &net.mlp(), dim);
        let GmvaeM2Config { binarize, class_floor, .. } = *config;
        Self {
            params,
            classifier,
            classes,
            encoder,
            prior_mu,
            prior_var,
            decoder,
            likelihood: likelihood.clone(),
            binarize,
            class_floor,
        }
    }

    fn log_y(&self, x: &Tensor) -> Tensor {
        self.classes.forward(&self.classifier.forward(x)).log_softmax(-1, None::<Kind>)
    }

    /// p(z | y) of all classes, `[K, 1, J]`.
    fn prior(&self, options: (Kind, Device)) -> Gaussian {
        let classes = Tensor::eye(self.encoder.n_clusters, options);
        Gaussian {
            mu: self.prior_mu.forward(&classes).unsqueeze(1),
            var: (self.prior_var.forward(&classes).softplus() + MIN_VARIANCE).unsqueeze(1),
        }
    }
}

impl Trainable for GmvaeM2Net {
    fn params(&self) -> &Params {
        &self.params
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let x = if self.binarize {
            binarized(batch.x, &batch.uniform("binarize", &batch.x.size())?)
        } else {
            batch.x.shallow_clone()
        };
        // Binarised pixels have no gaps.
        let target = batch.targets.unwrap_or(&x);
        let (log_y, prior) = (self.log_y(&x), self.prior((x.kind(), x.device())));
        let sample = |q: &Gaussian| -> Result<Tensor> {
            Ok(&q.mu + q.var.sqrt() * batch.normal("noise", &q.mu.size())?)
        };
        let Terms { total, rec, kl, cat } = if self.class_floor > 0.0 {
            let u = batch.uniform("classes", &log_y.size())?;
            let pairs = Pairs::draw(&log_y.exp(), self.class_floor, &u).padded(row_multiple(x.device()));
            let q = self.encoder.of_pairs(&x, &pairs);
            let z = sample(&q)?;
            let latent = latent(&z, &q, &prior.of_classes(&pairs.class));
            let nll = self.likelihood.nll(&self.decoder.forward(&z), &target.index_select(0, &pairs.row));
            loss_of_pairs(&log_y, &pairs, &latent, &nll)
        } else {
            let q = self.encoder.forward(&x);
            let z = sample(&q)?;
            let out = self.decoder.forward(&z.flatten(0, 1));
            loss(&self.likelihood, &log_y, &latent(&z, &q, &prior), &out, target)
        };
        Ok(Loss { total, terms: vec![("rec", rec), ("kl", kl), ("cat", cat)] })
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        observe(self, data)
    }
}

impl Network for GmvaeM2Net {
    fn gamma(&self, x: &Tensor) -> Tensor {
        self.log_y(x).exp()
    }

    fn code(&self, x: &Tensor) -> Tensor {
        let mu = self.encoder.forward(x).mu;
        let class = self.log_y(x).argmax(1, false).view([1, -1, 1]).expand([1, -1, mu.size()[2]], false);
        mu.gather(0, &class, false).squeeze_dim(0)
    }

    fn describe(&self, program: &mut Program, x: &Value) -> crate::Result<Outputs> {
        let h = self.classifier.describe(program, x)?;
        let logits = self.classes.describe(program, &h)?;
        let scores = program.add(Op::Softmax, &[&logits], &[])?;
        let codes = self.encoder.describe_mu(program, x, &scores)?;
        Ok(Outputs { scores, are_probabilities: true, codes })
    }

    fn latent_dim(&self) -> usize {
        self.prior_mu.bias.size()[0] as usize
    }

    fn means(&self, z: &Tensor) -> Tensor {
        self.likelihood.mean(&self.decoder.forward(z))
    }

    fn sample(&self, cluster: usize, n: usize, streams: &Streams, device: Device) -> Tensor {
        let prior = self.prior((Kind::Float, device));
        let of = |t: &Tensor| t.get(cluster as i64);
        let (mu, var) = (of(&prior.mu), of(&prior.var));
        let noise = normal(&mut streams.rng("noise", cluster, 0), &[n as i64, mu.size()[1]], device);
        self.means(&(mu + var.sqrt() * noise))
    }
}

#[cfg(test)]
mod tests;
