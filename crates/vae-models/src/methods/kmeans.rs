//! `kmeans`: k-means on the features themselves.

mod config;
mod fit;

pub use config::KMeansConfig;
pub use fit::KMeans;
