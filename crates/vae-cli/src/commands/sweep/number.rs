//! How many clusters there are, and how clear that is; without labels.
//!
//! Three things decide. They see the data alone, so that no method's taste is in them:
//!
//! 1. *Is there anything to cut?* The worst cluster of the neighbour graph's partition must lose
//!    at most half of the edges that it would lose in data without clusters ([`TELLS_APART`]).
//! 2. *Where does the next cut go through a group?* The estimate of
//!    [`vae_graph::partition::number`]: the number before the largest step of that conductance,
//!    and how much larger it is than the next best step.
//! 3. *Does another half of the rows confirm it?* Prediction strength of at least 0.8, as
//!    Tibshirani and Walther (2005) ask for; or, as its minimum over the clusters falls with their
//!    number, a peak above both neighbouring numbers. Where the next best step comes near the
//!    largest, the number of the higher prediction strength is taken.
//!
//! The first is a condition. With both others a number is clear, with one of them it is likely,
//! with none no number is. The criteria of the runs are shown beside it, and disagreement is said.

use std::collections::BTreeSet;
use vae_graph::partition::NumberOfClusters;
use vae_report::sweep::{CRITERIA, Clarity, Good, Number, OfData, OverSeeds, Vote};

/// The share of the edges lost without clusters that may be lost with them.
const TELLS_APART: f64 = 0.5;
/// How many times as large as the next step the largest must be.
const STANDS_OUT: f64 = 1.5;
/// Below this the next step comes near, and prediction strength chooses between the two.
const COMES_NEAR: f64 = 3.0;
/// The least prediction strength of a number that is confirmed.
const CONFIRMED: f64 = 0.8;
/// How far a peak of prediction strength is above both its neighbours.
const PEAK: f64 = 0.1;

/// What decides.
struct Evidence {
    k: usize,
    /// The other of the two numbers with the largest steps.
    runner_up: usize,
    /// Conductance at k, with and without clusters.
    lost: (f64, f64),
    has_structure: bool,
    stands_out: bool,
    ratio: f64,
    strength: Option<f64>,
    is_peak: bool,
    is_confirmed: bool,
}

/// Decides for the grid of numbers `clusters`, which is ascending and not empty.
pub fn decide(
    clusters: &[usize],
    data: &OfData,
    estimate: Option<&NumberOfClusters>,
    over_seeds: &[OverSeeds],
) -> Number {
    let votes = votes(clusters, data, estimate, over_seeds);
    let Some(estimate) = estimate else {
        return Number {
            recommended: None,
            used: clusters[0],
            clarity: Clarity::None,
            sentence: "No clear k: the neighbour graph of the data cannot be cut.".into(),
            reasons: Vec::new(),
            votes,
        };
    };
    let evidence = Evidence::new(data, estimate);
    let used = nearest(clusters, evidence.k);
    let is_in_grid = used == evidence.k;
    let clarity = match (evidence.has_structure && is_in_grid, evidence.stands_out, evidence.is_confirmed) {
        (true, true, true) => Clarity::Clear,
        (true, true, _) | (true, _, true) => Clarity::Likely,
        _ => Clarity::None,
    };
    let recommended = (clarity != Clarity::None).then_some(used);
    let mut reasons = evidence.reasons();
    reasons.extend(disagreement(recommended, &votes));
    let sentence = evidence.sentence(clarity, clusters);
    Number { recommended, used, clarity, sentence, reasons, votes }
}

impl Evidence {
    fn new(data: &OfData, estimate: &NumberOfClusters) -> Self {
        let strength = |k: usize| data.prediction_strength.get(&k).map(|s| s.mean);
        let (first, second) = (estimate.n_clusters, estimate.runner_up);
        let is_first = estimate.ratio >= COMES_NEAR || strength(second) <= strength(first);
        let (k, runner_up, ratio) = match is_first {
            true => (first, second, estimate.ratio),
            false => (second, first, 1.0 / estimate.ratio),
        };
        let with = data.conductance.get(&k).copied().unwrap_or(1.0);
        // Where the search in data without clusters ended before k, more clusters only lose more.
        let without = data.conductance_without_clusters.range(..=k).next_back().map_or(1.0, |(_, s)| s.mean);
        let neighbours: Vec<f64> = [k - 1, k + 1].into_iter().filter_map(strength).collect();
        let own = strength(k).unwrap_or(0.0);
        let is_peak = neighbours.len() == 2 && neighbours.iter().all(|other| own >= other + PEAK);
        Self {
            k,
            runner_up,
            lost: (with, without),
            has_structure: with <= TELLS_APART * without,
            stands_out: ratio >= STANDS_OUT,
            ratio,
            strength: strength(k),
            is_peak,
            is_confirmed: own >= CONFIRMED || is_peak,
        }
    }

