//! What it costs to cut through a group of nodes, wherever it is cut.
//!
//! How much of its edges a group loses to the others says little by itself: a line through the
//! middle of a round group cuts ever fewer of them the more points the group has and the fewer
//! dimensions. Compared with the cost of halving the group itself, it says whether the border of
//! the group is a place with fewer edges than its inside (in the spirit of Kannan, Vempala and
//! Vetta 2004, who ask for clusters that are cut off cheaply and cut through dearly; their inner
//! cost is that of the cheapest cut, which a group of two parts has for itself).

use super::Graph;
use crate::{Error, Result};
use ndarray::ArrayView1;
use rand::{Rng, RngExt};
use rayon::prelude::*;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Halves per group; the median of their costs counts.
const DRAWS: usize = 8;

/// A length, for a heap.
#[derive(Clone, Copy, PartialEq)]
struct Length(f64);

impl Eq for Length {}

impl PartialOrd for Length {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Length {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// An edge between nodes of one cluster.
struct Edge {
    to: usize,
    weight: f64,
    /// `√(−ln weight)`: the scaled distance of its ends where weights are `exp(−d²)`. Every draw
    /// needs it.
    length: f64,
}

impl Edge {
    fn new(to: usize, weight: f64) -> Self {
        Self { to, weight, length: (-weight.ln()).max(0.0).sqrt() }
    }
}

/// One cluster's nodes and the edges between them.
struct Inside {
    edges: Vec<Vec<Edge>>,
}

impl Inside {
    /// Distances of all nodes from one along the edges (Dijkstra).
    fn distances(&self, from: usize) -> Vec<f64> {
        let mut length = vec![f64::INFINITY; self.edges.len()];
        length[from] = 0.0;
        let mut heap = BinaryHeap::from([(Reverse(Length(0.0)), from)]);
        while let Some((Reverse(Length(at)), i)) = heap.pop() {
            if at > length[i] {
                continue;
            }
            for edge in &self.edges[i] {
                let there = at + edge.length;
                if there < length[edge.to] {
                    length[edge.to] = there;
                    heap.push((Reverse(Length(there)), edge.to));
                }
            }
        }
        length
    }

    /// The conductance of the half of the nodes that are nearer to `a` than to `b` than the rest.
    fn cost(&self, a: usize, b: usize) -> f64 {
        let (to_a, to_b) = (self.distances(a), self.distances(b));
        // Nodes that no edges join to either stand in the middle.
        let nearer = |i: usize| if to_a[i] == to_b[i] { 0.0 } else { to_a[i] - to_b[i] };
        let mut order: Vec<usize> = (0..self.edges.len()).collect();
        order.sort_by(|&i, &j| nearer(i).total_cmp(&nearer(j)));
        let mut first = vec![false; order.len()];
        order[..order.len() / 2].iter().for_each(|&i| first[i] = true);
        let (mut cut, mut volumes) = (0.0, [0.0, 0.0]);
        for (i, edges) in self.edges.iter().enumerate() {
            for edge in edges {
                volumes[usize::from(first[i])] += edge.weight;
                if first[i] && !first[edge.to] {
                    cut += edge.weight;
                }
            }
        }
        let smaller = f64::min(volumes[0], volumes[1]);
        if smaller > 0.0 { cut / smaller } else { 0.0 }
    }
}

impl Graph {
    /// What it costs to cut each cluster of a symmetric graph in two halves, `[K]`: two nodes of
    /// the cluster are drawn, the nodes nearer to the one along the cluster's own edges are one
    /// half, and the cost is the conductance of a half within the cluster. The median of eight
    /// draws; 0 for a cluster of fewer than two nodes, or without edges.
    ///
    /// # Errors
    /// [`Error::Size`] when there is not one label per node.
    pub fn halving_costs(&self, labels: ArrayView1<'_, u32>, rng: &mut impl Rng) -> Result<Vec<f64>> {
        if labels.len() != self.n() {
            return Err(Error::Size { what: "labels".into(), got: labels.len(), expected: self.n() });
        }
        let clusters = self.insides(labels);
        let mut draws = Vec::new();
        for (c, inside) in clusters.iter().enumerate().filter(|(_, inside)| inside.edges.len() > 1) {
            for _ in 0..DRAWS {
                let n = inside.edges.len();
                let (a, b) = (rng.random_range(0..n), rng.random_range(0..n - 1));
                draws.push((c, a, if b < a { b } else { b + 1 }));
            }
        }
        let costs: Vec<f64> = draws.par_iter().map(|&(c, a, b)| clusters[c].cost(a, b)).collect();
        let mut medians = vec![0.0; clusters.len()];
        for (draws, costs) in draws.chunks(DRAWS).zip(costs.chunks(DRAWS)) {
            let mut costs = costs.to_vec();
            costs.sort_by(f64::total_cmp);
            medians[draws[0].0] = (costs[DRAWS / 2 - 1] + costs[DRAWS / 2]) / 2.0;
        }
        Ok(medians)
    }

