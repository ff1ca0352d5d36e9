//! The pieces of SpectralNet's objective as pure functions of tensors.
//!
//! ```text
//! affinity       W_ij = exp(−‖h_i − h_j‖² / 2s²) for the nearest j of i (i itself among them), symmetrised
//! orthonormality G = ỸᵀỸ + εI = C Cᵀ,  W_o = √m C⁻ᵀ,  Y = Ỹ W_o,  YᵀY = m I
//! loss           L = 1/2m Σ_ij W_ij ‖y_i − y_j‖² = 1/m tr(Yᵀ (D − W) Y)
//! ```
//!
//! The Laplacian is the unnormalised one, as in the authors' code. Wherever `m` stands it is the
//! number of rows.

use tch::{Kind, Tensor};
use vae_core::{Error, Result};

/// Added to the diagonal of the Gram matrix (the authors' value).
const RIDGE: f64 = 1e-7;

/// Ridges tried after a failure, relative to the mean of the Gram matrix's diagonal.
const LARGER_RIDGES: [f64; 2] = [1e-5, 1e-3];

/// cdist's `compute_mode` without a matrix product, whose cancellation loses the distances of near
/// neighbours.
const EXACT: i64 = 2;

const LAST: [i64; 1] = [-1];

/// Squared distances of all pairs of rows, `[m, m]`, without a gradient; the diagonal is exactly 0.
fn squared_distances(h: &Tensor) -> Result<Tensor> {
    let h = h.detach();
    let mut sq = Tensor::f_cdist(&h, &h, 2.0, EXACT)?.f_square()?;
    let _ = sq.f_fill_diagonal_(0.0, false)?;
    Ok(sq)
}

/// The affinities of a batch, `[m, m]`, symmetric, entries in [0, 1], diagonal 1; no gradient.
///
/// Each row keeps its `n_neighbors` smallest distances, its own among them (0: all of them); the
/// mean with the transpose makes it symmetric.
///
/// # Shapes
/// `h`: `[m, p]`.
///
/// # Errors
/// libtorch's.
pub fn affinity(h: &Tensor, n_neighbors: usize, scale: f64) -> Result<Tensor> {
    let _guard = tch::no_grad_guard();
    let sq = squared_distances(h)?;
    let weights = (&sq * (-0.5 / (scale * scale))).f_exp()?;
    let m = sq.size()[0];
    if n_neighbors == 0 || n_neighbors as i64 >= m {
        return Ok(weights);
    }
    // Below every other, so that a row with many copies keeps itself among its neighbours.
    let mut order = sq;
    let _ = order.f_fill_diagonal_(-1.0, false)?;
    let (_, nearest) = order.f_topk(n_neighbors as i64, -1, false, false)?;
    let kept = weights.f_gather(1, &nearest, false)?;
    let directed = weights.f_zeros_like()?.f_scatter(1, &nearest, &kept)?;
    Ok((&directed + directed.tr()) * 0.5)
}

/// The one scale of all affinities: the median over the rows of the distance to the
/// `scale_neighbor`-th nearest row, the row itself being the first. When more than half of them
/// coincide the median of the others, and 1 when all do.
///
/// # Shapes
/// `h`: `[m, p]`.
///
/// # Errors
/// [`Error::Config`] when there are fewer rows; libtorch's.
pub fn neighbour_scale(h: &Tensor, scale_neighbor: usize) -> Result<f64> {
    let _guard = tch::no_grad_guard();
    let m = h.size()[0];
    if scale_neighbor == 0 || scale_neighbor as i64 > m {
        let expected = format!("1 to the number of rows, {m}");
        return Err(Error::config("affinity.scale_neighbor", scale_neighbor, &expected));
    }
    let (sq, _) = squared_distances(h)?.f_kthvalue(scale_neighbor as i64, 1, false)?;
    let distance = sq.f_sqrt()?.f_to_kind(Kind::Double)?;
    let median = distance.f_median()?.f_double_value(&[])?;
    if median > 0.0 {
        return Ok(median);
    }
    let apart = distance.f_masked_select(&distance.f_gt(0.0)?)?;
    if apart.numel() == 0 { Ok(1.0) } else { Ok(apart.f_median()?.f_double_value(&[])?) }
}

/// `W_o`, `[K, K]`, such that the columns of `y W_o` are orthogonal with squared length m; `None`
/// when the Gram matrix could not be decomposed with any ridge. Differentiable.
///
/// # Shapes
/// `y`: `[m, K]`.
///
/// # Errors
/// libtorch's.
pub fn orthonormaliser(y: &Tensor) -> Result<Option<Tensor>> {
    let (m, k) = y.size2()?;
    let exact = y.f_to_kind(Kind::Double)?;
    let gram = exact.tr().f_matmul(&exact)?;
    let eye = Tensor::f_eye(k, (Kind::Double, y.device()))?;
    let diagonal = gram.f_trace()?.f_double_value(&[])? / k as f64;
    if !diagonal.is_finite() {
        return Ok(None);
    }
    for ridge in [RIDGE].into_iter().chain(LARGER_RIDGES.map(|r| r * diagonal)) {
        let (factor, info) = (&gram + &eye * ridge).f_linalg_cholesky_ex(false, false)?;
        if info.f_int64_value(&[])? == 0 {
            let inverse = factor.f_linalg_solve_triangular(&eye, false, true, false)?;
            return Ok(Some((inverse.tr() * (m as f64).sqrt()).f_to_kind(y.kind())?));
        }
    }
    Ok(None)
}

/// `1/m tr(Yᵀ (D − W) Y)`, a scalar: a sum over the K outputs, a mean over the batch.
///
/// # Shapes
/// `w`: `[m, m]`, symmetric; `y`: `[m, K]`.
pub fn laplacian(w: &Tensor, y: &Tensor) -> Tensor {
    let degree = w.sum_dim_intlist(LAST.as_slice(), true, None);
    (y * (y * degree - w.matmul(y))).sum(None::<Kind>) / y.size()[0] as f64
}

#[cfg(test)]
mod tests;
