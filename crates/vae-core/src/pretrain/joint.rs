//! All layers at once.

use super::{Autoencoder, PretrainConfig, groups_of, mask, reconstruction};
use crate::Result;
use crate::features::Resident;
use crate::likelihood::Likelihood;
use crate::params::Params;
use crate::phase::{Artefact, PhaseContext};
use crate::train::{Batch, Loss, Trainable, train};

struct Joint<'a> {
    model: Autoencoder,
    config: &'a PretrainConfig,
    likelihood: &'a Likelihood,
}

impl Trainable for Joint<'_> {
    fn params(&self) -> &Params {
        &self.model.params
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let input = mask(batch.x, self.config.input_mask, "input_mask", batch)?;
        let out = self.model.decoder.forward(&self.model.encoder.mu(&input));
        let total = reconstruction(self.config.loss, self.likelihood, &out, batch.target());
        Ok(Loss { total, terms: vec![] })
    }
}

/// Trains `model` end to end from where it is.
pub(super) fn train_joint(
    mut model: Autoencoder,
    data: &Resident<'_>,
    config: &PretrainConfig,
    likelihood: &Likelihood,
    phase: &PhaseContext<'_>,
) -> Result<Artefact> {
    let groups = groups_of(&mut model.params, &config.train, config.bias_lr_factor);
    let joint = Joint { model, config, likelihood };
    let (record, _) = train(&joint, data, &config.train, groups, phase)?;
    Ok(Artefact { tensors: joint.model.params.snapshot("")?, record })
}
