//! How many clusters there are, and how clear that is; without labels.
//!
//! Two things decide. They see the data alone, so that no method's taste is in them:
//!
//! 1. *Where does a cut go through a group?* The estimate of
//!    [`vae_graph::partition::number`]: the number before the largest step of the worst cluster's
//!    conductance in the neighbour graph, relative to what halving the cluster costs; how much it
//!    stands out; and whether there is anything to cut at all.
//! 2. *Does another half of the rows confirm it?* Prediction strength of at least 0.8, as
//!    Tibshirani and Walther (2005) ask for; or, as its minimum over the clusters falls with their
//!    number, a peak above both neighbouring numbers. Where another number comes near, the one of
//!    the higher prediction strength is taken. They can take a clear estimate back too
//!    ([`take_back`]).
//!
//! A number into which normal rows with the same correlations come apart as much is none, and gives
//! way to a smaller one that is sound: see [`vae_models::pretrained::numbers_like_normal_rows`].
//!
//! The estimate of latent classes is the number of the lowest BIC, and cuts no graph.
//!
//! With both a number is clear, with one of them it is likely, with none no number is. Where no cut
//! of the graph stands out, a number is likely only with a prediction strength that noise has not
//! ([`of_few_rows`]). The criteria of the runs are shown beside it, and disagreement is said.

use std::collections::BTreeSet;
use vae_graph::partition::{self, CLEAR, NumberOfClusters};
use vae_models::pretrained::take_back;
use vae_report::sweep::{CRITERIA, Clarity, Good, Number, OfData, OverSeeds, Vote};

/// The least prediction strength of a number that is confirmed.
const CONFIRMED: f64 = 0.8;
/// How far a peak of prediction strength is above both its neighbours.
const PEAK: f64 = 0.1;

/// The prediction strength of a number whose groups the graph does not see; noise has less for
/// three and more …
const STRONG: f64 = 0.9;
/// … the relative conductance of its clusters is at most this …
const NEARLY_SOUND: f64 = 0.7;
/// … and that of one cluster more is this many times as large.
const TIMES_AS_LARGE: f64 = 1.5;

/// Means of a criterion that differ by no more are equal.
const EQUAL: f64 = 1e-9;

/// What decides.
struct Evidence {
    k: usize,
    /// The other of the two numbers with the largest steps.
    runner_up: Option<usize>,
    graph: partition::Clarity,
    /// Relative conductance at k.
    relative: Option<f64>,
    /// Why the other one was not taken, where it was the first estimate.
    not_the_first: Option<NotTheFirst>,
    strength: Option<f64>,
    is_peak: bool,
    is_confirmed: bool,
    /// Whether the halves alone see groups, and the graph none.
    by_halves: bool,
    /// Whether the halves do not confirm the runner-up.
    is_only_confirmed: bool,
    /// Whether normal rows come apart as much.
    like_normal_rows: bool,
    /// Whether the estimate is one of latent classes, which cut no graph.
    of_classes: bool,
}

/// Why a first estimate is not taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NotTheFirst {
    /// Prediction strength is for its runner-up.
    ByStrength,
    /// Normal rows come apart into as many.
    LikeNormalRows,
}

