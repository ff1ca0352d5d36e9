//! The rows in the form that the distance kernels need: contiguous, with their mean, their norms
//! and a fixed partition.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{Array1, ArrayView2, CowArray, Ix2};
use rayon::prelude::*;
use vae_array::Csr;

use crate::vector::{add_row, square};

/// Rows of one matrix product. 256 rows of 784 values fit a second-level cache.
pub(crate) const BLOCK: usize = 256;

/// Largest number of parts of a pass over the data. Partial sums are added in the order of the
/// parts, and the parts depend on the number of rows only, hence equal results at every thread
/// count.
const MAX_PARTS: usize = 32;

/// Rows of features, `[n, d]`.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// Every value.
    Dense(ArrayView2<'a, f32>),
    /// The values that are not 0. The results are those of the same rows, dense.
    Sparse(&'a Csr),
}

impl<'a> From<ArrayView2<'a, f32>> for Rows<'a> {
    fn from(x: ArrayView2<'a, f32>) -> Self {
        Self::Dense(x)
    }
}

impl<'a> From<&'a Csr> for Rows<'a> {
    fn from(x: &'a Csr) -> Self {
        Self::Sparse(x)
    }
}

impl Rows<'_> {
    /// Rows and columns.
    pub(crate) fn dim(&self) -> (usize, usize) {
        match self {
            Self::Dense(x) => x.dim(),
            Self::Sparse(x) => (x.n(), x.n_columns),
        }
    }

    /// The same, for checks.
    pub(crate) fn shape(&self) -> [usize; 2] {
        self.dim().into()
    }

    /// Copies row `i` into `out`, `[d]`.
    pub(crate) fn copy(&self, i: usize, out: &mut [f32]) {
        match self {
            Self::Dense(x) => out.iter_mut().zip(x.row(i)).for_each(|(o, &v)| *o = v),
            Self::Sparse(x) => scatter(x, i, out),
        }
    }
}

/// Writes row `i` into `out`, `[d]`.
fn scatter(x: &Csr, i: usize, out: &mut [f32]) {
    out.fill(0.0);
    let (columns, values) = x.row(i);
    columns.iter().zip(values).for_each(|(&column, &value)| out[column as usize] = value);
}

/// What the rows are kept in.
enum Kept<'a> {
    Dense(CowArray<'a, f32, Ix2>),
    Sparse(&'a Csr),
}

/// The data of a fit.
pub(crate) struct Data<'a> {
    x: Kept<'a>,
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
    pub(crate) fn new(x: impl Into<Rows<'a>>) -> Self {
        let x = x.into();
        let mean = Array1::zeros(x.dim().1);
        let x = match x {
            Rows::Dense(x) if x.is_standard_layout() => Kept::Dense(CowArray::from(x)),
            Rows::Dense(x) => Kept::Dense(CowArray::from(x.as_standard_layout().into_owned())),
            Rows::Sparse(x) => Kept::Sparse(x),
        };
        let mut data = Self { mean, norms: Vec::new(), spread: 0.0, x };
        let sums = data.over_parts(|rows| {
            let mut sum = vec![0.0; data.d()];
            rows.for_each(|i| data.add_to(i, &mut sum));
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
        match &self.x {
            Kept::Dense(x) => x.nrows(),
            Kept::Sparse(x) => x.n(),
        }
    }

    /// Number of columns.
    pub(crate) fn d(&self) -> usize {
        self.mean.len()
    }

    /// The rows, if they are sparse.
    pub(crate) fn sparse(&self) -> Option<&Csr> {
        match &self.x {
            Kept::Dense(_) => None,
            Kept::Sparse(x) => Some(x),
        }
    }

    /// One row with all its values.
    pub(crate) fn row(&self, i: usize) -> Cow<'_, [f32]> {
        match &self.x {
            Kept::Dense(x) => {
                let d = self.d();
                let all = x.as_slice().expect("standard layout was ensured in `new`");
                Cow::Borrowed(&all[i * d..(i + 1) * d])
            }
            Kept::Sparse(x) => {
                let mut row = vec![0.0; self.d()];
                scatter(x, i, &mut row);
                Cow::Owned(row)
            }
        }
    }

    /// Adds row `i` to `sum`, `[d]`.
    pub(crate) fn add_to(&self, i: usize, sum: &mut [f64]) {
        match &self.x {
            Kept::Dense(_) => add_row(sum, &self.row(i)),
            // A value of 0 changes no sum.
            Kept::Sparse(x) => {
                let (columns, values) = x.row(i);
                columns.iter().zip(values).for_each(|(&column, &v)| sum[column as usize] += f64::from(v));
            }
        }
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
            for ((o, &v), &m) in out.iter_mut().zip(self.row(i).iter()).zip(&self.mean) {
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
