//! `spectral`: a partition of the neighbour graph of the features themselves, without a network.

mod config;
mod fit;

pub use config::SpectralConfig;
pub use fit::{Spectral, SpectralModel};
