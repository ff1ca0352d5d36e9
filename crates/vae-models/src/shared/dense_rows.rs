//! Features as one dense matrix.

use ndarray::{CowArray, Ix2};
use vae_core::Features;

/// All rows as one dense matrix, `[n, d]`; dense features are not copied.
pub(crate) fn dense(x: &Features) -> CowArray<'_, f32, Ix2> {
    match x.as_dense() {
        Some(view) => CowArray::from(view),
        None => CowArray::from(x.dense_rows(0, x.n())),
    }
}
