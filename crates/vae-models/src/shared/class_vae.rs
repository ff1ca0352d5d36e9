//! A VAE with a classifier: encoder, decoder, classifier and class means, with the loss that the
//! training loop calls. VAE-Cluster and Conv-VAE are made of it.

mod loss;

pub use loss::{EPS, Encoded, Terms, category, energy, kl, loss};
pub(crate) use loss::{class_terms, held_loss};

use crate::Result;
use crate::shared::encoder_decoder::{self, Code, Decode, Encode};
use crate::shared::from_random::{Evidence, Network, observe};
use crate::shared::posterior::{self, guarded, reparameterised};
use tch::{Device, Kind, Tensor};
use vae_core::Result as CoreResult;
use vae_core::activation::Activation;
use vae_core::features::Resident;
use vae_core::identity::Revision;
use vae_core::kl::gaussian_to_standard;
use vae_core::likelihood::Likelihood;
use vae_core::net::{Builder, Linear, Mlp};
use vae_core::params::Params;
use vae_core::program::{Op, Outputs, Program, Value};
use vae_core::random::{Streams, normal};
use vae_core::train::{Batch, Loss, Trainable};

/// The networks and the loss that VAE-Cluster and Conv-VAE share, with what they use.
pub const REVISIONS: &[Revision] = &[("class-vae", 1), posterior::REVISION, encoder_decoder::REVISION];

/// Name of the class means among the parameters.
pub(crate) const MEANS: &str = "prior.means";

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

    fn describe(&self, program: &mut Program, h: &Value) -> Result<Value> {
        let h = self.hidden.describe(program, h)?;
        let logits = self.out.describe(program, &h)?;
        Ok(program.add(Op::Softmax, &[&logits], &[])?)
    }
}

/// The prior of z.
#[derive(Debug)]
pub enum Prior {
    /// N(m_k, I) for each class, means `[K, J]`: VAE-Cluster's loss.
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

/// What replaces the classifier's output in the loss; the classifier learns it, without a gradient
/// with respect to the latents.
#[derive(Debug)]
pub enum Held {
    /// y = 1/K for every sample: a VAE without classes.
    Uniform,
    /// Assignments, i64 `[n]` on the device, in the first `epochs`.
    Labels { labels: Tensor, epochs: usize },
}

/// A VAE with a classifier: the networks of VAE-Cluster and of Conv-VAE.
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
    /// The fixed y of a batch, `[b, K]`; `None` where the classifier's output is used.
    pub(crate) fn held_y(&self, batch: &Batch<'_>) -> CoreResult<Option<Tensor>> {
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

    /// Softmax of the classifier; `z` is a sample in training and the mean in prediction.
    fn classify(&self, features: &Tensor, z: &Tensor) -> Tensor {
        self.classifier.forward(match self.classifier_input {
            ClassifierInput::Latent => z,
            ClassifierInput::Features => features,
        })
    }
}

/// The means of the class Gaussians, all zero: the classifier's random weights break the symmetry.
/// They are in group 1 of the parameters, which has no weight decay.
pub(crate) fn class_means(params: &mut Params, k: usize, j: usize, device: Device) -> Tensor {
    params.add(MEANS, Tensor::zeros([k as i64, j as i64], (Kind::Float, device)), 1)
}

impl Trainable for ClusterNet {
    fn params(&self) -> &Params {
        &self.params
    }

    fn loss(&self, batch: &Batch<'_>) -> CoreResult<Loss> {
        let Code { mu, log_var, features } = self.encoder.encode(batch.x);
        let log_var = guarded(&log_var);
        let noise = batch.normal("noise", &mu.size())?;
        let z = reparameterised(&mu, &log_var, &noise);
        let out = self.decoder.decode(&z);
        let terms = match (&self.prior, self.held_y(batch)?) {
            (Prior::Classes(means), None) => {
                let y = self.classify(&features, &z);
                loss(&self.likelihood, &Encoded { z, log_var, y }, means, &out, batch.target())
            }
            // Here `cat` is KL(held ‖ classifier), not minus the classifier's entropy.
            (Prior::Classes(means), Some(y)) => {
                let learnt = self.classify(&features.detach(), &z.detach());
                held_loss(&self.likelihood, &Encoded { z, log_var, y }, &learnt, means, &out, batch.target())
            }
            (Prior::Standard(category), _) => {
                let b = batch.x.size()[0] as f64;
                let rec = self.likelihood.nll_sum(&out, batch.target()) / b;
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

    fn latent_dim(&self) -> usize {
        self.latent_dim
    }

    fn means(&self, z: &Tensor) -> Tensor {
        self.likelihood.mean(&self.decoder.decode(z))
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let (codes, features) = self.encoder.describe(program, x)?;
        let read = match self.classifier_input {
            ClassifierInput::Latent => &codes,
            ClassifierInput::Features => &features,
        };
        let scores = self.classifier.describe(program, read)?;
        Ok(Outputs { scores, are_probabilities: true, codes })
    }

    fn has_priors(&self) -> bool {
        matches!(self.prior, Prior::Classes(_))
    }

    fn evidence(&self) -> Option<&dyn Evidence> {
        Some(self)
    }

    fn sample(&self, cluster: usize, n: usize, streams: &Streams, device: Device) -> Tensor {
        let shape = [n as i64, self.latent_dim as i64];
        let noise = normal(&mut streams.rng("noise", cluster, 0), &shape, device);
        let z = match &self.prior {
            Prior::Classes(means) => noise + means.get(cluster as i64),
            Prior::Standard(_) => noise,
        };
        self.means(&z)
    }
}

impl Evidence for ClusterNet {
    fn likelihood(&self) -> &Likelihood {
        &self.likelihood
    }

    fn decoded(&self, x: &Tensor) -> (Tensor, Tensor) {
        let Code { mu, log_var, features } = self.encoder.encode(x);
        let log_var = guarded(&log_var);
        let latent = match &self.prior {
            Prior::Classes(means) => class_terms(&mu, &log_var, &self.classify(&features, &mu), means),
            // The term of the classifier is no part of a bound of ln p(x).
            Prior::Standard(_) => -gaussian_to_standard(&mu, &log_var),
        };
        (self.decoder.decode(&mu), latent)
    }
}
