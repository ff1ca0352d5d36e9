//! k-means: greedy k-means++ seeding, exact Lloyd iterations, best of several restarts by inertia.
//!
//! The inertia is the sum over rows of the squared distance to the nearest centre, in the data's
//! units squared. All restarts run in lockstep, so that one wide matrix product scores all their
//! centres at once.
//!
//! *Empty clusters.* A cluster left without rows takes the row farthest from its own centre, from a
//! cluster that keeps at least one other row. A fit therefore has no empty cluster unless
//! `max_iter` or a mini-batch fit ended it; data with fewer than `k` distinct rows are an error.
//!
//! *Reproducibility.* The same data, configuration and seed give the same bytes at every thread
//! count.

mod assign;
mod lloyd;
mod minibatch;
mod seeding;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::data::{Data, Rows};
use crate::rng::{Purpose, stream};
use crate::{Result, check};
use assign::{Scorer, own_distances};
use lloyd::{Lane, Stop};

/// Most centres (restarts times clusters) scored by one matrix product; bounds the memory of
/// partial sums.
const MAX_COLUMNS: usize = 256;

/// Most distances (restarts times rows) that the choice of initial centres keeps at once.
const MAX_DISTANCES: usize = 1 << 25;

/// Name and number of the algorithm; the number is raised whenever the code changes a result.
pub const REVISION: (&str, u32) = ("k-means", 1);

/// Settings of k-means. Every key has a default, unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KMeansConfig {
    /// Restarts, each with its own seeding; the one with the lowest inertia is kept. Default 20.
    pub n_init: usize,
    /// Most updates of the centres per restart (passes over the data for mini-batches). Default
    /// 300.
    pub max_iter: usize,
    /// A restart has converged when its centres move by less: the sum of their squared movements,
    /// in units of the mean variance of a feature. 0 runs to a fixed point. Default 1e-4. Not used
    /// by mini-batches.
    pub tol: f64,
    /// Data with more rows than this are clustered by mini-batches, which is faster and less exact.
    /// Default 1,000,000.
    pub mini_batch_above: usize,
    /// Rows of a mini-batch. Default 4,096.
    pub batch_size: usize,
}

impl Default for KMeansConfig {
    fn default() -> Self {
        Self { n_init: 20, max_iter: 300, tol: 1e-4, mini_batch_above: 1_000_000, batch_size: 4096 }
    }
}

impl KMeansConfig {
    /// What other algorithms run, whose settings name `n_init` alone. Unlike the defaults these
    /// values never change without [`REVISION`]: no configuration holds them.
    pub const fn fixed(n_init: usize) -> Self {
        Self { n_init, max_iter: 300, tol: 1e-4, mini_batch_above: 1_000_000, batch_size: 4096 }
    }

    /// Refuses settings outside their ranges.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Config`] names the key.
    pub fn check(&self) -> Result<()> {
        check::restarts(self.n_init)?;
        check::at_least_one("max_iter", self.max_iter)?;
        check::at_least_one("batch_size", self.batch_size)?;
        check::non_negative("tol", self.tol)
    }

    /// Clusters the rows of `x` `[n, d]` into `n_clusters`.
    ///
    /// # Errors
    ///
    /// Settings out of range; no clusters or more than rows; empty or non-finite data; fewer
    /// distinct rows than clusters.
    ///
    /// # Complexity
    ///
    /// `O(n_init * i * n * k * d)` for `i` iterations, as matrix products.
    pub fn fit<'a>(&self, x: impl Into<Rows<'a>>, n_clusters: usize, seed: u64) -> Result<KMeansFit> {
        let mut fits = self.fit_all(x, n_clusters, seed)?;
        let inertias: Vec<f64> = fits.iter().map(|fit| fit.inertia).collect();
        let best = (0..fits.len()).min_by(|&a, &b| inertias[a].total_cmp(&inertias[b])).unwrap_or(0);
        let mut fit = fits.swap_remove(best);
        fit.restart = best;
        fit.restart_inertias = inertias;
        Ok(fit)
    }

    /// Every restart of [`fit`](Self::fit) by itself, in order.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub fn fit_all<'a>(
        &self,
        x: impl Into<Rows<'a>>,
        n_clusters: usize,
        seed: u64,
    ) -> Result<Vec<KMeansFit>> {
        let x = x.into();
        self.check()?;
        check::rows(&x)?;
        check::clusters(x.dim().0, n_clusters)?;
        let data = Data::new(x);
        let mut group = (MAX_COLUMNS / n_clusters).max(1);
        if data.n() <= self.mini_batch_above {
            // Restarts do not depend on those beside them.
            group = group.min(MAX_DISTANCES / data.n()).max(1);
        }
        let mut fits = Vec::with_capacity(self.n_init);
        for first in (0..self.n_init).step_by(group) {
            let streams = first..(first + group).min(self.n_init);
            let seeding = streams.map(|r| stream(seed, Purpose::Seeding, r as u64)).collect();
            if data.n() > self.mini_batch_above {
                let batches = stream(seed, Purpose::Batches, first as u64);
                let lanes = minibatch::run(x, n_clusters, self.batch_size, self.max_iter, seeding, batches)?;
                fits.extend(lanes.into_iter().map(|lane| {
                    let labels = Scorer::new(&data, vec![lane.centres.view()]).predict(&data);
                    KMeansFit::new(&data, lane.centres, labels, lane.steps, lane.converged)
                }));
            } else {
                let chosen = seeding::plus_plus(&data, n_clusters, seeding)?;
                let mut lanes: Vec<Lane> =
                    chosen.iter().map(|rows| Lane::new(lloyd::rows_as_centres(&data, rows))).collect();
                lloyd::run(&data, &mut lanes, self.stop(&data))?;
                fits.extend(lanes.into_iter().map(|lane| KMeansFit::from_lane(&data, lane)));
            }
        }
        Ok(fits)
    }

    /// Lloyd iterations from given centres `[k, d]` instead of k-means++; one run, `n_init` is not
    /// used.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), and a shape error when the centres have another number of columns.
    pub fn fit_from(&self, x: ArrayView2<'_, f32>, centres: ArrayView2<'_, f64>) -> Result<KMeansFit> {
        self.check()?;
        check::data(x)?;
        check::clusters(x.nrows(), centres.nrows())?;
        check::shape("centres", centres.shape(), &[centres.nrows(), x.ncols()])?;
        check::finite("centres", centres)?;
        let data = Data::new(x);
        let mut lanes = [Lane::new(centres.to_owned())];
        lloyd::run(&data, &mut lanes, self.stop(&data))?;
        let [lane] = lanes;
        Ok(KMeansFit::from_lane(&data, lane))
    }

    fn stop(&self, data: &Data<'_>) -> Stop {
        Stop { max_iter: self.max_iter, movement: self.tol * data.spread }
    }
}

