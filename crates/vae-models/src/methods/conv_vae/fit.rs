//! The networks and the phase of Conv-VAE.

use super::config::{ConvVaeConfig, Mode};
use super::conv::{ConvDecoder, ConvEncoder, maps, suits};
use super::loss::literal;
use crate::Result;
use crate::api::{FitSummary, Method};
use crate::config::Preset;
use crate::input::Input;
use crate::pretrained::{Plain, fit_classes};
use crate::shared::class_vae::{self, Classifier, ClassifierInput, ClusterNet, Prior, category, class_means};
use crate::shared::encoder_decoder::{Decode, Encode};
use crate::shared::from_random::{Job, Trained};
use tch::Device;
use vae_core::bundle::Tensors;
use vae_core::identity::Revision;
use vae_core::likelihood::Likelihood;
use vae_core::net::{Builder, Decoder, Encoder};
use vae_core::params::Params;
use vae_core::phase::FitContext;
use vae_core::random::Streams;
use vae_core::{Features, ImageShape};

/// The networks and the loss; classes, priors and the held start are VAE-Cluster's.
pub const REVISIONS: &[Revision] = &[("conv-vae", 1)];

/// Conv-VAE.
#[derive(Debug)]
pub struct ConvVae;

/// A fitted Conv-VAE.
pub type ConvVaeModel = Trained<ClusterNet>;

/// Fresh networks; `image` is the image to convolve, if any.
fn build(
    config: &ConvVaeConfig,
    (likelihood, dim): (Likelihood, usize),
    image: Option<ImageShape>,
    streams: &Streams,
    device: Device,
) -> ClusterNet {
    let (net, k) = (&config.net, config.n_clusters);
    let mut params = Params::new();
    let mut b = Builder { params: &mut params, streams, init: net.init, group: 0, device };
    let (encoder, decoder): (Box<dyn Encode>, Box<dyn Decode>) = match image {
        Some(image) => {
            (Box::new(ConvEncoder::new(&mut b, image, net)), Box::new(ConvDecoder::new(&mut b, image, net)))
        }
        None => (
            Box::new(Encoder::variational(&mut b, &net.mlp(), dim)),
            Box::new(Decoder::new(&mut b, &net.mlp(), dim)),
        ),
    };
    let n_features = match image {
        Some(image) => maps(image).iter().map(ImageShape::dim).sum(),
        None => net.hidden.last().copied().unwrap_or(dim),
    };
    let classifier_input = config.classifier_input();
    let n_in = match classifier_input {
        ClassifierInput::Latent => net.latent_dim,
        ClassifierInput::Features => n_features,
    };
    let classifier = Classifier::new(&mut b, n_in, net.classifier_hidden, k);
    let prior = match config.mode {
        Mode::Sound => Prior::Classes(class_means(&mut params, k, net.latent_dim, device)),
        Mode::Literal => Prior::Standard(literal),
        Mode::ExactLiteral => Prior::Standard(category),
    };
    let latent_dim = net.latent_dim;
    let held = None;
    ClusterNet { params, encoder, decoder, classifier, classifier_input, prior, held, likelihood, latent_dim }
}

/// The image that the networks convolve, if any.
fn image_of(config: &ConvVaeConfig, image: Option<ImageShape>) -> Result<Option<ImageShape>> {
    config.net.kind.resolve(image, suits, "images with even sides of at least 4 pixels")
}

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
        let plain = config.graph_start.as_ref().map(|start| {
            let train = start.plain(&config.train);
            let plain = ConvVaeConfig { graph_start: None, n_init: 1, train, ..config.clone() };
            Plain { start, n_clusters: config.n_clusters, config: plain }
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

#[cfg(test)]
mod tests;
