//! Where two numbers of clusters come near each other in the neighbour graph, halves of the rows
//! decide between them.

use super::feature_partition::{FeaturePartition, N_INIT};
use crate::Result;
use crate::shared::assignments::labels_of;
use crate::shared::neighbour_vote::NeighbourVote;
use ndarray::Array1;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vae_core::Features;
use vae_core::identity::Revision;
use vae_core::phase::PhaseContext;
use vae_core::random::permutation;
use vae_gmm::KMeansConfig;
use vae_graph::partition::{Clarity, NumberOfClusters, PartitionConfig};

/// An estimate of the graph that says where groups may be hidden, and asks halves. Only fits
/// without a number of clusters have it.
pub const REVISION: Revision = ("estimate-by-halves", 1);

/// Pairs of halves.
const SPLITS: usize = 5;
/// Rows of both halves together, at most.
const MOST_ROWS: usize = 2000;
/// Rows of both halves together for each cluster, at least: fewer say nothing.
const ROWS_A_CLUSTER: usize = 8;
/// Rows of a half that vote on one of the other.
const N_VOTERS: usize = 5;

/// What halves of the rows say of two numbers of clusters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Halves {
    /// The number of the higher prediction strength, of equals that of the graph.
    pub n_clusters: usize,
    /// Mean prediction strength over pairs of halves, of each number.
    pub prediction_strength: BTreeMap<usize, f64>,
}

/// Below this prediction strength halves reject a clear estimate, of which some clusters may be
/// small …
const REJECTED: f64 = 0.65;
/// … where they agree on fewer clusters with at least this.
const AGREED: f64 = 0.9;

/// Whether halves take a clear estimate back, given the prediction strengths of its number and of
/// [`NumberOfClusters::doubt`].
pub fn take_back(of_estimate: f64, of_fewer: f64) -> bool {
    of_estimate < REJECTED && of_fewer >= AGREED
}

/// The prediction strength of a number that halves confirm, as Tibshirani and Walther ask for.
const CONFIRMED: f64 = 0.8;

impl Halves {
    /// Whether the halves confirm the number, and not the other.
    pub fn is_confirmed(&self) -> bool {
        self.prediction_strength.iter().all(|(k, s)| (*k == self.n_clusters) == (*s >= CONFIRMED))
    }

    /// The estimate of the graph and its runner-up, in the order of the halves.
    pub fn order(&self, number: NumberOfClusters) -> NumberOfClusters {
        if number.n_clusters == self.n_clusters { number } else { number.in_favour_of(self.n_clusters) }
    }
}

impl FeaturePartition<'_> {
    /// Asks the halves where the graph's estimate has a runner-up that comes near, or is clear with
    /// clusters that stand less far apart than fewer do; such an estimate only has halves that
    /// [take it back](take_back). They see the features alone, so they are not asked where other
    /// spaces are cut with them.
    ///
    /// # Errors
    /// What searching, the partition and k-means can return.
    pub(super) fn halves(
        &self,
        number: &NumberOfClusters,
        phase: &PhaseContext<'_>,
    ) -> Result<Option<Halves>> {
        let first = number.n_clusters;
        let second = match number.clarity {
            Clarity::Contested => number.runner_up,
            Clarity::Clear => number.doubt(),
            Clarity::NoGroups => None,
        };
        let Some(second) = second.filter(|_| self.others.is_empty()) else { return Ok(None) };
        let strengths = self.strengths(&[first, second], phase, &|(_, x), k| self.cut_half(x, k, phase))?;
        let Some(prediction_strength) = strengths else { return Ok(None) };
        let of = (prediction_strength[&first], prediction_strength[&second]);
        if number.clarity == Clarity::Clear && !take_back(of.0, of.1) {
            return Ok(None);
        }
        let is_second = of.1 > of.0;
        Ok(Some(Halves { n_clusters: if is_second { second } else { first }, prediction_strength }))
    }

    /// The mean prediction strength of each of `numbers`; `None` of rows that are too few for them.
    /// `clusters` of some rows, given with their features, are `None` where there are not so many.
    ///
    /// # Errors
    /// As [`FeaturePartition::halves`].
    pub(super) fn strengths(
        &self,
        numbers: &[usize],
        phase: &PhaseContext<'_>,
        clusters: Clusters<'_>,
    ) -> Result<Option<BTreeMap<usize, f64>>> {
        let n = self.x.n().min(MOST_ROWS);
        if numbers.iter().any(|k| n < ROWS_A_CLUSTER * k) {
            return Ok(None);
        }
        let mut sums: BTreeMap<usize, f64> = numbers.iter().map(|k| (*k, 0.0)).collect();
        for split in 0..SPLITS {
            let order = permutation(&mut phase.streams.rng("halves", split, 0), self.x.n());
            let half = |part: &[i64]| -> Result<(Vec<usize>, Features)> {
                let mut rows: Vec<usize> = part.iter().map(|&i| i as usize).collect();
                rows.sort_unstable();
                let x = self.x.select(&rows)?;
                Ok((rows, x))
            };
            let (train, test) = (half(&order[..n / 2])?, half(&order[n / 2..n])?);
            for (&k, sum) in &mut sums {
                let of = |(rows, x): &(Vec<usize>, Features)| clusters((rows, x), k);
                *sum += strength((&train.1, &test.1), k, (of(&train)?, of(&test)?))?;
            }
        }
        Ok(Some(sums.into_iter().map(|(k, sum)| (k, sum / SPLITS as f64)).collect()))
    }

    /// The clusters of a half of the rows; `None` where it cannot be cut into so many.
    fn cut_half(&self, x: &Features, k: usize, phase: &PhaseContext<'_>) -> Result<Option<Array1<u32>>> {
        let partition =
            PartitionConfig { n_init: N_INIT.min(self.partition.n_init), ..self.partition.clone() };
        let kmeans = KMeansConfig { n_init: N_INIT.min(self.kmeans.n_init), ..self.kmeans.clone() };
        let cut = FeaturePartition { partition: &partition, kmeans: &kmeans, x, others: &[] }.cut(k, phase);
        match cut {
            Ok(cut) => Ok(Some(labels_of(cut.tensor("assignments")?)?)),
            Err(e) if phase.fit.interrupt.get().is_some() => Err(e),
            Err(_) => Ok(None),
        }
    }
}

