//! Features as one dense matrix.

use ndarray::{CowArray, Ix2};
use vae_core::Features;

/// All rows as one dense matrix, without a copy where they are one.
pub(crate) fn dense(x: &Features) -> CowArray<'_, f32, Ix2> {
    match x.as_dense() {
        Some(view) => CowArray::from(view),
        None => CowArray::from(x.dense_rows(0, x.n())),
    }
}
