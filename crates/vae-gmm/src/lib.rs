//! k-means++ and diagonal Gaussian mixtures, and the mixture prior of a variational auto-encoder.
//!
//! Without the feature `torch` the crate does not build torch:
//!
//! * [`kmeans`]: k-means++ seeding, exact Lloyd iterations, mini-batch k-means for very many rows;
//! * [`gmm`]: diagonal Gaussian mixtures fitted by EM in the log domain with f64 moments;
//! * [`latent_class`]: mixtures of independent categories and numbers.
//!
//! The feature `torch` adds `prior`, the mixture prior as a torch module, and `tree`, latent trees.
//!
//! Data come in as `ArrayView2<f32>` of shape `[n, d]`, to k-means also as a sparse matrix;
//! centres, parameters and everything that is summed are f64. Random numbers are ChaCha streams
//! keyed by the caller's seed, and sums are reduced in an order fixed by the data alone, so a fit
//! gives the same bytes at every thread count.
//!
//! # Example
//!
//! ```
//! use ndarray::Array2;
//! use vae_gmm::{GmmConfig, KMeansConfig};
//!
//! // Points around 0 and around 10.
//! let x = Array2::from_shape_fn((200, 2), |(i, j)| (i % 2 * 10) as f32 + ((i * 7 + j * 3) % 5) as f32);
//!
//! let kmeans = KMeansConfig::default().fit(x.view(), 2, 0)?; // two clusters, seed 0
//! assert_ne!(kmeans.labels()[0], kmeans.labels()[1]);
//!
//! let fit = GmmConfig::default().fit(x.view(), 2, 0)?;
//! let gamma = fit.model().predict_proba(x.view())?; // [200, 2], rows sum to 1
//! assert!((gamma[[0, 0]] - gamma[[1, 0]]).abs() > 0.99);
//! # Ok::<(), vae_gmm::Error>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod check;
mod data;
mod error;
pub mod gmm;
pub mod kmeans;
pub mod latent_class;
#[cfg(feature = "torch")]
pub mod prior;
mod rng;
#[cfg(feature = "torch")]
pub mod tree;
mod vector;

pub use data::Rows;
pub use error::{Error, Result};
pub use gmm::{Gmm, GmmConfig, GmmFit, InitCov, Select};
pub use kmeans::{KMeans, KMeansConfig, KMeansFit};
pub use latent_class::{ColumnGain, LatentClassConfig, LatentClassFit, MixedRows};
