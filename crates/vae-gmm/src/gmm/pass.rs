//! One pass over the data: responsibilities in the log domain (E-step) and the moments the M-step
//! needs.
//!
//! Moments are taken about the present means, `sum gamma (z - mu)` and `sum gamma (z - mu)^2`, in
//! f64. Near convergence the first is close to 0, so that the variance loses nothing to
//! cancellation, however far from the origin the data lie.

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::data::{BLOCK, Data, blocks};
use crate::vector::square;
use crate::{Error, Result};

/// ln(2 pi) / 2.
const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;

/// Independent partial sums of a moment.
const LANES: usize = 8;

/// Sums over the rows of a part.
pub(crate) struct Moments {
    /// Sum of the rows' log-likelihoods, nats.
    pub(crate) log_likelihood: f64,
    /// Sum of each component's responsibilities, `[k]`.
    pub(crate) weight: Vec<f64>,
    /// Sum of `gamma (z - mu)`, `[k, d]`.
    pub(crate) first: Array2<f64>,
    /// Sum of `gamma (z - mu)^2`, `[k, d]`.
    pub(crate) second: Array2<f64>,
}

impl Moments {
    fn zero(k: usize, d: usize) -> Self {
        let (first, second) = (Array2::zeros((k, d)), Array2::zeros((k, d)));
        Self { log_likelihood: 0.0, weight: vec![0.0; k], first, second }
    }

    fn total(parts: impl IntoIterator<Item = Self>) -> Self {
        parts
            .into_iter()
            .reduce(|mut total, part| {
                total.log_likelihood += part.log_likelihood;
                total.weight.iter_mut().zip(part.weight).for_each(|(t, p)| *t += p);
                total.first += &part.first;
                total.second += &part.second;
                total
            })
            .expect("data have at least one row")
    }

    /// Adds a block of rows `[d, BLOCK]` with responsibilities `[k, BLOCK]`, of which `len` columns
    /// count.
    fn add(&mut self, mu: ArrayView2<'_, f64>, z: &Block, gamma: &[[f64; BLOCK]], len: usize) {
        for (k, gamma) in gamma.iter().enumerate() {
            let weight: f64 = gamma[..len].iter().sum();
            if weight == 0.0 {
                continue;
            }
            self.weight[k] += weight;
            for (j, z) in z.columns.iter().enumerate() {
                let (first, second) = moments(&gamma[..len], &z[..len], mu[[k, j]]);
                self.first[[k, j]] += first;
                self.second[[k, j]] += second;
            }
        }
    }
}

/// Sum of `gamma (z - mu)` and of `gamma (z - mu)^2`.
fn moments(gamma: &[f64], z: &[f64], mu: f64) -> (f64, f64) {
    let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
    let (gs, zs) = (gamma.chunks_exact(LANES), z.chunks_exact(LANES));
    let tail = gs.remainder().iter().zip(zs.remainder());
    for (lane, (&g, &v)) in tail.enumerate() {
        first[lane] = g * (v - mu);
        second[lane] = g * square(v - mu);
    }
    for (g, v) in gs.zip(zs) {
        for l in 0..LANES {
            let t = v[l] - mu;
            first[l] += g[l] * t;
            second[l] += g[l] * t * t;
        }
    }
    (first.iter().sum(), second.iter().sum())
}

/// A block of rows, transposed, in f64.
struct Block {
    columns: Vec<[f64; BLOCK]>,
}

impl Block {
    fn new(d: usize) -> Self {
        Self { columns: vec![[0.0; BLOCK]; d] }
    }

    fn load(&mut self, data: &Data<'_>, rows: Range<usize>) {
        for (b, i) in rows.enumerate() {
            self.columns.iter_mut().zip(data.row(i).iter()).for_each(|(column, &v)| column[b] = f64::from(v));
        }
    }
}

/// The parameters of a mixture: `pi` `[k]`, `mu` and `var` `[k, d]`.
#[derive(Clone, Copy)]
pub(crate) struct Parameters<'a> {
    pub(crate) pi: ArrayView1<'a, f64>,
    pub(crate) mu: ArrayView2<'a, f64>,
    pub(crate) var: ArrayView2<'a, f64>,
}

/// A mixture with the constants of its log-density worked out.
struct LogDensity<'a> {
    mixture: Parameters<'a>,
    /// `ln pi_k - 1/2 sum_d ln(2 pi var_kd)`.
    constant: Vec<f64>,
    /// `1 / (2 var)`, `[k, d]`.
    half_precision: Array2<f64>,
}

impl<'a> LogDensity<'a> {
    fn new(mixture: Parameters<'a>) -> Self {
        let constant = mixture
            .pi
            .iter()
            .zip(mixture.var.outer_iter())
            .map(|(pi, var)| pi.ln() - var.iter().map(|v| HALF_LN_TWO_PI + 0.5 * v.ln()).sum::<f64>())
            .collect();
        Self { mixture, constant, half_precision: mixture.var.mapv(|v| 0.5 / v) }
    }

