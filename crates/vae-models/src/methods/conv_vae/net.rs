//! The networks of Conv-VAE.

mod conv;

use self::conv::{ConvDecoder, ConvEncoder, maps, suits};
use super::config::{ConvVaeConfig, Mode};
use super::loss::literal;
use crate::Result;
use crate::shared::class_vae::{Classifier, ClassifierInput, ClusterNet, Prior, category, class_means};
use crate::shared::encoder_decoder::{Decode, Encode};
use tch::Device;
use vae_core::ImageShape;
use vae_core::likelihood::Likelihood;
use vae_core::net::{Builder, Decoder, Encoder};
use vae_core::params::Params;
use vae_core::random::Streams;

/// New networks; `image` is the image to convolve, if any.
pub(super) fn build(
    config: &ConvVaeConfig,
    (likelihood, dim): (&Likelihood, usize),
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
pub(super) fn image_of(config: &ConvVaeConfig, image: Option<ImageShape>) -> Result<Option<ImageShape>> {
    config.net.kind.resolve(image, suits, "images with even sides of at least 4 pixels")
}

#[cfg(test)]
mod tests;
