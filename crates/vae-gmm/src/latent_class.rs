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
//! A category of many levels that has to do with no class would cost the criterion BIC so many
//! parameters that no classes pay for them. So a column whose own shares in each class gain less
//! than they cost counts as one that the classes have in common: see [`LatentClassFit::bic`].
//!
//! Equal rows of categories are computed once. Random numbers are keyed by the seed, sums run in
//! the order of the rows: the same data and seed give the same bytes.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use rand::RngExt;

mod patterns;

use self::patterns::Patterns;
use crate::rng::{Purpose, stream};
use crate::{Error, Result, check};

/// Name and number of the algorithm; the number is raised whenever the code changes a result.
pub const REVISION: (&str, u32) = ("latent-classes", 2);

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

/// Iterations of every start, after which only the best ones go on …
const TRIAL: usize = 20;
/// … so many of them.
const GO_ON: usize = 3;

/// Settings of a latent class analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentClassConfig {
    /// Starts from random classes. The three of the highest likelihood after 20 iterations go on,
    /// and the best of those is kept; before all others one whose classes all have rows.
    /// Default 10.
    pub n_init: usize,
    /// Most iterations of EM. Default 200.
    pub max_iter: usize,
    /// EM has converged when the mean log-likelihood of a row rises by less, in nats.
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
    /// What the columns say of the classes, the categories before the numbers, `[d + q]`.
    pub columns: Vec<ColumnGain>,
}

/// What a column says of the classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnGain {
    /// Free parameters in each class.
    pub n_parameters: usize,
    /// By how much the log-likelihood falls at most where the column has the same distribution in
    /// all classes, in nats, as a sum over the rows: the expectation over the posterior of the
    /// classes of log p(x_j | k) - log p(x_j). At least 0 but for the row of the prior.
    pub gain: f64,
}

impl LatentClassFit {
    /// The Bayesian information criterion (Schwarz 1978), in nats times two: the smaller the
    /// better. A column counts as the same in all classes where that makes it smaller.
    ///
    /// The likelihood of that model is bounded from below: with the posterior of the classes as it
    /// is, the bound of EM falls by the [gain](ColumnGain::gain) of each such column, and it was
    /// equal to the likelihood before. Choosing columns by BIC is Dean and Raftery's (2010)
    /// proposal.
    pub fn bic(&self) -> f64 {
        let (k, log_n) = (self.pi.len() as f64, (self.labels.len() as f64).ln());
        let penalty = |column: &ColumnGain| {
            let in_common = column.n_parameters as f64 * log_n;
            (k * in_common).min(in_common + 2.0 * column.gain.max(0.0))
        };
        (k - 1.0) * log_n + self.columns.iter().map(penalty).sum::<f64>() - 2.0 * self.log_likelihood
    }

    /// Classes that some row belongs to.
    pub fn n_used(&self) -> usize {
        n_used(&self.labels, self.pi.len())
    }
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
    has_converged: bool,
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
        let m = patterns.counts.len();
        // The best after a few iterations, of which there are never more at a time.
        let mut best: Vec<State> = Vec::new();
        for start in 0..starts.len() + self.n_init {
            let gamma = match starts.get(start) {
                Some(labels) => of_labels(*labels, &patterns, n_classes)?,
                None => random(seed, start - starts.len(), m, n_classes),
            };
            best.push(self.run(&patterns, gamma, TRIAL.min(self.max_iter)));
            best.sort_by(|a, b| b.log_likelihood.total_cmp(&a.log_likelihood));
            best.truncate(GO_ON);
        }
        let rest = self.max_iter.saturating_sub(TRIAL);
        let ended = best.into_iter().map(|state| {
            let goes_on = rest > 0 && !state.has_converged;
            let state = if goes_on { self.run(&patterns, state.gamma, rest) } else { state };
            let labels = of_rows(&state.gamma, &patterns);
            ((n_used(&labels, n_classes), state.log_likelihood), state, labels)
        });
        let best = ended.reduce(|a, b| if b.0 > a.0 { b } else { a });
        let ((_, log_likelihood), state, labels) = best.expect("n_init is at least 1");
        let columns = columns(&patterns, &state);
        let Classes { pi, theta, mu, variance } = state.classes;
        Ok(LatentClassFit { pi, theta, mu, variance, labels, log_likelihood, columns })
    }

    /// At most so many iterations.
    fn run(&self, patterns: &Patterns, mut gamma: Array2<f64>, max_iter: usize) -> State {
        let n = patterns.of.len() as f64;
        let mut last = f64::NEG_INFINITY;
        for step in 1.. {
            let classes = maximise(patterns, &gamma, n);
            let log_likelihood = expect(patterns, &classes, &mut gamma);
            let has_converged = log_likelihood - last < self.tol * n;
            if step >= max_iter || has_converged {
                return State { classes, gamma, log_likelihood, has_converged };
            }
            last = log_likelihood;
        }
        unreachable!("the loop returns at max_iter")
    }
}

