//! What a person sees while a phase runs: a bar on a terminal, plain lines elsewhere.

use crate::output::{duration, quiet};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use vae_core::progress::{Progress, Silent};

/// A bar when stderr is a terminal, plain lines otherwise.
pub fn for_stderr() -> Box<dyn Progress> {
    match (quiet(), std::io::stderr().is_terminal()) {
        (true, _) => Box::new(Silent),
        (false, true) => Box::new(Bar::default()),
        (false, false) => Box::new(Lines::default()),
    }
}

/// A bar over `n` rows on a terminal that nothing else is written to.
pub fn rows_bar(n: usize, is_free: bool) -> ProgressBar {
    if !is_free || quiet() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(n as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} rows  {per_sec}  {eta} left");
    style.map_or_else(|_| ProgressBar::hidden(), |style| bar.with_style(style))
}

/// Rounds of something that has no loss: a bar on a terminal, elsewhere a line every ten seconds.
/// Nothing at all where they take less than a second.
pub struct Rounds {
    what: &'static str,
    n: usize,
    started: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl Rounds {
    /// `n` rounds of `what`, none of them done.
    pub fn new(what: &'static str, n: usize) -> Self {
        let now = Instant::now();
        Self { what, n, started: now, last_line: now, bar: None }
    }

    /// Says that so many are done.
    pub fn done(&mut self, round: usize) {
        if quiet() || self.started.elapsed() < Duration::from_secs(1) {
            return;
        }
        let Self { what, n, .. } = *self;
        if !std::io::stderr().is_terminal() {
            if self.last_line.elapsed() >= Duration::from_secs(10) || self.last_line == self.started {
                self.last_line = Instant::now();
                eprintln!("{what}: round {round}/{n}");
            }
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(n as u64), ProgressDrawTarget::stderr_with_hz(8));
            let style = ProgressStyle::with_template("{prefix:>10} {bar:30} round {pos}/{len}  {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.with_prefix(what)
        });
        bar.set_position(round as u64);
        if round >= n {
            bar.finish();
        }
    }
}

/// The least share of an epoch that tells how fast a training is.
const LEAST_SHARE: f64 = 0.1;

/// The least time after which a bar tells it.
const LEAST_SECONDS: f64 = 2.0;

#[derive(Debug, Clone)]
struct Running {
    phase: String,
    epochs: usize,
    steps: usize,
    n: usize,
    started: Instant,
    /// In epochs; a checkpoint may lie within one.
    done_at_start: f64,
    last_line: Option<Instant>,
}

impl Running {
    fn new(phase: &str, epochs: usize, steps: usize, n: usize, done: usize) -> Self {
        let steps = steps.max(1);
        let done_at_start = done as f64 / steps as f64;
        Self {
            phase: phase.into(),
            epochs,
            steps,
            n,
            started: Instant::now(),
            done_at_start,
            last_line: None,
        }
    }

    /// Samples a second and the remaining time, `seconds` after this process began, at `epoch`
    /// epochs of the phase: by what this process did alone. `None` where that is too little to
    /// tell.
    fn pace(&self, epoch: f64, seconds: f64) -> Option<(f64, Duration)> {
        let own = epoch - self.done_at_start;
        if own <= 0.0 || seconds <= 0.0 {
            return None;
        }
        let per_epoch = seconds / own;
        let left = (self.epochs as f64 - epoch).max(0.0) * per_epoch;
        Some((self.n as f64 / per_epoch, Duration::try_from_secs_f64(left).ok()?))
    }

    /// The line after `epoch` epochs, the last of them with the mean loss `loss`.
    fn line(&self, epoch: usize, loss: f64, seconds: f64) -> String {
        let Self { phase, epochs, .. } = self;
        let is_enough = epoch as f64 - self.done_at_start >= LEAST_SHARE;
        let pace = self.pace(epoch as f64, seconds).filter(|_| is_enough);
        let pace = pace.map_or_else(String::new, |(rate, left)| {
            format!("  {rate:.0} samples/s  {} s left", left.as_secs())
        });
        format!("{phase}: epoch {epoch}/{epochs}  loss {loss:.4}{pace}")
    }

    /// What stands beside the bar after `step` steps of the phase.
    fn beside_bar(&self, epoch: usize, step: usize, loss: f64, seconds: f64) -> String {
        let pace = self.pace(step as f64 / self.steps as f64, seconds).filter(|_| seconds >= LEAST_SECONDS);
        let pace = pace.map_or_else(String::new, |(rate, left)| {
            format!("  {rate:.0} samples/s  {} left", duration(left.as_secs_f64()))
        });
        format!("epoch {}/{}  loss {loss:.3}{pace}", epoch + 1, self.epochs)
    }
}

