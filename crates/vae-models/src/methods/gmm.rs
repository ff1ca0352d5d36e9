//! `gmm`: a diagonal Gaussian mixture on the features themselves.

mod config;
mod fit;

pub use config::GmmConfig;
pub use fit::Gmm;
