//! Latent class analysis: a mixture whose classes draw every column by itself, fitted by EM.
//!
//! ```text
//! p(x) = Σ_k pi_k Π_j theta_jk[x_j] Π_i N(z_i; mu_ik, variance_ik)
//! ```
//!
//! with `theta_jk` the shares of the levels of category j in class k (Lazarsfeld and Henry 1968;
//! Goodman 1974), and a normal distribution for every number, where there are numbers. Missing
//! cells are left out of the products. The shares and variances of a class include one row more,
//! which has those of all rows: none is 0, and a class of few rows is near the whole. Likelihoods
//! are those of the rows alone.
//!
//! Equal rows of categories are computed once. Random numbers are keyed by the seed, sums run in
//! the order of the rows: the same data and seed give the same bytes.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use rand::RngExt;
use std::collections::HashMap;

use crate::rng::{Purpose, stream};
use crate::{Error, Result, check};

/// Name and number of the algorithm; the number is raised whenever the code changes a result.
pub const REVISION: (&str, u32) = ("latent-classes", 1);

/// Stands for a missing level.
pub const MISSING: u32 = u32::MAX;

/// A class's variance of a number is at least this share of that of all rows.
const LEAST_VARIANCE: f64 = 0.01;

/// The rows of a table.
#[derive(Debug, Clone, Copy)]
pub struct MixedRows<'a> {
    /// The levels of categories, `[n, d]`; [`MISSING`] for missing cells.
    pub levels: ArrayView2<'a, u32>,
    /// Numbers, `[n, q]`; NaN for missing cells. `q` may be 0.
    pub numbers: ArrayView2<'a, f32>,
}

/// Rows that the shares of a class include besides its own.
const PRIOR: f64 = 1.0;

/// Settings of a latent class analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentClassConfig {
    /// Restarts from random classes; the one of the highest likelihood is kept. Default 10.
    pub n_init: usize,
    /// Most iterations of EM in a restart. Default 200.
    pub max_iter: usize,
    /// A restart has converged when the mean log-likelihood of a row rises by less, in nats.
    /// Default 1e-6.
    pub tol: f64,
}

impl Default for LatentClassConfig {
    fn default() -> Self {
        Self { n_init: 10, max_iter: 200, tol: 1e-6 }
    }
}

/// Fitted classes, and those of the rows.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentClassFit {
    /// Share of each class, `[K]`.
    pub pi: Array1<f64>,
    /// Of each category the shares of its levels in each class, `[L_j, K]`.
    pub theta: Vec<Array2<f64>>,
    /// Mean of each number in each class, `[q, K]`.
    pub mu: Array2<f64>,
    /// Variance of each number in each class, `[q, K]`.
    pub variance: Array2<f64>,
    /// Class of each row, `[n]`.
    pub labels: Array1<u32>,
    /// Sum over the rows, in nats.
    pub log_likelihood: f64,
    /// Free parameters.
    pub n_parameters: usize,
}

impl LatentClassFit {
    /// The Bayesian information criterion (Schwarz 1978), in nats times two: the smaller the
    /// better.
    pub fn bic(&self) -> f64 {
        self.n_parameters as f64 * (self.labels.len() as f64).ln() - 2.0 * self.log_likelihood
    }

    /// Classes that some row belongs to.
    pub fn n_used(&self) -> usize {
        let mut used = vec![false; self.pi.len()];
        self.labels.iter().for_each(|&k| used[k as usize] = true);
        used.into_iter().filter(|used| *used).count()
    }
}

/// The different rows, how often each occurs, and which of them each row is. Rows with numbers are
/// all different.
struct Patterns {
    /// `[m, d]`.
    rows: Array2<u32>,
    /// `[m, q]`.
    numbers: Array2<f64>,
    /// Mean and variance of each number.
    moments: Vec<(f64, f64)>,
    counts: Vec<f64>,
    of: Vec<usize>,
    n_levels: Vec<usize>,
    /// Of each category the shares of its levels among all rows.
    shares: Vec<Vec<f64>>,
}

impl Patterns {
    fn of(x: &MixedRows<'_>) -> Self {
        let MixedRows { levels: x, numbers } = *x;
        let has_numbers = numbers.ncols() > 0;
        let mut known: HashMap<(Vec<u32>, usize), usize> = HashMap::new();
        let (mut flat, mut counts, mut of) = (Vec::new(), Vec::new(), Vec::with_capacity(x.nrows()));
        for (i, row) in x.rows().into_iter().enumerate() {
            let row = (row.to_vec(), if has_numbers { i } else { 0 });
            let next = known.len();
            let at = *known.entry(row).or_insert_with_key(|(row, _)| {
                flat.extend_from_slice(row);
                counts.push(0.0);
                next
            });
            counts[at] += 1.0;
            of.push(at);
        }
        let rows = Array2::from_shape_vec((counts.len(), x.ncols()), flat).expect("as many values");
        let level_of = |v: &u32| if *v == MISSING { 0 } else { *v as usize + 1 };
        let n_levels: Vec<usize> =
            x.columns().into_iter().map(|c| c.iter().map(level_of).max().unwrap_or(0).max(1)).collect();
        let shares = |(j, &n): (usize, &usize)| {
            let mut shares = vec![0.0; n];
            for (row, count) in rows.column(j).iter().zip(&counts).filter(|(v, _)| **v != MISSING) {
                shares[*row as usize] += count;
            }
            let sum: f64 = shares.iter().sum::<f64>().max(1.0);
            shares.into_iter().map(|share| share / sum).collect()
        };
        let shares = n_levels.iter().enumerate().map(shares).collect();
        let numbers = match has_numbers {
            true => numbers.mapv(f64::from),
            false => Array2::zeros((counts.len(), 0)),
        };
        let moments = numbers.columns().into_iter().map(moments).collect();
        Self { rows, numbers, moments, counts, of, n_levels, shares }
    }
}

