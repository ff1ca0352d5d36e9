//! From neighbours to weights: which neighbours of a pool a point keeps, and their weights.

use crate::knn::Neighbours;
use crate::{Error, Graph, Result};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use vae_core::identity::Revision;
use vae_core::random::Streams;

/// Weights of neighbours, and the operations of [`Graph`].
pub const REVISION: Revision = ("affinity", 1);

/// Which of the nearest neighbours are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// The nearest.
    Nearest,
    /// Drawn from the pool without replacement, once (DGG's code: 20 of 100).
    Random,
}

/// The weight of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weighting {
    /// All alike (what DGG's code runs).
    Uniform,
    /// `exp(−d² / 2 s_i²)`, with `s_i²` the mean squared distance to the kept neighbours (DGG's
    /// paper leaves `s_i` open).
    Gaussian,
}

/// The graph of a table `[graph]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AffinityConfig {
    /// Neighbours a point keeps. 0: no graph at all.
    pub n_neighbors: usize,
    /// For `choice = "random"`: the nearest so many are drawn from.
    pub pool: usize,
    /// `nearest` or `random`.
    pub choice: Choice,
    /// `uniform` or `gaussian`.
    pub weighting: Weighting,
}

impl Default for AffinityConfig {
    fn default() -> Self {
        Self { n_neighbors: 20, pool: 100, choice: Choice::Nearest, weighting: Weighting::Uniform }
    }
}

impl AffinityConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub fn check(&self) -> Result<()> {
        if self.choice == Choice::Random && self.pool < self.n_neighbors {
            return Err(Error::config(
                "pool",
                self.pool,
                &format!("at least n_neighbors, {}", self.n_neighbors),
            ));
        }
        Ok(())
    }

    /// How many neighbours have to be searched for, among `n` points.
    pub fn n_searched(&self, n: usize) -> usize {
        let wanted = match self.choice {
            Choice::Nearest => self.n_neighbors,
            Choice::Random => self.pool,
        };
        wanted.min(n.saturating_sub(1))
    }

    /// The directed graph of the kept neighbours; every row sums to 1.
    ///
    /// # Errors
    /// [`Error::Config`] out of range.
    pub fn graph(&self, neighbours: &Neighbours, streams: &Streams) -> Result<Graph> {
        self.check()?;
        let keep = self.n_neighbors.min(neighbours.k());
        let rows = (0..neighbours.n()).map(|i| {
            let chosen: Vec<usize> = match self.choice {
                Choice::Nearest => (0..keep).collect(),
                Choice::Random => draw(streams, i, neighbours.k(), keep),
            };
            let sq: Vec<f64> =
                chosen.iter().map(|&j| f64::from(neighbours.distance()[[i, j]]).powi(2)).collect();
            let weights = match self.weighting {
                Weighting::Uniform => vec![1.0; keep],
                Weighting::Gaussian => gaussian(&sq),
            };
            let total: f64 = weights.iter().sum();
            let index = neighbours.of(i);
            chosen.iter().zip(weights).map(|(&j, w)| (index[j], (w / total) as f32)).collect()
        });
        Graph::from_rows(rows.collect())
    }
}

/// `exp(−d² / 2s²)` with s² the mean of the d²; all 1 when every distance is 0.
fn gaussian(sq: &[f64]) -> Vec<f64> {
    let s2 = sq.iter().sum::<f64>() / sq.len().max(1) as f64;
    sq.iter().map(|d2| if s2 > 0.0 { (-d2 / (2.0 * s2)).exp() } else { 1.0 }).collect()
}

/// `keep` of `0..pool` without replacement, for point `i` (partial Fisher–Yates).
fn draw(streams: &Streams, i: usize, pool: usize, keep: usize) -> Vec<usize> {
    let mut rng = streams.rng("neighbours", 0, i);
    let mut order: Vec<usize> = (0..pool).collect();
    for at in 0..keep {
        order.swap(at, rng.random_range(at..pool));
    }
    order.truncate(keep);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knn::{Knn, Metric};
    use ndarray::Array2;
    use std::collections::HashSet;
    use vae_core::Features;
    use vae_core::phase::FitContext;

    fn neighbours(n: usize, k: usize) -> Neighbours {
        let mut rng = Streams::new(0, "test").rng("x", 0, 0);
        let x = Array2::from_shape_simple_fn((n, 3), || rng.random::<f32>());
        let x = Features::dense(x).expect("finite");
        Knn { k, metric: Metric::Euclidean }.of(&x, &FitContext::in_memory(0)).expect("neighbours")
    }

    #[test]
    fn random_neighbours_are_distinct_members_of_the_pool_and_depend_on_the_seed() {
        let near = neighbours(500, 100);
        let config = AffinityConfig { choice: Choice::Random, ..AffinityConfig::default() };
        let graph = |seed| config.graph(&near, &Streams::new(seed, "graph")).expect("valid");
        let g = graph(1);
        for i in 0..500 {
            let pool: HashSet<u32> = near.of(i).iter().copied().collect();
            let kept: Vec<u32> = g.row(i).map(|(j, _)| j).collect();
            assert_eq!(kept.len(), 20);
            assert!(kept.iter().all(|j| pool.contains(j) && *j != i as u32));
        }
        assert!(g.row_sums().iter().all(|s| (s - 1.0).abs() < 1e-6));
        assert_eq!(g, graph(1));
        assert_ne!(g, graph(2));
        // Not simply the nearest: a draw of 20 of 100 shares about 4 with the first 20.
        let nearest: HashSet<u32> = near.of(0).iter().take(20).copied().collect();
        assert!(g.row(0).filter(|(j, _)| nearest.contains(j)).count() < 15);
    }

    #[test]
    fn weights_by_hand() {
        // Twenty neighbours: 0.5 for the point itself, 0.025 for each neighbour, 1 together.
        let g = AffinityConfig::default().graph(&neighbours(60, 20), &Streams::new(0, "g")).expect("valid");
        let u = g.with_self(0.5, 0.5);
        for i in 0..60u32 {
            let row: Vec<(u32, f32)> = u.row(i as usize).collect();
            assert_eq!(row.len(), 21);
            assert!(row.iter().all(|&(j, w)| w == if j == i { 0.5 } else { 0.025 }));
        }
        // No neighbours: the whole weight on the point itself.
        let none = AffinityConfig { n_neighbors: 0, ..AffinityConfig::default() };
        let u = none.graph(&neighbours(60, 20), &Streams::new(0, "g")).expect("valid").with_self(0.5, 0.5);
        assert!((0..60).all(|i| u.row(i).eq([(i as u32, 1.0)])));
    }

    #[test]
    fn gaussian_weights_by_hand() {
        // s² = (1 + 3) / 2 = 2.
        let w = gaussian(&[1.0, 3.0]);
        assert!((w[0] - (-0.25f64).exp()).abs() < 1e-12 && (w[1] - (-0.75f64).exp()).abs() < 1e-12);
        assert_eq!(gaussian(&[0.0, 0.0]), [1.0, 1.0]);
    }
}
