//! Latent trees: several clusterings of the same points at once (LTVAE, Li, Chen, Poon and Zhang,
//! ICLR 2019).
//!
//! Discrete latents form a tree; the variables of a point are parted into leaves, each a Gaussian
//! whose parameters depend on the state of its parent:
//!
//! ```text
//! p(z) = Σ_Y  Π_j P(y_j | parent of Y_j)  Π_b N(z_b | mu_b(y), Sigma_b(y)),   y the state of the parent of z_b
//! ```
//!
//! Each latent is one clustering (a "facet") with the posterior P(Y | z). One latent over
//! everything is a Gaussian mixture.
//!
//! * [`Structure`]: the parent of each node, and the number of free parameters;
//! * [`LatentTree`]: a structure with its parameters, log p(z) and posteriors by message passing in
//!   the log domain;
//! * [`em`]: stepwise EM on mini-batches, EM on whole data;
//! * [`search`]: a hill climb over structures by the Bayesian information criterion.
//!
//! Parameters are f64 tensors: an update by a hundredth of a batch must not be lost in rounding.
//! Gradients flow to `z` and not to the parameters, which EM estimates.

/// Name and number of latent trees; the number is raised whenever the code changes a result.
pub const REVISION: (&str, u32) = ("latent-tree", 1);

mod describe;
pub mod em;
mod messages;
pub mod search;
mod structure;
mod tensors;

pub use messages::{LatentTree, Leaf, Posteriors};
pub use structure::{Latent, LeafNode, Structure};

#[cfg(test)]
mod tests;
