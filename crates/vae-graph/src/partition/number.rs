//! An estimate of the number of clusters from a graph of neighbours.

use super::{Graphs, PartitionConfig, Select, leading_eigenvectors, tries};
use crate::{Error, Result};
use ndarray::Array1;
use serde::{Deserialize, Serialize};
use vae_core::identity::Revision;
use vae_core::random::Streams;

/// What the partitions of an estimate depend on, and those into a number that is given.
pub const REVISION: Revision = ("number-of-clusters", 4);

/// How the number is estimated.
pub const REVISIONS: &[Revision] = &[REVISION, ("estimated-number", 1)];

/// A partition whose worst cluster has a larger relative conductance cuts through something dense.
/// The search ends after [`TORN_IN_A_ROW`] of them.
const TORN: f64 = 0.4;

/// Stands for the relative conductance where every partition has a cluster of no more points than a
/// point has neighbours: as if groups were halved.
const NO_LARGER_THAN_NEIGHBOURHOODS: f64 = 1.0;

/// One number may be missed by the few partitions that are tried; three in a row are not.
const TORN_IN_A_ROW: usize = 3;

/// The estimate is clear if its relative conductance is at most this (a single round group, cut in
/// two, rarely has less than 0.33) …
pub const CLEAR: f64 = 0.3;

/// … that of one cluster more is larger by at least this …
const CLEAR_STEP: f64 = 0.3;

/// … and this step is at least this many times as large as any other.
const TIMES_ANY_OTHER: f64 = 2.0;

/// Restarts of k-means per candidate: the estimate needs no more.
const N_INIT: usize = 3;

/// The largest number that is tried, for the sake of cost.
const MOST: usize = 25;

/// How much an estimate stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clarity {
    /// Its clusters stand apart, and one more cuts through a dense group.
    Clear,
    /// Other numbers come near: groups within groups, or groups that touch.
    Contested,
    /// Two clusters already cut through something dense: there may be no groups.
    NoGroups,
}

/// An estimate, and how sure it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberOfClusters {
    /// The estimate.
    pub n_clusters: usize,
    /// The next best, where there is one.
    pub runner_up: Option<usize>,
    /// How much the estimate stands out.
    pub clarity: Clarity,
    /// The largest relative conductance of the clusters (see
    /// [`Candidate`](super::Candidate::relative_conductance)) of the partition into 2, 3, …
    /// clusters; 1 where every partition has a cluster of no more points than a point has
    /// neighbours.
    pub relative_conductances: Vec<f64>,
}

/// Clusters stand apart at this relative conductance or less.
const APART: f64 = 0.1;

impl NumberOfClusters {
    /// The largest smaller number whose clusters stand apart, where those of a clear estimate do
    /// so less: its last cluster may be the flank of a group, and whoever can ask halves of the
    /// rows should.
    pub fn doubt(&self) -> Option<usize> {
        let is_doubted = self.clarity == Clarity::Clear && !self.stands_apart();
        (2..self.n_clusters).rev().find(|&k| self.is_apart(k)).filter(|_| is_doubted)
    }

    /// Whether the clusters of the estimate stand apart, though others may too.
    pub fn stands_apart(&self) -> bool {
        self.is_apart(self.n_clusters)
    }

    fn is_apart(&self, k: usize) -> bool {
        self.relative_conductances.get(k - 2).is_some_and(|ratio| *ratio <= APART)
    }

    /// The same evidence, in favour of `other`.
    pub fn in_favour_of(self, other: usize) -> Self {
        let (runner_up, clarity) = (Some(self.n_clusters), Clarity::Contested);
        Self { n_clusters: other, runner_up, clarity, ..self }
    }
}

