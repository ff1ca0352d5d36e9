//! Conv-VAE: two convolutional networks in series before a VAE with a category encoder (Yan
//! Xiaoming, Computer Systems & Applications 29(10), 2020, 222–227). No code was released.
//!
//! The first network's output feeds the second, and both, concatenated, feed the encoder; the
//! decoder makes "intermediate data" of the same size, of which the part of the first network is
//! cut out and transposed back to an image. One phase, `train`, from random weights; with the table
//! `[graph_start]` from a VAE without classes and the clusters of its neighbour graph, averaged
//! with that of a Siamese network (phases `plain`, `neighbours`, `siamese`, `partition`).
//! Prediction is the category encoder's class.
//!
//! # Why the printed loss is not the default
//!
//! The paper adds a squared error, KL(q(z | x) ‖ N(0, I)) and a category loss whose last form
//! (equation 7) is `(1/k) Σ_j ln q(y_j | x)`. Read as a mean over the classes it is
//! `−ln k − KL(uniform ‖ q)`: not a divergence to be made small but its negative, unbounded below,
//! with the gradient `1/k − q_j` on logit j. The probability of every class above 1/k grows, until
//! one class holds all samples; a constant class has the lowest loss, and training ends there (mode
//! `literal`; a test shows it). Read as samples `y_j ~ q`, its gradient has expectation zero. The
//! exact sum it estimates, `Σ_j q_j ln q_j`, is bounded, but with N(0, I) as the prior no term then
//! relates the classes to the data, and its minimum is the uniform classifier (mode
//! `exact-literal`). Neither can give the published accuracies.
//!
//! What the tables suggest was run (total losses that rise by half a nat or less with each latent
//! dimension, their scale on MNIST, 50 iterations) is the loss of
//! [`vae_cluster`](crate::methods::vae_cluster) behind new networks: that is the mode `sound`, the
//! default. Sizes that the paper does not state (decoder, category encoder, optimiser) follow that
//! method too.

mod config;
mod fit;
mod loss;
mod net;

pub use config::{CategoryInput, ConvVaeConfig, ConvVaeNetConfig, Intermediate, Mode};
pub use fit::ConvVae;
pub(crate) use fit::REVISIONS;
pub use loss::{category_enumerated, category_sampled};
