//! `spectral`: a partition of the neighbour graph of the features themselves, without a network.

mod config;
mod fit;

pub use config::SpectralConfig;
pub(crate) use config::{MAX_ROWS, usual_max_rows};
pub use fit::{Spectral, SpectralModel};
