//! GMVAE's networks below the heads: the published convolutions with batch normalisation, and fully
//! connected layers.
//!
//! On 28×28 images (sides of the maps 23, 18, 9, 1 and back):
//!
//! ```text
//! recogniser  conv 16@6×6, conv 32@6×6, conv 64@4×4 stride 2 padding 1, conv 500@9×9, each with BN and ReLU
//! decoder     linear J–500, convT 64@9×9, convT 32@4×4 stride 2 padding 1, convT 16@6×6, each with BN and ReLU; convT 1@6×6
//! ```
//!
//! The two 9×9 layers between a map of that size and a vector are implemented as linear layers.
//! This causes two deviations. The decoder's has 5,184 biases instead of one for each of 64
//! channels. And the fans, from which initial weights take their range, are those of a linear
//! layer: 500 and 5,184 in the decoder instead of 40,500 and 5,184 (a convolution counts its
//! window), 5,184 and 500 in the recogniser instead of 5,184 and 40,500.
//!
//! Fully connected: the recogniser's layers have BN and ReLU, the decoder's ReLU alone.

use crate::Result;
use crate::shared::encoder_decoder::{describe_images, images, maps, vectors};
use tch::Tensor;
use vae_core::ImageShape;
use vae_core::activation::Activation;
use vae_core::net::{BatchNorm, Builder, Conv2d, ConvTranspose2d, Decoder, Linear, Statistics};
use vae_core::program::{Op, Program, Value};

/// Channels of the three convolutions.
const CHANNELS: [usize; 3] = [16, 32, 64];

/// Kernel, stride and padding of the three convolutions.
const SHAPES: [(usize, usize, usize); 3] = [(6, 1, 0), (6, 1, 0), (4, 2, 1)];

/// Added to the variances of batch normalisation.
const BN_EPS: f64 = 1e-5;

fn batch_norm(builder: &mut Builder<'_>, name: &str, width: usize) -> BatchNorm {
    BatchNorm::new(builder, &format!("{name}.norm"), width, BN_EPS)
}

fn normalise(norm: &BatchNorm, x: &Tensor, statistics: Statistics) -> Tensor {
    Activation::Relu.apply(norm.forward(x, statistics))
}

/// Adds [`normalise`] with the running statistics to a program.
fn describe_normalised(norm: &BatchNorm, program: &mut Program, x: &Value) -> Result<Value> {
    let h = norm.describe(program, x)?;
    Ok(program.add(Op::Relu, &[&h], &[])?)
}

/// x → what the heads read.
pub trait SharedEncoder: std::fmt::Debug + Send {
    /// # Shapes
    /// `x`: `[b, d]`; result `[b, width]`.
    fn features(&self, x: &Tensor, statistics: Statistics) -> Tensor;

    /// Adds the features with the running statistics to a program.
    ///
    /// # Errors
    /// libtorch.
    fn describe(&self, program: &mut Program, x: &Value) -> Result<Value>;
}

/// z → logits or means of p(x | z).
pub trait Generator: std::fmt::Debug + Send {
    /// # Shapes
    /// `z`: `[n, J]`; result `[n, d]`.
    fn decode(&self, z: &Tensor, statistics: Statistics) -> Tensor;
}

/// Fully connected layers with BN and ReLU.
#[derive(Debug)]
pub struct MlpSharedEncoder {
    layers: Vec<(Linear, BatchNorm)>,
}

impl MlpSharedEncoder {
    /// `encoder.0` …, from `dim` through the widths in `hidden`.
    pub fn new(builder: &mut Builder<'_>, dim: usize, hidden: &[usize]) -> Self {
        let mut width = dim;
        let layer = |(i, &n_out): (usize, &usize)| {
            let linear = Linear::new(builder, &format!("encoder.{i}"), width, n_out);
            width = n_out;
            (linear, batch_norm(builder, &format!("encoder.{i}"), n_out))
        };
        Self { layers: hidden.iter().enumerate().map(layer).collect() }
    }
}

impl SharedEncoder for MlpSharedEncoder {
    fn features(&self, x: &Tensor, statistics: Statistics) -> Tensor {
        let start = x.shallow_clone();
        self.layers.iter().fold(start, |h, (linear, norm)| normalise(norm, &linear.forward(&h), statistics))
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        self.layers.iter().try_fold(x.clone(), |h, (linear, norm)| {
            let h = linear.describe(program, &h)?;
            describe_normalised(norm, program, &h)
        })
    }
}

impl Generator for Decoder {
    fn decode(&self, z: &Tensor, _: Statistics) -> Tensor {
        self.forward(z)
    }
}

