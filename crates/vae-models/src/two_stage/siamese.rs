//! The phases `neighbours` and `siamese`: distances that follow the neighbours of the features.

use super::codes::Codes;
use crate::Result;
use vae_core::bundle::Tensors;
use vae_core::phase::{Artefact, PhaseRecord, PhaseSpec};
use vae_graph::knn::{Knn, Metric, Neighbours};
use vae_graph::siamese::SiameseConfig;

/// Raised when the code below changes its result.
const REVISION: u32 = 1;

impl Codes<'_> {
    /// Nearest neighbours of the features by `metric`, and a Siamese network trained on them that may start from the
    /// encoder; its codes are the artefact's tensor `codes`.
    pub fn siamese(
        &self,
        config: &SiameseConfig,
        metric: Metric,
        records: &mut Vec<PhaseRecord>,
    ) -> Result<Artefact> {
        let (x, cx) = (self.x, self.cx);
        let k = config.n_positives.min(x.n() - 1);
        let spec =
            PhaseSpec { name: "neighbours", revision: REVISION, config: &(k, metric), inputs: &[x.sha256()] };
        let near = cx.phase(&spec, |_| -> Result<Artefact> {
            let mut tensors = Tensors::new();
            Knn { k, metric }.of(x, cx)?.store("", &mut tensors)?;
            Ok(Artefact { tensors, ..Artefact::default() })
        })?;
        let spec = PhaseSpec {
            name: "siamese",
            revision: REVISION,
            config: &(config, self.net),
            inputs: &[x.sha256(), &near.record.key, self.key()],
        };
        let trained = cx.phase(&spec, |phase| -> Result<Artefact> {
            let neighbours = Neighbours::load("", &near.tensors)?;
            Ok(config.fit(x, &neighbours, self.net, Some(self.autoencoder), phase)?)
        })?;
        records.push(near.record);
        records.push(trained.record.clone());
        Ok(trained)
    }
}
