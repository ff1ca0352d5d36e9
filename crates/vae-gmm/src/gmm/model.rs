//! A diagonal Gaussian mixture: its parameters, posteriors, likelihoods and samples.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rand_distr::StandardNormal;

use super::pass::{Moments, Parameters, assignments, posterior, weigh};
use crate::data::{Data, Rows};
use crate::rng::{Purpose, stream};
use crate::vector::square;
use crate::{Error, Result, check};

/// A component with less weight than this, in rows, has lost its points: it keeps its mean and
/// variance.
const LOST: f64 = 10.0 * f64::EPSILON;

/// Variances below this are taken for zero: their reciprocals would leave the range of f64.
const SMALLEST_VARIANCE: f64 = 1e-200;

/// How far given mixing weights may sum from 1; they are then normalised.
const PI_TOLERANCE: f64 = 1e-6;

/// A mixture of `k` Gaussians in `d` dimensions with diagonal covariances.
///
/// ```text
/// p(z) = sum_k pi_k prod_d N(z_d; mu_kd, var_kd)
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Gmm {
    pi: Array1<f64>,
    mu: Array2<f64>,
    var: Array2<f64>,
}

/// Additions to the variances of an M-step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Regulariser {
    pub(crate) reg_covar: f64,
    pub(crate) min_covar: f64,
}

impl Gmm {
    /// Takes mixing weights `pi` `[k]`, means `mu` `[k, d]` and variances `var` `[k, d]`.
    ///
    /// # Errors
    ///
    /// Shapes that disagree; weights that are negative or do not sum to 1 (within 1e-6); means that
    /// are not finite; variances that are not finite and positive.
    pub fn new(pi: Array1<f64>, mu: Array2<f64>, var: Array2<f64>) -> Result<Self> {
        let (k, d) = mu.dim();
        check::clusters(usize::MAX, k)?;
        if d == 0 {
            return Err(Error::EmptyData { n: k, d });
        }
        check::shape("pi", pi.shape(), &[k])?;
        check::shape("var", var.shape(), &[k, d])?;
        check::finite("mu", mu.view())?;
        if let Some((component, &value)) = pi.iter().enumerate().find(|(_, p)| !p.is_finite() || **p < 0.0) {
            return Err(Error::Parameter { what: "pi", component, value, range: "finite and not negative" });
        }
        let total = pi.sum();
        if (total - 1.0).abs() > PI_TOLERANCE {
            let range = "such that all weights sum to 1";
            return Err(Error::Parameter {
                what: "the sum of pi up to the last",
                component: k - 1,
                value: total,
                range,
            });
        }
        check::finite("var", var.view())?;
        refuse_degenerate(var.view())?;
        Ok(Self { pi: pi / total, mu, var })
    }

    /// The M-step for given responsibilities `gamma` `[n, k]` of the rows of `x` `[n, d]`, by two
    /// passes (means, then variances about them); `reg_covar` is added to every variance.
    ///
    /// # Errors
    ///
    /// Bad data or shapes, negative responsibilities, a component without weight, or one without
    /// variance.
    pub fn from_responsibilities(
        x: ArrayView2<'_, f32>,
        gamma: ArrayView2<'_, f64>,
        reg_covar: f64,
    ) -> Result<Self> {
        check::data(x)?;
        check::clusters(x.nrows(), gamma.ncols())?;
        check::shape("gamma", gamma.shape(), &[x.nrows(), gamma.ncols()])?;
        check::finite("gamma", gamma)?;
        if let Some(((_, component), &value)) = gamma.indexed_iter().find(|(_, g)| **g < 0.0) {
            return Err(Error::Parameter { what: "gamma", component, value, range: "not negative" });
        }
        Self::weighted(&Data::new(x), gamma.ncols(), reg_covar, |i, k| gamma[[i, k]])
    }

