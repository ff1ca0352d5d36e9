use super::*;
use crate::features::Features;
use crate::interrupt::Interrupt;
use crate::params::Params;
use crate::phase::{Artefact, FitContext, PhaseSpec};
use crate::random::normal;
use ndarray::Array2;
use std::cell::Cell;
use std::path::Path;
use tch::Device;

/// Least squares with noise on the inputs: small, but it uses every part of the loop.
struct Line {
    params: Params,
    w: Tensor,
    /// Interrupts the training at this global step.
    stop_at: Cell<Option<usize>>,
    seen: Cell<usize>,
    interrupt: Interrupt,
    /// The term that becomes NaN at step 3 of epoch 2.
    poison: Option<&'static str>,
}

impl Line {
    fn new(interrupt: Interrupt) -> Self {
        let mut params = Params::new();
        let w = params.add("w", Tensor::from_slice(&[0.3f32, -0.2]).view([1, 2]), 0);
        let (stop_at, seen) = (Cell::new(None), Cell::new(0));
        Self { params, w, stop_at, seen, interrupt, poison: None }
    }
}

impl Trainable for Line {
    fn params(&self) -> &Params {
        &self.params
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        self.seen.set(self.seen.get() + 1);
        if self.stop_at.get() == Some(self.seen.get()) {
            self.interrupt.set(15);
        }
        let noise =
            normal(&mut batch.streams.rng("noise", batch.epoch, batch.step), &batch.x.size(), Device::Cpu);
        let y = (batch.x + noise * 0.1).linear(&self.w, None::<&Tensor>);
        let mut fit = (y - 1.0).square().mean(Kind::Float);
        let mut size = self.w.square().sum(Kind::Float) * 0.01;
        let total = &fit + &size;
        if (batch.epoch, batch.step) == (1, 2) {
            match self.poison {
                Some("fit") => fit *= f64::NAN,
                Some("size") => size *= f64::INFINITY,
                _ => {}
            }
        }
        Ok(Loss { total, terms: vec![("fit", fit), ("size", size)] })
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        let y = data.map_rows(4, |x| Ok(x.linear(&self.w, None::<&Tensor>)))?;
        Ok(Some(y.gt(0.5).view([-1]).to_kind(Kind::Uint8)))
    }
}

fn features() -> Features {
    Features::dense(Array2::from_shape_fn((23, 2), |(i, j)| ((i * 7 + j * 3) % 11) as f32 / 11.0))
        .expect("valid")
}

fn config() -> TrainConfig {
    TrainConfig { epochs: 4, batch_size: 5, lr: 0.05, observe_every_epochs: 2, ..TrainConfig::default() }
}

/// Trains in `dir`; stops after `stop_at` steps if given. Returns the artefact.
fn fit(
    dir: &Path,
    stop_at: Option<usize>,
    config: &TrainConfig,
    poison: Option<&'static str>,
) -> Result<Artefact> {
    let cx = FitContext { dir: Some(dir.to_path_buf()), ..FitContext::in_memory(5) };
    let features = features();
    let spec = PhaseSpec { name: "train", revisions: &[&[REVISION]], config, inputs: &[] };
    cx.phase(&spec, |phase| {
        let data = Resident::new(&features, Device::Cpu)?;
        let model = Line { poison, ..Line::new(phase.fit.interrupt.clone()) };
        model.stop_at.set(stop_at);
        let (record, mut tensors) = train(&model, &data, config, vec![config.group()], phase)?;
        tensors.extend(model.params.snapshot("")?);
        Ok(Artefact { tensors, record })
    })
}

