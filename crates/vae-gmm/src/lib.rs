//! k-means++ and diagonal Gaussian mixtures, and the mixture prior of a variational auto-encoder.
//!
//! The pure part of the crate needs `ndarray` only (build it with `--no-default-features`):
//!
//! * [`kmeans`]: k-means++ seeding, exact Lloyd iterations, mini-batch k-means for very many rows;
//! * [`gmm`]: diagonal Gaussian mixtures fitted by EM in the log domain with f64 moments.
//!
//! Data come in as `ArrayView2<f32>` of shape `[n, d]`; centres, parameters and everything that is summed are
//! f64. Random numbers are ChaCha streams keyed by the caller's seed, and sums are reduced in an order fixed by
//! the data alone, so a fit gives the same bytes at every thread count.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod check;
mod data;
mod error;
pub mod gmm;
pub mod kmeans;
#[cfg(feature = "torch")]
pub mod prior;
mod rng;
#[cfg(feature = "torch")]
pub mod tree;
mod vector;

pub use error::{Error, Result};
pub use gmm::{Gmm, GmmConfig, GmmFit, InitCov, Select};
pub use kmeans::{KMeans, KMeansConfig, KMeansFit};
