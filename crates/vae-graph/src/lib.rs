//! Graphs of nearest neighbours for clustering.
//!
//! * [`knn`]: nearest neighbours, exact by a kd-tree or by blocked matrix products, above a million
//!   rows by an approximate index;
//! * [`siamese`]: a network whose distances are learnt from neighbours;
//! * [`affinity`]: which neighbours a point keeps, and their weights; [`Graph`]: the weights as a
//!   sparse matrix;
//! * [`partition`]: a partition of the graph, chosen by modularity, without labels; [`Distinct`]:
//!   the different rows, where many repeat;
//! * [`pairwise`]: DGG's graph objective, as printed over tuples, and exactly at the cost of an
//!   auto-encoder.
//!
//! No function here takes labels.
//!
//! # Example
//!
//! ```
//! use ndarray::Array2;
//! use vae_core::{Features, phase::FitContext};
//! use vae_graph::knn::{Knn, Metric};
//!
//! let x = Features::dense(Array2::from_shape_fn((50, 1), |(i, _)| (i * i) as f32))?;
//! let near = Knn { k: 2, metric: Metric::Euclidean }.of(&x, &FitContext::in_memory(0))?;
//! assert_eq!(near.of(10).to_vec(), [9, 11]); // 100 is nearest to 81, then to 121
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod affinity;
mod distinct;
mod error;
mod graph;
pub mod knn;
pub mod pairwise;
pub mod partition;
pub mod siamese;

pub use distinct::Distinct;
pub use error::{Error, Result};
pub use graph::Graph;
