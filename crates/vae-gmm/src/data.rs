//! The rows in the form that the distance kernels need: contiguous, with their mean, their norms
//! and a fixed partition.

use std::ops::Range;

use ndarray::{Array1, ArrayView2, CowArray, Ix2};
use rayon::prelude::*;

use crate::vector::{add_row, square};

/// Rows of one matrix product. 256 rows of 784 values fit a second-level cache.
pub(crate) const BLOCK: usize = 256;

/// Largest number of parts of a pass over the data. Partial sums are added in the order of the
/// parts, and the parts depend on the number of rows only, hence equal results at every thread
/// count.
const MAX_PARTS: usize = 32;

/// The data of a fit.
pub(crate) struct Data<'a> {
    x: CowArray<'a, f32, Ix2>,
    /// Mean row, which the f32 kernels subtract first: cancellation then costs the spread's
    /// precision, not the offset's.
    pub(crate) mean: Array1<f32>,
    /// Norm of each centred row.
    pub(crate) norms: Vec<f32>,
    /// Variance of a feature, averaged over features: the unit of `tol`.
    pub(crate) spread: f64,
}

impl<'a> Data<'a> {
    /// Takes finite, non-empty data `[n, d]`; copies them only when they are not contiguous.
    pub(crate) fn new(x: ArrayView2<'a, f32>) -> Self {
        let x = match x.is_standard_layout() {
            true => CowArray::from(x),
            false => CowArray::from(x.as_standard_layout().into_owned()),
        };
        let mut data = Self { mean: Array1::zeros(x.ncols()), norms: Vec::new(), spread: 0.0, x };
        let sums = data.over_parts(|rows| {
            let mut sum = vec![0.0; data.d()];
            rows.for_each(|i| add_row(&mut sum, data.row(i)));
            sum
        });
        let n = data.n() as f64;
        let mean: Array1<f32> =
            (0..data.d()).map(|j| (sums.iter().map(|s| s[j]).sum::<f64>() / n) as f32).collect();
        data.mean = mean;
        let sq_norms = data.over_parts(|rows| rows.map(|i| data.centred_sq_norm(i)).collect::<Vec<f64>>());
        data.spread = sq_norms.iter().map(|p| p.iter().sum::<f64>()).sum::<f64>() / (n * data.d() as f64);
        data.norms = sq_norms.into_iter().flatten().map(|s| s.sqrt() as f32).collect();
        data
    }

    /// Number of rows.
    pub(crate) fn n(&self) -> usize {
        self.x.nrows()
    }

    /// Number of columns.
    pub(crate) fn d(&self) -> usize {
        self.x.ncols()
    }

    /// One row.
    pub(crate) fn row(&self, i: usize) -> &[f32] {
        let d = self.d();
        let all = self.x.as_slice().expect("standard layout was ensured in `new`");
        &all[i * d..(i + 1) * d]
    }

    fn centred_sq_norm(&self, i: usize) -> f64 {
        self.row(i).iter().zip(&self.mean).map(|(&v, &m)| square(f64::from(v) - f64::from(m))).sum()
    }

    /// The fixed partition of the rows.
    pub(crate) fn parts(&self) -> Vec<Range<usize>> {
        let rows = self.n().div_ceil(MAX_PARTS).next_multiple_of(BLOCK);
        (0..self.n()).step_by(rows).map(|start| start..(start + rows).min(self.n())).collect()
    }

    /// Runs `f` on every part, in parallel; results come in the order of the parts.
    pub(crate) fn over_parts<T: Send>(&self, f: impl Fn(Range<usize>) -> T + Sync + Send) -> Vec<T> {
        self.parts().into_par_iter().map(f).collect()
    }

    /// Copies rows minus the mean into the first `rows.len()` rows of a block buffer `[BLOCK * d]`.
    pub(crate) fn centre_into(&self, rows: Range<usize>, block: &mut [f32]) {
        for (i, out) in rows.zip(block.chunks_exact_mut(self.d())) {
            for ((o, &v), &m) in out.iter_mut().zip(self.row(i)).zip(&self.mean) {
                *o = v - m;
            }
        }
    }
}

/// Cuts a part into blocks.
pub(crate) fn blocks(part: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = part.end;
    part.step_by(BLOCK).map(move |start| start..(start + BLOCK).min(end))
}
