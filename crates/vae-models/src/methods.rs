//! The methods, one room each: `config`, `net`, `loss`, `train`, `fit`, as far as a method has them. None knows another.

pub mod conv_vae;
pub mod dec;
pub mod dgg;
pub mod gmm;
pub mod gmvae;
pub mod gmvae_m2;
pub mod imsat;
pub mod kmeans;
pub mod ltvae;
pub mod spectralnet;
pub mod two_stage;
pub mod vade;
pub mod vae_cluster;
