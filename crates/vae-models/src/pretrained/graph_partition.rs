//! The phase `partition`: a partition of the codes' neighbour graph, chosen by modularity.

use super::codes::{Codes, CodesInit};
use super::init::GraphOf;
use crate::Result;
use crate::shared::assignments::{labels_of, labels_to_tensor};
use crate::shared::mixture::{self, Mixture, gaussians};
use serde_json::json;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::phase::{Artefact, PhaseContext, PhaseRecord, PhaseSpec};
use vae_graph::Distinct;
use vae_graph::partition::{PartitionConfig, Select, number};

/// How a partition is chosen, for reports.
pub(crate) fn selection(config: &PartitionConfig) -> &'static str {
    match config.select {
        Select::Modularity => "highest modularity of spectral partitions of the neighbour graph",
        Select::Conductance => {
            "highest modularity of the partitions of the neighbour graph that cut through no dense group"
        }
    }
}

/// Partitions the mean neighbour graph of the same points in all of `spaces`. Returns a Gaussian of
/// the `codes` of each cluster, and the artefact with the tensor `assignments`, to which the phase
/// adds further tensors.
pub(super) fn cut(
    config: &PartitionConfig,
    codes: &Features,
    spaces: &[&Features],
    (n_clusters, distinct): (usize, Option<&Distinct>),
    phase: &PhaseContext<'_>,
) -> Result<(Mixture, Artefact)> {
    // Of rows that repeat each other one is cut, and the others have its cluster.
    let different = distinct.map(|distinct| distinct.select(spaces)).transpose()?;
    let spaces = different.as_ref().map_or_else(|| spaces.to_vec(), |different| different.iter().collect());
    let found = config.fit(&spaces, n_clusters, &[], &phase.streams, phase.fit)?;
    let labels = distinct.map_or_else(|| found.labels.clone(), |distinct| distinct.to_all(&found.labels));
    let mixture = gaussians(codes, labels.view(), n_clusters);
    let tensors = Tensors::from([("assignments".to_string(), labels_to_tensor(&labels))]);
    let notes = json!({
        "modularity": found.modularity,
        "candidates": found.candidates,
        "eigenvalues": found.eigenvalues,
    });
    Ok((mixture, Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } }))
}

/// The same points in another space, and the key of the phase they come from.
pub struct OtherSpace<'a> {
    pub points: &'a Features,
    pub key: &'a str,
}

impl Codes<'_> {
    /// The phase `partition`: a partition of the neighbour graph of the codes (the mean of it and
    /// those of `others`), with a Gaussian of the codes of each cluster.
    pub fn partition(
        &self,
        config: &PartitionConfig,
        n_clusters: usize,
        (graph, others): (GraphOf, &[OtherSpace<'_>]),
    ) -> Result<CodesInit> {
        let (features, of_codes) = match graph {
            GraphOf::Codes => (false, true),
            GraphOf::Features => (true, false),
            GraphOf::Both => (true, true),
            GraphOf::Auto => (true, self.x.image().is_some()),
        };
        let mut inputs = vec![self.x.sha256(), self.key()];
        inputs.extend(others.iter().map(|o| o.key));
        if others.is_empty() {
            inputs.push("");
        }
        // Codes alone are what partitions were made of before there was a choice.
        inputs.extend(features.then_some("features"));
        // Of fewer different rows than clusters there is no partition.
        let distinct = features.then(|| Distinct::of(self.x)).flatten().filter(|d| d.n() > n_clusters);
        inputs.extend(distinct.is_some().then_some("different rows"));
        let of_a_table = features && self.x.has_categories();
        inputs.extend(of_a_table.then_some("layers by log odds"));
        inputs.extend((!of_codes).then_some("without codes"));
        let n = distinct.as_ref().map_or(self.x.n(), Distinct::n);
        let spec = PhaseSpec {
            name: "partition",
            revisions: &[
                &[mixture::REVISION],
                config.revisions(n),
                // The groups of the numbers weigh the columns.
                if of_a_table { number::REVISIONS } else { &[] },
            ],
            config: &(config, n_clusters),
            inputs: &inputs,
        };
        let artefact = self.cx.phase(&spec, |phase| -> Result<Artefact> {
            let codes = self.get()?;
            let of_features = features.then_some(self.x);
            let of_codes = of_codes.then_some(codes);
            let others = others.iter().map(|o| o.points);
            let spaces: Vec<&Features> = of_features.into_iter().chain(others).chain(of_codes).collect();
            let (mixture, mut cut) = cut(config, codes, &spaces, (n_clusters, distinct.as_ref()), phase)?;
            mixture.store("gmm.", &mut cut.tensors)?;
            Ok(cut)
        })?;
        let mixture = Mixture::load(&artefact.tensors, "gmm.")?;
        let assignments = labels_of(artefact.tensor("assignments")?)?;
        Ok(CodesInit {
            centres: mixture.mu.clone(),
            mixture,
            kmeans_assignments: assignments.clone(),
            assignments,
            selection: selection(config).into(),
            record: artefact.record,
        })
    }
}
