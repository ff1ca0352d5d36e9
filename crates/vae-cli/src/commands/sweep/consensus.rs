//! What the runs of one number of clusters have in common, and which run is to be kept.

use super::over_runs::CLASS_LIKELIHOOD;
use crate::results::cluster_sizes;
use crate::runs::Run;
use anyhow::Result;
use ndarray::{Array1, ArrayView1};
use vae_graph::partition::{CLEAR, SOUND};
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

/// The runs of a sweep, and how clusters are judged beyond their criteria.
pub struct Among<'a> {
    /// In the order of `runs`.
    pub records: &'a [Record],
    pub runs: &'a [Run],
    /// The largest relative conductance of a run's clusters, by its place
    /// ([`vae_graph::partition::relative_conductance`]).
    pub relative_conductance: &'a dyn Fn(usize) -> Result<f64>,
    /// A cluster of a smaller share may be a few outliers, which cost hardly an edge.
    pub least_share: f64,
    /// The relative conductance of the graph's own partition into as many clusters.
    pub of_graph: Option<f64>,
}

/// The consensus of the runs that were asked for `k` clusters and use all of them.
///
/// # Errors
/// A table of votes that is too large, and what judging the clusters can return.
pub fn of(k: usize, among: &Among<'_>) -> Result<Found> {
    let Among { records, runs, .. } = *among;
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
    let recommended = best(&full, among, &votes.labels)?;
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

/// The run whose clusters have the highest modularity in the neighbour graph of the features, or
/// where the data have latent classes, of which that graph says little, the highest likelihood as
/// such; of several, and where none has one, the run that agrees best with the consensus, then the
/// first.
///
/// On tables modularity chooses best of all criteria (results/selection). But it prefers clusters
/// of equal size and can be highest where a large group is cut in two: see [`judge`].
fn best(full: &[usize], among: &Among<'_>, labels: &Array1<u32>) -> Result<Option<Recommended>> {
    let Among { records, runs, .. } = *among;
    let are_classes = full.iter().any(|&at| records[at].criteria.contains_key(CLASS_LIKELIHOOD));
    let key = if are_classes { CLASS_LIKELIHOOD } else { MODULARITY };
    let of = |&at: &usize| -> Result<(usize, f64, f64)> {
        let ari = Contingency::new(runs[at].clusters.view(), labels.view())?.ari();
        Ok((at, records[at].criteria.get(key).copied().unwrap_or(f64::NEG_INFINITY), ari))
    };
    let mut order = full.iter().map(of).collect::<Result<Vec<(usize, f64, f64)>>>()?;
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.2.total_cmp(&a.2)));
    let Some(&(highest, value, _)) = order.first() else { return Ok(None) };
    let places: Vec<usize> = order.iter().map(|(at, ..)| *at).collect();
    let verdict = match value.is_finite() && !are_classes {
        true => judge(&places, among)?,
        false => Verdict::Kept,
    };
    let place = if let Verdict::GivesWayTo(at) = verdict { at } else { highest };
    let (at, _, ari) = order.into_iter().find(|(at, ..)| *at == place).expect("one of them");
    let of = format!("Of the {} runs with {} clusters", full.len(), records[at].n_clusters);
    let by = match are_classes {
        true => format!("log-likelihood as latent classes ({value:.3} nats a row)"),
        false => format!("modularity ({value:.3}) in the neighbour graph of the features"),
    };
    let agrees = format!("with the consensus it agrees with an ARI of {ari:.3}.");
    let why = match verdict {
        Verdict::Kept if !value.is_finite() => {
            format!("{of} it is the one that agrees best with their consensus (ARI {ari:.3}).")
        }
        Verdict::Kept => format!("{of} its clusters have the highest {by}; {agrees}"),
        Verdict::GivesWayTo(_) => format!(
            "{of} its clusters are clearly apart. {} has a higher {by}, but one of its clusters {NO_GROUP}; {agrees}",
            records[highest].id
        ),
        Verdict::AllCut => {
            let try_it = match records.iter().any(|record| record.method == "spectral") {
                true => "",
                false => ": try --methods spectral",
            };
            format!(
                "{of} its clusters have the highest {by}; {agrees} But one of its clusters {NO_GROUP}, and the graph of some \
                 of the rows has {} that are clearly apart, which no run found{try_it}.",
                records[at].n_clusters
            )
        }
    };
    let ari_to_consensus = Some(ari).filter(|ari| ari.is_finite());
    Ok(Some(Recommended { id: records[at].id.clone(), ari_to_consensus, why }))
}