/// Decides for the grid of numbers `clusters`, which is ascending and not empty.
pub fn decide(
    clusters: &[usize],
    data: &OfData,
    estimate: Option<&NumberOfClusters>,
    over_seeds: &[OverSeeds],
) -> Number {
    let evidence = estimate.map(|estimate| Evidence::new(data, estimate));
    let preferred = evidence.as_ref().map(|evidence| nearest(clusters, evidence.k));
    let votes = votes(clusters, data, (estimate, preferred), over_seeds);
    let Some(evidence) = evidence else {
        return Number {
            recommended: None,
            used: clusters[0],
            clarity: Clarity::None,
            sentence: "No clear k: the neighbour graph of the data cannot be cut.".into(),
            reasons: Vec::new(),
            votes,
        };
    };
    let used = nearest(clusters, evidence.k);
    let is_in_grid = used == evidence.k;
    let clarity = match (evidence.graph, evidence.is_confirmed) {
        (partition::Clarity::NoGroups, _) if !evidence.by_halves => Clarity::None,
        _ if !is_in_grid => Clarity::None,
        (partition::Clarity::Clear, true) => Clarity::Clear,
        (partition::Clarity::Clear, false) | (_, true) => Clarity::Likely,
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
        let is_taken_back = |&fewer: &usize| {
            let both = strength(estimate.n_clusters).zip(strength(fewer));
            both.is_some_and(|(own, fewer)| take_back(own, fewer))
        };
        let estimate = match estimate.doubt().filter(is_taken_back) {
            Some(fewer) => &estimate.clone().in_favour_of(fewer),
            None => estimate,
        };
        let (first, graph) = (estimate.n_clusters, estimate.clarity);
        let second = estimate
            .runner_up
            .filter(|second| graph == partition::Clarity::Contested && strength(*second) > strength(first));
        let is_alike = |k: usize| data.like_normal_rows.contains(&k);
        let is_sound = |k: &usize| data.relative_conductance.get(k).is_some_and(|ratio| *ratio <= CLEAR);
        let of_two = second.unwrap_or(first);
        let fewer = match graph {
            partition::Clarity::NoGroups => None,
            _ if !is_alike(of_two) => None,
            _ => (2..of_two).rev().find(|k| !is_alike(*k) && is_sound(k)),
        };
        let of_graph = fewer.unwrap_or(of_two);
        let by_strength = |k: usize| strength(k) >= Some(CONFIRMED) || is_peak(data, k);
        let is_confirmed = |k: usize| by_strength(k) && !is_alike(k);
        let is_seen = match graph {
            partition::Clarity::Clear => true,
            partition::Clarity::Contested => is_confirmed(of_graph),
            partition::Clarity::NoGroups => false,
        };
        // Halves of a cloud along one factor agree on where they cut it.
        let by_halves = if is_seen || is_alike(of_graph) { None } else { of_few_rows(data) };
        let k = by_halves.unwrap_or(of_graph);
        let runner_up = match (fewer, second) {
            (Some(_), _) => Some(of_two),
            (None, Some(_)) => Some(first),
            (None, None) => estimate.runner_up,
        };
        let not_the_first = match (fewer, second) {
            _ if by_halves.is_some() => None,
            (Some(_), _) => Some(NotTheFirst::LikeNormalRows),
            (None, second) => second.map(|_| NotTheFirst::ByStrength),
        };
        let is_known = |other: &usize| strength(*other).is_some();
        Self {
            k,
            runner_up,
            is_only_confirmed: runner_up.filter(is_known).is_some_and(|other| !is_confirmed(other)),
            graph,
            relative: data.relative_conductance.get(&k).copied(),
            not_the_first,
            strength: strength(k),
            is_peak: is_peak(data, k),
            is_confirmed: is_confirmed(k),
            by_halves: by_halves.is_some(),
            of_classes: data.are_latent_classes(),
            like_normal_rows: is_alike(k) && (graph == partition::Clarity::NoGroups || by_strength(k)),
        }
    }

    fn sentence(&self, clarity: Clarity, clusters: &[usize]) -> String {
        let k = self.k;
        let (first, last) = (clusters[0], clusters[clusters.len() - 1]);
        let other = self.runner_up.map_or_else(|| "another number".into(), |other| other.to_string());
        let are_asked = self.strength.is_some();
        match clarity {
            Clarity::Clear => format!("{k} clusters, and clearly so."),
            Clarity::Likely if self.graph == partition::Clarity::Clear && !are_asked => format!(
                "Probably {k} clusters: the cuts of the data say so; there are too few rows to ask halves of them."
            ),
            Clarity::Likely if self.graph == partition::Clarity::Clear => format!(
                "Probably {k} clusters: the cuts of the data say so, but halves of the rows do not confirm every one of them."
            ),
            Clarity::Likely if self.by_halves => format!(
                "Probably {k} clusters: halves of the rows confirm them, though no cut of the neighbour graph stands out, as \
                 where groups have few rows."
            ),
            Clarity::Likely if self.of_classes && self.not_the_first.is_some() => format!(
                "Probably {k} clusters: halves of the rows confirm them as latent classes, and BIC is hardly higher than that of {other}."
            ),
            Clarity::Likely if self.of_classes => format!(
                "Probably {k} clusters: latent classes of the lowest BIC, and halves of the rows confirm them."
            ),
            Clarity::Likely if self.is_only_confirmed => format!(
                "Probably {k} clusters: halves of the rows confirm them, and not {other}, though cuts into {other} are not so much worse that the graph alone would decide."
            ),
            Clarity::Likely => format!(
                "Probably {k} clusters: halves of the rows confirm them, but {other} would be nearly as good."
            ),
            Clarity::None if self.like_normal_rows && !self.by_halves => {
                "No clear k: normal rows with the same correlations come apart as much, so there may be no groups.".into()
            }
            Clarity::None if self.graph == partition::Clarity::NoGroups && self.of_classes && !self.by_halves => {
                "No clear k: one class describes the categories as well, so there may be no groups.".into()
            }
            Clarity::None if self.graph == partition::Clarity::NoGroups && !self.by_halves => {
                "No clear k: a cut in two goes through dense data already, as it does where there are no groups.".into()
            }
            Clarity::None if nearest(clusters, k) != k => format!(
                "No clear k among those that were asked for ({first} to {last}): the data look like {k} clusters; sweep again with --clusters around {k}."
            ),
            Clarity::None if !are_asked => format!(
                "No clear k: the data have some structure, perhaps {k} clusters; there are too few rows for so many to ask halves of them."
            ),
            Clarity::None if self.runner_up.is_some() => format!(
                "No clear k: the data have some structure, but halves of the rows confirm neither {k} clusters nor {other}."
            ),
            Clarity::None => format!(
                "No clear k: the data have some structure, but halves of the rows do not confirm {k} clusters."
            ),
        }
    }

    fn reasons(&self) -> Vec<String> {
        let k = self.k;
        let mut reasons = Vec::new();
        reasons.extend(self.relative.map(|relative| {
            format!(
                "To separate the least distinct of {k} clusters costs {:.0} % of what cutting it in half would: the lower, the clearer.",
                100.0 * relative
            )
        }));
        reasons.extend(self.runner_up.zip(self.not_the_first).map(|(other, why)| match why {
            NotTheFirst::ByStrength if self.of_classes => {
                format!("BIC is lowest at {other}, but prediction strength is for {k} of the two.")
            }
            NotTheFirst::ByStrength => format!(
                "One cluster more costs most beyond {other}, but prediction strength is for {k} of the two."
            ),
            NotTheFirst::LikeNormalRows => format!(
                "One cluster more costs most beyond {other}, but normal rows with the same correlations come apart into {other} as much."
            ),
        }));
        reasons.extend(self.strength.map(|strength| {
            let word = if strength >= CONFIRMED { "at least" } else { "below" };
            let peak = if self.is_peak { "; it is a peak" } else { "" };
            // Cut and not rounded, or 0.797 would be 0.80 and below 0.8.
            let strength = (100.0 * strength + EQUAL).floor() / 100.0;
            format!("The prediction strength of {k} clusters is {strength:.2}, {word} {CONFIRMED}{peak}.")
        }));
        reasons
    }
}