    /// The M-step for given assignments `labels` `[n]`, each below `n_components`: shares, means
    /// and variances of the clusters; `reg_covar` is added to every variance.
    ///
    /// # Errors
    ///
    /// Bad data or shapes, a label out of range, a component without rows, or one without variance.
    pub fn from_labels(
        x: ArrayView2<'_, f32>,
        labels: ArrayView1<'_, u32>,
        n_components: usize,
        reg_covar: f64,
    ) -> Result<Self> {
        check::data(x)?;
        check::clusters(x.nrows(), n_components)?;
        check::shape("labels", labels.shape(), &[x.nrows()])?;
        if let Some((row, &label)) = labels.iter().enumerate().find(|(_, l)| **l as usize >= n_components) {
            return Err(Error::Label { row, label, k: n_components });
        }
        let one_hot = |i: usize, k: usize| f64::from(u8::from(labels[i] as usize == k));
        Self::weighted(&Data::new(x), n_components, reg_covar, one_hot)
    }

    fn weighted(
        data: &Data<'_>,
        k: usize,
        reg_covar: f64,
        gamma: impl Fn(usize, usize) -> f64 + Sync + Send,
    ) -> Result<Self> {
        check::non_negative("reg_covar", reg_covar)?;
        let centre = Array2::from_shape_fn((k, data.d()), |(_, j)| f64::from(data.mean[j]));
        let about_centre = weigh(data, centre.view(), &gamma);
        if let Some(component) = about_centre.weight.iter().position(|&w| w <= LOST) {
            return Err(Error::EmptyComponent { component });
        }
        let weight = Array1::from(about_centre.weight);
        let mu = centre + about_centre.first / weight.clone().insert_axis(Axis(1));
        let start = Self { pi: &weight / weight.sum(), var: Array2::ones(mu.dim()), mu };
        let moments = weigh(data, start.mu.view(), gamma);
        start.updated(&moments, Regulariser { reg_covar, min_covar: 0.0 })
    }

    /// M-step: the parameters that maximise the expected log-likelihood with `moments`, taken about
    /// the current means.
    pub(crate) fn updated(&self, moments: &Moments, regulariser: Regulariser) -> Result<Self> {
        let mut next = self.clone();
        for (k, &weight) in moments.weight.iter().enumerate() {
            next.pi[k] = weight.max(LOST);
            if weight <= LOST {
                continue;
            }
            for j in 0..self.mu.ncols() {
                let shift = moments.first[[k, j]] / weight;
                let var = (moments.second[[k, j]] / weight - square(shift)).max(0.0);
                next.mu[[k, j]] += shift;
                next.var[[k, j]] = (var + regulariser.reg_covar).max(regulariser.min_covar);
            }
        }
        next.pi /= next.pi.sum();
        refuse_degenerate(next.var.view())?;
        Ok(next)
    }

    /// A mixture with valid parameters.
    pub(crate) fn trusted(pi: Array1<f64>, mu: Array2<f64>, var: Array2<f64>) -> Result<Self> {
        refuse_degenerate(var.view())?;
        Ok(Self { pi, mu, var })
    }

