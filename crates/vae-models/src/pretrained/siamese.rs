//! The phases `neighbours` and `siamese`: a distance learnt from the neighbours of the features.

use super::codes::Codes;
use crate::{Error, Result};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::net::NetConfig;
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_graph::knn::{self, Knn, Metric, Neighbours};
use vae_graph::siamese::{self, SiameseConfig, SiameseInit};

/// Nearest neighbours of the rows of `x` by `metric`, and a Siamese network trained on them; its
/// codes are the artefact's tensor `codes`. `encoder`, of the same layers, has its initial weights
/// where `config` asks for them. Takes fewer neighbours where there are fewer rows.
pub(crate) fn siamese(
    x: &Features,
    config: &SiameseConfig,
    metric: Metric,
    (net, encoder): (&NetConfig, Option<&Artefact>),
    cx: &FitContext,
    records: &mut Vec<PhaseRecord>,
) -> Result<Artefact> {
    let config = &SiameseConfig { n_positives: config.n_positives.min(x.n() - 1), ..config.clone() };
    let k = config.n_positives;
    let spec = PhaseSpec {
        name: "neighbours",
        revisions: &[&[knn::REVISION]],
        config: &(k, metric),
        inputs: &[x.sha256()],
    };
    let near = cx.phase(&spec, |_| -> Result<Artefact> {
        let mut tensors = Tensors::new();
        Knn { k, metric }.of(x, cx)?.store("", &mut tensors)?;
        Ok(Artefact { tensors, ..Artefact::default() })
    })?;
    let mut inputs = vec![x.sha256(), &near.record.key];
    inputs.extend(encoder.map(|e| e.record.key.as_str()));
    let spec = PhaseSpec {
        name: "siamese",
        revisions: &[siamese::REVISIONS],
        config: &(config, net),
        inputs: &inputs,
    };
    let trained = cx.phase(&spec, |phase| -> Result<Artefact> {
        Ok(config.fit(x, &Neighbours::load("", &near.tensors)?, net, encoder, phase)?)
    })?;
    records.push(near.record);
    records.push(trained.record.clone());
    Ok(trained)
}

/// Checks the settings of a Siamese network that cannot be initialised by an encoder.
///
/// # Errors
/// An error that names the key.
pub(crate) fn check_random_siamese(config: &SiameseConfig) -> Result<()> {
    if config.start == SiameseInit::Encoder {
        let expected = "\"random\": this Siamese network does not have the encoder's layers";
        return Err(Error::config("start", "encoder", expected));
    }
    Ok(config.check()?)
}

impl Codes<'_> {
    /// [`siamese`] on the features, with the encoder's layers.
    pub fn siamese(
        &self,
        config: &SiameseConfig,
        metric: Metric,
        records: &mut Vec<PhaseRecord>,
    ) -> Result<Artefact> {
        siamese(self.x, config, metric, (self.net, Some(self.autoencoder)), self.cx, records)
    }
}
