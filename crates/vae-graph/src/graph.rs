//! A weighted directed graph by rows (CSR), with the operations that clustering needs.

use crate::{Error, Result};
use ndarray::{Array1, Array2, ArrayView2, Axis, LinalgScalar};
use rayon::prelude::*;
use std::ops::{AddAssign, Range};
use tch::{Kind, Tensor};
use vae_core::bundle::{FIT_ANEW, Tensors};

mod cuts;
mod halving;

/// Edges of `n` nodes: row `i` has the targets `indices[indptr[i]..indptr[i + 1]]`, ascending and
/// without repetition, with weights above 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    indptr: Vec<usize>,
    indices: Vec<u32>,
    weights: Vec<f32>,
}

impl Graph {
    /// A graph of the rows `(target, weight)`. Repeated targets are added up, weights of 0 are left
    /// out.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a target that is no row, or a weight that is negative or not
    /// finite.
    pub fn from_rows(rows: Vec<Vec<(u32, f32)>>) -> Result<Self> {
        let n = rows.len();
        let mut graph = Self { indptr: Vec::with_capacity(n + 1), indices: Vec::new(), weights: Vec::new() };
        graph.indptr.push(0);
        for (i, mut row) in rows.into_iter().enumerate() {
            row.sort_unstable_by_key(|&(j, _)| j);
            let start = graph.indices.len();
            for (j, w) in row {
                if j as usize >= n || !(w >= 0.0 && w.is_finite()) {
                    return Err(Error::Malformed(format!("edge {i} -> {j} of weight {w} among {n} nodes")));
                }
                if w == 0.0 {
                    continue;
                }
                if graph.indices.len() > start && graph.indices.last() == Some(&j) {
                    *graph.weights.last_mut().expect("as long as indices") += w;
                } else {
                    graph.indices.push(j);
                    graph.weights.push(w);
                }
            }
            graph.indptr.push(graph.indices.len());
        }
        Ok(graph)
    }

    /// Number of nodes.
    pub fn n(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Number of directed edges.
    pub fn n_edges(&self) -> usize {
        self.indices.len()
    }

    fn range(&self, i: usize) -> Range<usize> {
        self.indptr[i]..self.indptr[i + 1]
    }

    /// Targets and weights of row `i`.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        let range = self.range(i);
        self.indices[range.clone()].iter().copied().zip(self.weights[range].iter().copied())
    }

    fn map_rows(&self, f: impl Fn(usize) -> Vec<(u32, f32)>) -> Self {
        Self::from_rows((0..self.n()).map(f).collect()).expect("edges of a graph stay edges")
    }

    /// The graph with all edges reversed.
    pub fn transposed(&self) -> Self {
        let mut counts = vec![0usize; self.n() + 1];
        self.indices.iter().for_each(|&j| counts[j as usize + 1] += 1);
        for i in 0..self.n() {
            counts[i + 1] += counts[i];
        }
        let indptr = counts.clone();
        let (mut indices, mut weights) = (vec![0; self.n_edges()], vec![0.0; self.n_edges()]);
        for i in 0..self.n() {
            for (j, w) in self.row(i) {
                let at = &mut counts[j as usize];
                (indices[*at], weights[*at]) = (i as u32, w);
                *at += 1;
            }
        }
        Self { indptr, indices, weights }
    }

    /// `(W + Wᵀ) / 2`.
    pub fn symmetrised(&self) -> Self {
        let turned = self.transposed();
        self.map_rows(|i| self.row(i).chain(turned.row(i)).map(|(j, w)| (j, w / 2.0)).collect())
    }

    /// `(1 − share) W + share V` for another graph V of the same nodes.
    ///
    /// # Errors
    /// [`Error::Size`] when the numbers of nodes differ.
    pub fn mixed(&self, other: &Self, share: f32) -> Result<Self> {
        if other.n() != self.n() {
            return Err(Error::Size { what: "the other graph".into(), got: other.n(), expected: self.n() });
        }
        let own = |i| self.row(i).map(|(j, w)| (j, w * (1.0 - share)));
        let added = |i| other.row(i).map(|(j, w)| (j, w * share));
        Ok(self.map_rows(|i| own(i).chain(added(i)).collect()))
    }