/// Mean and variance of the numbers that are known; 0 and 1 without any, or without a spread.
fn moments(column: ArrayView1<'_, f64>) -> (f64, f64) {
    let known = || column.iter().filter(|v| !v.is_nan());
    let n = known().count().max(1) as f64;
    let mean = known().sum::<f64>() / n;
    let variance = known().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    (mean, if variance > 0.0 { variance } else { 1.0 })
}

/// The parameters of the classes.
struct Classes {
    pi: Array1<f64>,
    theta: Vec<Array2<f64>>,
    /// `[q, K]`, as the variances are.
    mu: Array2<f64>,
    variance: Array2<f64>,
}

/// One state of EM.
struct State {
    classes: Classes,
    gamma: Array2<f64>,
    log_likelihood: f64,
}

impl LatentClassConfig {
    /// Fits `n_classes` classes to the rows `x`. `starts` are clusterings of the rows, `[n]`, that
    /// EM starts from as well.
    ///
    /// # Errors
    /// [`Error::NoClusters`], [`Error::EmptyData`] without rows or categories,
    /// [`Error::TooFewRows`] for fewer rows than classes, [`Error::Config`], [`Error::Shape`] for
    /// numbers or a start of other rows, [`Error::Label`] for a start of other classes.
    pub fn fit(
        &self,
        x: &MixedRows<'_>,
        n_classes: usize,
        starts: &[ArrayView1<'_, u32>],
        seed: u64,
    ) -> Result<LatentClassFit> {
        check::restarts(self.n_init)?;
        check::at_least_one("max_iter", self.max_iter)?;
        check::non_negative("tol", self.tol)?;
        let (n, d) = x.levels.dim();
        match n_classes {
            0 => return Err(Error::NoClusters),
            _ if n == 0 || d == 0 => return Err(Error::EmptyData { n, d }),
            k if k > n => return Err(Error::TooFewRows { n, k }),
            _ if x.numbers.nrows() != n => {
                let (got, expected) = (x.numbers.shape().to_vec(), vec![n, x.numbers.ncols()]);
                return Err(Error::Shape { what: "the numbers", got, expected });
            }
            _ => {}
        }
        let patterns = Patterns::of(x);
        let given = starts.iter().map(|labels| of_labels(*labels, &patterns, n_classes));
        let mut first: Vec<Array2<f64>> = given.collect::<Result<_>>()?;
        first.extend((0..self.n_init).map(|i| random(seed, i, patterns.counts.len(), n_classes)));
        let runs = first.into_iter().map(|gamma| self.run(&patterns, gamma, n));
        let best = runs.reduce(|a, b| if b.log_likelihood > a.log_likelihood { b } else { a });
        let State { classes: Classes { pi, theta, mu, variance }, gamma, log_likelihood } =
            best.expect("n_init is at least 1");
        let class = |row: ArrayView1<'_, f64>| {
            (1..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best }) as u32
        };
        let of_patterns: Vec<u32> = gamma.rows().into_iter().map(class).collect();
        let labels = patterns.of.iter().map(|&at| of_patterns[at]).collect();
        let levels: usize = patterns.n_levels.iter().map(|l| l - 1).sum();
        let n_parameters = n_classes - 1 + n_classes * (levels + 2 * x.numbers.ncols());
        Ok(LatentClassFit { pi, theta, mu, variance, labels, log_likelihood, n_parameters })
    }

    fn run(&self, patterns: &Patterns, mut gamma: Array2<f64>, n: usize) -> State {
        let mut last = f64::NEG_INFINITY;
        for step in 1.. {
            let classes = maximise(patterns, &gamma, n as f64);
            let log_likelihood = expect(patterns, &classes, &mut gamma);
            if step >= self.max_iter || log_likelihood - last < self.tol * n as f64 {
                return State { classes, gamma, log_likelihood };
            }
            last = log_likelihood;
        }
        unreachable!("the loop returns at max_iter")
    }
}

