//! Layers and networks.

mod autoencoder;
mod batch_norm;
mod conv;
mod linear;
mod mlp;

pub use autoencoder::{Decoder, Encoder, NetConfig};
pub use batch_norm::{BatchNorm, Statistics};
pub use conv::{Conv2d, ConvTranspose2d, mirror};
pub use linear::Linear;
pub use mlp::Mlp;

use crate::identity::Revision;
use crate::init::Init;
use crate::params::Params;
use crate::random::Streams;
use tch::Device;

/// Layers, initial weights, activations and observation models.
pub const REVISION: Revision = ("network", 1);

/// What the constructors of layers need: the parameters to add to, and the source of initial
/// weights.
#[derive(Debug)]
pub struct Builder<'a> {
    /// Receives the parameters.
    pub params: &'a mut Params,
    /// Source of the initial weights; a weight depends on the seed and its own name only.
    pub streams: &'a Streams,
    /// Initialisation of the weights.
    pub init: Init,
    /// Optimiser group of the parameters.
    pub group: usize,
    /// The device of the parameters.
    pub device: Device,
}
