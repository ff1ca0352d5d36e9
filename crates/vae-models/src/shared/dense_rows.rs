//! Features as one matrix.

use ndarray::{CowArray, Ix2};
use vae_core::Features;
use vae_gmm::Rows;

/// The rows for k-means, dense or sparse as they are.
pub(crate) fn rows(x: &Features) -> Rows<'_> {
    match (x.as_dense(), x.as_csr()) {
        (Some(dense), _) => dense.into(),
        (None, Some(csr)) => csr.into(),
        (None, None) => unreachable!("features are dense or sparse"),
    }
}

/// All rows as one dense matrix, `[n, d]`; dense features are not copied.
pub(crate) fn dense(x: &Features) -> CowArray<'_, f32, Ix2> {
    match x.as_dense() {
        Some(view) => CowArray::from(view),
        None => CowArray::from(x.dense_rows(0, x.n())),
    }
}
