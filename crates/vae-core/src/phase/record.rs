//! The result of a phase: tensors, and a record of what was computed and its cost.

use crate::bundle::{FIT_ANEW, Tensors};
use crate::identity::Revisions;
use crate::provenance::Provenance;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use tch::Tensor;

/// One epoch of a training, without a clock: equal runs have equal histories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// 1-based.
    pub epoch: usize,
    /// Mean loss per sample, in nats or, of the losses that are squared errors, in their unit.
    pub loss: f64,
    /// Mean of each term of the loss per sample, in the order of the model.
    pub terms: Vec<(String, f64)>,
    /// Learning rate of the first group at the end of the epoch.
    pub lr: f64,
}

/// The record of a phase.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// Name of the phase.
    pub name: String,
    /// Hash of everything the result depends on.
    pub key: String,
    /// The algorithms it used.
    #[serde(default)]
    pub revisions: Revisions,
    /// Epochs trained (0 for a phase that trains nothing).
    pub epochs: usize,
    /// Wall seconds when it was computed, interruptions excluded.
    pub wall_s: f64,
    /// CPU seconds when it was computed.
    pub cpu_s: f64,
    /// Whether this run took it from the cache.
    pub cached: bool,
    /// Mean loss of the last epoch, as in [`EpochRecord::loss`]; squared errors are not in nats.
    pub final_loss_nats: Option<f64>,
    /// Per epoch.
    pub history: Vec<EpochRecord>,
    /// Wall seconds per epoch.
    pub epoch_wall_s: Vec<f64>,
    /// Further results of the phase (how a restart was chosen, a convergence flag).
    pub notes: serde_json::Value,
    /// Its provenance: the process that computed its last step, also where this run took it from
    /// the cache. Files older than the field have none.
    #[serde(default)]
    pub made_by: Option<Provenance>,
}

/// The result of a phase.
#[derive(Debug, Default)]
pub struct Artefact {
    /// Tensors by name, on the CPU.
    pub tensors: Tensors,
    /// The record.
    pub record: PhaseRecord,
}

impl Artefact {
    /// The tensor `name`.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when the artefact has none: it was written by other code.
    pub fn tensor(&self, name: &str) -> Result<&Tensor> {
        self.tensors
            .get(name)
            .ok_or_else(|| Error::missing(format!("phase `{}`", self.record.name), name, FIT_ANEW))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_an_older_phase_is_read() {
        let record = PhaseRecord { name: "pretrain".into(), epochs: 3, ..PhaseRecord::default() };
        let mut value = serde_json::to_value(&record).expect("JSON");
        value.as_object_mut().expect("object").remove("made_by").expect("a new key");
        let older: PhaseRecord = serde_json::from_value(value).expect("read");
        assert_eq!((older.epochs, older.made_by), (3, None));
    }
}
