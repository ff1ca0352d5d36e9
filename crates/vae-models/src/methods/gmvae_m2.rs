//! GMVAE-M2: another model known as GMVAE, a semi-supervised M2 with a mixture prior and without
//! labels (Rui Shu 2016, the repository `vae-clustering`).
//!
//! y ~ uniform over K classes, z | y ~ N(m_y, diag v_y), x | z from the decoder; q(y | x) and q(z |
//! x, y) are networks, and the sum over the classes is exact ([`loss()`]): decoder and second
//! encoder run once for each class. With `class_floor` improbable classes are sampled with
//! importance weights, which keep loss and gradient unbiased ([`loss_of_pairs`]); once most samples
//! have one class, a step costs a third. One phase, `train`, from random weights. Prediction is
//! argmax q(y | x); the code of a sample is the mean of q(z | x, y) at that y.
//!
//! Deviations from the published code: weights start as Glorot's instead of by its variance
//! scaling, reported to be poor; the presets of MNIST and Fashion-MNIST replace the exact sum by
//! `class_floor = 0.005`, an unbiased estimate (profile `paper`: the exact sum); ln K is that of
//! the configured K (it keeps ln 10 for every K); densities and probabilities are computed as
//! logarithms.

mod config;
mod fit;
mod loss;
mod net;

pub use config::{GmvaeM2Config, GmvaeM2NetConfig};
pub use fit::GmvaeM2;
pub(crate) use fit::REVISIONS;
pub use loss::{Gaussian, Pairs, Terms, latent, loss, loss_of_pairs};
