//! SpectralNet (Shaham, Stanton, Li, Nadler, Basri and Kluger, ICLR 2018): spectral clustering by a
//! network.
//!
//! A network maps points to the leading eigenvectors of the graph of their neighbours, learnt batch
//! by batch; k-means on its outputs gives the clusters, and a new point is simply mapped. Phases:
//! `pretrain` (the auto-encoder whose codes are the points; none for `space = "features"`),
//! `neighbours` and `siamese` (the distance of the affinities; none for `distance = "euclidean"`),
//! `train` (the map, [`laplacian`]), `clusters`.
//!
//! The published 97.1 % on MNIST stands on the codes of VaDE's unpublished auto-encoder weights;
//! ours start from random numbers.
//!
//! Deviations from the published code:
//!
//! * `clusters = "modularity"`, the default, learns more outputs than clusters and chooses among
//!   partitions of them without labels; `"kmeans"` is the published last step.
//! * Pairs are drawn anew each epoch (see [`vae_graph::siamese`]) instead of listed in advance; two
//!   epochs see as many pairs as one of theirs, which lists two per point and side. The Siamese
//!   output is linear: a last ReLU can die and make all distances 0. A far point is a uniformly
//!   random one and may, with probability k/n, be a neighbour; the published code leaves the
//!   anchor's own list out.
//! * No part of the data is held out to steer the learning rate: it follows a schedule, and all
//!   points train.
//! * The orthonormalising matrix of the fitted map is that of all points, which the last batch's
//!   estimates. Predictions use the stored one.
//! * The Gram matrix is decomposed in f64, with a ridge that grows on failure; a batch that still
//!   fails is skipped and counted in the history (`skipped`).
//! * Points are divided by one number, their root mean square deviation, so that codes of any size
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
