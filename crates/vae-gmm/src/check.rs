//! Checks of inputs, so that the other modules can rely on shapes and finite values.

use ndarray::ArrayView2;

use crate::data::Rows;
use crate::{Error, Result};

/// Refuses an empty array and the first NaN or infinite value, in row order.
pub(crate) fn data(x: ArrayView2<'_, f32>) -> Result<()> {
    let (n, d) = x.dim();
    if n == 0 || d == 0 {
        return Err(Error::EmptyData { n, d });
    }
    finite("x", x)
}

/// The same of rows that may be sparse.
pub(crate) fn rows(x: &Rows<'_>) -> Result<()> {
    match x {
        Rows::Dense(x) => data(*x),
        Rows::Sparse(x) => {
            let (n, d) = (x.n(), x.n_columns);
            if n == 0 || d == 0 {
                return Err(Error::EmptyData { n, d });
            }
            for row in 0..n {
                let (columns, values) = x.row(row);
                if let Some(at) = values.iter().position(|v| !v.is_finite()) {
                    let (col, value) = (columns[at] as usize, f64::from(values[at]));
                    return Err(Error::NonFinite { what: "x", row, col, value });
                }
            }
            Ok(())
        }
    }
}

/// Refuses the first NaN or infinite value of `a`, in row order.
pub(crate) fn finite<T: Copy + Into<f64>>(what: &'static str, a: ArrayView2<'_, T>) -> Result<()> {
    for (row, values) in a.outer_iter().enumerate() {
        if let Some(col) = values.iter().position(|&v| !v.into().is_finite()) {
            return Err(Error::NonFinite { what, row, col, value: values[col].into() });
        }
    }
    Ok(())
}

/// Refuses `k = 0` and more clusters than rows.
pub(crate) fn clusters(n: usize, k: usize) -> Result<()> {
    match k {
        0 => Err(Error::NoClusters),
        k if k > n => Err(Error::TooFewRows { n, k }),
        _ => Ok(()),
    }
}

/// Refuses a shape other than the expected one.
pub(crate) fn shape(what: &'static str, got: &[usize], expected: &[usize]) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(Error::Shape { what, got: got.to_vec(), expected: expected.to_vec() })
}

/// Refuses 0 restarts, and more than 100,000.
pub(crate) fn restarts(value: usize) -> Result<()> {
    if (1..=100_000).contains(&value) {
        return Ok(());
    }
    Err(Error::Config { key: "n_init", value: value as f64, range: "1 to 100,000" })
}

/// Refuses a count of 0.
pub(crate) fn at_least_one(key: &'static str, value: usize) -> Result<()> {
    if value > 0 {
        return Ok(());
    }
    Err(Error::Config { key, value: 0.0, range: "at least 1" })
}

/// Refuses NaN, infinity and negative values.
pub(crate) fn non_negative(key: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::Config { key, value, range: "finite and not negative" })
}
