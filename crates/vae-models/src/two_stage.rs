//! Two stages: an auto-encoder, then a clustering of its codes. The baselines `ae-kmeans`, `ae-gmm` and
//! `ae-spectral`, and the start
//! of every method that begins with a mixture of codes.
//!
//! Restarts are chosen by the lowest k-means inertia. The likelihood of the mixture is a bad judge: on one
//! auto-encoder's codes of MNIST the most likely of ten mixtures had the worst accuracy, the lowest inertia the best.

mod autoencoder;
mod codes;
mod methods;
mod partition;
mod siamese;

pub(crate) use autoencoder::CodeModel;
pub use codes::CodeClustering;
pub(crate) use codes::{Start, cluster_codes};
pub use methods::{AeGmm, AeKMeans, AeSpectral, TwoStageConfig};
pub(crate) use partition::{OtherSpace, codes_of, gaussians, partition_codes};
pub(crate) use siamese::siamese_codes;

use crate::saved::Input;
use crate::scale::{Scale, ScaleKind};
use crate::{Error, Result};
use ndarray::Array1;
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::likelihood::{Likelihood, LikelihoodKind};
use vae_core::net::NetConfig;
use vae_core::phase::Artefact;
use vae_core::pretrain::PretrainConfig;
use vae_core::train::{OBSERVED, TrainConfig};

/// Networks for data nobody has tuned for: smaller than the published ones, which were made for images.
pub(crate) fn default_net() -> NetConfig {
    NetConfig { hidden: vec![256, 256, 512], ..NetConfig::default() }
}

/// The auto-encoder's training for data nobody has tuned for: enough updates for small data too.
pub(crate) fn default_pretrain() -> PretrainConfig {
    let config = PretrainConfig::default();
    PretrainConfig { train: TrainConfig { min_updates: 3000, batch_size: 128, ..config.train }, ..config }
}

/// Fits the scaling and decides what is `auto`; the texts say what was decided.
pub(crate) fn resolve_input(
    x: &Features,
    scale: ScaleKind,
    likelihood: Option<(LikelihoodKind, f64)>,
    n_clusters: usize,
) -> Result<(Input, Vec<String>)> {
    if n_clusters > x.n() {
        let expected = format!("at most the number of samples, {}", x.n());
        return Err(Error::config("n_clusters", n_clusters, &expected));
    }
    let distinct = x.distinct_rows_up_to(n_clusters);
    if distinct < n_clusters {
        let expected = format!("at most the number of distinct samples, {distinct}");
        return Err(Error::config("n_clusters", n_clusters, &expected));
    }
    let fitted = Scale::fit(scale, x);
    let mut resolved = vec![match &fitted {
        Scale::Identity => "scale = none".to_string(),
        Scale::Affine { .. } if scale == ScaleKind::Minmax => "scale = minmax".to_string(),
        Scale::Affine { .. } => "scale = standardize".to_string(),
    }];
    let likelihood = match likelihood {
        None => None,
        Some((kind, variance)) => {
            let chosen = Likelihood::resolve(kind, variance, fitted.apply(x)?.as_ref())?;
            resolved.push(match chosen {
                Likelihood::Bernoulli => "likelihood = bernoulli".into(),
                Likelihood::Gaussian { variance } => format!("likelihood = gaussian, variance {variance}"),
            });
            Some(chosen)
        }
    };
    Ok((Input { dim: x.dim(), image: x.image(), scale: fitted, likelihood }, resolved))
}

/// An integer tensor `[n]` as assignments.
pub(crate) fn labels_of(t: &Tensor) -> Result<Array1<u32>> {
    let values = Vec::<i64>::try_from(t.f_to_device(Device::Cpu)?.f_to_kind(Kind::Int64)?)?;
    Ok(values.into_iter().map(|v| v as u32).collect())
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
