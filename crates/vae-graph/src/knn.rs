//! Nearest neighbours, exact up to a million rows.
//!
//! One function, [`Knn::of`], chooses between a kd-tree (few columns) and blocked matrix products
//! (many). Both only propose candidates; the neighbours are then ordered by f64 distances, ties
//! going to the lower index, so the result is that of the naive double loop on every device and at
//! every thread count. Above a million rows of many columns an approximate index proposes. How many
//! of the true neighbours it finds is measured, and stated among the facts of the phase
//! ([`Facts`](vae_core::phase::Facts)). Besides the data, one centred copy of dense rows (unit
//! rows, for cosines) and the n k results, memory is bounded by a block of rows times a block of
//! columns, or by the index: never n².

mod approximate;
mod candidates;
mod product;
mod tree;

use crate::{Error, Result};
use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use tch::Tensor;
use vae_core::Features;
use vae_core::bundle::{FIT_ANEW, Tensors};
use vae_core::features::{to_array2, to_tensor};
use vae_core::identity::Revision;
use vae_core::phase::FitContext;

/// The search, and the order of equal distances.
pub const REVISION: Revision = ("neighbours", 1);

/// Largest number of columns for which a kd-tree is faster.
const TREE_COLUMNS: usize = 16;

/// The distance of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Euclidean distance.
    Euclidean,
    /// One minus the cosine of the angle; a row of zeros has distance 1 to everything.
    Cosine,
}

/// A search for the nearest neighbours.
#[derive(Clone, Copy, Debug)]
pub struct Knn {
    /// Neighbours per point.
    pub k: usize,
    /// The distance.
    pub metric: Metric,
}

/// The neighbours of each of `n` points, nearest first; a tie goes to the lower index.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    index: Array2<u32>,
    distance: Array2<f32>,
}

impl Neighbours {
    /// Rows of the searched data, `[n, k]`.
    pub fn index(&self) -> ArrayView2<'_, u32> {
        self.index.view()
    }

    /// Distances (not squared), `[n, k]`.
    pub fn distance(&self) -> ArrayView2<'_, f32> {
        self.distance.view()
    }

    /// Number of points.
    pub fn n(&self) -> usize {
        self.index.nrows()
    }

    /// Neighbours per point.
    pub fn k(&self) -> usize {
        self.index.ncols()
    }

    /// Neighbours of point `i`, nearest first.
    pub fn of(&self, i: usize) -> ArrayView1<'_, u32> {
        self.index.row(i)
    }

    /// Writes `{prefix}index` (i64) and `{prefix}distance` (f32), both `[n, k]`.
    ///
    /// # Errors
    /// libtorch's.
    pub fn store(&self, prefix: &str, tensors: &mut Tensors) -> Result<()> {
        let index: Vec<i64> = self.index.iter().map(|&j| i64::from(j)).collect();
        let shape = [self.n() as i64, self.k() as i64];
        tensors.insert(format!("{prefix}index"), Tensor::f_from_slice(&index)?.f_view(shape)?);
        tensors.insert(format!("{prefix}distance"), to_tensor(self.distance.view(), tch::Device::Cpu)?);
        Ok(())
    }

    /// Reads what [`Neighbours::store`] wrote.
    ///
    /// # Errors
    /// [`vae_core::Error::Checkpoint`] when a tensor is missing, [`Error::Malformed`] when the two
    /// disagree.
    pub fn load(prefix: &str, tensors: &Tensors) -> Result<Self> {
        let get = |name: &str| {
            let name = format!("{prefix}{name}");
            tensors
                .get(&name)
                .ok_or_else(|| vae_core::Error::missing("the stored neighbours", name, FIT_ANEW))
        };
        let distance = to_array2(get("distance")?)?;
        let index = Vec::<i64>::try_from(get("index")?.f_contiguous()?.f_view([-1])?)?;
        let index: Option<Vec<u32>> = index.into_iter().map(|j| u32::try_from(j).ok()).collect();
        let index = index.ok_or_else(|| Error::Malformed("a neighbour is no row".into()))?;
        let index =
            Array2::from_shape_vec(distance.dim(), index).map_err(|e| Error::Malformed(e.to_string()))?;
        Ok(Self { index, distance })
    }

    fn from_rows(rows: Vec<Vec<(f64, u32)>>, k: usize) -> Result<Self> {
        let n = rows.len();
        let malformed = |e: ndarray::ShapeError| Error::Malformed(e.to_string());
        let (distance, index): (Vec<f32>, Vec<u32>) =
            rows.into_iter().flatten().map(|(d, i)| (d as f32, i)).unzip();
        Ok(Self {
            index: Array2::from_shape_vec((n, k), index).map_err(malformed)?,
            distance: Array2::from_shape_vec((n, k), distance).map_err(malformed)?,
        })
    }
}

impl Knn {
    /// The neighbours of every row of `x` among the other rows. A row is never its own neighbour;
    /// rows equal to it are.
    ///
    /// # Errors
    /// [`Error::Config`] when `k` is 0 or not below the number of rows; an interruption.
    ///
    /// # Complexity
    /// `O(n² d)` as matrix products above 16 columns, about `O(n log n)` below when the data are
    /// clustered. Above a million, dense rows of more than 16 columns have an approximate index,
    /// also about `O(n log n)`.
    pub fn of(&self, x: &Features, cx: &FitContext) -> Result<Neighbours> {
        self.search(x, None, cx)
    }

