//! The one training loop.
//!
//! Data resident on the device, seeded shuffling, a gather per batch, a schedule, a history, an
//! error for losses that are not finite, checkpoints in time intervals and at SIGINT/SIGTERM. After
//! a kill at any time, the same call continues from the last checkpoint and ends with the same
//! bytes (same machine, build, threads and library of products): randomness is counter-based, and
//! the rest of the state is in the checkpoint.

mod ahead;
mod batches;
mod checkpoint;
mod config;
mod pending;
mod trainable;

pub use ahead::Ahead;
pub use batches::{Batches, Order};
pub use config::{TrainConfig, check_epochs};
pub use trainable::{Batch, Loss, Trainable};

use crate::bundle::{START_ANEW, Tensors};
use crate::features::Resident;
use crate::identity::Revision;
use crate::matmul::in_f32;
use crate::optim::{Group, Optimizer, gradient_norm};
use crate::phase::{EpochRecord, PhaseContext, PhaseRecord};
use crate::resources::Clock;
use crate::{Error, Result};
use batches::{Drawer, Sizes};
use checkpoint::State;
use pending::{Pending, first_non_finite};
use std::time::Instant;
use tch::{Kind, Tensor};

/// The loop: batches, optimisers, schedules, clipping, checkpoints.
pub const REVISION: Revision = ("training", 1);

/// Prefix of the observed assignments among the tensors a training returns: `observed.{epoch}`,
/// 1-based.
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
    let batches = model.batches();
    let sizes = Sizes { batches, n: data.n(), batch_size: config.batch_size };
    let n_steps = sizes.n_steps();
    let ahead = Ahead::new(&cx.streams, data.device(), n_steps, (sizes.full(), sizes.last()));
    let (device, block_rows) = (data.device(), config.block_rows_of(data));
    let drawer = Drawer { sizes, device, streams: &cx.streams, block_rows, pass: None };
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
    let mut run = Run { model, data, config, cx, drawer, ahead, optimizer, state, clock };
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
    ahead: Ahead<'a>,
    optimizer: Optimizer,
    state: State,
    /// Time since this process started or resumed the training; `state` holds the time before.
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
        self.drawer.sizes.n_steps()
    }

    fn all_epochs(&mut self) -> Result<()> {
        let progress = &self.cx.fit.progress;
        let steps = self.n_steps();
        let done = self.state.epoch * steps + self.state.step;
        progress.start(&self.cx.name, self.config.epochs, steps, self.drawer.sizes.n_rows(), done);
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
            let index = self.drawer.draw(self.state.epoch, self.state.step, &self.ahead)?;
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
        let targets = self.data.gather_targets(index)?;
        let batch = Batch {
            x: &x,
            targets: targets.as_ref(),
            index,
            epoch,
            step,
            streams: &self.cx.streams,
            ahead: Some(&self.ahead),
        };
        let (model, optimizer) = (self.model, &mut self.optimizer);
        let loss = self.cx.fit.precision.during(|| optimizer.forward(|| model.loss(&batch)))?;
        let params = model.params();
        let mut grads = optimizer.gradients(&loss.total, params)?;
        if self.config.grad_clip_norm > 0.0 {
            grads = grads.into_iter().map(in_f32).collect();
            let norm = gradient_norm(&grads)?;
            // On the device, so that no step waits for a number.
            let factor = (norm.f_full_like(self.config.grad_clip_norm)? / &norm).f_clamp_max(1.0)?;
            for g in &mut grads {
                let _ = g.f_mul_(&factor)?;
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

    /// Reads the pending losses, adds them to the epoch's sums and returns an error for one that is
    /// not finite.
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

    /// Checks that the parameters are finite: the loss of the last step was computed before their
    /// update.
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
        let n = self.drawer.sizes.n_rows() as f64;
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

#[cfg(test)]
mod tests;