/// The criterion of clusters in a graph.
const MODULARITY: &str = "modularity";

/// What a cluster of a large relative conductance does.
const NO_GROUP: &str = "parts a dense group or joins what is apart";

/// What becomes of the run of the highest modularity.
enum Verdict {
    Kept,
    /// One of its clusters is no group, and those of another run are clearly apart.
    GivesWayTo(usize),
    /// One of its clusters is no group; the graph has clusters that are clearly apart, and no run
    /// has.
    AllCut,
}

/// Judges the first of `order`, which are places of runs.
fn judge(order: &[usize], among: &Among<'_>) -> Result<Verdict> {
    let criterion = |at: usize, key: &str| among.records[at].criteria.get(key).copied();
    let conductance = |at: usize| criterion(at, "largest_conductance");
    let cuts_less = |at: usize| {
        conductance(at).zip(conductance(order[0])).is_some_and(|(own, highest)| own < highest)
            && criterion(at, "smallest_share").is_some_and(|share| share >= among.least_share)
    };
    if (among.relative_conductance)(order[0])? <= SOUND {
        return Ok(Verdict::Kept);
    }
    for at in order[1..].iter().copied().filter(|&at| cuts_less(at)) {
        if (among.relative_conductance)(at)? <= CLEAR {
            return Ok(Verdict::GivesWayTo(at));
        }
    }
    let of_graph = among.of_graph.filter(|ratio| *ratio <= CLEAR);
    Ok(of_graph.map_or(Verdict::Kept, |_| Verdict::AllCut))
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
            row_names: None,
        };
        let runs: Vec<Run> = runs.iter().map(run).collect();
        let among = Among {
            records: &records,
            runs: &runs,
            relative_conductance: &|at| Ok(RATIOS[at]),
            least_share: 0.1,
            of_graph: Some(0.2),
        };
        of(2, &among).expect("same rows")
    }

    /// Of the runs of the tests: the first is clearly apart, the second cuts through a group.
    const RATIOS: [f64; 3] = [0.1, 0.5, 0.35];

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
    fn latent_classes_are_judged_by_their_likelihood() {
        let votes = [array![0, 0, 0, 1, 1, 1], array![0, 0, 1, 1, 1, 1], array![1, 1, 1, 0, 0, 1]];
        let found = with_criteria(&votes, |at| {
            BTreeMap::from([
                ("modularity".into(), [0.4, 0.5, 0.45][at]),
                (CLASS_LIKELIHOOD.into(), [-3.5, -3.75, -3.25][at]),
            ])
        });
        let best = found.recommended.expect("a run");
        assert!(best.id == "a-2" && best.why.contains("latent classes (-3.250 nats a row)"), "{best:?}");
    }

    #[test]
    fn a_cut_through_a_group_gives_way_to_clusters_that_are_apart() {
        let votes = [array![0, 0, 0, 1, 1, 1], array![0, 0, 1, 1, 1, 1], array![1, 1, 1, 0, 0, 1]];
        let of = |modularities: [f64; 3], conductances: [f64; 3], smallest: f64| {
            let found = with_criteria(&votes, |at| {
                BTreeMap::from([
                    ("modularity".into(), modularities[at]),
                    ("largest_conductance".into(), conductances[at]),
                    ("smallest_share".into(), smallest),
                ])
            });
            found.recommended.expect("a run")
        };
        let kept = of([0.4, 0.5, 0.45], [0.01, 0.2, 0.1], 0.3);
        assert_eq!(kept.id, "a-0", "the third touches");
        assert!(kept.why.contains("a-1 has a higher modularity (0.500)"), "{kept:?}");
        let cut = of([0.4, 0.5, 0.45], [0.3, 0.2, 0.1], 0.3);
        assert!(cut.why.contains("no run found: try --methods spectral"), "{cut:?}");
        assert_eq!(of([0.4, 0.5, 0.45], [0.01, 0.2, 0.1], 0.05).id, "a-1", "a cluster of outliers");
        assert_eq!(of([0.4, 0.5, 0.45], [0.3, 0.2, 0.1], 0.3).id, "a-1", "it cuts more edges");
        assert_eq!(of([0.4, 0.3, 0.45], [0.01, 0.2, 0.1], 0.3).id, "a-2", "no cut through a group");
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