    /// The rows scaled to sum 1; a row without edges is unchanged.
    pub fn row_normalised(&self) -> Self {
        let sums = self.row_sums();
        self.map_rows(|i| self.row(i).map(|(j, w)| (j, (f64::from(w) / sums[i]) as f32)).collect())
    }

    /// `s I + t W`: every node linked to itself with weight `s`, its own edges scaled by `t`. A
    /// node without edges gets `s + t`, so that rows of sum 1 keep it.
    pub fn with_self(&self, s: f32, t: f32) -> Self {
        self.map_rows(|i| {
            let mut row: Vec<(u32, f32)> = self.row(i).map(|(j, w)| (j, t * w)).collect();
            row.push((i as u32, if row.is_empty() { s + t } else { s }));
            row
        })
    }

    /// Sum of the weights of each row (the degrees, when the graph is symmetric), `[n]`.
    pub fn row_sums(&self) -> Array1<f64> {
        (0..self.n()).map(|i| self.row(i).map(|(_, w)| f64::from(w)).sum()).collect()
    }

    /// `W x`, `[n, c]`.
    ///
    /// # Errors
    /// [`Error::Size`] when `x` has not `n` rows.
    pub fn multiply<T>(&self, x: ArrayView2<'_, T>) -> Result<Array2<T>>
    where
        T: LinalgScalar + AddAssign + From<f32> + Send + Sync,
    {
        if x.nrows() != self.n() {
            let what = "the matrix to multiply".into();
            return Err(Error::Size { what, got: x.nrows(), expected: self.n() });
        }
        let x = x.as_standard_layout();
        let all = x.as_slice().expect("standard layout");
        let c = x.ncols();
        let mut out = Array2::<T>::zeros((self.n(), c));
        out.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(i, mut row)| {
            let row = row.as_slice_mut().expect("a row of a fresh array is contiguous");
            for (j, w) in self.row(i) {
                let (w, source) = (T::from(w), &all[j as usize * c..(j as usize + 1) * c]);
                row.iter_mut().zip(source).for_each(|(o, &s)| *o += w * s);
            }
        });
        Ok(out)
    }

    /// Number of weakly connected components.
    pub fn n_components(&self) -> usize {
        let mut parent: Vec<u32> = (0..self.n() as u32).collect();
        fn root(parent: &mut [u32], mut i: u32) -> u32 {
            while parent[i as usize] != i {
                parent[i as usize] = parent[parent[i as usize] as usize];
                i = parent[i as usize];
            }
            i
        }
        let mut pieces = self.n();
        for i in 0..self.n() {
            for (j, _) in self.row(i) {
                let (a, b) = (root(&mut parent, i as u32), root(&mut parent, j));
                if a != b {
                    parent[a as usize] = b;
                    pieces -= 1;
                }
            }
        }
        pieces
    }

    /// Writes the arrays as `{prefix}indptr` (i64), `{prefix}indices` (i64) and `{prefix}weights`
    /// (f32).
    pub fn store(&self, prefix: &str, tensors: &mut Tensors) {
        let ints = |v: &mut dyn Iterator<Item = i64>| Tensor::from_slice(&v.collect::<Vec<_>>());
        tensors.insert(format!("{prefix}indptr"), ints(&mut self.indptr.iter().map(|&v| v as i64)));
        tensors.insert(format!("{prefix}indices"), ints(&mut self.indices.iter().map(|&v| i64::from(v))));
        tensors.insert(format!("{prefix}weights"), Tensor::from_slice(&self.weights));
    }

    /// Reads what [`Graph::store`] wrote.
    ///
    /// # Errors
    /// [`vae_core::Error::Checkpoint`] when a tensor is missing or the arrays contradict each
    /// other.
    pub fn load(prefix: &str, tensors: &Tensors) -> Result<Self> {
        let get = |name: &str| {
            let name = format!("{prefix}{name}");
            tensors.get(&name).ok_or_else(|| vae_core::Error::missing("the stored graph", name, FIT_ANEW))
        };
        let indptr = Vec::<i64>::try_from(get("indptr")?)?;
        let indices = Vec::<i64>::try_from(get("indices")?)?;
        let weights = Vec::<f32>::try_from(&get("weights")?.f_to_kind(Kind::Float)?)?;
        let consistent = indptr.first() == Some(&0)
            && indptr.last() == Some(&(indices.len() as i64))
            && indices.len() == weights.len()
            && indptr.windows(2).all(|w| w[0] <= w[1]);
        if !consistent {
            return Err(contradictory("has sizes of indptr, indices and weights that disagree".into()).into());
        }
        let rows = indptr.windows(2).map(|w| {
            let range = w[0] as usize..w[1] as usize;
            let targets = indices[range.clone()].iter().map(|&j| u32::try_from(j).unwrap_or(u32::MAX));
            targets.zip(weights[range].iter().copied()).collect()
        });
        Self::from_rows(rows.collect()).map_err(|e| match e {
            Error::Malformed(why) => contradictory(format!("is none: {why}")).into(),
            other => other,
        })
    }
}