impl PartitionConfig {
    /// Estimates the number of clusters of a graph. One cluster too many cuts through a dense
    /// group: the border of the cluster then has as many edges as its inside, which the relative
    /// conductance of the worst cluster shows ([`Select::Conductance`]). The estimate is the number
    /// before the largest step of it, among the numbers whose partition still cuts through nothing.
    /// `others` are partitions of `k` clusters that were found otherwise. At least 2; where
    /// 2 cut through something dense already, the estimate is 2 and not clear.
    ///
    /// # Errors
    /// As [`PartitionConfig::fit`].
    pub fn number_of_clusters<'a>(
        &self,
        graphs: impl Into<Graphs<'a>>,
        others: impl Fn(usize) -> Result<Vec<(&'static str, Array1<u32>)>>,
        streams: &Streams,
    ) -> Result<NumberOfClusters> {
        let config = Self { n_init: N_INIT.min(self.n_init), select: Select::Conductance, ..self.clone() };
        let graphs = graphs.into();
        let graph = graphs.all;
        let most = MOST.min(graph.n());
        let n_vectors = tries(most, graph.n()).iter().map(|(m, _)| *m).max().unwrap_or(most);
        // For all numbers at once: finding them costs more than all partitions do.
        let eigen = leading_eigenvectors(graph, n_vectors, streams)?;
        let mut ratios = Vec::new();
        for k in 2..=most {
            let tries = tries(k, graph.n());
            // Two of them show where a cut goes through a group as well as eight.
            let few = [tries[0], tries[tries.len() - 1]];
            let partition = match config.of_eigen(graphs, k, (&eigen, &few), &others(k)?, streams) {
                Ok(partition) => partition,
                // More clusters than the graph can tell apart.
                Err(Error::NoPartition { .. }) => break,
                Err(e) => return Err(e),
            };
            let ratio = partition.candidates[partition.chosen].relative_conductance;
            ratios.push(ratio);
            let is_torn = |r: &Option<f64>| r.is_none_or(|r| r > TORN);
            if ratios.len() >= TORN_IN_A_ROW && ratios.iter().rev().take(TORN_IN_A_ROW).all(is_torn) {
                break;
            }
        }
        Ok(largest_step(&ratios))
    }
}

