//! One training step of VaDE, for the benchmark.

use super::config::VadeConfig;
use super::net::VadeNet;
use crate::shared::mixture::Mixture;
use ndarray::{Array1, Array2};
use std::time::{Duration, Instant};
use tch::Device;
use vae_core::likelihood::Likelihood;
use vae_core::net::NetConfig;
use vae_core::optim::{Group, Optimizer};
use vae_core::random::Streams;
use vae_core::train::{Batch, Trainable};

/// VaDE's network at its published size with its optimiser, on the CPU.
#[derive(Debug)]
pub struct VadeStep {
    net: VadeNet,
    optimizer: Optimizer,
}

impl VadeStep {
    /// Initial weights, ten clusters, a Bernoulli likelihood over `dim` features.
    pub fn new(dim: usize) -> Self {
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
        let net = VadeNet::new(&config, of, &mixture, &streams, Device::Cpu);
        let groups = vec![config.train.group(), Group { lr: config.prior_lr, weight_decay: 0.0 }];
        let optimizer = Optimizer::new(config.train.rule(), groups, &net.vae.params).expect("valid groups");
        Self { net, optimizer }
    }

    /// One step; the times of forward (with the loss), backward and update.
    pub fn step(&mut self, batch: &Batch<'_>) -> [Duration; 3] {
        let start = Instant::now();
        let loss = self.optimizer.forward(|| self.net.loss(batch)).expect("a loss");
        let forward = start.elapsed();
        let grads = self.optimizer.gradients(&loss.total, &self.net.vae.params).expect("gradients");
        let backward = start.elapsed();
        self.optimizer.step(&self.net.vae.params, &grads, &[2e-3, 2e-3]).expect("a step");
        [forward, backward - forward, start.elapsed() - backward]
    }
}