fn contradictory(why: String) -> vae_core::Error {
    vae_core::Error::Checkpoint { what: "the stored graph".into(), why, remedy: FIT_ANEW.into() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ndarray::array;

    pub fn triangle_and_pair() -> Graph {
        let row = |v: &[u32]| v.iter().map(|&j| (j, 1.0)).collect();
        Graph::from_rows(vec![row(&[1, 2]), row(&[0, 2]), row(&[0, 1]), row(&[4]), row(&[3])]).expect("valid")
    }

    fn dense(g: &Graph) -> Array2<f64> {
        let mut w = Array2::zeros((g.n(), g.n()));
        for i in 0..g.n() {
            g.row(i).for_each(|(j, v)| w[[i, j as usize]] = f64::from(v));
        }
        w
    }

    fn lopsided() -> Graph {
        Graph::from_rows(vec![vec![(2, 0.5), (1, 1.0)], vec![(1, 2.0), (0, 0.0)], vec![(0, 1.0), (0, 0.5)]])
            .expect("valid")
    }

    #[test]
    fn operations_equal_those_of_the_dense_matrix() {
        let (g, w) = (lopsided(), dense(&lopsided()));
        assert_eq!(w, array![[0.0, 1.0, 0.5], [0.0, 2.0, 0.0], [1.5, 0.0, 0.0]]);
        assert_eq!(dense(&g.transposed()), w.t());
        assert_eq!(dense(&g.symmetrised()), (&w + &w.t()) / 2.0);
        let x = array![[1.0, -1.0], [2.0, 0.5], [4.0, 3.0]];
        assert_eq!(g.multiply(x.view()).expect("sizes agree"), w.dot(&x));
        assert_eq!(g.row_sums(), array![1.5, 2.0, 1.5]);
        assert_eq!(dense(&g.mixed(&g.transposed(), 0.25).expect("sizes agree")), &w * 0.75 + &w.t() * 0.25);
        assert_eq!(g.row_normalised().row_sums().mapv(|s| (s * 1e6).round()), array![1e6, 1e6, 1e6]);
        let with_self = dense(&g.with_self(0.5, 0.25));
        assert_eq!(with_self, Array2::<f64>::eye(3) * 0.5 + &w * 0.25);
    }

    #[test]
    fn a_node_without_edges_keeps_its_whole_weight() {
        let g = Graph::from_rows(vec![vec![], vec![(0, 1.0)]]).expect("valid");
        assert_eq!(dense(&g.with_self(0.5, 0.5)), array![[1.0, 0.0], [0.5, 0.5]]);
    }

    #[test]
    fn components_by_hand() {
        assert_eq!(triangle_and_pair().n_components(), 2);
        assert_eq!(lopsided().n_components(), 1);
        assert_eq!(Graph::from_rows(vec![vec![]; 3]).expect("valid").n_components(), 3);
    }

    #[test]
    fn stored_graphs_come_back_and_damaged_ones_do_not() {
        let mut tensors = Tensors::new();
        lopsided().store("g.", &mut tensors);
        assert_eq!(Graph::load("g.", &tensors).expect("intact"), lopsided());
        tensors.insert("g.indices".into(), Tensor::from_slice(&[1i64, 2, 9, 0]));
        assert!(Graph::load("g.", &tensors).is_err());
        tensors.remove("g.indptr");
        assert!(Graph::load("g.", &tensors).is_err_and(|e| e.to_string().contains("g.indptr")));
        assert!(Graph::from_rows(vec![vec![(0, f32::NAN)]]).is_err());
        assert!(Graph::from_rows(vec![vec![(1, 1.0)]]).is_err());
    }
}
