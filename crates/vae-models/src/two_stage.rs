//! Two stages: an auto-encoder, then a clustering of its codes. The baselines `ae-kmeans`, `ae-gmm` and `ae-spectral`,
//! and the start of every method that begins with a mixture of codes.
//!
//! Restarts are chosen by the lowest k-means inertia, or by their modularity in the graph of the codes' neighbours. The
//! likelihood of the mixture is a bad judge: on one auto-encoder's codes of MNIST the most likely of ten mixtures had the
//! worst accuracy, the lowest inertia the best.

mod autoencoder;
mod codes;
mod methods;
mod partition;
mod siamese;

pub(crate) use autoencoder::CodeModel;
pub use codes::{CodeClustering, CodeSelect};
pub(crate) use codes::{Codes, Start};
pub use methods::{AeGmm, AeKMeans, AeSpectral, TwoStageConfig};
pub(crate) use partition::{OtherSpace, PARTITION_SELECTION, gaussians, partition_notes};
pub(crate) use siamese::{check_random_siamese, siamese};

use crate::Result;
use ndarray::Array1;
use tch::{Device, Kind, Tensor};
use vae_core::identity::Revision;
use vae_core::net::NetConfig;
use vae_core::phase::Artefact;
use vae_core::pretrain::PretrainConfig;
use vae_core::train::{OBSERVED, TrainConfig};

/// Clusterings of codes.
pub(crate) const REVISIONS: &[Revision] = &[codes::REVISION, partition::REVISION];

/// Networks for data nobody has tuned for: smaller than the published ones, which were made for images.
pub(crate) fn default_net() -> NetConfig {
    NetConfig { hidden: vec![256, 256, 512], ..NetConfig::default() }
}

/// The auto-encoder's training for data nobody has tuned for: enough updates for small data too.
pub(crate) fn default_pretrain() -> PretrainConfig {
    let config = PretrainConfig::default();
    PretrainConfig { train: TrainConfig { min_updates: 3000, batch_size: 128, ..config.train }, ..config }
}

/// An integer tensor `[n]` as assignments.
pub(crate) fn labels_of(t: &Tensor) -> Result<Array1<u32>> {
    let values = Vec::<i64>::try_from(t.f_to_device(Device::Cpu)?.f_to_kind(Kind::Int64)?)?;
    Ok(values.into_iter().map(|v| v as u32).collect())
}

/// The share of the samples in each of `k` clusters, `[k]`.
pub(crate) fn shares(labels: &Array1<u32>, k: usize) -> Array1<f64> {
    let mut shares = Array1::zeros(k);
    labels.iter().for_each(|&c| shares[c as usize] += 1.0);
    shares / labels.len().max(1) as f64
}

/// Assignments as an i32 tensor `[n]`.
pub(crate) fn labels_to_tensor(labels: &Array1<u32>) -> Tensor {
    Tensor::from_slice(&labels.iter().map(|&l| l as i32).collect::<Vec<_>>())
}

/// The observed assignments of a training, in the order of the epochs.
pub(crate) fn observed_of(trained: &Artefact) -> Result<Vec<(usize, Array1<u32>)>> {
    let mut observed = Vec::new();
    for (name, tensor) in &trained.tensors {
        if let Some(epoch) = name.strip_prefix(OBSERVED).and_then(|e| e.parse().ok()) {
            observed.push((epoch, labels_of(tensor)?));
        }
    }
    observed.sort_by_key(|(epoch, _)| *epoch);
    Ok(observed)
}
