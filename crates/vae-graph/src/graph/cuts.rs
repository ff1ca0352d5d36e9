//! How much of a graph a partition of its nodes cuts.

use super::Graph;
use crate::{Error, Result};
use ndarray::ArrayView1;

/// The odds that are told apart: beyond them an edge or two decide.
const MOST_ODDS: f64 = 1000.0;

/// Weights of the edges at the nodes of each cluster, both directions: within it, and all.
struct Volumes {
    inside: Vec<f64>,
    degree: Vec<f64>,
}

impl Graph {
    /// Modularity of a partition of a symmetric graph (Newman 2004, weighted):
    ///
    /// ```text
    /// Q = Σ_c [ W_cc / 2m − (d_c / 2m)² ]
    /// ```
    ///
    /// with `W_cc` the weight within cluster c (both directions), `d_c` the sum of its degrees,
    /// `2m` of all degrees. At most 1; 0 for one cluster, and for a graph without edges.
    ///
    /// # Errors
    /// [`Error::Size`] when there is not one label per node.
    pub fn modularity(&self, labels: ArrayView1<'_, u32>) -> Result<f64> {
        let Volumes { inside, degree } = self.volumes(labels)?;
        let total: f64 = degree.iter().sum();
        if total == 0.0 {
            return Ok(0.0);
        }
        Ok(inside.iter().zip(&degree).map(|(w, d)| w / total - (d / total) * (d / total)).sum())
    }

    /// Conductance of each cluster of a symmetric graph, `[K]`: the share of the weight of its
    /// nodes' edges that leads out of it. 0 for a cluster without edges.
    ///
    /// # Errors
    /// [`Error::Size`] when there is not one label per node.
    pub fn conductances(&self, labels: ArrayView1<'_, u32>) -> Result<Vec<f64>> {
        let Volumes { inside, degree } = self.volumes(labels)?;
        Ok(inside.iter().zip(&degree).map(|(w, d)| if *d > 0.0 { 1.0 - w / d } else { 0.0 }).collect())
    }

    /// How much better than chance the clusters of a symmetric graph explain its edges, in nats:
    /// the log of (weight within over its expectation from the degrees) over (weight between over
    /// its expectation). 0 for chance, negative below it; the odds are held to 1000, 0 without
    /// edges or with one cluster. The weight that a layer of a multilayer graph earns (Pamfil,
    /// Howison, Lambiotte and Porter 2019, for the planted-partition model).
    ///
    /// # Errors
    /// [`Error::Size`] when there is not one label per node.
    pub fn log_odds(&self, labels: ArrayView1<'_, u32>) -> Result<f64> {
        let Volumes { inside, degree } = self.volumes(labels)?;
        let total: f64 = degree.iter().sum();
        let within = inside.iter().sum::<f64>() / total;
        let expected: f64 = degree.iter().map(|d| (d / total) * (d / total)).sum();
        if total == 0.0 || expected >= 1.0 {
            return Ok(0.0);
        }
        let odds = (within / expected) / ((1.0 - within) / (1.0 - expected));
        Ok(odds.clamp(1.0 / MOST_ODDS, MOST_ODDS).ln())
    }