/// Centres that assign rows: the fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    centres: Array2<f64>,
}

impl KMeans {
    /// Takes centres `[k, d]`.
    ///
    /// # Errors
    ///
    /// No centre, no column, or a non-finite value.
    pub fn from_centres(centres: Array2<f64>) -> Result<Self> {
        check::clusters(usize::MAX, centres.nrows())?;
        if centres.ncols() == 0 {
            return Err(crate::Error::EmptyData { n: centres.nrows(), d: 0 });
        }
        check::finite("centres", centres.view())?;
        Ok(Self { centres: centres.as_standard_layout().into_owned() })
    }

    /// The centres, `[k, d]`.
    pub fn centres(&self) -> ArrayView2<'_, f64> {
        self.centres.view()
    }

    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.centres.nrows()
    }

    /// The nearest centre of each row of `x` `[n, d]`; the lowest index wins a tie.
    ///
    /// # Errors
    ///
    /// Empty or non-finite data, or another number of columns.
    pub fn predict<'a>(&self, x: impl Into<Rows<'a>>) -> Result<Array1<u32>> {
        let data = self.data(x)?;
        Ok(Scorer::new(&data, vec![self.centres.view()]).predict(&data).into())
    }

    /// Squared distance of each row of `x` `[n, d]` to its nearest centre: the row's part of the
    /// inertia.
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict).
    pub fn inertia_per_row<'a>(&self, x: impl Into<Rows<'a>>) -> Result<Array1<f64>> {
        let data = self.data(x)?;
        let labels = Scorer::new(&data, vec![self.centres.view()]).predict(&data);
        Ok(own_distances(&data, self.centres.view(), &labels).into())
    }

    fn data<'a>(&self, x: impl Into<Rows<'a>>) -> Result<Data<'a>> {
        let x = x.into();
        check::rows(&x)?;
        let (n, d) = x.dim();
        check::shape("x", &[n, d], &[n, self.centres.ncols()])?;
        Ok(Data::new(x))
    }
}

/// A fitted model and the record of the fit.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeansFit {
    model: KMeans,
    labels: Array1<u32>,
    inertia: f64,
    n_iter: usize,
    converged: bool,
    restart: usize,
    restart_inertias: Vec<f64>,
}

impl KMeansFit {
    fn from_lane(data: &Data<'_>, lane: Lane) -> Self {
        Self::new(data, lane.centres, lane.labels, lane.n_iter, lane.converged)
    }

    fn new(data: &Data<'_>, centres: Array2<f64>, labels: Vec<u32>, n_iter: usize, converged: bool) -> Self {
        let inertia = own_distances(data, centres.view(), &labels).iter().sum();
        let model = KMeans { centres };
        let (labels, restart_inertias) = (labels.into(), vec![inertia]);
        Self { model, labels, inertia, n_iter, converged, restart: 0, restart_inertias }
    }

    /// The fitted centres.
    pub fn model(&self) -> &KMeans {
        &self.model
    }

    /// The centres, `[k, d]`.
    pub fn centres(&self) -> ArrayView2<'_, f64> {
        self.model.centres()
    }

    /// Nearest centre of each row of the fitted data, `[n]`; equal to predicting them again.
    pub fn labels(&self) -> ArrayView1<'_, u32> {
        self.labels.view()
    }

    /// Sum over rows of the squared distance to the own centre.
    pub fn inertia(&self) -> f64 {
        self.inertia
    }

    /// Updates of the centres that the kept restart made (steps, for mini-batches).
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// Whether the kept restart converged before `max_iter`.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// Number of the kept restart.
    pub fn restart(&self) -> usize {
        self.restart
    }

    /// Inertia of every restart, in order.
    pub fn restart_inertias(&self) -> &[f64] {
        &self.restart_inertias
    }
}
