//! SpectralNet (Shaham, Stanton, Li, Nadler, Basri and Kluger, ICLR 2018): spectral clustering by a
//! network.
//!
//! A network that is trained on batches maps points to the leading eigenvectors of their neighbour
//! graph; k-means on its outputs gives the clusters, and a new point is mapped by the network.
//! Phases: `pretrain` (the auto-encoder whose codes are the points; none for `space = "features"`),
//! `neighbours` and `siamese` (the distance of the affinities; none for `distance = "euclidean"`),
//! `train` (the map, [`laplacian`]), `clusters`.
//!
//! The published 97.1 % on MNIST uses the codes of VaDE's auto-encoder weights, whose training is
//! unpublished; here the auto-encoder is trained from random weights.
//!
//! Deviations from the published code:
//!
//! * `clusters = "modularity"`, the default, learns more outputs than clusters and chooses among
//!   partitions of them by modularity, without labels; `"kmeans"` is the published last step.
//! * Pairs are drawn anew each epoch (see [`vae_graph::siamese`]) instead of listed in advance; two
//!   epochs have as many pairs as one of theirs, which lists two per point and side. The Siamese
//!   output is linear: a final ReLU can be 0 for all inputs and make all distances 0. A far point
//!   is a uniformly random one and may, with probability k/n, be a neighbour; the published code
//!   excludes the anchor's own list.
//! * No part of the data is held out for the learning rate: it follows a schedule, and all points
//!   are used for training.
//! * The orthonormalising matrix of the fitted map is that of all points instead of the last
//!   batch's estimate. Predictions use the stored one.
//! * The Gram matrix is decomposed in f64, with a ridge that is increased on failure; a batch that
//!   still fails is skipped and counted in the history (`skipped`).
//! * Points are divided by one number, their root mean square deviation, so that codes of any scale
//!   suit the tanh and the margin. Neighbours do not depend on it.

mod config;
mod fit;
mod loss;
mod net;
mod train;

pub use config::{AffinityConfig, ClusterChoice, MapConfig, PairDistance, PointSpace, SpectralNetConfig};
pub(crate) use fit::REVISIONS;
pub use fit::SpectralNet;
pub use loss::{affinity, laplacian, neighbour_scale, orthonormaliser};
