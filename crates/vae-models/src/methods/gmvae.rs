//! GMVAE: deep unsupervised clustering with Gaussian mixture variational autoencoders
//! (Dilokthanakul, Mediano, Garnelo, Lee, Salimbeni, Arulkumaran and Shanahan 2016, arXiv
//! 1611.02648, version 2).
//!
//! A mixture whose components are functions of a continuous style w, with the cluster's posterior
//! by Bayes' rule ([`loss()`]). One phase, `train`, from random weights. Under the plain bound the
//! clusters merge early; the term that causes it has no gradient below `lambda` nats, and its value
//! is in the history as `z`. Prediction is argmax p(c | z, w) at the posterior means, with the
//! running moments of batch normalisation.
//!
//! Deviations from the published code: its gradient through p(c | z, w) has a wrong sign above
//! lambda and mixes samples; here autograd takes the gradient of the paper's formula. A Gaussian
//! p(x | z) has one fixed variance (`likelihood_variance`), where the paper's is an output of the
//! decoder. Log variances are clamped. Which code produced the published numbers is not known.

mod config;
mod fit;
mod loss;
mod net;

pub use config::{GmvaeConfig, GmvaeNetConfig};
pub use fit::Gmvae;
pub(crate) use fit::REVISIONS;
pub use loss::{Components, Recognition, Terms, component_kl, log_responsibility, loss, z_term};
