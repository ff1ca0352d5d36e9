//! What the phases report while they run. How it is shown, if at all, is up to the program.

/// Receives what the phases report. Progress has no return value: a display cannot change a run.
pub trait Progress: Send + Sync {
    /// A phase of `epochs` epochs of `steps` steps over `n` samples begins, `done` of all its steps
    /// being done (0 unless resumed).
    fn start(&self, phase: &str, epochs: usize, steps: usize, n: usize, done: usize);
    /// A step ended; `step` counts over the whole phase, `loss` is in nats per sample.
    fn step(&self, epoch: usize, step: usize, loss: f64);
    /// An epoch ended with this mean loss.
    fn epoch(&self, epoch: usize, loss: f64);
    /// The phase ended.
    fn finish(&self);
    /// A message to the user, at any time.
    fn note(&self, text: &str);
}

/// Shows nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _: &str, _: usize, _: usize, _: usize, _: usize) {}
    fn step(&self, _: usize, _: usize, _: f64) {}
    fn epoch(&self, _: usize, _: f64) {}
    fn finish(&self) {}
    fn note(&self, _: &str) {}
}
