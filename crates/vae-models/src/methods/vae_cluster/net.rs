//! The networks of VAE-Cluster.

mod conv;

use self::conv::{ConvDecoder, ConvEncoder, suits};
use super::config::VaeClusterConfig;
use crate::Result;
use crate::shared::class_vae::{Classifier, ClassifierInput, ClusterNet, Prior, class_means};
use crate::shared::encoder_decoder::{Decode, Encode};
use tch::Device;
use vae_core::ImageShape;
use vae_core::likelihood::Likelihood;
use vae_core::net::{Builder, Decoder, Encoder};
use vae_core::params::Params;
use vae_core::random::Streams;

/// New networks; `image` is the image to convolve, if any.
pub(super) fn build(
    config: &VaeClusterConfig,
    (likelihood, dim): (&Likelihood, usize),
    image: Option<ImageShape>,
    streams: &Streams,
    device: Device,
) -> ClusterNet {
    let net = &config.net;
    let (channels, activation, latent_dim) = (&net.channels, net.activation, net.latent_dim);
    let mut params = Params::new();
    let mut b = Builder { params: &mut params, streams, init: net.init, group: 0, device };
    let (encoder, decoder): (Box<dyn Encode>, Box<dyn Decode>) = match image {
        Some(image) => (
            Box::new(ConvEncoder::new(&mut b, image, channels, activation, latent_dim)),
            Box::new(ConvDecoder::new(&mut b, image, channels, activation, latent_dim)),
        ),
        None => (
            Box::new(Encoder::variational(&mut b, &net.mlp(), dim)),
            Box::new(Decoder::new(&mut b, &net.mlp(), dim)),
        ),
    };
    let classifier = Classifier::new(&mut b, latent_dim, net.classifier_hidden, config.n_clusters);
    let prior = Prior::Classes(class_means(&mut params, config.n_clusters, latent_dim, device));
    let classifier_input = ClassifierInput::Latent;
    let held = None;
    ClusterNet {
        params,
        encoder,
        decoder,
        classifier,
        classifier_input,
        prior,
        held,
        likelihood: likelihood.clone(),
        latent_dim,
    }
}

/// The image that the networks convolve, if any.
///
/// # Errors
/// [`crate::Error::Config`] when convolutions are asked for and do not fit.
pub(super) fn image_of(config: &VaeClusterConfig, image: Option<ImageShape>) -> Result<Option<ImageShape>> {
    let n_blocks = config.net.channels.len();
    let needs = format!("images whose sides can be halved {n_blocks} times");
    config.net.kind.resolve(image, |image| n_blocks > 0 && suits(image, n_blocks), &needs)
}

#[cfg(test)]
mod tests;
