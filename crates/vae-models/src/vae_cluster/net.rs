//! Encoder, decoder, classifier and class means together, as something the loop can train.

use super::config::VaeClusterConfig;
use super::conv::{ConvDecoder, ConvEncoder, suits};
use super::loss::{Encoded, Terms, held_loss, loss};
use crate::Result;
use crate::coder::{Code, Decode, Encode};
use crate::network::{Network, observe};
use tch::{Device, Kind, Tensor};
use vae_core::activation::Activation;
use vae_core::features::Resident;
use vae_core::kl::gaussian_to_standard;
use vae_core::likelihood::Likelihood;
use vae_core::net::{Builder, Decoder, Encoder, Linear, Mlp};
use vae_core::params::Params;
use vae_core::random::{Streams, normal};
use vae_core::train::{Batch, Loss, Trainable};
use vae_core::{ImageShape, Result as CoreResult};

/// Name of the class means among the parameters.
pub(super) const MEANS: &str = "prior.means";

/// Log variances are kept within ± this: a guard against overflow, not a part of the method.
const LOG_VAR_LIMIT: f64 = 12.0;

/// A hidden layer with ReLU, then a softmax over the clusters.
#[derive(Debug)]
pub struct Classifier {
    hidden: Mlp,
    out: Linear,
}

impl Classifier {
    /// `classifier.0` and `classifier.out`.
    pub fn new(builder: &mut Builder<'_>, n_in: usize, hidden: usize, n_clusters: usize) -> Self {
        let out = ("classifier.out", hidden, n_clusters);
        let hidden = Mlp::new(builder, "classifier", n_in, &[hidden], Activation::Relu);
        Self { hidden, out: Linear::new(builder, out.0, out.1, out.2) }
    }

    /// # Shapes
    /// `h`: `[b, n_in]`; result `[b, K]`, rows sum to 1.
    pub fn forward(&self, h: &Tensor) -> Tensor {
        self.out.forward(&self.hidden.forward(h)).softmax(-1, None::<Kind>)
    }
}

/// What the latent space is held to.
#[derive(Debug)]
pub enum Prior {
    /// One N(m_k, I) for each class, means `[K, J]`: the loss of this method.
    Classes(Tensor),
    /// One N(0, I), and this term of the classifier's softmax (Yan's printed equations).
    Standard(fn(&Tensor) -> Tensor),
}

/// What the classifier reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassifierInput {
    /// z in training, the mean of q(z | x) afterwards.
    Latent,
    /// The encoder's features.
    Features,
}

/// What takes the classifier's place in the loss for a while; the classifier learns it, from latents it must not move.
#[derive(Debug)]
pub enum Held {
    /// y = 1/K for every sample: a VAE without classes.
    Uniform,
    /// Assignments, i64 `[n]` on the device, in the first `epochs`.
    Labels { labels: Tensor, epochs: usize },
}

/// A VAE with a classifier beside it; the networks of VAE-Cluster and of Conv-VAE.
#[derive(Debug)]
pub struct ClusterNet {
    pub params: Params,
    pub encoder: Box<dyn Encode>,
    pub decoder: Box<dyn Decode>,
    pub classifier: Classifier,
    pub classifier_input: ClassifierInput,
    pub prior: Prior,
    pub held: Option<Held>,
    pub likelihood: Likelihood,
    pub latent_dim: usize,
}

impl ClusterNet {
    /// Fresh networks of VAE-Cluster; `image` is the image to convolve, if any.
    pub fn su(
        config: &VaeClusterConfig,
        (likelihood, dim): (Likelihood, usize),
        image: Option<ImageShape>,
        streams: &Streams,
        device: Device,
    ) -> Self {
        let net = &config.net;
        let (channels, activation, latent_dim) = (&net.channels, net.activation, net.latent_dim);
        let mut params = Params::new();
        let mut b = Builder { params: &mut params, streams, init: net.init, group: 0, device };
        let (encoder, decoder): (Box<dyn Encode>, Box<dyn Decode>) = match image {
            Some(image) => (
                Box::new(ConvEncoder::new(&mut b, image, channels, activation, latent_dim)),
                Box::new(ConvDecoder::new(&mut b, image, channels, activation, latent_dim)),
            ),
            None => (
                Box::new(Encoder::variational(&mut b, &net.mlp(), dim)),
                Box::new(Decoder::new(&mut b, &net.mlp(), dim)),
            ),
        };
        let classifier = Classifier::new(&mut b, latent_dim, net.classifier_hidden, config.n_clusters);
        let prior = Prior::Classes(class_means(&mut params, config.n_clusters, latent_dim, device));
        let classifier_input = ClassifierInput::Latent;
        let held = None;
        Self { params, encoder, decoder, classifier, classifier_input, prior, held, likelihood, latent_dim }
    }

