//! Recogniser, clusters and decoder, with the loss that the training loop calls.

mod shared_encoder;

use self::shared_encoder::{
    ConvGenerator, ConvSharedEncoder, Generator, MlpSharedEncoder, SharedEncoder, suits,
};
use super::config::GmvaeConfig;
use super::loss::{Components, Recognition, Terms, log_responsibility, loss};
use crate::Result;
use crate::shared::from_random::{Network, observe};
use crate::shared::posterior::{guarded, reparameterised};
use tch::{Device, Kind, Tensor};
use vae_core::activation::Activation;
use vae_core::features::Resident;
use vae_core::likelihood::Likelihood;
use vae_core::net::{Builder, Decoder, Linear, Mlp, Statistics};
use vae_core::params::Params;
use vae_core::program::{Op, Outputs, Program, Value};
use vae_core::random::{Streams, normal};
use vae_core::train::{Batch, Loss, Trainable};
use vae_core::{ImageShape, Result as CoreResult};

/// Log variances of the clusters are clamped to ± this.
const COMPONENT_LIMIT: f64 = 8.0;

/// w → the clusters: one hidden layer, then all means and log variances by one product.
#[derive(Debug)]
struct Clusters {
    hidden: Mlp,
    out: Linear,
    /// `[2, K, J]` behind the batch.
    shape: [i64; 3],
}

impl Clusters {
    fn new(builder: &mut Builder<'_>, config: &GmvaeConfig) -> Self {
        let (net, k) = (&config.net, config.n_clusters);
        let hidden = Mlp::new(builder, "prior", net.style_dim, &[net.prior_hidden], Activation::Tanh);
        let out = Linear::new(builder, "prior.out", net.prior_hidden, 2 * k * net.latent_dim);
        Self { hidden, out, shape: [2, k as i64, net.latent_dim as i64] }
    }

    /// # Shapes
    /// `w`: `[n, W]`.
    fn at(&self, w: &Tensor) -> Components {
        let [two, k, j] = self.shape;
        let both = self.out.forward(&self.hidden.forward(w)).view([-1, two, k, j]);
        let log_var = both.select(1, 1).clamp(-COMPONENT_LIMIT, COMPONENT_LIMIT);
        Components { mu: both.select(1, 0), log_var }
    }
}

/// The networks of GMVAE.
#[derive(Debug)]
pub struct GmvaeNet {
    params: Params,
    shared_encoder: Box<dyn SharedEncoder>,
    heads: [Linear; 4],
    clusters: Clusters,
    generator: Box<dyn Generator>,
    likelihood: Likelihood,
    lambda: f64,
    n_samples: i64,
}

impl GmvaeNet {
    /// New networks; `image` is the image to convolve, if any.
    pub fn new(
        config: &GmvaeConfig,
        (likelihood, dim): (&Likelihood, usize),
        image: Option<ImageShape>,
        streams: &Streams,
        device: Device,
    ) -> Self {
        let net = &config.net;
        let mut params = Params::new();
        let mut b = Builder { params: &mut params, streams, init: net.init, group: 0, device };
        let (shared_encoder, width): (Box<dyn SharedEncoder>, usize) = match image {
            Some(image) => {
                (Box::new(ConvSharedEncoder::new(&mut b, image, net.conv_features)), net.conv_features)
            }
            None => (
                Box::new(MlpSharedEncoder::new(&mut b, dim, &net.hidden)),
                net.hidden.last().copied().unwrap_or(dim),
            ),
        };
        let heads = [
            ("encoder.mu", net.latent_dim),
            ("encoder.log_var", net.latent_dim),
            ("encoder.mu_w", net.style_dim),
            ("encoder.log_var_w", net.style_dim),
        ]
        .map(|(name, n_out)| Linear::new(&mut b, name, width, n_out));
        let clusters = Clusters::new(&mut b, config);
        let generator: Box<dyn Generator> = match image {
            Some(image) => Box::new(ConvGenerator::new(&mut b, image, net.conv_features, net.latent_dim)),
            None => Box::new(Decoder::new(&mut b, &net.mlp(), dim)),
        };
        let (lambda, n_samples) = (config.lambda, config.n_samples as i64);
        Self {
            params,
            shared_encoder,
            heads,
            clusters,
            generator,
            likelihood: likelihood.clone(),
            lambda,
            n_samples,
        }
    }