    fn insides(&self, labels: ArrayView1<'_, u32>) -> Vec<Inside> {
        let k = labels.iter().max().map_or(0, |&m| m as usize + 1);
        let mut sizes = vec![0; k];
        let places: Vec<usize> = labels
            .iter()
            .map(|&c| {
                sizes[c as usize] += 1;
                sizes[c as usize] - 1
            })
            .collect();
        let mut clusters: Vec<Inside> = (0..k).map(|_| Inside { edges: Vec::new() }).collect();
        for i in 0..self.n() {
            let own = self.row(i).filter(|(j, _)| *j as usize != i && labels[*j as usize] == labels[i]);
            let edges = own.map(|(j, w)| Edge::new(places[j as usize], f64::from(w))).collect();
            clusters[labels[i] as usize].edges.push(edges);
        }
        clusters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;
    use vae_core::random::Streams;

    /// `n` nodes in a row, each joined to the next.
    fn path(n: u32) -> Graph {
        let near = |i: u32| [i.checked_sub(1), (i + 1 < n).then_some(i + 1)];
        Graph::from_rows((0..n).map(|i| near(i).into_iter().flatten().map(|j| (j, 0.5)).collect()).collect())
            .expect("a graph")
    }

    #[test]
    fn a_path_is_halved_at_one_edge() {
        let rng = || Streams::new(0, "t").rng("halving", 0, 0);
        // Eight nodes, seven edges: any two ends leave the halves of four, whose degrees within
        // the path add up to 7; one edge is cut.
        let labels = Array1::zeros(8);
        let costs = path(8).halving_costs(labels.view(), &mut rng()).expect("labels");
        assert_eq!(costs, [1.0 / 7.0]);
        // Two clusters of four: 1 edge of volume 3 each, whatever joins the clusters. One node
        // alone has no halves.
        let labels = Array1::from(vec![0u32, 0, 0, 0, 2, 2, 2, 2, 1]);
        let costs = path(9).halving_costs(labels.view(), &mut rng()).expect("labels");
        assert_eq!(costs, [1.0 / 3.0, 0.0, 1.0 / 3.0]);
        assert!(path(9).halving_costs(Array1::zeros(8).view(), &mut rng()).is_err());
    }

    #[test]
    fn distances_follow_the_scaled_lengths() {
        // 0 to 2 directly is longer than by 1: √(−ln w) of e⁻⁴ is 2, of e⁻¹ 1, of e^-0.25 0.5.
        let (far, near, nearer) = ((-4f64).exp(), (-1f64).exp(), (-0.25f64).exp());
        let edges = vec![
            vec![(1, near), (2, far)],
            vec![(0, near), (2, nearer)],
            vec![(0, far), (1, nearer)],
            vec![],
        ];
        let edges = edges.into_iter().map(|row| row.into_iter().map(|(to, w)| Edge::new(to, w)).collect());
        let got = Inside { edges: edges.collect() }.distances(0);
        for (got, want) in got.iter().zip([0.0, 1.0, 1.5]) {
            assert!((got - want).abs() < 1e-12, "{got} {want}");
        }
        assert!(got[3].is_infinite());
    }
}
