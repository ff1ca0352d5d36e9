//! Diagonal Gaussian mixtures fitted by expectation maximisation (Dempster, Laird and Rubin, 1977).
//!
//! The E-step works in the log domain, moments are f64 and taken about the present means. A fit is
//! initialised by k-means, as in the published "auto-encoder + GMM" baselines and in VaDE. With
//! `reg_covar = 0` no iteration lowers the log-likelihood; a positive one bounds the variances away
//! from 0 and may cost a little likelihood once a variance is near it.
//!
//! A component that loses all its rows keeps its mean and variance, with a weight near 0.

mod model;
mod pass;

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

pub use model::Gmm;
use model::Regulariser;

use crate::data::{Data, Rows};
use crate::kmeans::{self, KMeansConfig, KMeansFit};
use crate::{Result, check};

/// Names and numbers of EM and of its initialisation; a number is raised whenever the code changes
/// a result.
pub const REVISIONS: &[(&str, u32)] = &[("gaussian-mixture", 1), kmeans::REVISION];

/// How one of several restarts is chosen; neither rule uses labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// The k-means restart with the lowest inertia, then one EM run from it.
    #[default]
    Inertia,
    /// An EM run from every k-means restart; the highest final log-likelihood.
    LogLikelihood,
}

/// The initial mixture of EM, given a k-means fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitCov {
    /// One M-step on the assignments: every cluster's own share, mean and variance.
    #[default]
    Cluster,
    /// The centres, equal weights, and the variance of all data in every component (scikit-learn
    /// 0.17, which VaDE's initialisation used). The two can converge to different optima.
    Global,
}

/// Settings of a mixture fit. Every key has a default, unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GmmConfig {
    /// Restarts of k-means; see `select`. Default 20.
    pub n_init: usize,
    /// Most EM iterations. Default 100.
    pub max_iter: usize,
    /// EM has converged when the mean log-likelihood changes by no more than this, in nats per row;
    /// 0 runs to a fixed point. Default 1e-3.
    pub tol: f64,
    /// Added to every variance, in the data's units squared. Default 1e-6.
    pub reg_covar: f64,
    /// Smallest variance, in the data's units squared. Default 0.
    pub min_covar: f64,
    /// How a restart is chosen. Default `inertia`.
    pub select: Select,
    /// The initial mixture of EM. Default `cluster`.
    pub init_cov: InitCov,
}

impl Default for GmmConfig {
    fn default() -> Self {
        Self {
            n_init: 20,
            max_iter: 100,
            tol: 1e-3,
            reg_covar: 1e-6,
            min_covar: 0.0,
            select: Select::default(),
            init_cov: InitCov::default(),
        }
    }
}

impl GmmConfig {
    /// Refuses settings outside their ranges.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Config`] names the key.
    pub fn check(&self) -> Result<()> {
        check::restarts(self.n_init)?;
        check::at_least_one("max_iter", self.max_iter)?;
        check::non_negative("tol", self.tol)?;
        check::non_negative("reg_covar", self.reg_covar)?;
        check::non_negative("min_covar", self.min_covar)
    }