/// One bar per phase with loss, throughput and remaining time.
#[derive(Debug, Default)]
struct Bar {
    state: Mutex<Option<(Running, ProgressBar)>>,
}

impl Bar {
    fn with(&self, f: impl FnOnce(&mut Running, &ProgressBar)) {
        if let Ok(mut state) = self.state.lock()
            && let Some((running, bar)) = state.as_mut()
        {
            f(running, bar);
        }
    }
}

impl Progress for Bar {
    fn start(&self, phase: &str, epochs: usize, steps: usize, n: usize, done: usize) {
        let bar = ProgressBar::with_draw_target(
            Some((epochs * steps) as u64),
            ProgressDrawTarget::stderr_with_hz(8),
        );
        let style = ProgressStyle::with_template("{prefix:>10} {bar:30} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_prefix(phase.to_string());
        bar.set_position(done as u64);
        if let Ok(mut state) = self.state.lock() {
            *state = Some((Running::new(phase, epochs, steps, n, done), bar));
        }
    }

    fn step(&self, epoch: usize, step: usize, loss: f64) {
        self.with(|running, bar| {
            bar.set_position(step as u64);
            bar.set_message(running.beside_bar(epoch, step, loss, running.started.elapsed().as_secs_f64()));
        });
    }

    fn epoch(&self, _: usize, _: f64) {}

    fn finish(&self) {
        self.with(|_, bar| bar.finish());
    }

    fn note(&self, text: &str) {
        let shown = self
            .state
            .lock()
            .ok()
            .and_then(|s| s.as_ref().map(|(_, bar)| bar.suspend(|| eprintln!("{text}"))));
        if shown.is_none() {
            eprintln!("{text}");
        }
    }
}

/// Lines for logs: the first and the last epoch of a phase, and at most one every ten seconds in
/// between.
#[derive(Debug, Default)]
struct Lines {
    state: Mutex<Option<Running>>,
}

impl Progress for Lines {
    fn start(&self, phase: &str, epochs: usize, steps: usize, n: usize, done: usize) {
        if let Ok(mut state) = self.state.lock() {
            *state = Some(Running::new(phase, epochs, steps, n, done));
        }
        let resumed =
            if done > 0 { format!(", continuing after {}", done / steps.max(1)) } else { String::new() };
        eprintln!("{phase}: {epochs} epochs over {n} samples{resumed}");
    }

    fn step(&self, _: usize, _: usize, _: f64) {}

    fn epoch(&self, epoch: usize, loss: f64) {
        let Ok(mut state) = self.state.lock() else { return };
        let Some(running) = state.as_mut() else { return };
        let due = running.last_line.is_none_or(|t| t.elapsed() > Duration::from_secs(10));
        if due || epoch + 1 == running.epochs {
            running.last_line = Some(Instant::now());
            eprintln!("{}", running.line(epoch + 1, loss, running.started.elapsed().as_secs_f64()));
        }
    }

    fn finish(&self) {}

    fn note(&self, text: &str) {
        eprintln!("{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 epochs of 100 steps over 1000 samples, taken over after 15.75 epochs.
    fn resumed() -> Running {
        Running::new("train", 20, 100, 1000, 1575)
    }

    #[test]
    fn the_pace_counts_only_what_this_process_did() {
        // 15 s for the last quarter of the sixteenth are 60 s an epoch, and 4 epochs are left.
        let (rate, left) = resumed().pace(16.0, 15.0).expect("a quarter of an epoch");
        assert!((rate - 1000.0 / 60.0).abs() < 1e-9, "{rate}");
        assert_eq!(left, Duration::from_secs(240));
        assert_eq!(resumed().pace(15.75, 15.0), None, "nothing was done yet");
    }

    #[test]
    fn lines_and_bar_after_a_resume_tell_the_pace_of_this_process() {
        let line = resumed().line(16, 1.5, 15.0);
        assert_eq!(line, "train: epoch 16/20  loss 1.5000  17 samples/s  240 s left");
        let beside = resumed().beside_bar(15, 1600, 1.5, 15.0);
        assert_eq!(beside, "epoch 16/20  loss 1.500  17 samples/s  4.0 min left");
    }

    #[test]
    fn too_little_work_tells_no_pace() {
        // One step of a hundred, and the time that a process needs to begin.
        let barely = Running::new("train", 20, 100, 1000, 1599);
        assert_eq!(barely.line(16, 1.5, 3.0), "train: epoch 16/20  loss 1.5000");
        assert!(barely.line(17, 1.5, 4.0).ends_with("s left"));
        assert_eq!(barely.beside_bar(15, 1600, 1.5, 0.5), "epoch 16/20  loss 1.500");
    }
}