/// The parameters from the posteriors of the patterns, `[m, K]`.
fn maximise(patterns: &Patterns, gamma: &Array2<f64>, n: f64) -> Classes {
    let k = gamma.ncols();
    let mut pi = Array1::from_elem(k, PRIOR / k as f64);
    for (row, count) in gamma.rows().into_iter().zip(&patterns.counts) {
        pi.scaled_add(*count, &row);
    }
    pi /= n + PRIOR;
    let theta = patterns.shares.iter().enumerate().map(|(j, shares)| {
        let mut theta = Array2::from_shape_fn((shares.len(), k), |(level, _)| PRIOR * shares[level]);
        let rows = patterns.rows.column(j);
        for ((&level, row), count) in rows.iter().zip(gamma.rows()).zip(&patterns.counts) {
            if level != MISSING {
                theta.row_mut(level as usize).scaled_add(*count, &row);
            }
        }
        let sums = theta.sum_axis(ndarray::Axis(0)).mapv(|sum| sum.max(f64::MIN_POSITIVE));
        theta / &sums
    });
    let theta = theta.collect();
    let (mu, variance) = of_numbers(patterns, gamma);
    Classes { pi, theta, mu, variance }
}

/// Means and variances of the numbers in the classes, `[q, K]`.
fn of_numbers(patterns: &Patterns, gamma: &Array2<f64>) -> (Array2<f64>, Array2<f64>) {
    let shape = (patterns.moments.len(), gamma.ncols());
    let (mut mu, mut variance) = (Array2::zeros(shape), Array2::zeros(shape));
    for (j, &(mean, of_all)) in patterns.moments.iter().enumerate() {
        let column = patterns.numbers.column(j);
        let known = || column.iter().zip(gamma.rows()).filter(|(z, _)| !z.is_nan());
        for k in 0..gamma.ncols() {
            let weight: f64 = known().map(|(_, row)| row[k]).sum();
            let sum: f64 = known().map(|(z, row)| row[k] * z).sum();
            let centre = if weight > 0.0 { sum / weight } else { mean };
            let squares: f64 = known().map(|(z, row)| row[k] * (z - centre).powi(2)).sum();
            mu[[j, k]] = centre;
            let spread = (squares + PRIOR * of_all) / (weight + PRIOR);
            variance[[j, k]] = spread.max(LEAST_VARIANCE * of_all);
        }
    }
    (mu, variance)
}

/// Posteriors of the patterns, and the log-likelihood of all rows.
fn expect(patterns: &Patterns, classes: &Classes, gamma: &mut Array2<f64>) -> f64 {
    let Classes { pi, theta, mu, variance } = classes;
    let log = |v: &f64| v.max(f64::MIN_POSITIVE).ln();
    let log_scale = variance.mapv(|v| -0.5 * (std::f64::consts::TAU * v).ln());
    let log_pi = pi.map(log);
    let log_theta: Vec<Array2<f64>> = theta.iter().map(|theta| theta.map(log)).collect();
    let mut sum = 0.0;
    for (i, (row, mut of_row)) in patterns.rows.rows().into_iter().zip(gamma.rows_mut()).enumerate() {
        of_row.assign(&log_pi);
        for (j, &z) in patterns.numbers.row(i).iter().enumerate().filter(|(_, z)| !z.is_nan()) {
            for (k, v) in of_row.iter_mut().enumerate() {
                *v += log_scale[[j, k]] - 0.5 * (z - mu[[j, k]]).powi(2) / variance[[j, k]];
            }
        }
        for (&level, log_theta) in row.iter().zip(&log_theta).filter(|(level, _)| **level != MISSING) {
            of_row += &log_theta.row(level as usize);
        }
        let most = of_row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        of_row.mapv_inplace(|v| (v - most).exp());
        let total = of_row.sum();
        of_row /= total;
        sum += patterns.counts[i] * (most + total.ln());
    }
    sum
}

/// Random posteriors of the patterns: squares of exponential numbers, divided by their sum.
fn random(seed: u64, restart: usize, m: usize, k: usize) -> Array2<f64> {
    let mut rng = stream(seed, Purpose::Classes, restart as u64);
    let mut gamma = Array2::from_shape_simple_fn((m, k), || {
        let u: f64 = rng.random();
        (-(1.0 - u).ln()).powi(2) + f64::MIN_POSITIVE
    });
    gamma.rows_mut().into_iter().for_each(|mut row| row /= row.sum());
    gamma
}

/// The shares of the clusters among the rows of each pattern.
fn of_labels(labels: ArrayView1<'_, u32>, patterns: &Patterns, k: usize) -> Result<Array2<f64>> {
    if labels.len() != patterns.of.len() {
        let (got, expected) = (vec![labels.len()], vec![patterns.of.len()]);
        return Err(Error::Shape { what: "a start", got, expected });
    }
    let mut gamma = Array2::zeros((patterns.counts.len(), k));
    for (row, (&label, &at)) in labels.iter().zip(&patterns.of).enumerate() {
        match gamma.get_mut((at, label as usize)) {
            Some(share) => *share += 1.0 / patterns.counts[at],
            None => return Err(Error::Label { row, label, k }),
        }
    }
    Ok(gamma)
}

#[cfg(test)]
mod tests;
