//! The one training loop.
//!
//! Data resident on the device, seeded shuffling, a gather per batch, a schedule, a history, a policy for losses that
//! are not finite, checkpoints in time intervals and at SIGINT/SIGTERM. Killed at any moment, the same call continues
//! from the last checkpoint and ends with the same bytes (same machine, build, threads and library of products): randomness is
//! counter-based, and everything else that matters is in the checkpoint.

mod batches;
mod checkpoint;
mod config;

pub use batches::{Batches, Order};
pub use config::{TrainConfig, check_epochs};

use crate::bundle::{START_ANEW, Tensors};
use crate::features::Resident;
use crate::identity::Revision;
use crate::optim::{Group, Optimizer, gradient_norm};
use crate::params::Params;
use crate::phase::{EpochRecord, PhaseContext, PhaseRecord};
use crate::random::Streams;
use crate::resources::Clock;
use crate::{Error, Result};
use batches::Drawer;
use checkpoint::State;
use std::time::Instant;
use tch::{Device, Kind, Tensor};

/// The loop: batches, optimisers, schedules, clipping, checkpoints.
pub const REVISION: Revision = ("training", 1);

/// One mini-batch.
#[derive(Debug)]
pub struct Batch<'a> {
    /// `[b, d]` on the device.
    pub x: &'a Tensor,
    /// Rows of the data, i64 `[b]` on the device.
    pub index: &'a Tensor,
    /// 0-based.
    pub epoch: usize,
    /// 0-based within the epoch.
    pub step: usize,
    /// The phase's random streams; draw noise with `streams.rng(name, epoch, step)`.
    pub streams: &'a Streams,
}

/// The loss of one batch.
#[derive(Debug)]
pub struct Loss {
    /// Scalar, nats per sample (mean over the batch); gradients are taken of it.
    pub total: Tensor,
    /// Its parts, scalars without gradient, for the history and for errors.
    pub terms: Vec<(&'static str, Tensor)>,
}

/// Something the loop can train.
pub trait Trainable {
    /// The parameters, all of which take part in the loss.
    fn params(&self) -> &Params;

    /// The loss of one batch.
    ///
    /// # Errors
    /// What the model cannot compute.
    fn loss(&self, batch: &Batch<'_>) -> Result<Loss>;

    /// How batches are drawn.
    fn batches(&self) -> Batches {
        Batches::Passes
    }

    /// Asked after [`Trainable::begin_epoch`]: whether the training ends here, before its last epoch.
    fn is_done(&self) -> bool {
        false
    }

    /// Whether the optimiser forgets its moments before each epoch.
    fn restarts_optimizer(&self) -> bool {
        false
    }

    /// Called before the first step of an epoch (0-based), for what changes between epochs.
    ///
    /// # Errors
    /// What the model cannot compute.
    fn begin_epoch(&self, _epoch: usize, _data: &Resident<'_>) -> Result<()> {
        Ok(())
    }

    /// What training changes besides the parameters, by name; checkpoints keep it.
    ///
    /// # Errors
    /// What the model cannot compute.
    fn state(&self) -> Result<Tensors> {
        Ok(Tensors::new())
    }

    /// Takes back what [`Trainable::state`] returned, when a training is continued.
    ///
    /// # Errors
    /// When something is missing.
    fn restore(&self, _state: &Tensors) -> Result<()> {
        Ok(())
    }

    /// Assignments of all samples for the accuracy curve, u8 `[n]`, or `None`. The loop stores them and hands them out
    /// after the fit; nothing in here sees what becomes of them.
    ///
    /// # Errors
    /// What the model cannot compute.
    fn observe(&self, _data: &Resident<'_>) -> Result<Option<Tensor>> {
        Ok(None)
    }
}

/// Prefix of the observed assignments among the tensors a training returns: `observed.{epoch}`, 1-based.
pub const OBSERVED: &str = "observed.";

/// Trains `model` in place and returns the record of the phase and the observed assignments.
///
/// # Errors
/// [`Error::Config`] for a bad configuration, [`Error::NonFiniteLoss`] naming epoch, step and term,
/// [`Error::Interrupted`] after the state was saved, and the errors of files and libtorch.
pub fn train(
    model: &dyn Trainable,
    data: &Resident<'_>,
    config: &TrainConfig,
    groups: Vec<Group>,
    cx: &PhaseContext<'_>,
) -> Result<(PhaseRecord, Tensors)> {
    config.check_rest()?;
    let drawer = Drawer {
        batches: model.batches(),
        n: data.n(),
        batch_size: config.batch_size,
        device: data.device(),
        streams: &cx.streams,
        pass: None,
    };
    let n_steps = drawer.n_steps();
    let asked = config.epochs;
    let config = &config.resolved(n_steps);
    if config.epochs > asked {
        let TrainConfig { epochs, min_updates, .. } = config;
        let steps = if n_steps == 1 { "1 update".into() } else { format!("{n_steps} updates") };
        cx.fit.progress.note(&format!(
            "{}: {epochs} epochs instead of {asked}, for an epoch has {steps} and `min_updates` is {min_updates}",
            cx.name
        ));
    }
    let optimizer = Optimizer::new(config.rule(), groups, model.params())?;
    let (state, clock) = (State::default(), Clock::start());
    let mut run = Run { model, data, config, cx, drawer, optimizer, state, clock };
    run.resume()?;
    run.all_epochs()?;
    let state = run.state;
    let record = PhaseRecord {
        epochs: state.epoch,
        wall_s: state.wall_s + run.clock.wall_s(),
        cpu_s: state.cpu_s + run.clock.cpu_s(),
        final_loss_nats: state.history.last().map(|e| e.loss),
        history: state.history,
        epoch_wall_s: state.epoch_wall_s,
        ..PhaseRecord::default()
    };
    Ok((record, state.observed))
}

struct Run<'a> {
    model: &'a dyn Trainable,
    data: &'a Resident<'a>,
    config: &'a TrainConfig,
    cx: &'a PhaseContext<'a>,
    drawer: Drawer<'a>,
    optimizer: Optimizer,
    state: State,
    /// Since this process took over; `state` holds the time before.
    clock: Clock,
}

impl Run<'_> {
    fn resume(&mut self) -> Result<()> {
        let Some(path) = self.cx.checkpoint.as_ref().filter(|p| p.exists()) else { return Ok(()) };
        let params = self.model.params();
        if let Some(state) = State::load(path, &self.cx.key, params, &mut self.optimizer)? {
            self.state = state;
            let restored = self.model.restore(&std::mem::take(&mut self.state.of_model));
            restored.map_err(|e| e.of_file(path, START_ANEW))?;
        }
        Ok(())
    }

