//! What a person sees while a phase runs: a bar on a terminal, plain lines elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use vae_core::progress::Progress;

/// A bar when stderr is a terminal, plain lines otherwise.
pub fn for_stderr() -> Box<dyn Progress> {
    if std::io::stderr().is_terminal() { Box::new(Bar::default()) } else { Box::new(Lines::default()) }
}

#[derive(Debug, Clone)]
struct Running {
    phase: String,
    epochs: usize,
    n: usize,
    started: Instant,
    /// In epochs; a checkpoint may lie within one.
    done_at_start: f64,
    last_line: Option<Instant>,
}

impl Running {
    fn new(phase: &str, epochs: usize, steps: usize, n: usize, done: usize) -> Self {
        let done_at_start = done as f64 / steps.max(1) as f64;
        Self { phase: phase.into(), epochs, n, started: Instant::now(), done_at_start, last_line: None }
    }

    /// Throughput and remaining time after `epoch` epochs.
    fn pace(&self, epoch: usize) -> (f64, Duration) {
        self.pace_after(epoch, self.started.elapsed().as_secs_f64())
    }

    fn pace_after(&self, epoch: usize, seconds: f64) -> (f64, Duration) {
        let per_epoch = seconds / (epoch as f64 - self.done_at_start).max(1e-9);
        let left = self.epochs.saturating_sub(epoch) as f64 * per_epoch;
        (self.n as f64 / per_epoch.max(1e-9), Duration::from_secs_f64(left))
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
        let style = ProgressStyle::with_template("{prefix:>10} {bar:30} {msg}  ETA {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_prefix(phase.to_string());
        bar.set_position(done as u64);
        bar.reset_eta();
        if let Ok(mut state) = self.state.lock() {
            *state = Some((Running::new(phase, epochs, steps, n, done), bar));
        }
    }

    fn step(&self, epoch: usize, step: usize, loss: f64) {
        self.with(|running, bar| {
            bar.set_position(step as u64);
            let samples =
                bar.per_sec() * running.n as f64 * running.epochs as f64 / bar.length().unwrap_or(1) as f64;
            bar.set_message(format!(
                "epoch {}/{}  loss {loss:.3}  {samples:.0} samples/s",
                epoch + 1,
                running.epochs
            ));
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
            let (rate, left) = running.pace(epoch + 1);
            let (phase, epochs) = (&running.phase, running.epochs);
            eprintln!(
                "{phase}: epoch {}/{epochs}  loss {loss:.4} nats  {rate:.0} samples/s  {} s left",
                epoch + 1,
                left.as_secs()
            );
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

    #[test]
    fn the_pace_counts_only_what_this_process_did() {
        // 100 steps an epoch over 1000 samples, taken over after 15.75 epochs: 15 s for the last
        // quarter of the sixteenth are 60 s an epoch, and 4 epochs are left.
        let running = Running::new("train", 20, 100, 1000, 1575);
        let (rate, left) = running.pace_after(16, 15.0);
        assert!((rate - 1000.0 / 60.0).abs() < 1e-9, "{rate}");
        assert_eq!(left, Duration::from_secs(240));
    }
}
