//! Two stages: an auto-encoder, then a clustering of its codes. The baselines `ae-kmeans`, `ae-gmm`
//! and `ae-spectral`, and `vae-gmm`, whose auto-encoder is variational.

mod config;
mod fit;

pub use config::TwoStageConfig;
pub use fit::{AeGmm, AeKMeans, AeSpectral, VaeGmm};
