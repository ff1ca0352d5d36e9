//! VaDE: variational deep embedding (Jiang, Zheng, Tan, Tang and Zhou, IJCAI 2017, arXiv
//! 1611.05148).
//!
//! c ~ Cat(pi), z | c ~ N(mu_c, diag exp log_var_c), x | z from the decoder; q(z | x) from the
//! encoder, and q(c | x) = p(c | z) by Bayes' rule. Three phases: `pretrain` (an auto-encoder),
//! `init` (a mixture of its codes), `train` (the ELBO, [`loss`]). Prediction is argmax p(c | z) at
//! the posterior mean z = mu.
//!
//! Deviations from the published code, each because it is wrong there: `ln pi` enters once (not
//! once per latent dimension), pi is a softmax, variances are exponentials, densities are computed
//! as logarithms. In the first epochs the assignments may be fixed, at the initial ones or at those
//! of the model of the moment, taken anew every few epochs (classification EM on the same bound);
//! the published code leaves them free. The published weights of the auto-encoder are not used: all
//! weights are initialised at random.

#[doc(hidden)]
pub mod bench_support;
mod config;
mod fit;
mod loss;
mod net;

pub use crate::pretrained::{InitConfig, InitKind, LogVarInit, PiInit};
pub use crate::shared::posterior::{Posterior, held};
pub use config::VadeConfig;
pub(crate) use fit::REVISIONS;
pub use fit::Vade;
pub use loss::{Gamma, Terms, loss, loss_with};
