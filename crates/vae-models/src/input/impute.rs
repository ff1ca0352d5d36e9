//! Missing values of a table.

use crate::Result;
use ndarray::{ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use tch::Tensor;
use vae_core::Features;
use vae_core::identity::Revision;
use vae_core::program::{Op, Program, Value};

/// What stands for a missing value.
pub const REVISION: Revision = ("imputation", 1);

/// Most rows that lend their values, for the sake of cost: every so many-th row of the table.
const MOST_DONORS: usize = 1000;

/// Rows whose mean stands for a missing value.
const NEAREST: usize = 10;

/// A missing value becomes the mean of the values of the nearest fitted rows. Two rows are as far
/// apart as the features say that both have (a mean squared difference after the scaling).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Imputer {
    /// The mean of each feature, `[d]`: for rows without any value, and where no row lends one.
    mean: Vec<f32>,
    /// Rows of the fit, after the scaling, with `None` where they are missing themselves. Empty
    /// where the fit had no missing values: then the mean stands for them.
    donors: Vec<Vec<Option<f32>>>,
}

impl Imputer {
    /// Learns from scaled features, `[n, d]`, with NaN for missing values.
    pub(crate) fn fit(x: ArrayView2<'_, f32>) -> Self {
        let mean = x.axis_iter(Axis(1)).map(mean_of).collect();
        let step = x.nrows().div_ceil(MOST_DONORS).max(1);
        let lends = |row: ArrayView1<'_, f32>| row.iter().map(|v| (!v.is_nan()).then_some(*v)).collect();
        let is_missing = x.iter().any(|v| v.is_nan());
        let donors =
            if is_missing { x.rows().into_iter().step_by(step).map(lends).collect() } else { Vec::new() };
        Self { mean, donors }
    }

    /// The features without missing values.
    ///
    /// # Errors
    /// A file that cannot be written, where the features lie in one.
    pub(crate) fn fill(&self, x: &Features) -> Result<Features> {
        Ok(x.filled(|mut row| {
            let values = self.values(row.view());
            row.iter_mut().zip(values).filter(|(v, _)| v.is_nan()).for_each(|(v, value)| *v = value);
        })?)
    }

    /// Adds it to a program.
    pub(super) fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        let mean = Tensor::from_slice(&self.mean);
        let donors: Vec<f32> = self.donors.iter().flatten().map(|v| v.unwrap_or(f32::NAN)).collect();
        let donors =
            Tensor::f_from_slice(&donors)?.f_view([self.donors.len() as i64, self.mean.len() as i64])?;
        let with_donors = [("mean", &mean), ("donors", &donors)];
        let tensors = if self.donors.is_empty() { &with_donors[..1] } else { &with_donors[..] };
        Ok(program.add(Op::Impute { nearest: NEAREST }, &[x], tensors)?)
    }

    /// What stands for each feature of a row if it is missing, `[d]`.
    fn values(&self, row: ArrayView1<'_, f32>) -> Vec<f32> {
        let mut near: Vec<(f32, usize)> = Vec::with_capacity(self.donors.len());
        for (i, donor) in self.donors.iter().enumerate() {
            let (mut squares, mut shared) = (0.0, 0u32);
            for (v, other) in row.iter().zip(donor) {
                if let (false, Some(other)) = (v.is_nan(), other) {
                    squares += (v - other).powi(2);
                    shared += 1;
                }
            }
            if shared > 0 {
                near.push((squares / shared as f32, i));
            }
        }
        near.sort_unstable_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal).then(a.1.cmp(&b.1)));
        let value = |(feature, mean): (usize, &f32)| {
            let lent = near.iter().filter_map(|(_, i)| self.donors[*i][feature]).take(NEAREST);
            let (sum, n) = lent.fold((0.0, 0), |(sum, n), v| (sum + v, n + 1));
            if n > 0 { sum / n as f32 } else { *mean }
        };
        self.mean.iter().enumerate().map(value).collect()
    }
}

/// The mean of the values that are there; 0 where none is.
fn mean_of(column: ArrayView1<'_, f32>) -> f32 {
    let there = column.iter().filter(|v| !v.is_nan());
    let (sum, n) = there.fold((0.0, 0usize), |(sum, n), v| (sum + f64::from(*v), n + 1));
    if n > 0 { (sum / n as f64) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn near_rows_lend_their_values() {
        // Two groups of ten rows: (0, 0) and (10, 10), and one row of each that lacks a value.
        let mut x = Array2::<f32>::from_shape_fn((22, 2), |(i, _)| (i % 2 * 10) as f32);
        x[[20, 1]] = f32::NAN;
        x[[21, 0]] = f32::NAN;
        let imputer = Imputer::fit(x.view());
        let features = Features::table(x, None).expect("NaN is a missing value");
        assert_eq!(features.n_missing(), 2);
        let filled = imputer.fill(&features).expect("filled");
        assert_eq!(filled.n_missing(), 0);
        let filled = filled.as_dense().expect("dense").to_owned();
        assert_eq!([filled[[20, 1]], filled[[21, 0]]], [0.0, 10.0]);
        // A row without any value gets the means.
        let empty = Features::table(array![[f32::NAN, f32::NAN]], None).expect("valid");
        let filled = imputer.fill(&empty).expect("filled");
        assert_eq!(
            filled.as_dense().expect("dense"),
            array![[100.0 / 21.0, 110.0 / 21.0]].mapv(|v: f64| v as f32)
        );
    }

    #[test]
    fn without_missing_values_in_the_fit_the_mean_stands_for_them() {
        let imputer = Imputer::fit(array![[0.0f32, 1.0], [2.0, 3.0]].view());
        let x = Features::table(array![[0.0f32, f32::NAN]], None).expect("valid");
        let filled = imputer.fill(&x).expect("filled");
        assert_eq!(filled.as_dense().expect("dense"), array![[0.0f32, 2.0]]);
    }
}