/// The class of each row.
fn of_rows(gamma: &Array2<f64>, patterns: &Patterns) -> Array1<u32> {
    let class = |row: ArrayView1<'_, f64>| {
        (1..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best }) as u32
    };
    let of_patterns: Vec<u32> = gamma.rows().into_iter().map(class).collect();
    patterns.of.iter().map(|&at| of_patterns[at]).collect()
}

/// Classes of `0..k` that some row belongs to.
fn n_used(labels: &Array1<u32>, k: usize) -> usize {
    let mut used = vec![false; k];
    labels.iter().for_each(|&class| used[class as usize] = true);
    used.into_iter().filter(|used| *used).count()
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

/// What the columns say of the classes, the categories before the numbers.
fn columns(patterns: &Patterns, state: &State) -> Vec<ColumnGain> {
    let State { classes, gamma, .. } = state;
    let weighted = |gain: f64, weight: f64| if weight > 0.0 { weight * gain } else { 0.0 };
    let categories = classes.theta.iter().zip(&patterns.shares).enumerate().map(|(j, (theta, shares))| {
        let mut gain = 0.0;
        for ((&level, row), count) in patterns
            .rows
            .column(j)
            .iter()
            .zip(gamma.rows())
            .zip(&patterns.counts)
            .filter(|((l, _), _)| **l != MISSING)
        {
            let level = level as usize;
            let of_class = |k: usize| weighted((theta[[level, k]] / shares[level]).ln(), row[k]);
            gain += count * (0..row.len()).map(of_class).sum::<f64>();
        }
        let occurring = shares.iter().filter(|share| **share > 0.0).count();
        ColumnGain { n_parameters: occurring.saturating_sub(1), gain }
    });
    let numbers = patterns.moments.iter().enumerate().map(|(j, &(mean, of_all))| {
        let mut gain = 0.0;
        let column = patterns.numbers.column(j);
        for (&z, row) in column.iter().zip(gamma.rows()).filter(|(z, _)| !z.is_nan()) {
            let in_common = -0.5 * (of_all.ln() + (z - mean).powi(2) / of_all);
            let of_class = |k: usize| {
                let variance = classes.variance[[j, k]];
                let own = -0.5 * (variance.ln() + (z - classes.mu[[j, k]]).powi(2) / variance);
                weighted(own - in_common, row[k])
            };
            gain += (0..row.len()).map(of_class).sum::<f64>();
        }
        ColumnGain { n_parameters: 2, gain }
    });
    categories.chain(numbers).collect()
}

/// The log-likelihood of the rows under the mixture whose classes are these clusters, `[n]`: the
/// parameters are those of one step of EM from them. A sum over the rows, in nats; of clusterings
/// into equally many clusters the highest says best how the columns hang together.
///
/// # Errors
/// [`Error::Shape`] for labels of other rows, [`Error::Label`] for a label that is not below
/// `n_classes`, [`Error::EmptyData`] without rows.
pub fn likelihood_of_clusters(
    x: &MixedRows<'_>,
    clusters: ArrayView1<'_, u32>,
    n_classes: usize,
) -> Result<f64> {
    let (n, d) = x.levels.dim();
    if n == 0 {
        return Err(Error::EmptyData { n, d });
    }
    let patterns = Patterns::of(x);
    let mut gamma = of_labels(clusters, &patterns, n_classes)?;
    let classes = maximise(&patterns, &gamma, n as f64);
    Ok(expect(&patterns, &classes, &mut gamma))
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
