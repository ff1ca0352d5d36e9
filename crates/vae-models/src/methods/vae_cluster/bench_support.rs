//! One training step of VAE-Cluster, for the benchmark.

use super::config::{VaeClusterConfig, VaeClusterNetConfig};
use super::net::build;
use crate::shared::class_vae::ClusterNet;
use crate::shared::encoder_decoder::NetKind;
use tch::Device;
use vae_core::ImageShape;
use vae_core::likelihood::Likelihood;
use vae_core::optim::{EpsForm, Group, Optimizer, Rule};
use vae_core::random::Streams;
use vae_core::resources::Clock;
use vae_core::train::{Batch, Trainable};

/// The published network for 28×28 images and ten classes with its optimiser, on the CPU.
#[derive(Debug)]
pub struct SuStep {
    net: ClusterNet,
    optimizer: Optimizer,
}

impl SuStep {
    /// Initial weights.
    #[expect(clippy::new_without_default, reason = "a benchmark's network is no default of anything")]
    pub fn new() -> Self {
        let image = Some(ImageShape { channels: 1, height: 28, width: 28 });
        let net =
            VaeClusterNetConfig { kind: NetKind::Conv, latent_dim: 20, ..VaeClusterNetConfig::default() };
        let config = VaeClusterConfig { n_clusters: 10, net, ..VaeClusterConfig::default() };
        let of = (&Likelihood::Squashed { variance: 0.4 }, 784);
        let net = build(&config, of, image, &Streams::new(0, "bench"), Device::Cpu);
        let groups = vec![Group { lr: 1e-3, weight_decay: 0.0 }; 2];
        let optimizer =
            Optimizer::new(Rule::adam(1e-7, EpsForm::Keras), groups, &net.params).expect("valid groups");
        Self { net, optimizer }
    }

    /// One step; processor seconds of forward (with the loss) and backward together, and of the
    /// update.
    pub fn step(&mut self, batch: &Batch<'_>) -> [f64; 2] {
        let start = Clock::start();
        let loss = self.optimizer.forward(|| self.net.loss(batch)).expect("a loss");
        let grads = self.optimizer.gradients(&loss.total, &self.net.params).expect("gradients");
        let backward = start.cpu_s();
        self.optimizer.step(&self.net.params, &grads, &[1e-3; 2]).expect("a step");
        [backward, start.cpu_s() - backward]
    }
}
