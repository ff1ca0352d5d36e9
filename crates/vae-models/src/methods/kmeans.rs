//! `kmeans`: k-means on the features themselves.

mod config;
mod fit;

pub use config::KMeansMethodConfig;
pub use fit::KMeansMethod;
