//! IMSAT: information maximising self-augmented training (Hu, Miyato, Tokui, Matsumoto and
//! Sugiyama, ICML 2017).
//!
//! A classifier p(y | x) without labels: it maximises the mutual information of input and cluster,
//! and its output is regularised to be constant within a ball around each sample whose radius is a
//! quarter of the distance to a near neighbour ([`loss`]). Two phases: `neighbours` (the distances)
//! and `train`. Prediction is argmax p(y | x).
//!
//! Differences from the released code with equal results: the clean outputs that R_SAT compares
//! with are those of the information terms (the same pass over the same batch, statistics of that
//! batch), logarithms come from log-softmax, and the neighbours are searched here instead of read
//! from a file whose rows are in another order. In the released code "the tenth neighbour" is the
//! eleventh. `perturbation.xi` is 10 in units of the input, which suits images in [-1, 1]; for
//! other data it can be given in mean neighbour distances, which are about 10 there.

mod config;
mod fit;
mod loss;
mod net;
mod train;

pub use config::{ImsatConfig, ImsatNetConfig, Perturbation, PerturbationConfig, XiUnit};
pub use fit::Imsat;
pub(crate) use fit::REVISIONS;
pub use loss::{Terms, Weights, kl_from_clean, loss};
