//! The training of q(c | z) on codes with given assignments.

use super::super::config::ClassifierConfig;
use super::super::loss::cross_entropy;
use super::super::net::Classifier;
use crate::Result;
use tch::Tensor;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::Resident;
use vae_core::init::Init;
use vae_core::net::Builder;
use vae_core::params::Params;
use vae_core::phase::{Artefact, PhaseContext};
use vae_core::train::{Batch, Loss, Trainable, train};

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

/// Trains a classifier on codes `[n, J]` and assignments (i64 `[n]`); the artefact holds
/// `classifier.*`.
pub(in super::super) fn pretrain(
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
