//! LTVAE: a variational auto-encoder whose prior is a latent tree (Li, Chen, Poon and Zhang, ICLR
//! 2019).
//!
//! Discrete latents form a tree over the parts of z, each of them one clustering of the data
//! ("facet"); see [`vae_gmm::tree`]. The networks follow the gradient of the ELBO ([`loss()`]), the
//! tree stepwise EM on the same samples. Phases: `pretrain`, `init` (or `neighbours`, `siamese`,
//! `partition`), `train`. The clusters are the states of the root, p(y | z) at the posterior mean.
//!
//! * Without `structure` and `search` there is one facet over all of z. With `covariance = "fixed"`
//!   this is the special case behind the published clustering numbers ("LTVAE-GMM" in the authors'
//!   code); the default estimates the covariances, as the paper's text says.
//! * `structure` gives a tree; every facet is fitted.
//! * `search` changes the structure during training by the Bayesian information criterion, as the
//!   authors' Java program does, in the restricted form of [`vae_gmm::tree::search`].
//!
//! Trees of several facets need `basis = "independent"`: the axes of an auto-encoder's codes are
//! arbitrary, and facets are found along axes. The layers next to the code are rewritten so that
//! the auto-encoder computes the same function.
//!
//! `cargo run --release -p vae-models --example two_facets` shows it on the paper's synthetic
//! example: of the four dimensions of z two belong to one clustering of the samples and two to
//! another, and the search finds both (ACC above 0.95 each, which the test of that example asserts
//! for a given tree as well). `vae fit` writes all clusterings to `facets.csv`.
//!
//! The published accuracies are purities (the majority class of each cluster), on training images;
//! compare them with the purity of a run, not with its accuracy.
//!
//! Deviations, with their reasons:
//!
//! * The loss has log p(z) itself. The authors' code has squared distances under constant
//!   responsibilities: the same gradient, another number.
//! * `alpha = 0` takes the mean variance of the codes within the initial clusters; the authors' 1
//!   assumes codes of unit variance.
//! * The preset of MNIST is initialised by a partition of the neighbour graph, as that of DGG, and
//!   the assignments are fixed for a few epochs; the profile `paper` has k-means on the codes of a
//!   stacked denoising auto-encoder.

mod config;
mod fit;
mod loss;
mod net;
mod train;

pub use config::{CodeBasisKind, CovarianceKind, LtvaeConfig, StructureSearch};
pub(crate) use fit::REVISIONS;
pub use fit::{Ltvae, LtvaeModel};
pub use loss::{Terms, loss};
