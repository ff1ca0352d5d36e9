//! Candidates from blocked matrix products: for many columns, on any device.
//!
//! With `s_j = |b_j|²/2 − a·b_j` (half the squared distance less `|a|²/2`) on centred data, the
//! nearest rows have the smallest scores. The f32 product may be wrong by its rounding error, so
//! every row within that error of the k-th score is a candidate.

use super::candidates::Candidates;
use super::{Metric, Pace, Task};
use crate::Result;
use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;
use tch::{Device, Tensor};
use vae_core::Features;
use vae_core::features::{as_slice, to_tensor};
use vae_core::matmul::linear;
use vae_core::phase::FitContext;

/// Queries per block.
const ROWS: usize = 512;

/// Searched rows per block: a block of scores stays in the cache.
const COLUMNS: usize = 4096;

/// On a GPU a block has so many times more rows and columns.
const GPU_FACTOR: usize = 8;

pub(super) fn search(task: &Task<'_>, cx: &FitContext) -> Result<Vec<Vec<(f64, u32)>>> {
    let _guard = tch::no_grad_guard();
    let mean = mean(task);
    let base = Blocks::new(task.x, &mean, task.metric, cx.device)?;
    let others = (!std::ptr::eq(task.queries, task.x))
        .then(|| Blocks::new(task.queries, &mean, task.metric, cx.device))
        .transpose()?;
    let queries = others.as_ref().unwrap_or(&base);
    let factor = if cx.device == Device::Cpu { 1 } else { GPU_FACTOR };
    let (rows, columns) = (ROWS * factor, COLUMNS * factor);
    // Rounding of one score: the inner product's bound, and a few more for centring and the final
    // subtraction.
    let unit = 2.0 * (task.x.dim() as f64 + 8.0) * f64::from(f32::EPSILON) * base.longest;
    let (n, n_base) = (task.queries.n(), task.x.n());
    let mut found = Vec::with_capacity(n);
    let mut pace = Pace::new(n, cx);
    for start in (0..n).step_by(rows) {
        pace.at(start);
        let end = (start + rows).min(n);
        let a = queries.rows(start, end)?;
        // The row itself is a candidate too, and is left out by its index at the end.
        let k = task.k + usize::from(task.skip_own);
        let mut best: Vec<Candidates> = (start..end)
            .map(|i| Candidates::new(k, (unit * (queries.norms[i] + base.longest)) as f32))
            .collect();
        for first in (0..n_base).step_by(columns) {
            cx.interrupt.check()?;
            let last = (first + columns).min(n_base);
            let products = linear(&a, &base.rows(first, last)?, None).f_to_device(Device::Cpu)?;
            let (products, half) = (as_slice(&products)?, &base.half_sq_norms[first..last]);
            best.par_iter_mut()
                .zip(products.par_chunks(last - first))
                .for_each(|(best, products)| best.scan(half, products, first as u32));
        }
        let block: Vec<Vec<(f64, u32)>> = best
            .into_par_iter()
            .enumerate()
            .map(|(i, best)| task.nearest(start + i, best.finish()))
            .collect();
        found.extend(block);
    }
    Ok(found)
}

/// The mean of the searched rows. Sparse rows and unit rows are not centred.
fn mean(task: &Task<'_>) -> Array1<f32> {
    match (task.x.as_dense(), task.queries.as_dense(), task.metric) {
        (Some(x), Some(_), Metric::Euclidean) => {
            let sum = x.fold_axis(Axis(0), 0.0f64, |sum, &v| sum + f64::from(v));
            sum.mapv(|s| (s / x.nrows() as f64) as f32)
        }
        _ => Array1::zeros(task.x.dim()),
    }
}

/// The rows less the mean of the searched rows, by blocks, on the device. Dense features are kept
/// there; sparse ones are made dense block by block, and not centred.
struct Blocks<'a> {
    features: &'a Features,
    resident: Option<Tensor>,
    device: Device,
    norms: Vec<f64>,
    half_sq_norms: Vec<f32>,
    longest: f64,
}

impl<'a> Blocks<'a> {
    fn new(features: &'a Features, mean: &Array1<f32>, metric: Metric, device: Device) -> Result<Self> {
        let (resident, sq_norms) = match features.as_dense() {
            Some(rows) => {
                let centred: Array2<f32> = &rows - mean;
                let sq_norms = sq_norms(&centred);
                (Some(to_tensor(centred.view(), device)?), sq_norms)
            }
            None => {
                let blocks = (0..features.n()).step_by(COLUMNS);
                let sq =
                    blocks.flat_map(|s| sq_norms(&features.dense_rows(s, (s + COLUMNS).min(features.n()))));
                (None, sq.collect())
            }
        };
        let norms: Vec<f64> = sq_norms.iter().map(|s| s.sqrt()).collect();
        let half = |s: &f64| match metric {
            Metric::Euclidean => (s / 2.0) as f32,
            Metric::Cosine => 0.0,
        };
        Ok(Self {
            features,
            resident,
            device,
            longest: norms.iter().copied().fold(0.0, f64::max),
            half_sq_norms: sq_norms.iter().map(half).collect(),
            norms,
        })
    }

    fn rows(&self, start: usize, end: usize) -> Result<Tensor> {
        match &self.resident {
            Some(x) => Ok(x.f_narrow(0, start as i64, (end - start) as i64)?),
            None => Ok(to_tensor(self.features.dense_rows(start, end).view(), self.device)?),
        }
    }
}

fn sq_norms(rows: &Array2<f32>) -> Vec<f64> {
    let rows: Vec<_> = rows.outer_iter().collect();
    rows.into_par_iter().map(|row| row.iter().map(|&v| f64::from(v).powi(2)).sum()).collect()
}
