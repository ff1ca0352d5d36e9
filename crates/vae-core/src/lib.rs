//! Networks, likelihoods, optimisers and the one training loop for variational auto-encoders on
//! libtorch.
//!
//! The crate has what the deep methods are built on: [`Features`] (numbers without labels), a
//! [`Device`](tch::Device), counter-based random streams, layers with named initialisations, Adam
//! and SGD whose state can be saved, and [`train::train`], the only training loop of the workspace.
//! It knows no labels, no files but its own, and no method by name.
//!
//! A loss here is in nats per sample: a sum over dimensions and a mean over the batch, everywhere.
//!
//! # Example
//!
//! A model is its parameters and its loss; the loop does the rest. The point with the least squared
//! distance to all:
//!
//! ```
//! use ndarray::Array2;
//! use tch::{Device, Kind, Tensor};
//! use vae_core::features::{Features, Resident};
//! use vae_core::params::Params;
//! use vae_core::phase::{Artefact, FitContext, PhaseSpec};
//! use vae_core::train::{Batch, Loss, TrainConfig, Trainable, train};
//!
//! struct Centre {
//!     params: Params,
//!     mu: Tensor,
//! }
//!
//! impl Trainable for Centre {
//!     fn params(&self) -> &Params {
//!         &self.params
//!     }
//!
//!     /// A sum over dimensions, a mean over the batch.
//!     fn loss(&self, batch: &Batch<'_>) -> vae_core::Result<Loss> {
//!         let squares = (batch.x - &self.mu).square().sum_dim_intlist(1, false, Kind::Float);
//!         Ok(Loss { total: squares.mean(Kind::Float), terms: Vec::new() })
//!     }
//! }
//!
//! let x = Features::dense(Array2::from_shape_fn((100, 2), |(i, _)| (i % 2) as f32))?;
//! let config = TrainConfig { epochs: 40, batch_size: 100, lr: 0.05, ..TrainConfig::default() };
//! let spec = PhaseSpec {
//!     name: "centre",
//!     revisions: &[&[("centre", 1)]],
//!     config: &config,
//!     inputs: &[x.sha256()],
//! };
//! let trained = FitContext::in_memory(0).phase(&spec, |phase| {
//!     let mut params = Params::new();
//!     let mu = params.add("mu", Tensor::zeros([2], (Kind::Float, Device::Cpu)), 0);
//!     let centre = Centre { params, mu };
//!     let (record, _) = train(&centre, &Resident::new(&x, Device::Cpu)?, &config, vec![config.group()], phase)?;
//!     Ok::<_, vae_core::Error>(Artefact { tensors: centre.params.snapshot("")?, record })
//! })?;
//! let mu = &trained.tensors["mu"];
//! assert!((mu.double_value(&[0]) - 0.5).abs() < 0.1);
//! # Ok::<(), vae_core::Error>(())
//! ```

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
pub mod precision;
pub mod pretrain;
pub mod program;
pub mod progress;
pub mod provenance;
pub mod random;
pub mod resources;
pub mod schedule;
pub mod train;

pub use error::{Error, Result};
pub use features::Features;
pub use vae_array::{Column, Csr, ImageShape, Schema};
