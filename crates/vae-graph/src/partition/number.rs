//! An estimate of the number of clusters from a graph of neighbours.

use super::{PartitionConfig, leading_eigenvectors, tries};
use crate::{Error, Graph, Result};
use ndarray::Array1;
use serde::{Deserialize, Serialize};
use vae_core::identity::Revision;
use vae_core::random::Streams;

/// How the number is estimated.
pub const REVISION: Revision = ("number-of-clusters", 2);

/// A partition whose worst cluster loses more of its edges cuts through something dense: the search
/// ends after two of them.
const TORN: f64 = 0.1;

/// Restarts of k-means per candidate: the estimate needs no more.
const N_INIT: usize = 3;

/// The largest number that is tried, for the sake of cost.
const MOST: usize = 20;

/// An estimate, and how sure it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberOfClusters {
    /// The estimate.
    pub n_clusters: usize,
    /// The next best.
    pub runner_up: usize,
    /// The step of the conductance after the estimate by that after the next best: 1 is a draw.
    pub ratio: f64,
    /// The largest conductance of the clusters of the partition into 2, 3, … clusters.
    pub conductances: Vec<f64>,
}

impl PartitionConfig {
    /// Estimates the number of clusters of a graph. One cluster too many cuts through a dense
    /// group, and the cluster on one side of that cut loses a good share of its edges. The estimate
    /// is the number before the largest such step of the worst cluster's conductance, among the
    /// numbers whose partition still cuts through nothing. `others` are partitions of `k` clusters
    /// that were found otherwise. At least 2: that there is no structure at all is for other
    /// criteria to say.
    ///
    /// # Errors
    /// As [`PartitionConfig::fit`].
    pub fn number_of_clusters(
        &self,
        graph: &Graph,
        others: impl Fn(usize) -> Result<Vec<(&'static str, Array1<u32>)>>,
        streams: &Streams,
    ) -> Result<NumberOfClusters> {
        let config = Self { n_init: N_INIT.min(self.n_init), ..self.clone() };
        let most = MOST.min(graph.n());
        let n_vectors = tries(most, graph.n()).iter().map(|(m, _)| *m).max().unwrap_or(most);
        // For all numbers at once: finding them costs more than all partitions do.
        let eigen = leading_eigenvectors(graph, n_vectors, streams)?;
        let mut conductances = Vec::new();
        for k in 2..=most {
            let tries = tries(k, graph.n());
            // Two of them show where a cut goes through a group as well as eight.
            let few = [tries[0], tries[tries.len() - 1]];
            match config.of_eigen(graph, k, (&eigen, &few), &others(k)?, streams) {
                Ok(partition) => conductances.push(partition.conductance),
                // More clusters than the graph can tell apart.
                Err(Error::NoPartition { .. }) => break,
                Err(e) => return Err(e),
            }
            if conductances.len() > 2 && conductances.iter().rev().take(2).all(|c| *c > TORN) {
                break;
            }
        }
        if conductances.is_empty() {
            return Err(Error::NoPartition { n_clusters: 2 });
        }
        Ok(largest_step(conductances))
    }
}

/// The estimate from the conductances of 2, 3, … clusters.
fn largest_step(conductances: Vec<f64>) -> NumberOfClusters {
    let mut steps: Vec<(usize, f64)> = conductances
        .windows(2)
        .enumerate()
        .filter(|(i, pair)| *i == 0 || pair[0] <= TORN)
        .map(|(i, pair)| (i + 2, pair[1] - pair[0]))
        .collect();
    steps.sort_by(|a, b| b.1.total_cmp(&a.1));
    let at = |i: usize| steps.get(i).copied().unwrap_or((2, 0.0));
    let ((n_clusters, first), (runner_up, second)) = (at(0), at(1));
    let ratio = if second > 0.0 { first / second } else { f64::from(f32::MAX) };
    NumberOfClusters { n_clusters, runner_up, ratio, conductances }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_before_the_largest_step() {
        // Six groups of unequal size, and three of wine.
        let six = largest_step(vec![0.001, 0.002, 0.002, 0.007, 0.008, 0.197, 0.236, 0.222]);
        assert_eq!((six.n_clusters, six.runner_up), (6, 4));
        assert!(six.ratio > 20.0);
        assert_eq!(largest_step(vec![0.047, 0.077, 0.321, 0.373]).n_clusters, 3);
        // The second step starts where a group is cut through already; it does not count.
        assert_eq!(largest_step(vec![0.064, 0.168, 0.217, 0.9]).n_clusters, 2);
        assert_eq!(largest_step(vec![0.3]).n_clusters, 2);
    }
}