    fn n_steps(&self) -> usize {
        self.drawer.n_steps()
    }

    fn all_epochs(&mut self) -> Result<()> {
        let progress = &self.cx.fit.progress;
        let steps = self.n_steps();
        let done = self.state.epoch * steps + self.state.step;
        progress.start(&self.cx.name, self.config.epochs, steps, self.drawer.n_rows(), done);
        let mut last_checkpoint = Instant::now();
        while self.state.epoch < self.config.epochs {
            let epoch_clock = Instant::now();
            if self.state.step == 0 {
                self.model.begin_epoch(self.state.epoch, self.data)?;
                if self.model.is_done() {
                    break;
                }
                if self.model.restarts_optimizer() {
                    self.optimizer.reset();
                }
            }
            self.one_epoch(&mut last_checkpoint, epoch_clock)?;
            let epoch = self.state.epoch;
            let loss = self.close_epoch(epoch_clock.elapsed().as_secs_f64())?;
            self.cx.fit.progress.epoch(epoch, loss);
        }
        self.cx.fit.progress.finish();
        Ok(())
    }

    fn one_epoch(&mut self, last_checkpoint: &mut Instant, epoch_clock: Instant) -> Result<()> {
        let mut pending = Pending::new(self.data.device());
        let n_steps = self.n_steps();
        while self.state.step < n_steps {
            let index = self.drawer.draw(self.state.epoch, self.state.step)?;
            let len = index.size()[0] as usize;
            let loss = self.one_step(&index)?;
            self.state.step += 1;
            pending.push(loss, len);
            let stop = self.cx.fit.interrupt.get();
            let due = last_checkpoint.elapsed() >= self.cx.fit.checkpoint_every;
            if pending.is_full() || stop.is_some() || due || self.state.step == n_steps {
                self.settle(&mut pending)?;
            }
            if stop.is_some() || due {
                self.checkpoint(epoch_clock.elapsed().as_secs_f64())?;
                *last_checkpoint = Instant::now();
            }
            if let Some(signal) = stop {
                return Err(Error::Interrupted { signal });
            }
        }
        Ok(())
    }

    /// Forward, backward, update.
    fn one_step(&mut self, index: &Tensor) -> Result<Loss> {
        let (epoch, step) = (self.state.epoch, self.state.step);
        let x = self.data.gather(index)?;
        let batch = Batch { x: &x, index, epoch, step, streams: &self.cx.streams };
        let loss = self.model.loss(&batch)?;
        let params = self.model.params();
        let mut grads = Tensor::f_run_backward(&[&loss.total], &params.tensors(), false, false)?;
        if self.config.grad_clip_norm > 0.0 {
            let norm = gradient_norm(&grads)?;
            if norm > self.config.grad_clip_norm {
                for g in &mut grads {
                    let _ = g.f_mul_scalar_(self.config.grad_clip_norm / norm)?;
                }
            }
        }
        let lrs = self.learning_rates();
        self.optimizer.set_momentum(self.config.momentum_at(self.optimizer.n_updates()));
        self.optimizer.step(params, &grads, &lrs)?;
        Ok(loss)
    }

    fn learning_rates(&self) -> Vec<f64> {
        let schedule = self.config.schedule();
        let progress = self.state.epoch as f64 + self.state.step as f64 / self.n_steps() as f64;
        self.optimizer.groups().iter().map(|g| schedule.lr(g.lr, progress)).collect()
    }

