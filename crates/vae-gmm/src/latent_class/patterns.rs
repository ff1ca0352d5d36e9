//! The rows of a table, each different one once.

use super::{MISSING, MixedRows};
use ndarray::{Array2, ArrayView1};
use std::collections::HashMap;

/// The different rows, how often each occurs, and which of them each row is. Rows with numbers are
/// all different.
pub(super) struct Patterns {
    /// `[m, d]`.
    pub rows: Array2<u32>,
    /// `[m, q]`.
    pub numbers: Array2<f64>,
    /// Mean and variance of each number.
    pub moments: Vec<(f64, f64)>,
    pub counts: Vec<f64>,
    pub of: Vec<usize>,
    /// Of each category the shares of its levels among all rows.
    pub shares: Vec<Vec<f64>>,
}

impl Patterns {
    pub fn of(x: &MixedRows<'_>) -> Self {
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
        let n_levels = x.columns().into_iter().map(|c| c.iter().map(level_of).max().unwrap_or(0).max(1));
        let shares = |(j, n): (usize, usize)| {
            let mut shares = vec![0.0; n];
            for (row, count) in rows.column(j).iter().zip(&counts).filter(|(v, _)| **v != MISSING) {
                shares[*row as usize] += count;
            }
            let sum: f64 = shares.iter().sum::<f64>().max(1.0);
            shares.into_iter().map(|share| share / sum).collect()
        };
        let shares = n_levels.enumerate().map(shares).collect();
        let numbers = match has_numbers {
            true => numbers.mapv(f64::from),
            false => Array2::zeros((counts.len(), 0)),
        };
        let moments = numbers.columns().into_iter().map(moments).collect();
        Self { rows, numbers, moments, counts, of, shares }
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
