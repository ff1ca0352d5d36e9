//! The state of a training that its checkpoint holds.

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
    /// The model's state besides its parameters.
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

    /// Reads `path` into the parameters and the optimiser. `None` when it belongs to another phase
    /// key (the configuration was changed): then the training starts anew.
    pub fn load(path: &Path, key: &str, params: &Params, optimizer: &mut Optimizer) -> Result<Option<Self>> {
        let (mut tensors, stored): (Tensors, Stored) =
            bundle::load(path).map_err(|e| e.remedy(bundle::MAKE_ANEW))?;
        if stored.key != key {
            return Ok(None);
        }
        let wrong = |e: Error| e.of_file(path, bundle::START_ANEW);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::{Group, Rule};
    use tch::Tensor;

    #[test]
    fn a_checkpoint_without_a_tensor_is_named_with_what_to_do() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("train.checkpoint");
        let mut params = Params::new();
        let _ = params.add("w", Tensor::from_slice(&[1.0f32, 2.0]), 0);
        let groups = vec![Group { lr: 0.1, weight_decay: 0.0 }];
        let optimizer = || Optimizer::new(Rule::sgd(0.5), groups.clone(), &params).expect("valid");
        State::default().save(&path, "key", &params, &optimizer()).expect("saved");
        let (whole, stored): (Tensors, Stored) = bundle::load(&path).expect("read");
        assert!(State::load(&path, "key", &params, &mut optimizer()).expect("complete").is_some());
        for missing in ["model.w", "optimizer.w.0", "optimizer.t"] {
            let less = whole.iter().filter(|(name, _)| *name != missing);
            let less = less.map(|(name, t)| (name.clone(), t.shallow_clone())).collect();
            bundle::save(&path, &less, &stored).expect("saved");
            let e = State::load(&path, "key", &params, &mut optimizer()).expect_err("incomplete");
            assert!(matches!(e, Error::Corrupt { .. }), "{e:?}");
            let text = e.to_string();
            for part in ["train.checkpoint", &format!("has no tensor `{missing}`"), "delete the run folder"] {
                assert!(text.contains(part), "no {part} in {text}");
            }
        }
    }
}