    /// Turns a block into `gamma` `[k, BLOCK]` and the rows' log-likelihoods; gives the first row
    /// without one.
    fn responsibilities(
        &self,
        z: &Block,
        gamma: &mut [[f64; BLOCK]],
        log_likelihood: &mut [f64; BLOCK],
        len: usize,
    ) -> std::result::Result<(), usize> {
        let mut largest = [f64::NEG_INFINITY; BLOCK];
        for (k, log_p) in gamma.iter_mut().enumerate() {
            log_p.fill(self.constant[k]);
            for (j, z) in z.columns.iter().enumerate() {
                let (mu, half_precision) = (self.mixture.mu[[k, j]], self.half_precision[[k, j]]);
                log_p.iter_mut().zip(z).for_each(|(p, &v)| *p -= square(v - mu) * half_precision);
            }
            largest.iter_mut().zip(log_p).for_each(|(m, &mut p)| *m = m.max(p));
        }
        if let Some(b) = largest[..len].iter().position(|m| !m.is_finite()) {
            return Err(b);
        }
        let mut sum = [0.0; BLOCK];
        for log_p in gamma.iter_mut() {
            for b in 0..len {
                log_p[b] = (log_p[b] - largest[b]).exp();
                sum[b] += log_p[b];
            }
        }
        for gamma in gamma.iter_mut() {
            gamma[..len].iter_mut().zip(&sum).for_each(|(g, &s)| *g /= s);
        }
        for b in 0..len {
            log_likelihood[b] = largest[b] + sum[b].ln();
        }
        Ok(())
    }

    /// Calls `f(rows, gamma, log-likelihoods, block)` for every block of a part.
    fn over_blocks(
        &self,
        data: &Data<'_>,
        part: Range<usize>,
        mut f: impl FnMut(Range<usize>, &[[f64; BLOCK]], &[f64; BLOCK], &Block),
    ) -> Result<()> {
        let mut z = Block::new(data.d());
        let mut gamma = vec![[0.0; BLOCK]; self.mixture.pi.len()];
        let mut log_likelihood = [0.0; BLOCK];
        for rows in blocks(part) {
            z.load(data, rows.clone());
            self.responsibilities(&z, &mut gamma, &mut log_likelihood, rows.len())
                .map_err(|b| Error::NoLikelihood { row: rows.start + b })?;
            f(rows, &gamma, &log_likelihood, &z);
        }
        Ok(())
    }
}

/// E-step: the log-likelihood of the data and the moments under the responsibilities.
pub(crate) fn expect(data: &Data<'_>, mixture: Parameters<'_>) -> Result<Moments> {
    let density = LogDensity::new(mixture);
    let parts = data.over_parts(|part| {
        let mut moments = Moments::zero(mixture.pi.len(), data.d());
        density.over_blocks(data, part, |rows, gamma, log_likelihood, z| {
            moments.log_likelihood += log_likelihood[..rows.len()].iter().sum::<f64>();
            moments.add(mixture.mu, z, gamma, rows.len());
        })?;
        Ok(moments)
    });
    Ok(Moments::total(parts.into_iter().collect::<Result<Vec<_>>>()?))
}

/// Moments about `mu` `[k, d]` under given responsibilities `gamma(row, component)`.
pub(crate) fn weigh(
    data: &Data<'_>,
    mu: ArrayView2<'_, f64>,
    gamma: impl Fn(usize, usize) -> f64 + Sync + Send,
) -> Moments {
    Moments::total(data.over_parts(|part| {
        let mut moments = Moments::zero(mu.nrows(), data.d());
        let mut z = Block::new(data.d());
        let mut block = vec![[0.0; BLOCK]; mu.nrows()];
        for rows in blocks(part) {
            z.load(data, rows.clone());
            for (k, own) in block.iter_mut().enumerate() {
                own.iter_mut().zip(rows.clone()).for_each(|(g, i)| *g = gamma(i, k));
            }
            moments.add(mu, &z, &block, rows.len());
        }
        moments
    }))
}

/// Responsibilities `[n, k]` and log-likelihoods `[n]` of the rows.
pub(crate) fn posterior(data: &Data<'_>, mixture: Parameters<'_>) -> Result<(Array2<f64>, Vec<f64>)> {
    let density = LogDensity::new(mixture);
    let k = mixture.pi.len();
    let parts = data.over_parts(|part| {
        let (mut gammas, mut likelihoods) =
            (Vec::with_capacity(part.len() * k), Vec::with_capacity(part.len()));
        density.over_blocks(data, part, |rows, gamma, log_likelihood, _| {
            (0..rows.len()).for_each(|b| gammas.extend(gamma.iter().map(|g| g[b])));
            likelihoods.extend_from_slice(&log_likelihood[..rows.len()]);
        })?;
        Ok((gammas, likelihoods))
    });
    let (mut gammas, mut likelihoods) = (Vec::with_capacity(data.n() * k), Vec::with_capacity(data.n()));
    for part in parts {
        let (gamma, log_likelihood) = part?;
        gammas.extend(gamma);
        likelihoods.extend(log_likelihood);
    }
    Ok((Array2::from_shape_vec((data.n(), k), gammas).expect("every part gave its rows"), likelihoods))
}

/// The most probable component of each row; the lowest index wins a tie.
pub(crate) fn assignments(data: &Data<'_>, mixture: Parameters<'_>) -> Result<Vec<u32>> {
    let density = LogDensity::new(mixture);
    let parts = data.over_parts(|part| {
        let mut labels = Vec::with_capacity(part.len());
        density.over_blocks(data, part, |rows, gamma, _, _| {
            labels.extend((0..rows.len()).map(|b| argmax(gamma.iter().map(|g| g[b]))));
        })?;
        Ok(labels)
    });
    let mut labels = Vec::with_capacity(data.n());
    for part in parts {
        labels.extend(part?);
    }
    Ok(labels)
}

fn argmax(gamma: impl Iterator<Item = f64>) -> u32 {
    let better = |best: (usize, f64), other: (usize, f64)| if other.1 > best.1 { other } else { best };
    gamma.enumerate().reduce(better).map_or(0, |(component, _)| component as u32)
}