    /// Fits a mixture of `n_components` to the rows of `x` `[n, d]`, dense or sparse.
    ///
    /// # Errors
    ///
    /// Settings out of range, data that k-means refuses, a component that collapses
    /// ([`crate::Error::Degenerate`], possible with `reg_covar = 0` and `min_covar = 0` only).
    ///
    /// # Complexity
    ///
    /// k-means, and `O(n k d)` per EM iteration.
    pub fn fit<'a>(&self, x: impl Into<Rows<'a>>, n_components: usize, seed: u64) -> Result<GmmFit> {
        let x = x.into();
        self.check()?;
        let kmeans = KMeansConfig::fixed(self.n_init);
        match self.select {
            Select::Inertia => {
                let kmeans = kmeans.fit(x, n_components, seed)?;
                let fit = self.fit_from(x, &self.init(x, &kmeans)?)?;
                Ok(GmmFit { restart: kmeans.restart(), ..fit })
            }
            Select::LogLikelihood => {
                let mut fits = Vec::with_capacity(self.n_init);
                for (restart, kmeans) in kmeans.fit_all(x, n_components, seed)?.iter().enumerate() {
                    fits.push(GmmFit { restart, ..self.fit_from(x, &self.init(x, kmeans)?)? });
                }
                let all: Vec<f64> = fits.iter().map(GmmFit::log_likelihood).collect();
                // `reduce` keeps the first of equals
                let better =
                    |a: GmmFit, b: GmmFit| if b.log_likelihood() > a.log_likelihood() { b } else { a };
                let best = fits.into_iter().reduce(better).expect("n_init is at least 1");
                Ok(GmmFit { restart_log_likelihoods: all, ..best })
            }
        }
    }

    /// The initial mixture of EM, given a k-means fit of the same `x` `[n, d]`; see [`InitCov`].
    ///
    /// # Errors
    ///
    /// Shapes that disagree, bad data, or a cluster without variance.
    pub fn init<'a>(&self, x: impl Into<Rows<'a>>, kmeans: &KMeansFit) -> Result<Gmm> {
        let x = x.into();
        self.check()?;
        check::rows(&x)?;
        let (centres, labels) = (kmeans.centres(), kmeans.labels());
        check::shape("x", &x.shape(), &[labels.len(), centres.ncols()])?;
        let data = Data::new(x);
        let equal = Array1::from_elem(centres.nrows(), 1.0 / centres.nrows() as f64);
        let overall = self.overall_variance(&data);
        let var = overall.broadcast(centres.dim()).expect("[1, d] becomes [k, d]").to_owned();
        let global = Gmm::trusted(equal, centres.to_owned(), var)?;
        match self.init_cov {
            InitCov::Global => Ok(global),
            InitCov::Cluster => {
                let one_hot = |i: usize, k: usize| f64::from(u8::from(labels[i] as usize == k));
                global.updated(&pass::weigh(&data, centres, one_hot), self.regulariser())
            }
        }
    }

    /// EM from the given mixture `init`; one run, `n_init`, `select` and `init_cov` are not used. A
    /// run of `a` iterations continued by `b` more equals the run of `a + b`, bit for bit.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), and a shape error when the mixture has another number of columns.
    pub fn fit_from<'a>(&self, x: impl Into<Rows<'a>>, init: &Gmm) -> Result<GmmFit> {
        let x = x.into();
        self.check()?;
        check::rows(&x)?;
        check::shape("x", &x.shape(), &[x.shape()[0], init.mu().ncols()])?;
        let data = Data::new(x);
        let n = data.n() as f64;
        let mut model = init.clone();
        let mut moments = pass::expect(&data, model.parameters())?;
        let mut history = vec![moments.log_likelihood / n];
        let mut converged = false;
        while history.len() <= self.max_iter && !converged {
            model = model.updated(&moments, self.regulariser())?;
            moments = pass::expect(&data, model.parameters())?;
            let (last, now) = (history[history.len() - 1], moments.log_likelihood / n);
            converged = (now - last).abs() <= self.tol;
            history.push(now);
        }
        let restart_log_likelihoods = vec![history[history.len() - 1]];
        Ok(GmmFit { model, converged, history, restart: 0, restart_log_likelihoods })
    }

    fn regulariser(&self) -> Regulariser {
        Regulariser { reg_covar: self.reg_covar, min_covar: self.min_covar }
    }

    /// Variance of each column, `[1, d]`, regularised.
    fn overall_variance(&self, data: &Data<'_>) -> Array2<f64> {
        let mean = Array2::from_shape_fn((1, data.d()), |(_, j)| f64::from(data.mean[j]));
        let moments = pass::weigh(data, mean.view(), |_, _| 1.0);
        let n = data.n() as f64;
        // the mean was rounded to f32, so the first moment is not quite 0
        let var = moments.second / n - (moments.first / n).mapv(|v| v * v);
        var.mapv(|v| (v.max(0.0) + self.reg_covar).max(self.min_covar))
    }
}

/// A fitted model and the record of the fit.
#[derive(Debug, Clone, PartialEq)]
pub struct GmmFit {
    model: Gmm,
    converged: bool,
    history: Vec<f64>,
    restart: usize,
    restart_log_likelihoods: Vec<f64>,
}

impl GmmFit {
    /// The fitted mixture.
    pub fn model(&self) -> &Gmm {
        &self.model
    }

    /// Whether the log-likelihood converged before `max_iter`.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// EM iterations made.
    pub fn n_iter(&self) -> usize {
        self.history.len() - 1
    }

    /// Mean log-likelihood in nats per row: of the start, then after every iteration (`n_iter + 1`
    /// values).
    pub fn history(&self) -> &[f64] {
        &self.history
    }

    /// Mean log-likelihood of the fitted mixture on the fitted data, nats per row.
    pub fn log_likelihood(&self) -> f64 {
        self.history[self.history.len() - 1]
    }

    /// Number of the k-means restart the kept run started from.
    pub fn restart(&self) -> usize {
        self.restart
    }

    /// Final mean log-likelihood of every EM run made, in order: one per restart under
    /// [`Select::LogLikelihood`], else one.
    pub fn restart_log_likelihoods(&self) -> &[f64] {
        &self.restart_log_likelihoods
    }
}