/// The estimate from the relative conductances of 2, 3, … clusters, `None` where every partition
/// has a cluster of no more points than a point has neighbours.
fn largest_step(known: &[Option<f64>]) -> NumberOfClusters {
    let relative_conductances: Vec<f64> =
        known.iter().map(|ratio| ratio.unwrap_or(NO_LARGER_THAN_NEIGHBOURHOODS)).collect();
    // Clusters that are not cut through can be joined to fewer such: a larger value before a
    // smaller one is a partition that the search missed.
    let mut ratios = relative_conductances.clone();
    for i in (1..ratios.len()).rev() {
        ratios[i - 1] = ratios[i - 1].min(ratios[i]);
    }
    let mut steps: Vec<(usize, f64)> = ratios
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] <= TORN)
        .map(|(i, pair)| (i + 2, pair[1] - pair[0]))
        .collect();
    steps.sort_by(|a, b| b.1.total_cmp(&a.1));
    let step = |i: usize| steps.get(i).map_or(0.0, |(_, step)| step.max(0.0));
    let n_clusters = steps.first().map_or(2, |(k, _)| *k);
    let stands_apart = |bound: f64, k: usize| ratios.get(k - 2).is_some_and(|r| *r <= bound);
    // A few points far from all others are a cluster of every partition of one number more; of
    // several numbers more, groups may be hidden behind them.
    let is_hidden = known.get(n_clusters - 1..n_clusters + 1).is_some_and(|next| next == [None, None]);
    let stands_out = step(0) >= CLEAR_STEP && step(0) >= TIMES_ANY_OTHER * step(1) && !is_hidden;
    let clarity = match () {
        () if !stands_apart(CLEAR, 2) && !stands_apart(CLEAR, n_clusters) => Clarity::NoGroups,
        () if stands_apart(CLEAR, n_clusters) && stands_out => Clarity::Clear,
        () => Clarity::Contested,
    };
    // A number before which nothing changes does not come near.
    let runner_up = steps.get(1).filter(|(_, step)| *step > 0.0).map(|(k, _)| *k);
    NumberOfClusters { n_clusters, runner_up, clarity, relative_conductances }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_before_the_largest_step() {
        use Clarity::{Clear, Contested, NoGroups};
        let of = |ratios: &[f64]| {
            let ratios: Vec<Option<f64>> = ratios.iter().copied().map(Some).collect();
            let found = largest_step(&ratios);
            (found.n_clusters, found.clarity)
        };
        // Five far groups, and three of wine.
        assert_eq!(of(&[0.0, 0.0, 0.0, 0.0, 0.52, 0.56, 0.57]), (5, Clear));
        assert_eq!(of(&[0.13, 0.21, 0.63, 0.74, 0.68]), (3, Clear));
        // Iris: no step is large.
        assert_eq!(of(&[0.14, 0.13, 0.23, 0.3, 0.25, 0.47, 0.69, 0.56]), (6, Contested));
        // Two stand apart, and there are groups within them.
        assert_eq!(of(&[0.0, 0.3, 0.35, 0.6, 0.7]), (2, Contested));
        // Nine in two columns: for three, four and six the search missed a sound partition.
        assert_eq!(of(&[0.0, 0.12, 0.31, 0.0, 0.34, 0.06, 0.03, 0.05, 0.37, 0.58, 0.64]), (9, Contested));
        // One round group, and a flat one.
        assert_eq!(of(&[0.6, 0.82, 1.01]), (2, NoGroups));
        assert_eq!(of(&[0.38, 0.58, 0.59, 0.68]), (2, NoGroups));
        // The second step starts where a group is cut through already; it does not count.
        assert_eq!(of(&[0.1, 0.5, 0.6, 1.5]), (2, Clear));
        assert_eq!(of(&[0.3]), (2, Contested));
        assert_eq!(of(&[]), (2, NoGroups));
    }

    #[test]
    fn a_clear_estimate_is_doubted_where_fewer_clusters_stand_further_apart() {
        let of = |ratios: &[f64]| {
            let ratios: Vec<Option<f64>> = ratios.iter().copied().map(Some).collect();
            let found = largest_step(&ratios);
            (found.n_clusters, found.clarity, found.doubt())
        };
        // Three groups, and the flank of one.
        assert_eq!(of(&[0.2, 0.091, 0.261, 1.002]), (4, Clarity::Clear, Some(3)));
        assert_eq!(of(&[0.0, 0.02, 0.09, 0.9]), (4, Clarity::Clear, None), "all stand apart");
        assert_eq!(of(&[0.13, 0.21, 0.63, 0.74, 0.68]), (3, Clarity::Clear, None), "none does");
        let other = largest_step(&[Some(0.2), Some(0.091), Some(0.261), Some(1.002)]).in_favour_of(3);
        assert_eq!((other.n_clusters, other.runner_up, other.clarity), (3, Some(4), Clarity::Contested));
    }

    #[test]
    fn groups_may_be_hidden_behind_outliers() {
        let of = |ratios: &[Option<f64>]| {
            let found = largest_step(ratios);
            (found.n_clusters, found.clarity, found.relative_conductances[2])
        };
        // Five groups and eight points far from them: one cluster more has those points.
        let all = [Some(0.0), Some(0.0), Some(0.0), Some(0.0), None, Some(1.2)];
        assert_eq!(of(&all), (5, Clarity::Clear, 0.0));
        // The same where no partition into four or five was found without those points.
        let hidden = [Some(0.0), Some(0.0), None, None, Some(1.5)];
        assert_eq!(of(&hidden), (3, Clarity::Contested, 1.0));
        assert_eq!(largest_step(&hidden).runner_up, None, "two are as good as three, not nearly so");
    }
}
