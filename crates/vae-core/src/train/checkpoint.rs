//! What a training has to remember to continue as if nothing had happened.

use crate::bundle::{self, Tensors};
use crate::optim::Optimizer;
use crate::params::Params;
use crate::phase::EpochRecord;
use crate::train::OBSERVED;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Position, sums and history of a training.
#[derive(Debug, Default)]
pub struct State {
    /// Finished epochs.
    pub epoch: usize,
    /// Finished steps of the current epoch.
    pub step: usize,
    /// Sums of loss and terms over the samples of the current epoch.
    pub sums: Vec<f64>,
    /// Names of the terms behind the loss.
    pub term_names: Vec<String>,
    pub history: Vec<EpochRecord>,
    pub epoch_wall_s: Vec<f64>,
    /// Wall seconds of the current epoch before this process.
    pub partial_epoch_s: f64,
    /// Wall and CPU seconds of the training before this process.
    pub wall_s: f64,
    pub cpu_s: f64,
    /// Observed assignments.
    pub observed: Tensors,
    /// What the model keeps besides its parameters.
    pub of_model: Tensors,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    key: String,
    epoch: usize,
    step: usize,
    sums: Vec<f64>,
    term_names: Vec<String>,
    history: Vec<EpochRecord>,
    epoch_wall_s: Vec<f64>,
    partial_epoch_s: f64,
    wall_s: f64,
    cpu_s: f64,
}

const MODEL: &str = "model.";
const OPTIMIZER: &str = "optimizer.";
const STATE: &str = "state.";

impl State {
    /// A copy that shares the observed tensors, without the state of the model.
    pub fn shallow_clone(&self) -> Self {
        Self {
            epoch: self.epoch,
            step: self.step,
            sums: self.sums.clone(),
            term_names: self.term_names.clone(),
            history: self.history.clone(),
            epoch_wall_s: self.epoch_wall_s.clone(),
            observed: self.observed.iter().map(|(k, v)| (k.clone(), v.shallow_clone())).collect(),
            of_model: Tensors::new(),
            ..*self
        }
    }

    /// Writes everything to `path`, atomically.
    pub fn save(self, path: &Path, key: &str, params: &Params, optimizer: &Optimizer) -> Result<()> {
        let mut tensors = params.snapshot(MODEL)?;
        optimizer.save_state(params, OPTIMIZER, &mut tensors)?;
        tensors.extend(self.observed);
        tensors.extend(self.of_model.into_iter().map(|(name, t)| (format!("{STATE}{name}"), t)));
        let stored = Stored {
            key: key.to_string(),
            epoch: self.epoch,
            step: self.step,
            sums: self.sums,
            term_names: self.term_names,
            history: self.history,
            epoch_wall_s: self.epoch_wall_s,
            partial_epoch_s: self.partial_epoch_s,
            wall_s: self.wall_s,
            cpu_s: self.cpu_s,
        };
        bundle::save(path, &tensors, &stored)
    }

    /// Reads `path` into the parameters and the optimiser. `None` when it belongs to another phase key (the
    /// configuration was changed): then the training starts anew.
    pub fn load(path: &Path, key: &str, params: &Params, optimizer: &mut Optimizer) -> Result<Option<Self>> {
        let (mut tensors, stored): (Tensors, Stored) =
            bundle::load(path).map_err(|e| e.remedy(bundle::MAKE_ANEW))?;
        if stored.key != key {
            return Ok(None);
        }
        let wrong = |e: Error| Error::corrupt(path, format!("{e}; delete the run folder and start anew"));
        params.load(&tensors, MODEL).map_err(wrong)?;
        optimizer.load_state(params, OPTIMIZER, &tensors).map_err(wrong)?;
        let of_model = tensors
            .iter()
            .filter_map(|(name, t)| Some((name.strip_prefix(STATE)?.to_string(), t.shallow_clone())))
            .collect();
        tensors.retain(|name, _| name.starts_with(OBSERVED));
        Ok(Some(Self {
            epoch: stored.epoch,
            step: stored.step,
            sums: stored.sums,
            term_names: stored.term_names,
            history: stored.history,
            epoch_wall_s: stored.epoch_wall_s,
            partial_epoch_s: stored.partial_epoch_s,
            wall_s: stored.wall_s,
            cpu_s: stored.cpu_s,
            observed: tensors,
            of_model,
        }))
    }
}