    /// The image that VAE-Cluster's networks convolve, if any.
    ///
    /// # Errors
    /// [`crate::Error::Config`] when convolutions are asked for and cannot be had.
    pub fn su_image(config: &VaeClusterConfig, image: Option<ImageShape>) -> Result<Option<ImageShape>> {
        let n_blocks = config.net.channels.len();
        let needs = format!("images whose sides can be halved {n_blocks} times");
        config.net.kind.resolve(image, |image| n_blocks > 0 && suits(image, n_blocks), &needs)
    }

    /// The held y of a batch, `[b, K]`; `None` where the classifier's own counts.
    fn held_y(&self, batch: &Batch<'_>) -> CoreResult<Option<Tensor>> {
        let Prior::Classes(means) = &self.prior else { return Ok(None) };
        let n_clusters = means.size()[0];
        match &self.held {
            Some(Held::Uniform) => {
                let shape = [batch.x.size()[0], n_clusters];
                Ok(Some(Tensor::f_full(shape, 1.0 / n_clusters as f64, (Kind::Float, batch.x.device()))?))
            }
            Some(Held::Labels { labels, epochs }) if batch.epoch < *epochs => {
                let rows = labels.f_index_select(0, batch.index)?;
                Ok(Some(rows.f_one_hot(n_clusters)?.f_to_kind(Kind::Float)?))
            }
            _ => Ok(None),
        }
    }

    /// Softmax of the classifier; `z` is what stands for the latent.
    fn classify(&self, features: &Tensor, z: &Tensor) -> Tensor {
        self.classifier.forward(match self.classifier_input {
            ClassifierInput::Latent => z,
            ClassifierInput::Features => features,
        })
    }
}

/// The means of the class Gaussians, all zero: the classifier's random weights break the symmetry. They are in group 1 of the
/// parameters, which has no weight decay.
pub(crate) fn class_means(params: &mut Params, k: usize, j: usize, device: Device) -> Tensor {
    params.add(MEANS, Tensor::zeros([k as i64, j as i64], (Kind::Float, device)), 1)
}

impl Trainable for ClusterNet {
    fn params(&self) -> &Params {
        &self.params
    }

    fn loss(&self, batch: &Batch<'_>) -> CoreResult<Loss> {
        let Code { mu, log_var, features } = self.encoder.encode(batch.x);
        let log_var = log_var.clamp(-LOG_VAR_LIMIT, LOG_VAR_LIMIT);
        let noise = normal(&mut batch.streams.rng("noise", batch.epoch, batch.step), &mu.size(), mu.device());
        let z = &mu + (&log_var * 0.5).exp() * noise;
        let out = self.decoder.decode(&z);
        let terms = match (&self.prior, self.held_y(batch)?) {
            (Prior::Classes(means), None) => {
                let y = self.classify(&features, &z);
                loss(self.likelihood, &Encoded { z, log_var, y }, means, &out, batch.x)
            }
            // Here `cat` is KL(held ‖ classifier), not minus the classifier's entropy.
            (Prior::Classes(means), Some(y)) => {
                let learnt = self.classify(&features.detach(), &z.detach());
                held_loss(self.likelihood, &Encoded { z, log_var, y }, &learnt, means, &out, batch.x)
            }
            (Prior::Standard(category), _) => {
                let b = batch.x.size()[0] as f64;
                let rec = self.likelihood.nll_sum(&out, batch.x) / b;
                let cat = category(&self.classify(&features, &z));
                let kl = gaussian_to_standard(&mu, &log_var).sum(None::<Kind>) / b;
                Terms::new(rec, kl, cat)
            }
        };
        let Terms { total, rec, kl, cat } = terms;
        Ok(Loss { total, terms: vec![("rec", rec), ("kl", kl), ("cat", cat)] })
    }

    fn observe(&self, data: &Resident<'_>) -> CoreResult<Option<Tensor>> {
        observe(self, data)
    }
}

impl Network for ClusterNet {
    fn gamma(&self, x: &Tensor) -> Tensor {
        let code = self.encoder.encode(x);
        self.classify(&code.features, &code.mu)
    }

    fn code(&self, x: &Tensor) -> Tensor {
        self.encoder.encode(x).mu
    }

    fn reconstruct(&self, x: &Tensor) -> Tensor {
        self.likelihood.mean(&self.decoder.decode(&self.code(x)))
    }

    fn has_priors(&self) -> bool {
        matches!(self.prior, Prior::Classes(_))
    }

    fn sample(&self, cluster: usize, n: usize, streams: &Streams, device: Device) -> Tensor {
        let shape = [n as i64, self.latent_dim as i64];
        let noise = normal(&mut streams.rng("noise", cluster, 0), &shape, device);
        let z = match &self.prior {
            Prior::Classes(means) => noise + means.get(cluster as i64),
            Prior::Standard(_) => noise,
        };
        self.likelihood.mean(&self.decoder.decode(&z))
    }
}

#[cfg(test)]
mod tests;
