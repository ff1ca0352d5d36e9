//! The methods, one folder each. None imports another.
//!
//! The files of the method `X`, as far as it has them, are the same in each folder:
//!
//! | file     | content                                                                |
//! |----------|------------------------------------------------------------------------|
//! | `config` | `XConfig`, the settings                                                |
//! | `net`    | `XNet`, the networks and their parameters                              |
//! | `loss`   | the loss as pure functions of tensors                                  |
//! | `train`  | `XTraining`, what the training loop calls where that is not the `XNet` |
//! | `fit`    | `X`, its phases, and `XModel`, what a fit leaves                       |
//! | `tests`  | the tests of the file beside whose name they are                       |

pub mod conv_vae;
pub mod dec;
pub mod dgg;
pub mod gmm;
pub mod gmvae;
pub mod gmvae_m2;
pub mod imsat;
pub mod kmeans;
pub mod ltvae;
pub mod spectral;
pub mod spectralnet;
pub mod two_stage;
pub mod vade;
pub mod vae_cluster;
