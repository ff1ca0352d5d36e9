//! q(c | z): a small network, and its training on given assignments.

use super::config::ClassifierConfig;
use crate::Result;
use tch::{Kind, Tensor};
use vae_core::Features;
use vae_core::activation::Activation;
use vae_core::bundle::Tensors;
use vae_core::features::Resident;
use vae_core::init::Init;
use vae_core::net::{Builder, Linear, Mlp};
use vae_core::params::Params;
use vae_core::phase::{Artefact, PhaseContext};
use vae_core::train::{Batch, Loss, Trainable, train};

/// Logits of q(c | z).
#[derive(Debug)]
pub(super) struct Classifier {
    hidden: Mlp,
    out: Linear,
}

impl Classifier {
    /// `classifier.0` … and `classifier.out`.
    pub fn new(
        builder: &mut Builder<'_>,
        config: &ClassifierConfig,
        latent_dim: usize,
        n_clusters: usize,
    ) -> Self {
        let hidden = Mlp::new(builder, "classifier", latent_dim, &config.hidden, Activation::Relu);
        let width = config.hidden.last().copied().unwrap_or(latent_dim);
        let out = Linear::new(builder, "classifier.out", width, n_clusters);
        Self { hidden, out }
    }

    /// `ln q(c | z)`.
    ///
    /// # Shapes
    /// `z`: `[b, J]`; result `[b, K]`.
    pub fn log_gamma(&self, z: &Tensor) -> Tensor {
        self.out.forward(&self.hidden.forward(z)).log_softmax(-1, None)
    }
}

/// The mean cross-entropy of held assignments, nats.
///
/// # Shapes
/// `log_gamma`: `[b, K]`; `labels`: i64 `[b]`.
pub(super) fn cross_entropy(log_gamma: &Tensor, labels: &Tensor) -> Tensor {
    -log_gamma.gather(1, &labels.unsqueeze(1), false).mean(None::<Kind>)
}

struct OnCodes<'a> {
    params: Params,
    classifier: Classifier,
    labels: &'a Tensor,
}

impl Trainable for OnCodes<'_> {
    fn params(&self) -> &Params {
        &self.params
    }

    fn loss(&self, batch: &Batch<'_>) -> vae_core::Result<Loss> {
        let labels = self.labels.f_index_select(0, batch.index)?;
        let total = cross_entropy(&self.classifier.log_gamma(batch.x), &labels);
        Ok(Loss { terms: vec![], total })
    }
}

/// Trains a classifier on codes `[n, J]` and assignments (i64 `[n]`); the artefact holds `classifier.*`.
pub(super) fn pretrain(
    codes: &Features,
    labels: &Tensor,
    config: &ClassifierConfig,
    n_clusters: usize,
    phase: &PhaseContext<'_>,
) -> Result<Artefact> {
    let mut params = Params::new();
    let device = phase.fit.device;
    let mut builder =
        Builder { params: &mut params, streams: &phase.streams, init: Init::GlorotUniform, group: 0, device };
    let classifier = Classifier::new(&mut builder, config, codes.dim(), n_clusters);
    let model = OnCodes { params, classifier, labels };
    let data = Resident::new(codes, device)?;
    let (record, _) = train(&model, &data, &config.train, vec![config.train.group()], phase)?;
    let tensors: Tensors = model.params.snapshot("")?;
    Ok(Artefact { tensors, record })
}
