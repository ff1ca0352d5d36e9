//! Encoders and decoders behind one face, so that a method works on images and on flat tables.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use tch::Tensor;
use vae_core::ImageShape;
use vae_core::net::{Decoder, Encoder};

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
    /// The image to convolve, or `None` for fully connected layers. `suits` says whether the method's convolutions can
    /// take an image; `needs` is what they ask of it, for the error.
    ///
    /// # Errors
    /// [`Error::Config`] when convolutions are asked for and cannot be had.
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

/// What an encoder makes of a batch.
#[derive(Debug)]
pub struct Code {
    /// Mean of q(z | x), `[b, J]`.
    pub mu: Tensor,
    /// Log variance of q(z | x), `[b, J]`.
    pub log_var: Tensor,
    /// What the two are computed from, `[b, width]`.
    pub features: Tensor,
}

/// x → q(z | x).
pub trait Encode: std::fmt::Debug + Send {
    /// # Shapes
    /// `x`: `[b, d]`.
    fn encode(&self, x: &Tensor) -> Code;
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
}

impl Decode for Decoder {
    fn decode(&self, z: &Tensor) -> Tensor {
        self.forward(z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
