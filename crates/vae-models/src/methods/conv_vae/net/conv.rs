//! Yan's convolutional encoder and decoder.
//!
//! On 28×28 images:
//!
//! ```text
//! h1 = pool2( [conv 16@3×3, ReLU] × n ( x ) )            14×14×16 = 3136
//! h2 = pool2( [conv 32@5×5, ReLU] × n ( h1 ) )             7×7×32 = 1568
//! c  = concat(h1, h2)                                              4704
//! e  = linear c–m, no activation; mu, log_var = linear m–s
//! decoder: linear s–m, ReLU; linear m–4704, ReLU; the first 3136 as 14×14×16
//! TranCon: convT 16@2×2 stride 2, ReLU; (n − 1) × [convT 16@3×3, ReLU]; convT 1@3×3
//! ```
//!
//! Pooling is once per network, after its n layers: after every layer no pixels of 28×28 would be
//! left for n ≥ 3. The paper does not specify it; for n = 1 both readings agree.

use super::super::config::{ConvVaeNetConfig, Intermediate};
use crate::Result;
use crate::shared::encoder_decoder::{
    Code, Decode, Encode, describe_images, images, maps as as_maps, vectors,
};
use tch::Tensor;
use vae_core::ImageShape;
use vae_core::matmul::in_f32;
use vae_core::net::{Builder, Conv2d, ConvTranspose2d, Linear};
use vae_core::program::{Op, Program, Value};

/// Channels of the two networks.
const CHANNELS: [usize; 2] = [16, 32];

/// Kernels of the two networks.
const KERNELS: [usize; 2] = [3, 5];

/// Whether the transposed network has outputs of the image's shape: its sides must be even, and at
/// least 4 for two poolings.
pub(super) fn suits(image: ImageShape) -> bool {
    [image.height, image.width].into_iter().all(|side| side >= 4 && side.is_multiple_of(2))
}

/// The outputs of both networks.
pub(super) fn maps(image: ImageShape) -> [ImageShape; 2] {
    let half = |i: ImageShape, channels| ImageShape { channels, height: i.height / 2, width: i.width / 2 };
    let first = half(image, CHANNELS[0]);
    [first, half(first, CHANNELS[1])]
}

/// n convolutions with ReLU, then 2×2 max pooling.
fn pooled(layers: &[Conv2d], x: &Tensor) -> Tensor {
    let h = layers.iter().fold(x.shallow_clone(), |h, layer| layer.forward_as_computed(&h).relu_());
    h.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)
}

/// Adds [`pooled`] to a program.
fn describe_pooled(layers: &[Conv2d], program: &mut Program, x: &Value) -> Result<Value> {
    let mut h = x.clone();
    for layer in layers {
        h = layer.describe(program, &h)?;
        h = program.add(Op::Relu, &[&h], &[])?;
    }
    Ok(program.add(Op::MaxPool2d { size: 2 }, &[&h], &[])?)
}

/// x → q(z | x).
#[derive(Debug)]
pub struct ConvEncoder {
    image: ImageShape,
    networks: [Vec<Conv2d>; 2],
    hidden: Linear,
    mu: Linear,
    log_var: Linear,
}

impl ConvEncoder {
    /// `encoder.con1.*`, `encoder.con2.*`, `encoder.hidden` and the two heads.
    pub fn new(builder: &mut Builder<'_>, image: ImageShape, net: &ConvVaeNetConfig) -> Self {
        let mut n_in = image.channels;
        let mut network = |which: usize| -> Vec<Conv2d> {
            let layer = |i: usize| {
                let name = format!("encoder.con{}.{i}", which + 1);
                let layer = Conv2d::new(builder, &name, n_in, CHANNELS[which], KERNELS[which], 1);
                n_in = CHANNELS[which];
                layer
            };
            (0..net.n_layers).map(layer).collect()
        };
        let networks = [network(0), network(1)];
        let dim = maps(image).iter().map(ImageShape::dim).sum();
        let hidden = Linear::new(builder, "encoder.hidden", dim, net.width);
        let mu = Linear::new(builder, "encoder.mu", net.width, net.latent_dim);
        let log_var = Linear::new(builder, "encoder.log_var", net.width, net.latent_dim);
        Self { image, networks, hidden, mu, log_var }
    }
}

impl Encode for ConvEncoder {
    fn encode(&self, x: &Tensor) -> Code {
        let [first, second] = &self.networks;
        let h1 = pooled(first, &images(x, self.image));
        let h2 = pooled(second, &h1);
        let features = Tensor::cat(&[vectors(&h1), vectors(&h2)], 1);
        let e = self.hidden.forward(&features);
        Code { mu: self.mu.forward(&e), log_var: self.log_var.forward(&e), features: in_f32(features) }
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<(Value, Value)> {
        let [first, second] = &self.networks;
        let x = describe_images(program, x, self.image)?;
        let h1 = describe_pooled(first, program, &x)?;
        let h2 = describe_pooled(second, program, &h1)?;
        let h1 = program.add(Op::Flatten, &[&h1], &[])?;
        let h2 = program.add(Op::Flatten, &[&h2], &[])?;
        let features = program.add(Op::Concat, &[&h1, &h2], &[])?;
        let e = self.hidden.describe(program, &features)?;
        Ok((self.mu.describe(program, &e)?, features))
    }
}

/// z → logits or means of p(x | z).
#[derive(Debug)]
pub struct ConvDecoder {
    first: Linear,
    intermediate: Linear,
    map: ImageShape,
    layers: Vec<ConvTranspose2d>,
    out: ConvTranspose2d,
}

impl ConvDecoder {
    /// `decoder.first`, `decoder.intermediate` and the transposed convolutions.
    pub fn new(builder: &mut Builder<'_>, image: ImageShape, net: &ConvVaeNetConfig) -> Self {
        let [map, other] = maps(image);
        let dim = match net.intermediate {
            Intermediate::Full => map.dim() + other.dim(),
            Intermediate::Cut => map.dim(),
        };
        let first = Linear::new(builder, "decoder.first", net.latent_dim, net.width);
        let intermediate = Linear::new(builder, "decoder.intermediate", net.width, dim);
        let channels = CHANNELS[0];
        let layer = |i: usize| {
            let (kernel, stride) = if i == 0 { (2, 2) } else { (3, 1) };
            ConvTranspose2d::new(builder, &format!("decoder.{i}"), channels, channels, kernel, stride)
        };
        let layers = (0..net.n_layers).map(layer).collect();
        let out = ConvTranspose2d::new(builder, "decoder.out", channels, image.channels, 3, 1);
        Self { first, intermediate, map, layers, out }
    }
}

impl Decode for ConvDecoder {
    fn decode(&self, z: &Tensor) -> Tensor {
        let h = self.intermediate.forward(&self.first.forward(z).relu_()).relu_();
        let h = as_maps(&h.narrow(1, 0, self.map.dim() as i64), self.map);
        let h = self.layers.iter().fold(h, |h, layer| layer.forward_as_computed(&h).relu_());
        self.out.forward(&h).flatten(1, -1)
    }
}
