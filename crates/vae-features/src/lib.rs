//! Features of pictures by a trained network, from weights that a user names.
//!
//! * [`weights`]: reads a file of weights, whatever kind it is: safetensors, a state dictionary of
//!   `torch.save`, or TorchScript. Nothing in the file is run, and what the file asks for is
//!   bounded by what it holds.
//! * [`resnet`]: torchvision's ResNet-50 without its classifier: 2,048 features a picture.
//!
//! No weights come with the crate and none are downloaded. Features depend on the picture alone,
//! not on its batch, so they can be computed once and kept;
//! [`Weights::sha256`](weights::Weights::sha256) says what made them.
//!
//! # Example
//!
//! Any file of weights can be read; what is read is tensors by their names:
//!
//! ```
//! use tch::Tensor;
//! use vae_features::{resnet::ResNet50, weights};
//!
//! let file = std::env::temp_dir().join(format!("scale-{}.safetensors", std::process::id()));
//! Tensor::write_safetensors(&[("scale", Tensor::from_slice(&[0.5_f32, 2.0]))], &file)?;
//! let read = weights::read(&file);
//! std::fs::remove_file(&file)?;
//!
//! let read = read?;
//! assert_eq!(read.tensors["scale"].size(), [2]);
//! assert_eq!(read.sha256.len(), 64);
//!
//! // Whether they are those of the network is for the network to say, and it names what it misses.
//! let error = ResNet50::new(&read.tensors, tch::Device::Cpu).unwrap_err().to_string();
//! assert!(error.contains("are not those of torchvision's resnet50"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Errors are those of `vae-core`: a damaged file is [`Error::Corrupt`] with its path and the
//! remedy, weights of another network are [`Error::Checkpoint`] or [`Error::Shape`] with the
//! tensor's name.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod resnet;
pub mod weights;

pub use vae_core::{Error, ImageShape, Result};