#[test]
fn stopped_anywhere_it_ends_with_the_same_bytes() {
    let root = tempfile::tempdir().expect("temp dir");
    let whole = fit(&root.path().join("whole"), None, &config(), None).expect("trained");
    assert_eq!(whole.record.history.len(), 4);
    assert!(whole.record.history[3].loss < whole.record.history[0].loss);
    let names: Vec<&String> = whole.tensors.keys().collect();
    assert_eq!(names, ["observed.2", "observed.4", "w"]);
    // Every step of the 20 is tried as the place of a stop, some twice.
    for stop in 1..=20 {
        let dir = root.path().join(format!("stop-{stop}"));
        let stopped = fit(&dir, Some(stop), &config(), None);
        assert!(matches!(stopped, Err(Error::Interrupted { signal: 15 })), "{stopped:?}");
        if stop % 3 == 0 && stop < 18 {
            assert!(fit(&dir, Some(2), &config(), None).is_err());
        }
        let resumed = fit(&dir, None, &config(), None).expect("resumed");
        assert_eq!(resumed.record.history, whole.record.history, "stopped at step {stop}");
        for (name, tensor) in &whole.tensors {
            assert!(resumed.tensors[name].equal(tensor), "{name} after a stop at step {stop}");
        }
        assert!(!dir.join("phases/train.checkpoint").exists());
    }
}

#[test]
fn a_checkpoint_of_another_configuration_is_not_used() {
    let root = tempfile::tempdir().expect("temp dir");
    let dir = root.path().join("run");
    assert!(fit(&dir, Some(7), &config(), None).is_err());
    let other = TrainConfig { lr: 0.01, ..config() };
    let a = fit(&dir, None, &other, None).expect("trained");
    let b = fit(&root.path().join("fresh"), None, &other, None).expect("trained");
    assert!(a.tensors["w"].equal(&b.tensors["w"]));
}

#[test]
fn a_flipped_byte_in_the_checkpoint_is_an_error_that_names_the_file() {
    let root = tempfile::tempdir().expect("temp dir");
    assert!(fit(root.path(), Some(7), &config(), None).is_err());
    let path = root.path().join("phases/train.checkpoint");
    let mut bytes = std::fs::read(&path).expect("read");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).expect("write");
    let e = fit(root.path(), None, &config(), None).expect_err("damaged").to_string();
    assert!(e.contains("train.checkpoint") && e.contains("delete"), "{e}");
}

#[test]
fn a_loss_that_is_not_finite_names_epoch_step_and_term() {
    let root = tempfile::tempdir().expect("temp dir");
    for term in ["fit", "size"] {
        let e = fit(&root.path().join(term), None, &config(), Some(term)).expect_err("poisoned");
        match e {
            Error::NonFiniteLoss { epoch: 2, step: 3, term: named, .. } => assert_eq!(named, term),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn parameters_that_are_not_finite_after_the_last_step_are_named() {
    // One step: its loss is that of the first weights, finite.
    let root = tempfile::tempdir().expect("temp dir");
    let leap = TrainConfig { epochs: 1, batch_size: 23, lr: 1e300, ..config() };
    match fit(root.path(), None, &leap, None).expect_err("a leap") {
        Error::NonFiniteLoss { epoch: 1, step: 1, term, .. } => assert_eq!(term, "w"),
        other => panic!("{other}"),
    }
}

#[test]
fn clipping_bounds_the_update() {
    let root = tempfile::tempdir().expect("temp dir");
    let free = TrainConfig {
        optimizer: crate::optim::OptimizerKind::Sgd,
        momentum: 0.0,
        epochs: 1,
        batch_size: 23,
        ..config()
    };
    let clipped = TrainConfig { grad_clip_norm: 0.01, ..free.clone() };
    let moved = |config: &TrainConfig, dir: &str| {
        let w =
            fit(&root.path().join(dir), None, config, None).expect("trained").tensors["w"].shallow_clone();
        (w - Tensor::from_slice(&[0.3f32, -0.2]).view([1, 2])).norm().double_value(&[])
    };
    assert!(moved(&free, "free") > 0.01);
    assert!((moved(&clipped, "clipped") - 0.01 * 0.05).abs() < 1e-6);
}

#[test]
fn bad_settings_are_refused_by_name() {
    let root = tempfile::tempdir().expect("temp dir");
    let bad = TrainConfig { batch_size: 0, ..config() };
    assert!(fit(root.path(), None, &bad, None).is_err_and(|e| e.to_string().contains("batch_size")));
    let bad = TrainConfig { lr: f64::NAN, ..config() };
    assert!(fit(root.path(), None, &bad, None).is_err_and(|e| e.to_string().contains("lr")));
}