    /// The neighbours of every row of `queries` among the rows of `x`.
    ///
    /// # Errors
    /// As [`Knn::of`], and [`Error::Size`] when the numbers of columns differ.
    pub fn among(&self, x: &Features, queries: &Features, cx: &FitContext) -> Result<Neighbours> {
        if queries.dim() != x.dim() {
            let what = "a row of the queries".into();
            return Err(Error::Size { what, got: queries.dim(), expected: x.dim() });
        }
        self.search(x, Some(queries), cx)
    }

    fn search(&self, x: &Features, queries: Option<&Features>, cx: &FitContext) -> Result<Neighbours> {
        let most = x.n() - usize::from(queries.is_none());
        if self.k == 0 || self.k > most {
            return Err(Error::config("k", self.k, &format!("1 to {most}: there are {} rows", x.n())));
        }
        let (base, own);
        let (x, queries) = match self.metric {
            Metric::Euclidean => (x, queries),
            Metric::Cosine => {
                base = unit_rows(x)?;
                own = queries.map(unit_rows).transpose()?;
                (&base, own.as_ref())
            }
        };
        let task = Task {
            x,
            queries: queries.unwrap_or(x),
            k: self.k,
            skip_own: queries.is_none(),
            metric: self.metric,
        };
        let rows = match x.as_dense() {
            Some(dense) if x.dim() <= TREE_COLUMNS && self.metric == Metric::Euclidean => {
                tree::search(&task, dense, cx)?
            }
            Some(dense) if x.n() > approximate::ROWS && task.skip_own => {
                approximate::search(&task, dense, cx)?
            }
            _ => product::search(&task, cx)?,
        };
        Neighbours::from_rows(rows, self.k)
    }
}

/// Time between two progress messages of a search.
const PACE: Duration = Duration::from_secs(10);

/// Progress messages of a long search.
struct Pace<'a> {
    n: usize,
    cx: &'a FitContext,
    start: Instant,
    last: Instant,
}

impl<'a> Pace<'a> {
    fn new(n: usize, cx: &'a FitContext) -> Self {
        let now = Instant::now();
        Self { n, cx, start: now, last: now }
    }

    /// Notes that `done` rows are finished.
    fn at(&mut self, done: usize) {
        if self.last.elapsed() >= PACE {
            let left = self.start.elapsed().as_secs_f64() * (self.n - done) as f64 / done.max(1) as f64;
            let left = match left {
                hours if hours >= 5400.0 => format!("{:.0} hours", hours / 3600.0),
                minutes if minutes >= 90.0 => format!("{:.0} minutes", minutes / 60.0),
                seconds => format!("{seconds:.0} seconds"),
            };
            self.cx
                .progress
                .note(&format!("nearest neighbours: {done} of {} rows, about {left} left", self.n));
            self.last = Instant::now();
        }
    }
}

/// One search.
struct Task<'a> {
    x: &'a Features,
    queries: &'a Features,
    k: usize,
    /// The queries are the rows of `x`: leave out the row itself.
    skip_own: bool,
    metric: Metric,
}

impl Task<'_> {
    /// Orders the candidates of query `i` by exact distance and keeps the nearest.
    fn nearest(&self, i: usize, candidates: impl Iterator<Item = u32>) -> Vec<(f64, u32)> {
        let query = row(self.queries, i);
        let mut found: Vec<(f64, u32)> = candidates
            .filter(|&j| !(self.skip_own && j as usize == i))
            .map(|j| (self.score(&query, &row(self.x, j as usize)), j))
            .collect();
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.truncate(self.k);
        for (d, _) in &mut found {
            *d = match self.metric {
                Metric::Euclidean => d.sqrt(),
                Metric::Cosine => *d,
            };
        }
        found
    }

    /// Squared distance, or one minus the inner product of unit rows.
    fn score(&self, a: &[f32], b: &[f32]) -> f64 {
        match self.metric {
            Metric::Euclidean => sum_over(a, b, |a, b| (a - b) * (a - b)),
            Metric::Cosine => 1.0 - sum_over(a, b, |a, b| a * b),
        }
    }
}

/// `Σ f(a_j, b_j)` in f64, in eight lanes so that the compiler can vectorise it.
fn sum_over(a: &[f32], b: &[f32], f: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 =
        a8.remainder().iter().zip(b8.remainder()).map(|(&a, &b)| f(f64::from(a), f64::from(b))).sum();
    for (a, b) in a8.zip(b8) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += f(f64::from(a), f64::from(b));
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// Row `i`, borrowed where the features are dense.
fn row(x: &Features, i: usize) -> std::borrow::Cow<'_, [f32]> {
    match x.as_dense() {
        Some(dense) => {
            let d = dense.ncols();
            dense.to_slice().map_or_else(
                || dense.row(i).to_vec().into(),
                |all| std::borrow::Cow::Borrowed(&all[i * d..(i + 1) * d]),
            )
        }
        None => x.dense_rows(i, i + 1).into_raw_vec_and_offset().0.into(),
    }
}

/// The rows divided by their norms, dense; rows of zeros are unchanged.
fn unit_rows(x: &Features) -> Result<Features> {
    let mut rows = x.dense_rows(0, x.n());
    rows.outer_iter_mut().into_par_iter().for_each(|mut row| {
        let norm = row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        if norm > 0.0 {
            row.mapv_inplace(|v| (f64::from(v) / norm) as f32);
        }
    });
    Ok(Features::dense(rows)?)
}

#[cfg(test)]
mod tests;
