//! VAE-Cluster: clustering by a variational auto-encoder in one step (Su Jianlin 2018,
//! spaces.ac.cn; the script `vae_keras_cluster.py`).
//!
//! y ~ uniform, z | y ~ N(m_y, I), x | z a normal around the decoder's output; q(z | x) from the
//! encoder and q(y | z) from a small classifier of z. One phase, `train`, from random weights and
//! all m_y at zero: for some epochs the class means coincide, then the symmetry breaks. Prediction
//! is the classifier at the mean of q(z | x).
//!
//! `[graph_start]`, which the script does not have, initialises the weights by a VAE without
//! classes and the classes by a partition of its neighbour graph, averaged with that of a Siamese
//! network, instead of random weights: phases `plain`, `neighbours`, `siamese` and `partition`
//! before `train`.
//!
//! Deviations from the script on MNIST and Fashion-MNIST (the presets): log variances are clamped
//! to ±12, a guard against overflow. The script's error for an empty cluster is in its scoring.
//! Beyond the script, flat data get fully connected layers, and another likelihood than the
//! published one can be chosen.

#[doc(hidden)]
pub mod bench_support;
mod config;
mod fit;
mod net;

pub use crate::shared::class_vae::{EPS, Encoded, Terms, category, energy, kl, loss};
pub use config::{VaeClusterConfig, VaeClusterNetConfig};
pub(crate) use fit::REVISIONS;
pub use fit::VaeCluster;