/// Clusters of some rows and their features, of so many.
pub(super) type Clusters<'a> = &'a dyn Fn((&[usize], &Features), usize) -> Result<Option<Array1<u32>>>;

/// Prediction strength of `k` clusters of the second half by those of the first (Tibshirani and
/// Walther 2005); 0 where a half cannot be cut into so many.
fn strength(
    (train, test): (&Features, &Features),
    k: usize,
    clusters: (Option<Array1<u32>>, Option<Array1<u32>>),
) -> Result<f64> {
    let (Some(of_train), Some(of_test)) = clusters else { return Ok(0.0) };
    let predicted = NeighbourVote::new(train.clone(), of_train, k, N_VOTERS).predict(test)?;
    Ok(least_kept(&of_test, &predicted))
}

/// Of the pairs of rows in one of `clusters`, the share that is together in `predicted`: the least
/// of the clusters, 1 for one of a single row. (Methods do not link `vae-metrics`, which knows
/// labels.)
fn least_kept(clusters: &Array1<u32>, predicted: &Array1<u32>) -> f64 {
    let (mut sizes, mut together) = (BTreeMap::<u32, f64>::new(), BTreeMap::<(u32, u32), f64>::new());
    for (&cluster, &other) in clusters.iter().zip(predicted) {
        *sizes.entry(cluster).or_default() += 1.0;
        *together.entry((cluster, other)).or_default() += 1.0;
    }
    let pairs = |n: f64| n * (n - 1.0);
    let share = |(&cluster, &size): (&u32, &f64)| {
        let kept: f64 = together.range((cluster, 0)..=(cluster, u32::MAX)).map(|(_, &n)| pairs(n)).sum();
        if size > 1.0 { kept / pairs(size) } else { 1.0 }
    };
    sizes.iter().map(share).fold(1.0, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_worst_cluster_counts() {
        let clusters = array![0_u32, 0, 1, 1, 1, 2];
        // Cluster 0 stays together; of the three pairs of cluster 1 one does.
        let predicted = array![5_u32, 5, 5, 7, 7, 7];
        assert_eq!(least_kept(&clusters, &predicted), 1.0 / 3.0);
        assert_eq!(least_kept(&clusters, &clusters), 1.0);
        assert_eq!(vae_metrics::prediction_strength(clusters.view(), predicted.view()).ok(), Some(1.0 / 3.0));
    }

    #[test]
    fn the_number_of_the_halves_comes_first() {
        let number = NumberOfClusters {
            n_clusters: 11,
            runner_up: Some(9),
            clarity: Clarity::Contested,
            relative_conductances: vec![0.1],
        };
        let strengths = |own, other| Halves {
            n_clusters: 9,
            prediction_strength: BTreeMap::from([(9, own), (11, other)]),
        };
        let confirmed = [(1.0, 0.5), (0.79, 0.5), (0.9, 0.85)].map(|(a, b)| strengths(a, b).is_confirmed());
        assert_eq!(confirmed, [true, false, false]);
        let of = |n_clusters| Halves { n_clusters, prediction_strength: BTreeMap::new() };
        let ordered = |n| {
            let number = of(n).order(number.clone());
            (number.n_clusters, number.runner_up)
        };
        assert_eq!((ordered(9), ordered(11)), ((9, Some(11)), (11, Some(9))));
        let clear = NumberOfClusters { clarity: Clarity::Clear, runner_up: Some(2), ..number };
        let taken_back = of(9).order(clear);
        assert_eq!((taken_back.runner_up, taken_back.clarity), (Some(11), Clarity::Contested));
        assert_eq!(
            [take_back(0.54, 0.97), take_back(0.7, 0.97), take_back(0.54, 0.85)],
            [true, false, false]
        );
    }
}