    /// The image that the networks convolve, if any.
    ///
    /// # Errors
    /// [`crate::Error::Config`] when convolutions are asked for and do not fit.
    pub fn image(config: &GmvaeConfig, image: Option<ImageShape>) -> Result<Option<ImageShape>> {
        config.net.kind.resolve(image, suits, "images with even sides of at least 14 pixels")
    }

    fn recognise(&self, x: &Tensor, statistics: Statistics) -> Recognition {
        let h = self.shared_encoder.features(x, statistics);
        let [mu, log_var, mu_w, log_var_w] = &self.heads;
        let log_variance = |head: &Linear| guarded(&head.forward(&h));
        Recognition {
            mu: mu.forward(&h),
            log_var: log_variance(log_var),
            mu_w: mu_w.forward(&h),
            log_var_w: log_variance(log_var_w),
        }
    }

    /// Draws of N(mu, exp log_var), draw after draw, `[M·b, width]`.
    fn draw(
        &self,
        name: &'static str,
        mu: &Tensor,
        log_var: &Tensor,
        batch: &Batch<'_>,
    ) -> CoreResult<Tensor> {
        let (b, width) = (mu.size()[0], mu.size()[1]);
        let shape = [self.n_samples, b, width];
        let noise = batch.normal(name, &shape)?;
        Ok(reparameterised(mu, log_var, &noise).view([-1, width]))
    }
}

impl Trainable for GmvaeNet {
    fn params(&self) -> &Params {
        &self.params
    }

    fn loss(&self, batch: &Batch<'_>) -> CoreResult<Loss> {
        let r = self.recognise(batch.x, Statistics::Update);
        let z = self.draw("noise", &r.mu, &r.log_var, batch)?;
        let w = self.draw("style", &r.mu_w, &r.log_var_w, batch)?;
        let out = self.generator.decode(&z, Statistics::Update);
        let t = loss(&self.likelihood, &r, &z, &self.clusters.at(&w), (&out, batch.target()), self.lambda);
        let Terms { total, rec, cond, w, z } = t;
        Ok(Loss { total, terms: vec![("rec", rec), ("cond", cond), ("w", w), ("z", z)] })
    }

    fn observe(&self, data: &Resident<'_>) -> CoreResult<Option<Tensor>> {
        observe(self, data)
    }
}

impl Network for GmvaeNet {
    fn gamma(&self, x: &Tensor) -> Tensor {
        let r = self.recognise(x, Statistics::Running);
        log_responsibility(&r.mu, &self.clusters.at(&r.mu_w)).softmax(-1, None::<Kind>)
    }

    fn code(&self, x: &Tensor) -> Tensor {
        self.recognise(x, Statistics::Running).mu
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let h = self.shared_encoder.describe(program, x)?;
        let [mu, _, mu_w, _] = &self.heads;
        let (codes, style) = (mu.describe(program, &h)?, mu_w.describe(program, &h)?);
        let h = self.clusters.hidden.describe(program, &style)?;
        let components = self.clusters.out.describe(program, &h)?;
        let n_clusters = self.clusters.shape[1] as usize;
        let op = Op::MovingMixture { n_clusters, log_var_limit: COMPONENT_LIMIT };
        let scores = program.add(op, &[&codes, &components], &[])?;
        Ok(Outputs { scores, are_probabilities: true, codes })
    }

    fn latent_dim(&self) -> usize {
        self.heads[0].bias.size()[0] as usize
    }

    fn means(&self, z: &Tensor) -> Tensor {
        self.likelihood.mean(&self.generator.decode(z, Statistics::Running))
    }

    fn sample(&self, cluster: usize, n: usize, streams: &Streams, device: Device) -> Tensor {
        let style = self.heads[2].bias.size()[0];
        let w = normal(&mut streams.rng("style", cluster, 0), &[n as i64, style], device);
        let components = self.clusters.at(&w);
        let of = |t: &Tensor| t.select(1, cluster as i64);
        let (mu, log_var) = (of(&components.mu), of(&components.log_var));
        let noise = normal(&mut streams.rng("noise", cluster, 0), &mu.size(), device);
        self.means(&reparameterised(&mu, &log_var, &noise))
    }
}

#[cfg(test)]
mod tests;
