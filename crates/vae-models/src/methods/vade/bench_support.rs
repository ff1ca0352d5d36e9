//! One training step of VaDE and the matrix products it cannot do without, for the benchmark and
//! for `vae doctor --time-steps`.

mod floor;

use super::config::VadeConfig;
use super::net::VadeNet;
use crate::shared::mixture::Mixture;
use ndarray::{Array1, Array2};
use std::time::{Duration, Instant};
use tch::{Cuda, Device, Kind, Tensor};
use vae_core::Features;
use vae_core::features::Resident;
use vae_core::likelihood::Likelihood;
use vae_core::net::NetConfig;
use vae_core::optim::{Group, Optimizer};
use vae_core::random::{Streams, uniform};
use vae_core::train::{Batch, Trainable};

use self::floor::Floor;

/// Features of a sample, those of MNIST.
const WIDTH: i64 = 784;

/// Samples that batches are taken from.
const ROWS: i64 = 4096;

/// Medians of one VaDE step at its published size and of its matrix products alone, in
/// milliseconds.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct StepTimes {
    /// Samples of a step.
    pub batch: i64,
    /// The matrix products alone: a lower bound of the step.
    pub floor_ms: f64,
    /// All of the step.
    pub step_ms: f64,
    /// The samples of the batch, gathered.
    pub gather_ms: f64,
    /// Forward, with the loss.
    pub forward_ms: f64,
    /// Backward.
    pub backward_ms: f64,
    /// The optimiser.
    pub update_ms: f64,
}

impl StepTimes {
    /// The step over its floor.
    pub fn ratio(&self) -> f64 {
        self.step_ms / self.floor_ms
    }

    /// Seconds of an epoch over `n` samples.
    pub fn epoch_s(&self, n: usize) -> f64 {
        self.step_ms * 1e-3 * (n as f64 / self.batch as f64).ceil()
    }
}

/// Times `n_steps` steps (at least 1) on `device`, and in turns with them the products alone, so
/// that a busy machine slows both. After each part a GPU is waited for.
///
/// # Panics
/// When libtorch fails, for example for lack of memory on the device.
pub fn time_steps(device: Device, batch: i64, n_steps: usize) -> StepTimes {
    let streams = Streams::new(0, "bench");
    let x = uniform(&mut streams.rng("x", 0, 0), &[ROWS, WIDTH], Device::Cpu);
    let x = vae_core::features::to_array2(&x).expect("a matrix");
    let features = Features::dense(x).expect("finite");
    let data = Resident::new(&features, device).expect("fits");
    let (floor, mut vade) = (Floor::new(batch, device), VadeStep::new(WIDTH as usize, device));
    let mut times: [Vec<Duration>; 6] = Default::default();
    let warm_up = n_steps.min(5);
    for step in 0..n_steps + warm_up {
        let start = (step as i64 * batch) % (ROWS - batch);
        let index = Tensor::arange_start(start, start + batch, (Kind::Int64, device));
        wait(device);
        let t = Instant::now();
        floor.step();
        wait(device);
        let floor_time = t.elapsed();
        let t = Instant::now();
        let x = data.gather(&index).expect("in range");
        wait(device);
        let gather = t.elapsed();
        let parts = vade.step(&Batch { step, ..Batch::alone(&x, &index, &streams) });
        let step_time = t.elapsed();
        // The first few steps touch fresh memory.
        if step >= warm_up {
            let all = [floor_time, step_time, gather, parts[0], parts[1], parts[2]];
            times.iter_mut().zip(all).for_each(|(list, time)| list.push(time));
        }
    }
    let [floor_ms, step_ms, gather_ms, forward_ms, backward_ms, update_ms] =
        times.map(|list| 1e3 * median(list));
    StepTimes { batch, floor_ms, step_ms, gather_ms, forward_ms, backward_ms, update_ms }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

/// Waits until `device` has done what it was given.
fn wait(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}

/// VaDE's network at its published size with its optimiser.
#[derive(Debug)]
pub struct VadeStep {
    net: VadeNet,
    optimizer: Optimizer,
    device: Device,
}

impl VadeStep {
    /// Initial weights, ten clusters, a Bernoulli likelihood over `dim` features.
    pub fn new(dim: usize, device: Device) -> Self {
        // The published widths, which the reference time of the products is measured for; VaDE's
        // defaults are smaller.
        let net = NetConfig { hidden: vec![500, 500, 2000], latent_dim: 10, ..NetConfig::default() };
        let config = VadeConfig { n_clusters: 10, net, ..VadeConfig::default() };
        let mixture = Mixture {
            pi: Array1::from_elem(10, 0.1),
            mu: Array2::from_shape_fn((10, 10), |(k, j)| ((k * 7 + j * 3) % 10) as f64 - 4.5),
            var: Array2::ones((10, 10)),
        };
        let (of, streams) = ((&Likelihood::Bernoulli, dim), Streams::new(0, "bench"));
        let net = VadeNet::new(&config, of, &mixture, &streams, device);
        let groups = vec![config.train.group(), Group { lr: config.prior_lr, weight_decay: 0.0 }];
        let optimizer = Optimizer::new(config.train.rule(), groups, &net.vae.params).expect("valid groups");
        Self { net, optimizer, device }
    }

    /// One step; the times of forward (with the loss), backward and update.
    pub fn step(&mut self, batch: &Batch<'_>) -> [Duration; 3] {
        let start = Instant::now();
        let loss = self.optimizer.forward(|| self.net.loss(batch)).expect("a loss");
        wait(self.device);
        let forward = start.elapsed();
        let grads = self.optimizer.gradients(&loss.total, &self.net.vae.params).expect("gradients");
        wait(self.device);
        let backward = start.elapsed();
        self.optimizer.step(&self.net.vae.params, &grads, &[2e-3, 2e-3]).expect("a step");
        wait(self.device);
        [forward, backward - forward, start.elapsed() - backward]
    }
}
