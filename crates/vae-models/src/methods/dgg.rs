//! DGG: deep clustering by a Gaussian mixture VAE with graph embedding (Yang, Cheung, Li and Fang,
//! ICCV 2019).
//!
//! VaDE's generative model with one change and one addition: q(c | x) is a classifier on the code
//! instead of Bayes' rule, and a point's latent has to explain its neighbours as well, whose
//! assignments are pulled together by a Jensen–Shannon term. Phases: `pretrain` (an auto-encoder),
//! `partition` or `init` (the initial mixture), `neighbours` and `siamese` (distances for the
//! graph), `classifier`, `train`. Prediction is the classifier at the posterior mean.
//!
//! The paper's layout decodes each point with its 20 neighbours, 21 times the work of VaDE. Here
//! the same objective is trained at VaDE's cost, exactly, by smoothed targets: see
//! [`vae_graph::pairwise`]. The literal form is kept as `objective = "tuples"`.
//!
//! Deviations, each because the published one is wrong or unpublished: pi is the maximiser (as in
//! the authors' code; the printed formula is not normalised), the energy has its ½, variances are
//! exponentials, the classifier is trained on logits (not on a softmax of a softmax), neighbours
//! never come from labels, no downloaded weights are used.

#[doc(hidden)]
pub mod bench_support;
mod config;
mod fit;
mod loss;
mod net;
mod train;

pub use config::{
    ClassifierConfig, ClassifierInput, DggConfig, DggInit, DggInitKind, GraphConfig, Mixing, Objective, Space,
};
pub(crate) use fit::Begun;
pub(crate) use fit::REVISIONS;
pub use fit::{Dgg, DggModel};
