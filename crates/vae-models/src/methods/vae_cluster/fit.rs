//! The phase of VAE-Cluster.

use super::config::VaeClusterConfig;
use super::net::{build, image_of};
use crate::Result;
use crate::api::{FitSummary, Method};
use crate::config::Preset;
use crate::input::Input;
use crate::pretrained::{Plain, fit_classes};
use crate::shared::class_vae::{self, ClusterNet};
use crate::shared::from_random::{Job, Trained};
use tch::Device;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::identity::Revision;
use vae_core::phase::FitContext;
use vae_core::random::Streams;

/// The networks and the loss.
pub const REVISIONS: &[Revision] = &[("vae-cluster", 1)];

/// VAE-Cluster.
#[derive(Debug)]
pub struct VaeCluster;

/// A fitted VAE-Cluster.
pub type VaeClusterModel = Trained<ClusterNet>;

impl Method for VaeCluster {
    const NAME: &'static str = "vae-cluster";
    const SUMMARY: &'static str =
        "a VAE with one Gaussian per class and a classifier of its latents, in one step";
    const REFERENCE: &'static str = "Su 2018 (spaces.ac.cn, vae_keras_cluster.py)";
    const GENERATIVE: bool = true;
    const PRESETS: &'static [Preset] =
        presets!("vae-cluster": "strokes", "mnist", "fashion-mnist", "reuters21578");
    type Config = VaeClusterConfig;
    type Model = VaeClusterModel;

    fn fit(
        config: &VaeClusterConfig,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(VaeClusterModel, FitSummary)> {
        let (image, of) = (image_of(config, input.image)?, (input.likelihood()?, x.dim()));
        let job = Job::new(&[REVISIONS, class_vae::REVISIONS], of.0, config, (&config.train, config.n_init));
        let plain = config.graph_start.as_ref().map(|graph_init| {
            let train = graph_init.plain(&config.train);
            let plain = VaeClusterConfig { graph_start: None, n_init: 1, train, ..config.clone() };
            Plain { graph_init, n_clusters: config.n_clusters, config: plain }
        });
        let build =
            |config: &VaeClusterConfig, streams: &Streams, device| build(config, of, image, streams, device);
        fit_classes(x, job, plain, build, cx)
    }

    fn restore(config: &VaeClusterConfig, input: &Input, tensors: &Tensors) -> Result<VaeClusterModel> {
        let (image, of) = (image_of(config, input.image)?, (input.likelihood()?, input.dim));
        let net = build(config, of, image, &Streams::new(0, "restore"), Device::Cpu);
        Trained::restore(net, tensors, Device::Cpu)
    }
}