    /// What a pass over data needs of the mixture.
    pub(crate) fn parameters(&self) -> Parameters<'_> {
        Parameters { pi: self.pi(), mu: self.mu(), var: self.var() }
    }

    /// Mixing weights, `[k]`; they sum to 1.
    pub fn pi(&self) -> ArrayView1<'_, f64> {
        self.pi.view()
    }

    /// Means, `[k, d]`.
    pub fn mu(&self) -> ArrayView2<'_, f64> {
        self.mu.view()
    }

    /// Variances, `[k, d]`, in the data's units squared.
    pub fn var(&self) -> ArrayView2<'_, f64> {
        self.var.view()
    }

    /// Number of components `k`.
    pub fn n_components(&self) -> usize {
        self.pi.len()
    }

    /// Free parameters: `k - 1` weights, `k d` means, `k d` variances.
    pub fn n_parameters(&self) -> usize {
        2 * self.mu.len() + self.pi.len() - 1
    }

    /// The most probable component of each row of `x` `[n, d]`, dense or sparse; the lowest index
    /// wins a tie.
    ///
    /// # Errors
    ///
    /// Empty or non-finite data, another number of columns, or a row too far away for f64.
    pub fn predict<'a>(&self, x: impl Into<Rows<'a>>) -> Result<Array1<u32>> {
        Ok(assignments(&self.data(x)?, self.parameters())?.into())
    }

    /// Responsibilities `gamma` `[n, k]` of the rows of `x` `[n, d]`; every row sums to 1.
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict).
    pub fn predict_proba<'a>(&self, x: impl Into<Rows<'a>>) -> Result<Array2<f64>> {
        Ok(posterior(&self.data(x)?, self.parameters())?.0)
    }

    /// `ln p(z)` of each row of `x` `[n, d]`, in nats, summed over dimensions.
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict).
    pub fn log_likelihood<'a>(&self, x: impl Into<Rows<'a>>) -> Result<Array1<f64>> {
        Ok(posterior(&self.data(x)?, self.parameters())?.1.into())
    }

    /// Bayesian information criterion on `x` `[n, d]`, `p ln n - 2 ln L` (Schwarz 1978): the lower
    /// the better.
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict).
    pub fn bic<'a>(&self, x: impl Into<Rows<'a>>) -> Result<f64> {
        let x = x.into();
        let penalty = self.n_parameters() as f64 * (x.shape()[0] as f64).ln();
        Ok(penalty - 2.0 * self.log_likelihood(x)?.sum())
    }

    /// Akaike information criterion on `x` `[n, d]`, `2 p - 2 ln L`: the lower the better.
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict).
    pub fn aic<'a>(&self, x: impl Into<Rows<'a>>) -> Result<f64> {
        Ok(2.0 * self.n_parameters() as f64 - 2.0 * self.log_likelihood(x)?.sum())
    }

    /// Draws `n` rows `[n, d]` and the components `[n]` they come from.
    pub fn sample(&self, n: usize, seed: u64) -> (Array2<f32>, Array1<u32>) {
        let mut rng = stream(seed, Purpose::Sampling, 0);
        let mut x = Array2::zeros((n, self.mu.ncols()));
        let components = x.outer_iter_mut().map(|mut row| {
            let component = self.draw_component(&mut rng);
            self.draw_row(component, &mut rng, row.iter_mut());
            component as u32
        });
        let components = components.collect();
        (x, components)
    }

    /// Draws `n` rows `[n, d]` of one component.
    ///
    /// # Errors
    ///
    /// [`Error::Label`] when there is no such component.
    pub fn sample_component(&self, component: u32, n: usize, seed: u64) -> Result<Array2<f32>> {
        if component as usize >= self.n_components() {
            return Err(Error::Label { row: 0, label: component, k: self.n_components() });
        }
        let mut rng = stream(seed, Purpose::Sampling, 1 + u64::from(component));
        let mut x = Array2::zeros((n, self.mu.ncols()));
        x.outer_iter_mut().for_each(|mut row| self.draw_row(component as usize, &mut rng, row.iter_mut()));
        Ok(x)
    }

    fn draw_component(&self, rng: &mut ChaCha12Rng) -> usize {
        let mut left: f64 = rng.random();
        for (k, &pi) in self.pi.iter().enumerate() {
            if left < pi {
                return k;
            }
            left -= pi;
        }
        // rounding left a remainder behind the last weight
        self.pi.iter().rposition(|&pi| pi > 0.0).unwrap_or(0)
    }

    fn draw_row<'a>(&self, k: usize, rng: &mut ChaCha12Rng, row: impl Iterator<Item = &'a mut f32>) {
        for ((out, mu), var) in row.zip(self.mu.row(k)).zip(self.var.row(k)) {
            *out = (mu + var.sqrt() * rng.sample::<f64, _>(StandardNormal)) as f32;
        }
    }

    fn data<'a>(&self, x: impl Into<Rows<'a>>) -> Result<Data<'a>> {
        let x = x.into();
        check::rows(&x)?;
        check::shape("x", &x.shape(), &[x.shape()[0], self.mu.ncols()])?;
        Ok(Data::new(x))
    }
}

fn refuse_degenerate(var: ArrayView2<'_, f64>) -> Result<()> {
    let found = var.indexed_iter().find(|(_, v)| !v.is_finite() || **v < SMALLEST_VARIANCE);
    match found {
        Some(((component, dim), &value)) => Err(Error::Degenerate { component, dim, value }),
        None => Ok(()),
    }
}
