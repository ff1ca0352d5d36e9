//! The phases `neighbours` and `siamese`: distances that follow the neighbours of the features.

use crate::Result;
use crate::mixture::gmm_phase;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::net::NetConfig;
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_graph::knn::{Knn, Metric, Neighbours};
use vae_graph::siamese::SiameseConfig;

/// Raised when the code below changes its result.
const REVISION: u32 = 1;

/// Nearest neighbours of the features, and a Siamese network trained on them; its codes are the artefact's tensor `codes`.
pub(crate) fn siamese_codes(
    x: &Features,
    net: &NetConfig,
    (config, metric): (&SiameseConfig, Metric),
    autoencoder: &Artefact,
    cx: &FitContext,
    records: &mut Vec<PhaseRecord>,
) -> Result<Artefact> {
    let k = config.n_positives.min(x.n() - 1);
    let spec =
        PhaseSpec { name: "neighbours", revision: REVISION, config: &(k, metric), inputs: &[x.sha256()] };
    let near = gmm_phase(cx, &spec, |_| {
        let mut tensors = Tensors::new();
        Knn { k, metric }.of(x, cx)?.store("", &mut tensors)?;
        Ok(Artefact { tensors, ..Artefact::default() })
    })?;
    let spec = PhaseSpec {
        name: "siamese",
        revision: REVISION,
        config: &(config, net),
        inputs: &[x.sha256(), &near.record.key, &autoencoder.record.key],
    };
    let neighbours = Neighbours::load("", &near.tensors)?;
    let trained = cx.phase(&spec, |phase| config.fit(x, &neighbours, net, Some(autoencoder), phase))?;
    records.push(near.record);
    records.push(trained.record.clone());
    Ok(trained)
}
