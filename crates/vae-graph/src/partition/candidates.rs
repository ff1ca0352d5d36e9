//! Partitions of one graph, and which of them is kept.

use super::{PartitionConfig, Scaling};
use crate::{Error, Graph, Result};
use ndarray::Array1;
use serde::{Deserialize, Serialize};

/// Which candidate wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Select {
    /// The highest modularity.
    Modularity,
    /// The highest modularity, after moves of single points, among those that cut through no dense
    /// group. Modularity prefers clusters of equal size, and halves a large group to get them. Such
    /// a cut shows: the cluster loses a good share of its edges. A candidate is left out if the
    /// largest conductance of its clusters is above 0.05 and above twice the least that any
    /// candidate reaches. Candidates with a cluster of no more points than a point has neighbours
    /// set no such measure.
    Conductance,
}

/// A cluster that loses at most this share of its edges is not cut through.
const SOUND: f64 = 0.05;

/// How often the least of the candidates' largest conductances another candidate may have.
const FACTOR: f64 = 2.0;

/// Sweeps over all points before modularities are compared. What k-means of the eigenvectors leaves
/// at the borders of its clusters can outweigh the difference between two partitions; the labels
/// that are kept are those before the moves, which prefer clusters of equal size.
const SWEEPS: usize = 5;

/// How a partition was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Origin {
    /// k-means of leading eigenvectors.
    Spectral {
        /// Leading eigenvectors used.
        n_vectors: usize,
        /// Scaling of the rows.
        scaling: Scaling,
    },
    /// Otherwise.
    Given {
        /// For example `k-means`.
        name: String,
    },
}

/// One partition that was tried.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Candidate {
    /// How it was found.
    #[serde(flatten)]
    pub origin: Origin,
    /// Modularity in the graph of neighbours.
    pub modularity: f64,
    /// The same after moves of single points ([`Graph::modularity_after_moves`]); not computed for
    /// `select = "modularity"`.
    pub modularity_after_moves: Option<f64>,
    /// The largest conductance of its clusters.
    pub conductance: f64,
    /// Points in the smallest cluster.
    pub smallest: usize,
}

impl Candidate {
    /// What candidates are compared by.
    fn height(&self) -> f64 {
        self.modularity_after_moves.unwrap_or(self.modularity)
    }
}

/// What has been tried on a graph.
pub(super) struct Candidates<'a> {
    graph: &'a Graph,
    n_clusters: usize,
    select: Select,
    labels: Vec<Array1<u32>>,
    about: Vec<Candidate>,
}

impl<'a> Candidates<'a> {
    pub fn new(graph: &'a Graph, n_clusters: usize, select: Select) -> Self {
        Self { graph, n_clusters, select, labels: Vec::new(), about: Vec::new() }
    }

    pub fn push(&mut self, origin: Origin, labels: Array1<u32>) -> Result<()> {
        let modularity = self.graph.modularity(labels.view())?;
        // Restarts often end alike; the names of the clusters do not matter.
        if self.about.iter().any(|c| c.modularity == modularity) && self.select == Select::Conductance {
            return Ok(());
        }
        let conductance = self.graph.conductances(labels.view())?.into_iter().fold(0.0, f64::max);
        let sizes = (0..self.n_clusters as u32).map(|c| labels.iter().filter(|&&l| l == c).count());
        let smallest = sizes.min().unwrap_or(0);
        let modularity_after_moves = match self.select {
            Select::Modularity => None,
            Select::Conductance => Some(self.graph.modularity_after_moves(labels.view(), SWEEPS)?),
        };
        self.about.push(Candidate { origin, modularity, modularity_after_moves, conductance, smallest });
        self.labels.push(labels);
        Ok(())
    }

    /// The winner's labels and its place, and the record of all.
    pub fn choose(mut self, config: &PartitionConfig) -> Result<(Array1<u32>, usize, Vec<Candidate>)> {
        let best = best(&self.about, config).ok_or(Error::NoPartition { n_clusters: self.n_clusters })?;
        Ok((self.labels.swap_remove(best), best, self.about))
    }
}

fn best(all: &[Candidate], config: &PartitionConfig) -> Option<usize> {
    best_by(all, config, (SOUND, FACTOR))
}

fn best_by(all: &[Candidate], config: &PartitionConfig, (sound, factor): (f64, f64)) -> Option<usize> {
    let larger = |c: &&Candidate| c.smallest > config.n_neighbors;
    let least = all.iter().filter(larger).map(|c| c.conductance).fold(f64::INFINITY, f64::min);
    let most = (factor * least).max(sound);
    let is_kept = |c: &Candidate| match config.select {
        Select::Modularity => true,
        // Where no candidate has clusters of a size, there is nothing to compare with.
        Select::Conductance => least.is_infinite() || (larger(&c) && c.conductance <= most),
    };
    let mut best: Option<usize> = None;
    for (i, candidate) in all.iter().enumerate() {
        let wins = best.is_none_or(|b| candidate.height() > all[b].height());
        if candidate.smallest > 0 && is_kept(candidate) && wins {
            best = Some(i);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(modularity: f64, conductance: f64, smallest: usize) -> Candidate {
        let origin = Origin::Given { name: "made".into() };
        Candidate { origin, modularity, modularity_after_moves: None, conductance, smallest }
    }

    #[test]
    fn a_cut_through_a_dense_group_does_not_win() {
        let of = |select| PartitionConfig { select, ..PartitionConfig::default() };
        // The measures of three groups of 97, 2 and 1 %: the large one halved, and the groups
        // themselves.
        let all = [candidate(0.569, 0.106, 585), candidate(0.065, 0.0, 27), candidate(0.9, 0.0, 0)];
        assert_eq!(best(&all, &of(Select::Modularity)), Some(0));
        assert_eq!(best(&all, &of(Select::Conductance)), Some(1));
        for factors in [(0.025, 2.0), (0.1, 2.0), (0.05, 1.0), (0.05, 4.0)] {
            assert_eq!(best_by(&all, &of(Select::Conductance), factors), Some(1), "{factors:?}");
        }
        // Groups that run into each other: all cuts are alike, and modularity decides.
        let all = [candidate(0.42, 0.058, 204), candidate(0.41, 0.050, 186)];
        assert_eq!(best(&all, &of(Select::Conductance)), Some(0));
        // A few outliers cost no edges; they are no measure, and do not win.
        let all = [candidate(0.735, 0.024, 465), candidate(0.622, 0.001, 8), candidate(0.73, 0.03, 400)];
        assert_eq!(best(&all, &of(Select::Conductance)), Some(0));
        // Nothing else was found.
        assert_eq!(best(&all[1..2], &of(Select::Conductance)), Some(0));
        assert_eq!(best(&[candidate(0.9, 0.0, 0)], &of(Select::Conductance)), None);
    }
}
