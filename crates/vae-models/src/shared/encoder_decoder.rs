//! One interface for convolutional and fully connected encoders and decoders, so that a method
//! works on images and on tables.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use tch::Tensor;
use vae_core::ImageShape;
use vae_core::identity::Revision;
use vae_core::net::{Decoder, Encoder};
use vae_core::program::{Op, Program, Value};

/// Encoders and decoders behind one trait.
pub const REVISION: Revision = ("encoder-decoder", 1);

/// Which kind of network encodes and decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetKind {
    /// `conv` for images whose sides suit the method's convolutions, else `mlp`.
    Auto,
    /// Convolutions; needs images.
    Conv,
    /// Fully connected layers.
    Mlp,
}

impl NetKind {
    /// The image to convolve, or `None` for fully connected layers. `suits` says whether the
    /// method's convolutions fit an image; `needs` is the requirement, for the error.
    ///
    /// # Errors
    /// [`Error::Config`] when convolutions are asked for and do not fit.
    pub(crate) fn resolve(
        self,
        image: Option<ImageShape>,
        suits: impl Fn(ImageShape) -> bool,
        needs: &str,
    ) -> Result<Option<ImageShape>> {
        let fitting = image.filter(|&image| suits(image));
        match (self, fitting) {
            (Self::Mlp, _) => Ok(None),
            (Self::Conv, None) => {
                let expected = format!("\"mlp\" or \"auto\" unless the rows are {needs}");
                Err(Error::config("net.kind", "conv", &expected))
            }
            (Self::Auto | Self::Conv, fitting) => Ok(fitting),
        }
    }
}

/// The encoding of a batch.
#[derive(Debug)]
pub struct Code {
    /// Mean of q(z | x), `[b, J]`.
    pub mu: Tensor,
    /// Log variance of q(z | x), `[b, J]`.
    pub log_var: Tensor,
    /// The last hidden layer, which both are computed from, `[b, width]`.
    pub features: Tensor,
}

/// x → q(z | x).
pub trait Encode: std::fmt::Debug + Send {
    /// # Shapes
    /// `x`: `[b, d]`.
    fn encode(&self, x: &Tensor) -> Code;

    /// Adds the code and the features it is computed from to a program, and returns both.
    ///
    /// # Errors
    /// libtorch.
    fn describe(&self, program: &mut Program, x: &Value) -> Result<(Value, Value)>;
}

/// z → the parameters of p(x | z).
pub trait Decode: std::fmt::Debug + Send {
    /// # Shapes
    /// `z`: `[b, J]`; result `[b, d]`.
    fn decode(&self, z: &Tensor) -> Tensor;
}

impl Encode for Encoder {
    fn encode(&self, x: &Tensor) -> Code {
        let features = self.features(x);
        let (mu, log_var) = self.heads(&features);
        Code { mu, log_var, features }
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<(Value, Value)> {
        let features = self.describe_features(program, x)?;
        Ok((self.describe_mu(program, &features)?, features))
    }
}

impl Decode for Decoder {
    fn decode(&self, z: &Tensor) -> Tensor {
        self.forward(z)
    }
}

fn as_channels_last(image: ImageShape) -> [i64; 4] {
    [-1, image.height as i64, image.width as i64, image.channels as i64]
}

/// Rows of a batch as images, with the channels last in memory: convolutions on the CPU are a tenth
/// faster there, and their results stay in that order.
///
/// # Shapes
/// `x`: `[b, d]`; result `[b, channels, height, width]`.
pub(crate) fn images(x: &Tensor, image: ImageShape) -> Tensor {
    let [b, h, w, c] = as_channels_last(image);
    if c == 1 {
        return maps(x, image);
    }
    x.reshape([b, c, h, w]).permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// Adds [`images`] to a program.
pub(crate) fn describe_images(program: &mut Program, x: &Value, image: ImageShape) -> Result<Value> {
    let ImageShape { channels, height, width } = image;
    Ok(program.add(Op::Images { channels, height, width }, &[x], &[])?)
}

/// Outputs of a linear layer as maps, pixel after pixel: the channels are last in memory.
///
/// # Shapes
/// `h`: `[b, d]`; result `[b, channels, height, width]`.
pub(crate) fn maps(h: &Tensor, image: ImageShape) -> Tensor {
    h.reshape(as_channels_last(image)).permute([0, 3, 1, 2])
}

/// The inverse of [`maps`].
///
/// # Shapes
/// `h`: `[b, channels, height, width]`; result `[b, d]`.
pub(crate) fn vectors(h: &Tensor) -> Tensor {
    h.permute([0, 2, 3, 1]).flatten(1, -1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_keep_their_pixels_and_maps_turn_back() {
        let (kind, device) = (tch::Kind::Float, tch::Device::Cpu);
        for channels in [1, 3] {
            let image = ImageShape { channels, height: 2, width: 5 };
            let x = Tensor::arange(2 * image.dim() as i64, (kind, device)).view([2, -1]);
            let y = images(&x, image);
            assert!(y.equal(&x.view([2, channels as i64, 2, 5])) && y.flatten(1, -1).equal(&x));
            // Neighbours in memory: channels, then columns.
            assert_eq!(y.stride()[1..], [1, 5 * channels as i64, channels as i64]);
            assert!(vectors(&maps(&x, image)).equal(&x));
        }
    }

    #[test]
    fn images_are_convolved_where_they_can_be() {
        let image = |side| Some(ImageShape { channels: 1, height: side, width: side });
        let even = |i: ImageShape| i.height.is_multiple_of(4);
        let resolve = |kind: NetKind, image| kind.resolve(image, even, "images with sides of 4n pixels");
        assert_eq!(resolve(NetKind::Auto, image(28)).expect("fits"), image(28));
        assert_eq!(resolve(NetKind::Auto, image(27)).expect("falls back"), None);
        assert_eq!(resolve(NetKind::Auto, None).expect("falls back"), None);
        assert_eq!(resolve(NetKind::Mlp, image(28)).expect("asked for"), None);
        assert_eq!(resolve(NetKind::Conv, image(28)).expect("fits"), image(28));
        for given in [image(27), None] {
            assert!(resolve(NetKind::Conv, given).is_err_and(|e| e.to_string().contains("4n pixels")));
        }
    }
}
