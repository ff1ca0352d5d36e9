//! The phase of Conv-VAE.

use super::config::ConvVaeConfig;
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

/// The networks and the loss; classes, priors and the held start are VAE-Cluster's.
pub const REVISIONS: &[Revision] = &[("conv-vae", 1)];

/// Conv-VAE.
#[derive(Debug)]
pub struct ConvVae;

/// A fitted Conv-VAE.
pub type ConvVaeModel = Trained<ClusterNet>;

impl Method for ConvVae {
    const NAME: &'static str = "conv-vae";
    const SUMMARY: &'static str = "VAE-Cluster's loss behind two convolutional networks in series";
    const REFERENCE: &'static str = "Yan 2020 (Computer Systems & Applications 29(10), 222-227)";
    const GENERATIVE: bool = true;
    const PRESETS: &'static [Preset] =
        presets!("conv-vae": "strokes", "mnist", "fashion-mnist", "reuters21578");
    type Config = ConvVaeConfig;
    type Model = ConvVaeModel;

    fn fit(
        config: &ConvVaeConfig,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(ConvVaeModel, FitSummary)> {
        let (image, of) = (image_of(config, input.image)?, (input.likelihood()?, x.dim()));
        let job = Job::new(&[REVISIONS, class_vae::REVISIONS], of.0, config, (&config.train, config.n_init));
        let plain = config.graph_start.as_ref().map(|graph_init| {
            let train = graph_init.plain(&config.train);
            let plain = ConvVaeConfig { graph_start: None, n_init: 1, train, ..config.clone() };
            Plain { graph_init, n_clusters: config.n_clusters, config: plain }
        });
        let build =
            |config: &ConvVaeConfig, streams: &Streams, device| build(config, of, image, streams, device);
        fit_classes(x, job, plain, build, cx)
    }

    fn restore(config: &ConvVaeConfig, input: &Input, tensors: &Tensors) -> Result<ConvVaeModel> {
        let (image, of) = (image_of(config, input.image)?, (input.likelihood()?, input.dim));
        let net = build(config, of, image, &Streams::new(0, "restore"), Device::Cpu);
        Trained::restore(net, tensors, Device::Cpu)
    }
}
