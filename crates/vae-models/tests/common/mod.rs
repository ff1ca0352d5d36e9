//! What the tests share: groups of points, methods with a few settings, and trainings that are
//! stopped and continued.

#![allow(dead_code, clippy::allow_attributes, reason = "every test file uses its own part of these helpers")]

use ndarray::Array2;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use vae_core::Features;
use vae_core::interrupt::Interrupt;
use vae_core::phase::FitContext;
use vae_core::precision::Precision;
use vae_core::progress::Progress;
use vae_models::Clusterer;
use vae_models::registry::{Selection, resolve};

/// A deterministic stand-in for noise in [-0.5, 0.5), so that these tests need no generator.
pub fn noise(i: usize, j: usize) -> f32 {
    let bits = (i as u64 * 1_000_003 + j as u64 * 7919 + 17).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (bits >> 40) as f32 / (1u64 << 24) as f32 - 0.5
}

/// Three groups in `d` columns within [0, 1]: row i is in group i mod 3, whose columns have the
/// mean `high`, others 1 − `high`.
pub fn groups(n: usize, d: usize, (high, width): (f32, f32)) -> Array2<f32> {
    Array2::from_shape_fn((n, d), |(i, j)| {
        let mean = if j % 3 == i % 3 { high } else { 1.0 - high };
        (mean + width * noise(i, j)).clamp(0.0, 1.0)
    })
}

pub fn features(x: Array2<f32>) -> Features {
    Features::dense(x).expect("finite")
}

/// Data that are hard to cluster, each with a number of clusters. `groups(n)` are n points in
/// [`groups`].
pub fn edges(groups: impl Fn(usize) -> Array2<f32>) -> Vec<(&'static str, Features, usize)> {
    let mut constant = groups(60);
    constant.column_mut(2).fill(0.5);
    let six = groups(6);
    let repeated = Array2::from_shape_fn((60, six.ncols()), |(i, j)| six[[i % 6, j]]);
    let mut far = groups(60);
    far.row_mut(7).fill(1e4);
    vec![
        ("two samples a cluster", features(groups(6)), 3),
        ("one sample a cluster", features(groups(3)), 3),
        ("a constant column", features(constant), 3),
        ("six rows ten times", features(repeated), 3),
        ("large values", features(groups(60) * 1e4), 3),
        ("one far sample", features(far), 3),
        ("one cluster", features(groups(30)), 1),
        ("one column", features(groups(60).slice_move(ndarray::s![.., 0..1])), 2),
    ]
}

fn selection(method: &str, k: usize, set: &[&str]) -> Selection {
    let set = set.iter().map(|s| (*s).to_string()).collect();
    Selection { method: Some(method.into()), n_clusters: Some(k), set, ..Selection::default() }
}

/// A method with its defaults and `set`, on one thread: two on a busy machine wait for each other
/// more than they compute.
pub fn build(method: &str, k: usize, set: &[&str]) -> Box<dyn Clusterer> {
    vae_core::device::configure_process(1);
    resolve(&selection(method, k, set)).and_then(|r| r.build()).expect("valid")
}

/// A configuration with `set` must be refused with an error that holds `part` and what is allowed.
pub fn refuses(method: &str, set: &[&str], part: &str) {
    let e = resolve(&selection(method, 3, set)).expect_err("out of range").to_string();
    let is_told = e.contains("expected") || e.contains("must be");
    assert!(e.contains(part) && is_told, "{method} {set:?}: {e}");
}

/// Asks for a stop after so many training steps.
struct StopAfter {
    steps: AtomicUsize,
    interrupt: Interrupt,
}

impl Progress for StopAfter {
    fn start(&self, _: &str, _: usize, _: usize, _: usize, _: usize) {}
    fn step(&self, _: usize, _: usize, _: f64) {
        if self.steps.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.interrupt.set(15);
        }
    }
    fn epoch(&self, _: usize, _: f64) {}
    fn finish(&self) {}
    fn note(&self, _: &str) {}
}

/// The bytes of the model that `build()` fits to `x` in a run folder below `dir`, when it is
/// stopped after each of `stops` training steps and started again.
pub fn model_bytes(
    build: impl Fn() -> Box<dyn Clusterer>,
    x: &Features,
    dir: &Path,
    stops: &[usize],
) -> Vec<u8> {
    model_bytes_in(Precision::F32, build, x, dir, stops)
}

/// [`model_bytes`] of trainings in a precision.
pub fn model_bytes_in(
    precision: Precision,
    build: impl Fn() -> Box<dyn Clusterer>,
    x: &Features,
    dir: &Path,
    stops: &[usize],
) -> Vec<u8> {
    for (i, &steps) in stops.iter().chain([&usize::MAX]).enumerate() {
        let interrupt = Interrupt::new();
        let progress = StopAfter { steps: AtomicUsize::new(steps), interrupt: interrupt.clone() };
        let cx = FitContext {
            dir: Some(dir.join("run")),
            interrupt,
            precision,
            progress: Box::new(progress),
            ..FitContext::in_memory(5)
        };
        let mut clusterer = build();
        match clusterer.fit(x, &cx) {
            Ok(_) => {
                assert_eq!(i, stops.len(), "it was not stopped");
                let path = dir.join("model.safetensors");
                clusterer.save(&path).expect("saved");
                return std::fs::read(path).expect("read");
            }
            Err(e) => assert!(e.to_string().contains("stopped by signal 15"), "{e}"),
        }
    }
    unreachable!("the last fit is not stopped")
}