/// Whether the prediction strength of `k` is far above those of both its neighbours.
fn is_peak(data: &OfData, k: usize) -> bool {
    let strength = |k: usize| data.prediction_strength.get(&k).map(|s| s.mean);
    let neighbours: Option<Vec<f64>> = [k - 1, k + 1].into_iter().map(strength).collect();
    strength(k).zip(neighbours).is_some_and(|(own, all)| all.iter().all(|other| own >= other + PEAK))
}

/// The number of groups of few rows in many columns, which have many neighbours elsewhere, so that
/// no cut of the graph stands out: the one that halves of the rows confirm nearly perfectly, and no
/// other, and beyond which cuts are far worse.
fn of_few_rows(data: &OfData) -> Option<usize> {
    let relative = |k: usize| data.relative_conductance.get(&k).copied();
    let is_so = |k: usize| {
        let (Some(own), Some(next)) = (relative(k), relative(k + 1)) else { return false };
        own <= NEARLY_SOUND && next >= TIMES_AS_LARGE * own && is_peak(data, k)
    };
    let strong = data.prediction_strength.iter().filter(|(_, strength)| strength.mean >= STRONG);
    strong.map(|(&k, _)| k).filter(|&k| is_so(k)).max()
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

/// The number that each criterion prefers, in the order of [`CRITERIA`]. Of equal ones it is
/// `preferred`, or else the smallest.
fn votes(
    clusters: &[usize],
    data: &OfData,
    (estimate, preferred): (Option<&NumberOfClusters>, Option<usize>),
    over_seeds: &[OverSeeds],
) -> Vec<Vote> {
    let mut votes = vec![Vote {
        criterion: if data.are_latent_classes() { "bic" } else { "relative_conductance" }.into(),
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
            let is_best = |mean: f64| best.is_some_and(|(_, other)| (mean - other).abs() <= EQUAL);
            let tied = means.iter().find(|&&(k, mean)| Some(k) == preferred && is_best(mean));
            let n_clusters = tied.or(best.as_ref()).map(|(k, _)| *k);
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
