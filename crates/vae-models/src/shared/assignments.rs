//! Conversions of assignments between tensors, arrays and what a training observes.

use crate::Result;
use crate::api::FitSummary;
use ndarray::Array1;
use tch::{Device, Kind, Tensor};
use vae_core::phase::Artefact;
use vae_core::train::OBSERVED;

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

/// Assignments in the form in which a training stores observations: i32 `[n]` on the CPU.
///
/// # Errors
/// libtorch's.
pub(crate) fn as_observed(assignments: &Tensor) -> vae_core::Result<Tensor> {
    Ok(assignments.f_to_device(Device::Cpu)?.f_to_kind(Kind::Int)?)
}

/// The column of the largest number of each row of `scores`, `[n, K]`, [as observed](as_observed).
///
/// # Errors
/// libtorch's.
pub(crate) fn winners(scores: &Tensor) -> vae_core::Result<Tensor> {
    as_observed(&scores.f_argmax(1, false)?)
}

impl FitSummary {
    /// What the training `trained` observed, and the assignments of its final weights: those it
    /// observed last, where that was after its last epoch, else those of `predict`.
    pub(crate) fn observed(
        trained: &Artefact,
        predict: impl FnOnce() -> Result<Array1<u32>>,
    ) -> Result<Self> {
        let observed = observed_of(trained)?;
        let assignments = match observed.last() {
            Some((epoch, labels)) if *epoch == trained.record.epochs => labels.clone(),
            _ => predict()?,
        };
        Ok(Self { assignments, observed, ..Self::default() })
    }
}