/// Whether the published convolutions, and their transposes, fit the image.
pub(super) fn suits(image: ImageShape) -> bool {
    [image.height, image.width].into_iter().all(|side| side >= 14 && side.is_multiple_of(2))
}

/// The shape of the map after the three convolutions.
fn inner(image: ImageShape) -> ImageShape {
    let side = |s: usize| (s - 10) / 2;
    ImageShape { channels: CHANNELS[2], height: side(image.height), width: side(image.width) }
}

/// The convolutional recogniser.
#[derive(Debug)]
pub struct ConvSharedEncoder {
    image: ImageShape,
    layers: Vec<(Conv2d, BatchNorm)>,
    last: (Linear, BatchNorm),
}

impl ConvSharedEncoder {
    /// `encoder.0` to `encoder.3`; `width` is the number of outputs.
    pub fn new(builder: &mut Builder<'_>, image: ImageShape, width: usize) -> Self {
        let mut n_in = image.channels;
        let mut layers = Vec::new();
        for (i, (n_out, (kernel, stride, padding))) in CHANNELS.into_iter().zip(SHAPES).enumerate() {
            let name = format!("encoder.{i}");
            let conv = Conv2d::new(builder, &name, n_in, n_out, kernel, stride).with_padding(padding);
            layers.push((conv, batch_norm(builder, &name, n_out)));
            n_in = n_out;
        }
        let linear = Linear::new(builder, "encoder.3", inner(image).dim(), width);
        Self { image, layers, last: (linear, batch_norm(builder, "encoder.3", width)) }
    }
}

impl SharedEncoder for ConvSharedEncoder {
    fn features(&self, x: &Tensor, statistics: Statistics) -> Tensor {
        let x = images(x, self.image);
        let h = self.layers.iter().fold(x, |h, (conv, norm)| normalise(norm, &conv.forward(&h), statistics));
        let (linear, norm) = &self.last;
        normalise(norm, &linear.forward(&vectors(&h)), statistics)
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        let mut h = describe_images(program, x, self.image)?;
        for (conv, norm) in &self.layers {
            h = conv.describe(program, &h)?;
            h = describe_normalised(norm, program, &h)?;
        }
        let h = program.add(Op::Flatten, &[&h], &[])?;
        let (linear, norm) = &self.last;
        let h = linear.describe(program, &h)?;
        describe_normalised(norm, program, &h)
    }
}

/// The convolutional decoder.
#[derive(Debug)]
pub struct ConvGenerator {
    inner: ImageShape,
    /// J–500 and 500–64·9·9.
    linears: [(Linear, BatchNorm); 2],
    layers: Vec<(ConvTranspose2d, BatchNorm)>,
    out: ConvTranspose2d,
}

impl ConvGenerator {
    /// `decoder.0` to `decoder.3` and `decoder.out`; `width` is that of the first layer.
    pub fn new(builder: &mut Builder<'_>, image: ImageShape, width: usize, latent_dim: usize) -> Self {
        let inner = inner(image);
        let first = Linear::new(builder, "decoder.0", latent_dim, width);
        let first = (first, batch_norm(builder, "decoder.0", width));
        let second = Linear::new(builder, "decoder.1", width, inner.dim());
        // One mean for each channel, as after the convolution it replaces.
        let second = (second, batch_norm(builder, "decoder.1", inner.channels));
        let mut layer = |name: &str, n_in, n_out, (kernel, stride, padding)| {
            ConvTranspose2d::new(builder, name, n_in, n_out, kernel, stride).with_padding(padding)
        };
        let third = layer("decoder.2", CHANNELS[2], CHANNELS[1], SHAPES[2]);
        let fourth = layer("decoder.3", CHANNELS[1], CHANNELS[0], SHAPES[1]);
        let out = layer("decoder.out", CHANNELS[0], image.channels, SHAPES[0]);
        let layers = vec![
            (third, batch_norm(builder, "decoder.2", CHANNELS[1])),
            (fourth, batch_norm(builder, "decoder.3", CHANNELS[0])),
        ];
        Self { inner, linears: [first, second], layers, out }
    }
}

impl Generator for ConvGenerator {
    fn decode(&self, z: &Tensor, statistics: Statistics) -> Tensor {
        let [(first, first_norm), (second, second_norm)] = &self.linears;
        let h = normalise(first_norm, &first.forward(z), statistics);
        let h = normalise(second_norm, &maps(&second.forward(&h), self.inner), statistics);
        let h = self.layers.iter().fold(h, |h, (conv, norm)| normalise(norm, &conv.forward(&h), statistics));
        self.out.forward(&h).flatten(1, -1)
    }
}