    fn sentence(&self, clarity: Clarity, clusters: &[usize]) -> String {
        let Self { k, runner_up, .. } = self;
        let (first, last) = (clusters[0], clusters[clusters.len() - 1]);
        match clarity {
            Clarity::Clear => format!("{k} clusters, and clearly so."),
            Clarity::Likely if self.stands_out => format!(
                "Probably {k} clusters: the cuts of the data say so, but halves of the rows do not confirm every one of them."
            ),
            Clarity::Likely => format!(
                "Probably {k} clusters: halves of the rows confirm them, but {runner_up} would be nearly as good."
            ),
            Clarity::None if !self.has_structure => {
                "No clear k: the data fall into groups hardly more than data without clusters do.".into()
            }
            Clarity::None if nearest(clusters, *k) != *k => format!(
                "No clear k among those that were asked for ({first} to {last}): the data look like {k} clusters; sweep again with --clusters around {k}."
            ),
            Clarity::None => format!(
                "No clear k: the data have some structure, but {k} and {runner_up} clusters are about as good, and halves of the rows confirm neither."
            ),
        }
    }

    fn reasons(&self) -> Vec<String> {
        let Self { k, runner_up, lost: (with, without), ratio, .. } = self;
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let mut reasons = vec![format!(
            "Cut into {k}, the worst cluster loses {} of its edges in the neighbour graph; in data without clusters it would lose {}.",
            percent(*with),
            percent(*without)
        )];
        reasons.extend(self.has_structure.then(|| match *ratio {
            ratio if ratio > 100.0 => format!("Only a cut beyond {k} clusters goes through a group."),
            ratio if ratio >= 1.0 => format!(
                "One cluster more costs {ratio:.1} times what it costs beyond the next best number, {runner_up}."
            ),
            _ => format!(
                "One cluster more costs most beyond {runner_up}, but prediction strength is for {k} of the two."
            ),
        }));
        reasons.extend(self.strength.map(|strength| {
            let word = if strength >= CONFIRMED { "at least" } else { "below" };
            let peak = if self.is_peak { "; it is a peak" } else { "" };
            format!("The prediction strength of {k} clusters is {strength:.2}, {word} {CONFIRMED}{peak}.")
        }));
        reasons
    }
}

/// The number of the grid that is nearest to `k`, the smaller of two.
fn nearest(clusters: &[usize], k: usize) -> usize {
    clusters.iter().copied().min_by_key(|&other| (other.abs_diff(k), other)).unwrap_or(k)
}

/// Which criteria of runs prefer other numbers.
fn disagreement(recommended: Option<usize>, votes: &[Vote]) -> Option<String> {
    let others: Vec<&Vote> = votes.iter().filter(|vote| !vote.decides && vote.n_clusters.is_some()).collect();
    let numbers: BTreeSet<usize> = others.iter().filter_map(|vote| vote.n_clusters).collect();
    let told = |vote: &&&Vote| recommended.is_none_or(|k| vote.n_clusters != Some(k));
    let told: Vec<String> = others
        .iter()
        .filter(told)
        .filter_map(|vote| {
            let criterion = vae_report::sweep::criterion(&vote.criterion)?;
            Some(format!("{} {}", criterion.name, vote.n_clusters?))
        })
        .collect();
    if told.is_empty() || (recommended.is_none() && numbers.len() < 2) {
        return None;
    }
    Some(format!("The criteria of the runs disagree: {}.", told.join(", ")))
}

/// The number that each criterion prefers, in the order of [`CRITERIA`].
fn votes(
    clusters: &[usize],
    data: &OfData,
    estimate: Option<&NumberOfClusters>,
    over_seeds: &[OverSeeds],
) -> Vec<Vote> {
    let mut votes = vec![Vote {
        criterion: "conductance".into(),
        n_clusters: estimate.map(|estimate| estimate.n_clusters),
        decides: true,
    }];
    if !data.prediction_strength.is_empty() {
        let confirmed = data.prediction_strength.iter().filter(|(_, s)| s.mean >= CONFIRMED);
        let n_clusters = confirmed.map(|(&k, _)| k).max();
        votes.push(Vote { criterion: "prediction_strength".into(), n_clusters, decides: true });
    }
    for criterion in CRITERIA.iter().filter(|criterion| criterion.good != Good::Neither) {
        let means: Vec<(usize, f64)> =
            clusters.iter().filter_map(|&k| Some((k, mean_at(k, criterion.key, over_seeds)?))).collect();
        let sign = if criterion.good == Good::High { 1.0 } else { -1.0 };
        let best = means.iter().fold(None, |best: Option<(usize, f64)>, &(k, mean)| match best {
            Some((_, other)) if sign * mean <= sign * other => best,
            _ => Some((k, mean)),
        });
        // One number of clusters is no choice.
        if means.len() > 1 {
            let n_clusters = best.map(|(k, _)| k);
            votes.push(Vote { criterion: criterion.key.into(), n_clusters, decides: false });
        }
    }
    votes
}

/// The mean of a criterion over the methods.
fn mean_at(k: usize, key: &str, over_seeds: &[OverSeeds]) -> Option<f64> {
    let cells = over_seeds.iter().filter(|cell| cell.n_clusters == k);
    let values: Vec<f64> = cells.filter_map(|cell| Some(cell.criteria.get(key)?.mean)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests;