    /// The modularity of a symmetric graph's partition after moves of single nodes: up to `sweeps`
    /// times every node, in their order, goes to the cluster that raises it most. How high a
    /// partition lies in its neighbourhood, which its ragged edges hide.
    ///
    /// # Errors
    /// As [`Graph::modularity`].
    pub fn modularity_after_moves(&self, labels: ArrayView1<'_, u32>, sweeps: usize) -> Result<f64> {
        let Volumes { degree: mut volume, .. } = self.volumes(labels)?;
        let degrees = self.row_sums();
        let total = degrees.sum();
        let mut labels = labels.to_owned();
        let mut near = vec![0.0; volume.len()];
        for _ in 0..sweeps {
            let mut moved = false;
            for i in 0..self.n() {
                near.fill(0.0);
                self.row(i).filter(|(j, _)| *j as usize != i).for_each(|(j, w)| {
                    near[labels[j as usize] as usize] += f64::from(w);
                });
                let own = labels[i] as usize;
                let gain = |c: usize| {
                    let others = if c == own { volume[c] - degrees[i] } else { volume[c] };
                    near[c] - degrees[i] * others / total
                };
                let best = (0..near.len()).fold(own, |best, c| if gain(c) > gain(best) { c } else { best });
                if best != own {
                    volume[own] -= degrees[i];
                    volume[best] += degrees[i];
                    labels[i] = best as u32;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        self.modularity(labels.view())
    }

    fn volumes(&self, labels: ArrayView1<'_, u32>) -> Result<Volumes> {
        if labels.len() != self.n() {
            return Err(Error::Size { what: "labels".into(), got: labels.len(), expected: self.n() });
        }
        let k = labels.iter().max().map_or(0, |&m| m as usize + 1);
        let (mut inside, mut degree) = (vec![0.0; k], vec![0.0; k]);
        for i in 0..self.n() {
            let c = labels[i];
            for (j, w) in self.row(i) {
                degree[c as usize] += f64::from(w);
                if labels[j as usize] == c {
                    inside[c as usize] += f64::from(w);
                }
            }
        }
        Ok(Volumes { inside, degree })
    }

    /// The share of the edges' weight between nodes of equal label. A measure of the quality of
    /// neighbours.
    pub fn agreement(&self, labels: ArrayView1<'_, u32>) -> f64 {
        let (mut same, mut all) = (0.0, 0.0);
        for i in 0..self.n().min(labels.len()) {
            for (j, w) in self.row(i) {
                all += f64::from(w);
                if labels.get(j as usize) == labels.get(i) {
                    same += f64::from(w);
                }
            }
        }
        if all > 0.0 { same / all } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::triangle_and_pair;
    use super::*;
    use ndarray::array;

    #[test]
    fn moves_find_the_better_side_of_a_bridge() {
        // Two triangles and a bridge; node 2 begins on the wrong side.
        let edges = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)];
        let mut rows = vec![Vec::new(); 6];
        for (a, b) in edges {
            rows[a as usize].push((b, 1.0));
            rows[b as usize].push((a, 1.0));
        }
        let g = Graph::from_rows(rows).expect("a graph");
        let (wrong, right) = (array![0u32, 0, 1, 1, 1, 1], array![0u32, 0, 0, 1, 1, 1]);
        let want = g.modularity(right.view()).expect("labels");
        assert!(g.modularity(wrong.view()).expect("labels") < want);
        assert_eq!(
            g.modularity_after_moves(wrong.view(), 0).expect("labels"),
            g.modularity(wrong.view()).expect("labels")
        );
        assert!((g.modularity_after_moves(wrong.view(), 5).expect("labels") - want).abs() < 1e-12);
    }

    #[test]
    fn modularity_by_hand() {
        // Degrees 2, 2, 2, 1, 1: Q = 6/8 − (6/8)² + 2/8 − (2/8)² = 0.375.
        let g = triangle_and_pair();
        let q = |labels: &[u32]| g.modularity(ArrayView1::from(labels)).expect("one label per node");
        assert!((q(&[0, 0, 0, 1, 1]) - 0.375).abs() < 1e-12);
        assert!(q(&[0, 0, 0, 0, 0]).abs() < 1e-12);
        assert!(q(&[0, 0, 1, 1, 1]) < 0.2);
        assert!(g.modularity(array![0u32].view()).is_err());
    }

    #[test]
    fn log_odds_by_hand() {
        let g = triangle_and_pair();
        let of = |labels: &[u32]| g.log_odds(ArrayView1::from(labels)).expect("one label per node");
        // Volumes 5 and 3 of 8, within 2/8; expected (25 + 9)/64: (16/34) / (48/30) = 5/17.
        assert!((of(&[0, 0, 1, 0, 1]) - f64::ln(5.0 / 17.0)).abs() < 1e-12);
        assert!((of(&[0, 0, 0, 1, 1]) - f64::ln(1000.0)).abs() < 1e-12);
        assert_eq!(of(&[0, 0, 0, 0, 0]), 0.0);
        assert!((of(&[0, 1, 2, 0, 1]) + f64::ln(1000.0)).abs() < 1e-12);
    }

    #[test]
    fn conductances_by_hand() {
        let g = triangle_and_pair();
        let of = |labels: &[u32]| g.conductances(ArrayView1::from(labels)).expect("one label per node");
        assert_eq!(of(&[0, 0, 0, 1, 1]), [0.0, 0.0]);
        // {0, 1}: degrees 4, 2 inside; {2, 3, 4}: degrees 4, 2 inside.
        assert_eq!(of(&[0, 0, 1, 1, 1]), [0.5, 0.5]);
        assert!(g.conductances(array![0u32].view()).is_err());
    }
}
