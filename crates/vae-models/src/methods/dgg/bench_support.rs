//! One training step of DGG, for the benchmark.

use super::config::DggConfig;
use super::net::DggNet;
use super::train::{DggTraining, Setting};
use crate::shared::mixture::Mixture;
use ndarray::{Array1, Array2};
use std::time::{Duration, Instant};
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::features::Resident;
use vae_core::likelihood::Likelihood;
use vae_core::net::NetConfig;
use vae_core::optim::{Group, Optimizer};
use vae_core::phase::FitContext;
use vae_core::random::Streams;
use vae_core::train::{Batch, TrainConfig, Trainable};
use vae_graph::Graph;

/// DGG's network at its published size on given features, each point linked to the following
/// twenty.
#[derive(Debug)]
pub struct DggBench<'a> {
    features: &'a Features,
    data: &'a Resident<'a>,
    config: DggConfig,
    net: DggNet,
    cx: FitContext,
}

impl<'a> DggBench<'a> {
    /// Initial weights, ten clusters, a Bernoulli likelihood.
    pub fn new(features: &'a Features, data: &'a Resident<'a>, batch_size: usize) -> Self {
        let config = DggConfig {
            n_clusters: 10,
            assignment_warmup_epochs: 0,
            net: NetConfig { hidden: vec![500, 500, 2000], latent_dim: 10, ..NetConfig::default() },
            train: TrainConfig { batch_size, ..DggConfig::default().train },
            ..DggConfig::default()
        };
        let mixture = Mixture {
            pi: Array1::from_elem(10, 0.1),
            mu: Array2::from_shape_fn((10, 10), |(k, j)| ((k * 7 + j * 3) % 10) as f64 - 4.5),
            var: Array2::ones((10, 10)),
        };
        let streams = Streams::new(0, "bench");
        let of = (&Likelihood::Bernoulli, features.dim());
        let net = DggNet::new(&config, of, &mixture, &streams, Device::Cpu);
        Self { features, data, config, net, cx: FitContext::in_memory(0) }
    }

    /// The wall times of `n_steps` successive steps; a refresh of pi counts for the step it is in.
    pub fn steps(&self, n_steps: usize, mut each: impl FnMut(usize, &mut dyn FnMut(&Batch<'_>) -> Duration)) {
        let n = self.features.n();
        let rows = (0..n).map(|i| (1..=20).map(|d| (((i + d) % n) as u32, 0.05)).collect());
        let graph = Graph::from_rows(rows.collect()).expect("valid");
        let labels = Tensor::arange(n as i64, (Kind::Int64, Device::Cpu)).remainder(10);
        let (net, x, data) = (&self.net, self.features, self.data);
        let setting =
            Setting { net, config: &self.config, x, data, points: None, warmup_epochs: 0, cx: &self.cx };
        let training = DggTraining::new(setting, graph, labels).expect("fits");
        training.begin_epoch(0, self.data).expect("a bank");
        let groups = vec![self.config.train.group(), Group { lr: 2e-3, weight_decay: 0.0 }];
        let mut optimizer =
            Optimizer::new(self.config.train.rule(), groups, &self.net.vae.params).expect("valid");
        for step in 0..n_steps {
            each(step, &mut |batch| {
                let start = Instant::now();
                let loss = optimizer.forward(|| training.loss(batch)).expect("a loss");
                let grads = optimizer.gradients(&loss.total, &self.net.vae.params).expect("gradients");
                optimizer.step(&self.net.vae.params, &grads, &[2e-3, 2e-3]).expect("a step");
                start.elapsed()
            });
        }
    }
}
