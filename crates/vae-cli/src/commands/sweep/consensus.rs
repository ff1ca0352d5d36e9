//! What the runs of one number of clusters have in common, and which run is to be kept.

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
    let recommended = best(&full, records, runs, &votes.labels)?;
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

/// The run whose clusters have the highest modularity in the neighbour graph of the features; of
/// several, and where none has one, the run that agrees best with the consensus, then the first.
///
/// On tables it chooses best of all criteria (results/selection).
fn best(
    full: &[usize],
    records: &[Record],
    runs: &[Run],
    labels: &Array1<u32>,
) -> Result<Option<Recommended>> {
    let mut best: Option<(usize, f64, f64)> = None;
    for &at in full {
        let ari = Contingency::new(runs[at].clusters.view(), labels.view())?.ari();
        let modularity = modularity(&records[at]).unwrap_or(f64::NEG_INFINITY);
        if best.is_none_or(|(_, a, m)| modularity > m || (modularity == m && ari > a)) {
            best = Some((at, ari, modularity));
        }
    }
    Ok(best.map(|(at, ari, modularity)| {
        let of = format!("Of the {} runs with {} clusters", full.len(), records[at].n_clusters);
        let why = match modularity.is_finite() {
            true => format!(
                "{of} its clusters have the highest modularity ({modularity:.3}) in the neighbour graph of the features; with \
                 the consensus it agrees with an ARI of {ari:.3}."
            ),
            false => format!("{of} it is the one that agrees best with their consensus (ARI {ari:.3})."),
        };
        let ari_to_consensus = Some(ari).filter(|ari| ari.is_finite());
        Recommended { id: records[at].id.clone(), ari_to_consensus, why }
    }))
}

fn modularity(record: &Record) -> Option<f64> {
    record.criteria.get("modularity").copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use serde_json::Value;
    use std::collections::BTreeMap;

    fn without_criteria(runs: &[Array1<u32>]) -> Found {
        with_criteria(runs, |_| BTreeMap::new())
    }

    fn with_criteria(runs: &[Array1<u32>], criteria: impl Fn(usize) -> BTreeMap<String, f64>) -> Found {
        let record = |(seed, clusters): (usize, &Array1<u32>)| Record {
            id: format!("a-{seed}"),
            method: "a".into(),
            n_clusters: 2,
            n_used: crate::runs::n_used(clusters),
            seed: seed as u64,
            criteria: criteria(seed),
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
        let found =
            without_criteria(&[array![0, 0, 0, 1, 1, 1], array![0, 0, 1, 1, 1, 1], array![1, 1, 1, 0, 0, 1]]);
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
    fn a_higher_modularity_counts_more_than_the_vote() {
        let votes = [array![0, 0, 0, 1, 1, 1], array![0, 0, 1, 1, 1, 1], array![1, 1, 1, 0, 0, 1]];
        let of = |modularities: [f64; 3]| {
            let found = with_criteria(&votes, |at| BTreeMap::from([("modularity".into(), modularities[at])]));
            found.recommended.expect("a run")
        };
        let high = of([0.4, 0.5, 0.1]);
        assert_eq!(high.id, "a-1");
        assert!(high.why.contains("0.500") && high.ari_to_consensus.is_some_and(|ari| ari < 1.0), "{high:?}");
        assert_eq!(of([0.5, 0.5, 0.5]).id, "a-0", "of equals the one nearest to the vote");
    }

    #[test]
    fn a_run_with_an_empty_cluster_does_not_vote() {
        let found = without_criteria(&[array![0, 0, 0, 0], array![0, 0, 1, 1]]);
        assert!(found.votes.is_none() && found.facts.is_none());
        assert_eq!(found.recommended.expect("the full one").id, "a-1");
        assert_eq!(
            without_criteria(&[array![0, 1]]).recommended.expect("the only one").ari_to_consensus,
            None
        );
    }
}
