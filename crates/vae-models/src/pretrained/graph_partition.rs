//! The phase `partition`: the graph of the codes' nearest neighbours, cut by modularity.

use super::codes::{Codes, Start};
use crate::Result;
use crate::shared::assignments::{labels_of, labels_to_tensor};
use crate::shared::mixture::Mixture;
use ndarray::{Array1, Array2, ArrayView1};
use serde_json::json;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::identity::Revision;
use vae_core::phase::{Artefact, PhaseRecord, PhaseSpec};
use vae_graph::partition::{self, Partition, PartitionConfig};

/// Gaussians of the clusters of a partition.
pub const REVISION: Revision = ("partition-gaussians", 1);

/// Smallest variance of a component fitted to a cluster.
const VARIANCE_FLOOR: f64 = 1e-6;

/// How a partition is chosen, for reports.
pub const PARTITION_SELECTION: &str = "highest modularity of spectral partitions of the neighbour graph";

/// What a phase says of its partition.
pub fn partition_notes(found: &Partition) -> serde_json::Value {
    json!({
        "modularity": found.modularity,
        "candidates": found.candidates,
        "eigenvalues": found.eigenvalues,
    })
}

/// The same points in another space, and the key of the phase they come from.
pub struct OtherSpace<'a> {
    pub points: &'a Features,
    pub key: &'a str,
}

impl Codes<'_> {
    /// The phase `partition`: the neighbour graph of the codes (the mean of it and that of `other`) is cut, and a Gaussian
    /// describes the codes of each cluster.
    pub fn partition(
        &self,
        config: &PartitionConfig,
        n_clusters: usize,
        other: Option<OtherSpace<'_>>,
    ) -> Result<Start> {
        let other_key = other.as_ref().map_or("", |o| o.key);
        let spec = PhaseSpec {
            name: "partition",
            revisions: &[&[REVISION], partition::REVISIONS],
            config: &(config, n_clusters),
            inputs: &[self.x.sha256(), self.key(), other_key],
        };
        let artefact = self.cx.phase(&spec, |phase| -> Result<Artefact> {
            let codes = self.get()?;
            let spaces: Vec<&Features> = other.iter().map(|o| o.points).chain([codes]).collect();
            let found = config.fit(&spaces, n_clusters, &phase.streams, self.cx)?;
            let mut tensors = Tensors::new();
            gaussians(codes, found.labels.view(), n_clusters).store("gmm.", &mut tensors)?;
            tensors.insert("assignments".into(), labels_to_tensor(&found.labels));
            Ok(Artefact {
                tensors,
                record: PhaseRecord { notes: partition_notes(&found), ..PhaseRecord::default() },
            })
        })?;
        let mixture = Mixture::load(&artefact.tensors, "gmm.")?;
        let assignments = labels_of(artefact.tensor("assignments")?)?;
        Ok(Start {
            centres: mixture.mu.clone(),
            mixture,
            kmeans_assignments: assignments.clone(),
            assignments,
            selection: PARTITION_SELECTION.into(),
            record: artefact.record,
        })
    }
}

/// Share, mean and unbiased variance of each cluster, in f64.
pub fn gaussians(codes: &Features, labels: ArrayView1<'_, u32>, n_clusters: usize) -> Mixture {
    let codes = codes.dense_rows(0, codes.n());
    let (n, j) = codes.dim();
    let mut count = vec![0usize; n_clusters];
    let mut mu = Array2::<f64>::zeros((n_clusters, j));
    let mut var = Array2::<f64>::zeros((n_clusters, j));
    for (row, &c) in codes.outer_iter().zip(labels) {
        count[c as usize] += 1;
        mu.row_mut(c as usize).zip_mut_with(&row, |m, &v| *m += f64::from(v));
    }
    for (mut mean, &count) in mu.outer_iter_mut().zip(&count) {
        mean /= count.max(1) as f64;
    }
    for (row, &c) in codes.outer_iter().zip(labels) {
        let mean = mu.row(c as usize);
        for ((v, &x), &m) in var.row_mut(c as usize).iter_mut().zip(row).zip(mean) {
            *v += (f64::from(x) - m).powi(2);
        }
    }
    for (mut row, &count) in var.outer_iter_mut().zip(&count) {
        row.mapv_inplace(|v| (v / count.saturating_sub(1).max(1) as f64).max(VARIANCE_FLOOR));
    }
    let pi: Array1<f64> = count.iter().map(|&c| c as f64 / n as f64).collect();
    Mixture { pi, mu, var }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn gaussians_by_hand() {
        let codes =
            Features::dense(array![[0.0f32, 1.0], [2.0, 1.0], [4.0, 1.0], [7.0, -1.0]]).expect("finite");
        let m = gaussians(&codes, array![0u32, 0, 0, 1].view(), 3);
        assert_eq!(m.pi, array![0.75, 0.25, 0.0]);
        assert_eq!(m.mu, array![[2.0, 1.0], [7.0, -1.0], [0.0, 0.0]]);
        // ((−2)² + 0 + 2²) / (3 − 1) = 4; the rest is the floor.
        assert_eq!(m.var, array![[4.0, 1e-6], [1e-6, 1e-6], [1e-6, 1e-6]]);
    }
}
