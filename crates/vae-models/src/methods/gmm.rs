//! `gmm`: a diagonal Gaussian mixture on the features themselves.

mod config;
mod fit;

pub use config::GmmMethodConfig;
pub use fit::GmmMethod;