    /// Reads the pending losses, adds them to the epoch's sums and refuses what is not finite.
    fn settle(&mut self, pending: &mut Pending) -> Result<()> {
        let first = self.state.step - pending.losses.len();
        for (i, (values, len)) in pending.drain()?.into_iter().enumerate() {
            if let Some((term, value)) = first_non_finite(&pending.names, &values) {
                return Err(Error::NonFiniteLoss {
                    phase: self.cx.name.clone(),
                    epoch: self.state.epoch + 1,
                    step: first + i + 1,
                    term: term.to_string(),
                    value,
                });
            }
            self.state.sums.resize(values.len(), 0.0);
            for (sum, value) in self.state.sums.iter_mut().zip(&values) {
                *sum += value * len as f64;
            }
            let at = self.state.epoch * self.n_steps() + first + i + 1;
            self.cx.fit.progress.step(self.state.epoch, at, values[0]);
        }
        self.state.term_names = pending.names.iter().map(|n| (*n).to_string()).collect();
        Ok(())
    }

    /// Refuses parameters that are not finite: the loss of the last step was computed before they were updated.
    fn check_params(&self) -> Result<()> {
        for param in self.model.params().iter() {
            // In f64 a sum of f32 is finite unless a value is not.
            let sum = tch::no_grad(|| param.tensor.f_sum(Some(Kind::Double)))?.f_double_value(&[])?;
            if !sum.is_finite() {
                return Err(Error::NonFiniteLoss {
                    phase: self.cx.name.clone(),
                    epoch: self.state.epoch + 1,
                    step: self.state.step,
                    term: param.name.clone(),
                    value: sum,
                });
            }
        }
        Ok(())
    }

    /// Writes the epoch into the history and starts the next one. Returns the epoch's mean loss.
    fn close_epoch(&mut self, wall_s: f64) -> Result<f64> {
        self.check_params()?;
        let lr = self.learning_rates()[0];
        let n = self.drawer.n_rows() as f64;
        let state = &mut self.state;
        let means: Vec<f64> = state.sums.iter().map(|s| s / n).collect();
        let terms = state.term_names.iter().cloned().zip(means[1..].iter().copied()).collect();
        let record = EpochRecord { epoch: state.epoch + 1, loss: means[0], terms, lr };
        state.history.push(record);
        state.epoch_wall_s.push(state.partial_epoch_s + wall_s);
        state.epoch += 1;
        (state.step, state.partial_epoch_s) = (0, 0.0);
        state.sums.clear();
        let every = self.config.observe_every_epochs;
        if every > 0
            && (self.state.epoch.is_multiple_of(every) || self.state.epoch == self.config.epochs)
            && let Some(assignments) = self.model.observe(self.data)?
        {
            self.state.observed.insert(format!("{OBSERVED}{}", self.state.epoch), assignments);
        }
        Ok(means[0])
    }

    fn checkpoint(&mut self, epoch_wall_s: f64) -> Result<()> {
        let Some(path) = &self.cx.checkpoint else { return Ok(()) };
        let now = State {
            wall_s: self.state.wall_s + self.clock.wall_s(),
            cpu_s: self.state.cpu_s + self.clock.cpu_s(),
            partial_epoch_s: self.state.partial_epoch_s + epoch_wall_s,
            of_model: self.model.state()?,
            ..self.state.shallow_clone()
        };
        now.save(path, &self.cx.key, self.model.params(), &self.optimizer)
    }
}

/// Losses that were computed but not read yet: reading one from a GPU waits for it.
struct Pending {
    losses: Vec<(Tensor, usize)>,
    names: Vec<&'static str>,
    capacity: usize,
}

impl Pending {
    fn new(device: Device) -> Self {
        let capacity = if device == Device::Cpu { 1 } else { 32 };
        Self { losses: Vec::with_capacity(capacity), names: Vec::new(), capacity }
    }

    fn push(&mut self, loss: Loss, len: usize) {
        let (names, mut values): (Vec<_>, Vec<_>) =
            loss.terms.into_iter().map(|(n, t)| (n, t.detach())).unzip();
        values.insert(0, loss.total.detach());
        self.names = names;
        self.losses.push((Tensor::stack(&values, 0), len));
    }

    fn is_full(&self) -> bool {
        self.losses.len() >= self.capacity
    }

    /// The values of each pending step (total first) and its number of samples.
    fn drain(&mut self) -> Result<Vec<(Vec<f64>, usize)>> {
        self.losses
            .drain(..)
            .map(|(values, len)| {
                let values = values.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
                Ok((Vec::<f64>::try_from(&values)?, len))
            })
            .collect()
    }
}

/// What to blame for a step that is not finite: the first such term, else the total (`values[0]`).
fn first_non_finite<'a>(names: &[&'a str], values: &[f64]) -> Option<(&'a str, f64)> {
    let term = names.iter().zip(&values[1..]).find(|(_, v)| !v.is_finite());
    let total = (!values[0].is_finite()).then_some(("loss", values[0]));
    term.map(|(n, v)| (*n, *v)).or(total)
}

#[cfg(test)]
mod tests;
