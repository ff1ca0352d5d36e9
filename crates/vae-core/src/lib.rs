//! Networks, likelihoods, optimisers and the one training loop for variational auto-encoders on libtorch.
//!
//! The crate is the ground floor of the deep methods: it knows [`Features`] (numbers without labels), a
//! [`Device`](tch::Device), counter-based random streams, layers with named initialisations, Adam and SGD whose
//! state can be saved, and [`train::train`], the only training loop of the workspace. What it does *not* know is
//! just as important: labels, files other than its own, and the names of methods.
//!
//! A loss here is in nats per sample: a sum over dimensions and a mean over the batch, everywhere.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod activation;
pub mod bundle;
pub mod cache;
pub mod device;
mod error;
pub mod features;
pub mod fsio;
pub mod identity;
pub mod init;
pub mod interrupt;
pub mod kl;
pub mod likelihood;
pub mod lock;
pub mod matmul;
pub mod net;
pub mod optim;
pub mod params;
pub mod phase;
pub mod pretrain;
pub mod progress;
pub mod provenance;
pub mod random;
pub mod resnet;
pub mod resources;
pub mod schedule;
pub mod train;
pub mod weights;

pub use error::{Error, Result};
pub use features::Features;
pub use vae_array::{Csr, ImageShape};
