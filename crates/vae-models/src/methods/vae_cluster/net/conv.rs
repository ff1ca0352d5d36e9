//! Su's convolutional encoder and decoder.
//!
//! Every block halves the image by a stride and convolves once more at the same size; the decoder
//! mirrors it. On 28×28 images with blocks of 32 and 64 channels these are the published layers,
//! the decoder running 64, 64, 32, 32, 1: its script changes one variable `filters` on the way.
//! Padding is Keras' "same" ([`vae_core::net::Conv2d`]). The decoder's first layer has no
//! activation.

use crate::Result;
use crate::shared::encoder_decoder::{Code, Decode, Encode, describe_images, images, maps, vectors};
use tch::Tensor;
use vae_core::ImageShape;
use vae_core::activation::Activation;
use vae_core::matmul::in_f32;
use vae_core::net::{Builder, Conv2d, ConvTranspose2d, Linear, mirror};
use vae_core::program::{Op, Program, Value};

/// Side of every kernel.
const KERNEL: usize = 3;

/// Whether the image can be halved once for each block.
pub(super) fn suits(image: ImageShape, n_blocks: usize) -> bool {
    let factor = 1usize.checked_shl(n_blocks as u32).unwrap_or(0);
    factor > 0 && image.height.is_multiple_of(factor) && image.width.is_multiple_of(factor)
}

/// The image after all blocks: `[channels, height, width]`.
fn inner(image: ImageShape, channels: &[usize]) -> ImageShape {
    let factor = 1 << channels.len();
    let last = channels.last().copied().unwrap_or(image.channels);
    ImageShape { channels: last, height: image.height / factor, width: image.width / factor }
}

/// x → q(z | x).
#[derive(Debug)]
pub struct ConvEncoder {
    image: ImageShape,
    layers: Vec<Conv2d>,
    activation: Activation,
    mu: Linear,
    log_var: Linear,
}

impl ConvEncoder {
    /// `encoder.0` … (two layers a block) and the two heads.
    pub fn new(
        builder: &mut Builder<'_>,
        image: ImageShape,
        channels: &[usize],
        activation: Activation,
        latent_dim: usize,
    ) -> Self {
        let (mut layers, mut width) = (Vec::new(), image.channels);
        for &n_out in channels {
            for (n_in, stride) in [(width, 2), (n_out, 1)] {
                let name = format!("encoder.{}", layers.len());
                layers.push(Conv2d::new(builder, &name, n_in, n_out, KERNEL, stride));
            }
            width = n_out;
        }
        let dim = inner(image, channels).dim();
        let mu = Linear::new(builder, "encoder.mu", dim, latent_dim);
        let log_var = Linear::new(builder, "encoder.log_var", dim, latent_dim);
        Self { image, layers, activation, mu, log_var }
    }
}

impl Encode for ConvEncoder {
    fn encode(&self, x: &Tensor) -> Code {
        let x = mirror(&images(x, self.image));
        let h = self.layers.iter().fold(x, |h, layer| self.activation.apply(layer.forward_mirrored(&h)));
        let features = in_f32(vectors(&mirror(&h)));
        Code { mu: self.mu.forward(&features), log_var: self.log_var.forward(&features), features }
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<(Value, Value)> {
        let mut h = describe_images(program, x, self.image)?;
        for layer in &self.layers {
            h = layer.describe(program, &h)?;
            h = self.activation.describe(program, &h)?;
        }
        let features = program.add(Op::Flatten, &[&h], &[])?;
        Ok((self.mu.describe(program, &features)?, features))
    }
}

/// z → logits or means of p(x | z).
#[derive(Debug)]
pub struct ConvDecoder {
    first: Linear,
    inner: ImageShape,
    layers: Vec<ConvTranspose2d>,
    activation: Activation,
    out: ConvTranspose2d,
}

impl ConvDecoder {
    /// `decoder.first`, `decoder.0` … (two layers a block) and `decoder.out`.
    pub fn new(
        builder: &mut Builder<'_>,
        image: ImageShape,
        channels: &[usize],
        activation: Activation,
        latent_dim: usize,
    ) -> Self {
        let inner = inner(image, channels);
        let first = Linear::new(builder, "decoder.first", latent_dim, inner.dim());
        let (mut layers, mut width) = (Vec::new(), inner.channels);
        for &n_out in channels.iter().rev() {
            for (n_in, stride) in [(width, 1), (n_out, 2)] {
                let name = format!("decoder.{}", layers.len());
                layers.push(ConvTranspose2d::new(builder, &name, n_in, n_out, KERNEL, stride));
            }
            width = n_out;
        }
        let out = ConvTranspose2d::new(builder, "decoder.out", width, image.channels, KERNEL, 1);
        Self { first, inner, layers, activation, out }
    }
}

impl Decode for ConvDecoder {
    fn decode(&self, z: &Tensor) -> Tensor {
        let h = mirror(&maps(&self.first.forward(z), self.inner));
        let h = self.layers.iter().fold(h, |h, layer| self.activation.apply(layer.forward_mirrored(&h)));
        in_f32(mirror(&self.out.forward_mirrored(&h)).flatten(1, -1))
    }
}
