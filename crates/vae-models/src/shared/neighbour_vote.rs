//! A partition of known points, and the vote of the nearest of them on new ones.

use crate::Result;
use crate::api::stored;
use crate::shared::assignments::{labels_of, labels_to_tensor};
use ndarray::{Array1, Array2, ArrayViewMut2, Axis};
use tch::{Device, Kind, Tensor};
use vae_core::bundle::{FIT_ANEW, Tensors};
use vae_core::features::{to_array2, to_tensor};
use vae_core::identity::Revision;
use vae_core::phase::FitContext;
use vae_core::program::{Op, Program, Value};
use vae_core::{Csr, Features};
use vae_graph::knn::{Knn, Metric, Neighbours};

/// The weights of the votes.
pub const REVISION: Revision = ("neighbour-vote", 1);

/// Rows whose neighbours are searched at once, for the sake of memory.
const BLOCK: usize = 1 << 17;

/// Points with the cluster of each.
#[derive(Debug)]
pub struct NeighbourVote {
    points: Features,
    labels: Array1<u32>,
    n_clusters: usize,
    /// Neighbours that vote.
    n_neighbors: usize,
}

impl NeighbourVote {
    /// `labels`: one a point, below `n_clusters`.
    pub fn new(points: Features, labels: Array1<u32>, n_clusters: usize, n_neighbors: usize) -> Self {
        Self { points, labels, n_clusters, n_neighbors }
    }

    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.n_clusters
    }

    /// The share of the votes for each cluster, `[n, K]`. The nearest known points vote with
    /// weights `exp(−d² / s²)`, s the distance to the middle one of them; a known point is its own
    /// nearest.
    ///
    /// # Errors
    /// Another number of features, and what searching can return.
    pub fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        let k = self.n_neighbors.min(self.points.n());
        let knn = Knn { k, metric: Metric::Euclidean };
        let mut gamma = Array2::<f32>::zeros((x.n(), self.n_clusters));
        if x.n() <= BLOCK {
            self.vote(&knn.among(&self.points, x, &FitContext::in_memory(0))?, gamma.view_mut());
            return Ok(gamma);
        }
        for (nth, votes) in gamma.axis_chunks_iter_mut(Axis(0), BLOCK).enumerate() {
            let rows: Vec<usize> = (nth * BLOCK..nth * BLOCK + votes.nrows()).collect();
            let found = knn.among(&self.points, &x.select(&rows)?, &FitContext::in_memory(0))?;
            self.vote(&found, votes);
        }
        Ok(gamma)
    }

    /// Sets the shares of the votes of the neighbours `found`, `[n, K]`, which are 0 before.
    fn vote(&self, found: &Neighbours, mut gamma: ArrayViewMut2<'_, f32>) {
        let k = found.k();
        for (i, mut row) in gamma.rows_mut().into_iter().enumerate() {
            let distance = found.distance();
            let scale = f64::from(distance[[i, k / 2]]).powi(2).max(f64::MIN_POSITIVE);
            let votes: Vec<f64> =
                (0..k).map(|j| (-f64::from(distance[[i, j]]).powi(2) / scale).exp()).collect();
            let all: f64 = votes.iter().sum();
            for (vote, &j) in votes.iter().zip(found.of(i)) {
                row[self.labels[j as usize] as usize] += (vote / all) as f32;
            }
        }
    }

    /// The cluster with most votes, `[n]`; the lowest of equals.
    ///
    /// # Errors
    /// As [`NeighbourVote::gamma`].
    pub fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        Ok(Self::winners(&self.gamma(x)?))
    }

    /// The cluster with most of the votes `gamma`, `[n, K]`; the lowest of equals.
    pub fn winners(gamma: &Array2<f32>) -> Array1<u32> {
        let best = |row: ndarray::ArrayView1<'_, f32>| {
            row.iter().enumerate().fold(0, |best, (c, g)| if *g > row[best] { c } else { best }) as u32
        };
        gamma.rows().into_iter().map(best).collect()
    }

    /// Adds the votes to a program.
    ///
    /// # Errors
    /// libtorch.
    pub fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        let mut tensors = Tensors::new();
        self.store("", &mut tensors)?;
        let names = ["points", "indptr", "indices", "values", "labels"];
        let tensors: Vec<_> = names.into_iter().filter_map(|name| Some((name, tensors.get(name)?))).collect();
        let n_neighbors = self.n_neighbors.min(self.points.n());
        let op = Op::NeighbourVote { n_clusters: self.n_clusters, n_neighbors };
        Ok(program.add(op, &[x], &tensors)?)
    }

    /// `{prefix}points` (sparse points as three arrays), `{prefix}labels`.
    ///
    /// # Errors
    /// libtorch.
    pub fn store(&self, prefix: &str, tensors: &mut Tensors) -> Result<()> {
        match self.points.as_csr() {
            None => {
                let points = self.points.dense_rows(0, self.points.n());
                tensors.insert(format!("{prefix}points"), to_tensor(points.view(), Device::Cpu)?);
            }
            Some(csr) => {
                let indptr: Vec<i64> = csr.indptr.iter().map(|&v| v as i64).collect();
                let indices: Vec<i64> = csr.indices.iter().map(|&v| i64::from(v)).collect();
                tensors.insert(format!("{prefix}indptr"), Tensor::from_slice(&indptr));
                tensors.insert(format!("{prefix}indices"), Tensor::from_slice(&indices));
                tensors.insert(format!("{prefix}values"), Tensor::from_slice(&csr.values));
            }
        }
        tensors.insert(format!("{prefix}labels"), labels_to_tensor(&self.labels));
        Ok(())
    }

    /// Reads what [`NeighbourVote::store`] wrote, of `dim` features.
    ///
    /// # Errors
    /// Tensors that are missing or contradict each other.
    pub fn load(
        prefix: &str,
        tensors: &Tensors,
        dim: usize,
        (n_clusters, n_neighbors): (usize, usize),
    ) -> Result<Self> {
        let get = |name: &str| stored(tensors, &format!("{prefix}{name}"));
        let points = if !tensors.contains_key(&format!("{prefix}indptr")) {
            Features::dense(to_array2(get("points")?)?)?
        } else {
            let ints = |name: &str| -> Result<Vec<i64>> { Ok(Vec::<i64>::try_from(get(name)?)?) };
            Features::sparse(Csr {
                n_columns: dim,
                indptr: ints("indptr")?.into_iter().map(|v| v as usize).collect(),
                indices: ints("indices")?.into_iter().map(|v| v as u32).collect(),
                values: Vec::<f32>::try_from(&get("values")?.f_to_kind(Kind::Float)?)?,
            })?
        };
        let labels = labels_of(get("labels")?)?;
        if labels.len() != points.n() || labels.iter().any(|&l| l as usize >= n_clusters) {
            let why = format!("has labels that do not belong to its {} points", points.n());
            let (what, remedy) = ("the model".into(), FIT_ANEW.into());
            return Err(vae_core::Error::Checkpoint { what, why, remedy }.into());
        }
        Ok(Self::new(points, labels, n_clusters, n_neighbors))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn vote() -> NeighbourVote {
        let points = Features::dense(array![[0.0f32], [1.0], [2.0], [10.0], [11.0]]).expect("valid");
        NeighbourVote::new(points, array![0, 0, 0, 1, 1], 2, 3)
    }

    #[test]
    fn near_points_vote_by_their_distance() {
        let x = Features::dense(array![[1.0f32], [8.0]]).expect("valid");
        // 8: distances 2, 3, 6 to 10 (1), 11 (1), 2 (0); s = 3.
        let weights = [-4.0f64 / 9.0, -1.0, -4.0].map(f64::exp);
        let want = (weights[2] / weights.iter().sum::<f64>()) as f32;
        let gamma = vote().gamma(&x).expect("one feature");
        assert!((gamma[[0, 0]] - 1.0).abs() < 1e-6);
        assert!((gamma[[1, 0]] - want).abs() < 1e-6, "{gamma}");
        assert_eq!(vote().predict(&x).expect("one feature"), array![0, 1]);
    }

    #[test]
    fn comes_back_from_its_tensors() {
        let csr = Csr { n_columns: 2, indptr: vec![0, 1, 2], indices: vec![1, 0], values: vec![2.0, 3.0] };
        let sparse = NeighbourVote::new(Features::sparse(csr).expect("valid"), array![1, 0], 2, 1);
        for (vote, dim) in [(vote(), 1), (sparse, 2)] {
            let mut tensors = Tensors::new();
            vote.store("vote.", &mut tensors).expect("tensors");
            let back = NeighbourVote::load("vote.", &tensors, dim, (2, vote.n_neighbors)).expect("complete");
            assert_eq!(back.gamma(&vote.points).expect("same"), vote.gamma(&vote.points).expect("same"));
            assert!(NeighbourVote::load("vote.", &tensors, dim, (1, 1)).is_err());
        }
    }
}
