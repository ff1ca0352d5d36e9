//! What the runs of one number of clusters have in common, and which run is nearest to it.

use crate::results::cluster_sizes;
use crate::runs::Run;
use anyhow::Result;
use ndarray::{Array1, ArrayView1};
use vae_metrics::Contingency;
use vae_report::sweep::{ConsensusFacts, Recommended, Run as Record};

/// The consensus.
#[derive(Debug, Default)]
pub struct Found {
    /// Cluster and confidence of every row, where at least two runs voted.
    pub votes: Option<(Array1<u32>, Array1<f32>)>,
    pub facts: Option<ConsensusFacts>,
    pub recommended: Option<Recommended>,
}

/// The consensus of the runs that were asked for `k` clusters and use all of them. `records` are
/// in the order of `runs`.
///
/// # Errors
/// A table of votes that is too large.
pub fn of(k: usize, records: &[Record], runs: &[Run]) -> Result<Found> {
    let of_k: Vec<usize> = (0..runs.len()).filter(|&at| records[at].n_clusters == k).collect();
    let full: Vec<usize> = of_k.iter().copied().filter(|&at| records[at].n_used == k).collect();
    if full.len() < 2 {
        let only = full.first().or(of_k.first());
        let why = match of_k.len() {
            1 => format!("the only run with {k} clusters"),
            _ => format!("fewer than two runs with {k} clusters use all of them: there is no consensus"),
        };
        let recommended =
            only.map(|&at| Recommended { id: records[at].id.clone(), ari_to_consensus: None, why });
        return Ok(Found { recommended, ..Found::default() });
    }
    let views: Vec<ArrayView1<'_, u32>> = full.iter().map(|&at| runs[at].clusters.view()).collect();
    let consensus = vae_metrics::consensus(&views)?;
    let Some(votes) = consensus.votes else { return Ok(Found::default()) };
    let recommended = nearest(&full, records, runs, &votes.labels)?;
    let confidence = votes.confidence.mapv(|share| share as f32);
    let is_unanimous = |share: &&f64| **share > 1.0 - 1e-9;
    let facts = ConsensusFacts {
        n_clusters: k,
        runs: full.iter().map(|&at| records[at].id.clone()).collect(),
        sizes: cluster_sizes(votes.labels.view(), k),
        mean_confidence: votes.confidence.mean().unwrap_or(1.0),
        n_unanimous: votes.confidence.iter().filter(is_unanimous).count(),
        n_doubtful: votes.confidence.iter().filter(|share| **share <= 0.5 + 1e-9).count(),
        mean_ari: consensus.agreement.mean_ari(),
    };
    Ok(Found { votes: Some((votes.labels, confidence)), facts: Some(facts), recommended })
}

/// The run that agrees best with the consensus; of several the one of the highest modularity, then
/// the first.
fn nearest(
    full: &[usize],
    records: &[Record],
    runs: &[Run],
    labels: &Array1<u32>,
) -> Result<Option<Recommended>> {
    let mut best: Option<(usize, f64, f64)> = None;
    for &at in full {
        let ari = Contingency::new(runs[at].clusters.view(), labels.view())?.ari();
        let modularity = records[at].criteria.get("modularity").copied().unwrap_or(f64::NEG_INFINITY);
        if best.is_none_or(|(_, a, m)| ari > a || (ari == a && modularity > m)) {
            best = Some((at, ari, modularity));
        }
    }
    Ok(best.map(|(at, ari, _)| Recommended {
        id: records[at].id.clone(),
        ari_to_consensus: Some(ari).filter(|ari| ari.is_finite()),
        why: format!(
            "Of the {} runs with {} clusters it is the one that agrees best with their consensus (ARI {ari:.3}).",
            full.len(),
            records[at].n_clusters
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use serde_json::Value;
    use std::collections::BTreeMap;

    fn of_two(runs: &[Array1<u32>]) -> Found {
        let record = |(seed, clusters): (usize, &Array1<u32>)| Record {
            id: format!("a-{seed}"),
            method: "a".into(),
            n_clusters: 2,
            n_used: crate::runs::n_used(clusters),
            seed: seed as u64,
            criteria: BTreeMap::new(),
        };
        let records: Vec<Record> = runs.iter().enumerate().map(record).collect();
        let run = |clusters: &Array1<u32>| Run {
            path: "a".into(),
            clusters: clusters.clone(),
            record: Value::Null,
        };
        let runs: Vec<Run> = runs.iter().map(run).collect();
        of(2, &records, &runs).expect("same rows")
    }

    #[test]
    fn the_run_nearest_to_the_vote_is_kept() {
        // The second has one point elsewhere, the third has other names and another point
        // elsewhere.
        let found = of_two(&[array![0, 0, 0, 1, 1, 1], array![0, 0, 1, 1, 1, 1], array![1, 1, 1, 0, 0, 1]]);
        let (labels, confidence) = found.votes.expect("a vote");
        assert_eq!(labels, array![0, 0, 0, 1, 1, 1]);
        let two_thirds = 2.0_f32 / 3.0;
        assert_eq!(confidence, array![1.0, 1.0, two_thirds, 1.0, 1.0, two_thirds]);
        let facts = found.facts.expect("facts");
        assert_eq!((facts.n_unanimous, facts.n_doubtful, facts.sizes), (4, 0, vec![3, 3]));
        let best = found.recommended.expect("a run");
        assert_eq!((best.id.as_str(), best.ari_to_consensus), ("a-0", Some(1.0)));
    }

    #[test]
    fn a_run_with_an_empty_cluster_does_not_vote() {
        let found = of_two(&[array![0, 0, 0, 0], array![0, 0, 1, 1]]);
        assert!(found.votes.is_none() && found.facts.is_none());
        assert_eq!(found.recommended.expect("the full one").id, "a-1");
        assert_eq!(of_two(&[array![0, 1]]).recommended.expect("the only one").ari_to_consensus, None);
    }
}
