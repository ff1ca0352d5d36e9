//! DEC: deep embedded clustering (Xie, Girshick and Farhadi, ICML 2016, arXiv 1511.06335), and IDEC
//! (Guo, Gao, Liu and Yin, IJCAI 2017) as an option.
//!
//! Codes z of an encoder and centres mu in their space give soft assignments q by a Student t
//! kernel; training moves q towards a sharpened target p that is computed from all samples at once
//! and fixed for a round of updates ([`kl`], [`target`]). Three phases: `pretrain` (an
//! auto-encoder), `init` (k-means of its codes), `train`. Prediction is argmax q.
//!
//! DEC drops the decoder; with `reconstruction_weight` above 0 it stays and the reconstruction is a
//! second term of the loss, so that the codes cannot collapse: IDEC is `clustering_weight = 0.1`,
//! `reconstruction_weight = 1`, and Adam with the learning rate 1e-3.
//!
//! Deviations from the published code: batches are shuffled unless `order` says otherwise, since
//! data sorted by class would make batches of one cluster; momentum is kept between rounds unless
//! `restart_momentum` says otherwise; the interval between two targets, which the authors chose by
//! its accuracy, is fixed in the presets; and the auto-encoder is trained on all samples that are
//! clustered. An epoch in the history is a round between two targets.

mod config;
mod fit;
mod loss;
mod net;
mod train;

pub use config::DecConfig;
pub use fit::Dec;
pub(crate) use fit::REVISIONS;
pub use loss::{kl, log_assignments, target};
