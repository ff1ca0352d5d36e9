//! Layers' products, by the library and in the precision that are in force.

use super::Matmul;
use super::rounded::rounded;
use crate::precision::Precision;
use tch::{Device, Kind, Tensor};

/// Below this length of any side of a product the BLAS is faster.
const MIN_SIDE: i64 = 64;

/// The BLAS is also faster below this number of multiplications.
const MIN_PRODUCTS: i64 = 10_000_000;

/// Below this number of multiplications single precision is as fast as bfloat16, since the factors
/// have to be rounded.
const MIN_ROUNDED_PRODUCTS: i64 = 5_000_000;

/// `y = x Wᵀ + b`, by the process's library and in the [`Precision`] in force where the product is
/// large. Differentiable.
///
/// # Shapes
/// `x`: `[.., in]`, `weight`: `[out, in]`, `bias`: `[out]`; result `[.., out]`.
///
/// # Panics
/// On shapes that do not fit, a mistake of the caller's code.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    in_f32(linear_as_computed(x, weight, bias))
}

/// [`linear`] between layers: a product in bfloat16 stays in that format, in which the next one
/// reads it, so that a chain of layers is rounded once per layer. [`in_f32`] ends the chain.
///
/// # Shapes
/// As for [`linear`]; `x` may be in bfloat16.
pub fn linear_as_computed(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    if Precision::current() == Precision::Bf16 && is_worth_rounding(x, weight) {
        let in_bf16 = |t: &Tensor| t.to_kind(Kind::BFloat16);
        return in_bf16(x).linear(&rounded(weight), bias.map(in_bf16));
    }
    let x = &in_f32(x.shallow_clone());
    match library_of(x, weight) {
        Matmul::OneDnn => by_onednn(x, weight, bias),
        Matmul::Blas => x.linear(weight, bias),
    }
}

/// Bfloat16 as single precision; other kinds as they are.
pub fn in_f32(x: Tensor) -> Tensor {
    if x.kind() == Kind::BFloat16 { x.to_kind(Kind::Float) } else { x }
}

/// The library that [`linear`] takes for this product: the process's, or the BLAS for a small one.
///
/// # Shapes
/// As for [`linear`].
pub fn library_of(x: &Tensor, weight: &Tensor) -> Matmul {
    match Matmul::current() {
        Matmul::OneDnn if is_large(x, weight) => Matmul::OneDnn,
        _ => Matmul::Blas,
    }
}

/// Numbers of rows that change from step to step should be multiples of this: oneDNN compiles
/// kernels for each number, and caches a limited number of them.
pub fn row_multiple(device: Device) -> i64 {
    match Matmul::on(device) {
        Some(Matmul::OneDnn) => 32,
        Some(Matmul::Blas) | None => 1,
    }
}

fn is_large(x: &Tensor, weight: &Tensor) -> bool {
    x.device() == Device::Cpu && x.kind() == Kind::Float && has_products(x, weight, MIN_PRODUCTS)
}

/// Whether [`linear`] computes this product in bfloat16 where that is in force.
///
/// # Shapes
/// As for [`linear`].
pub fn is_worth_rounding(x: &Tensor, weight: &Tensor) -> bool {
    let kinds = matches!(x.kind(), Kind::Float | Kind::BFloat16) && weight.kind() == Kind::Float;
    kinds && has_products(x, weight, MIN_ROUNDED_PRODUCTS)
}

/// Whether the product has sides of at least [`MIN_SIDE`] and `least` multiplications.
fn has_products(x: &Tensor, weight: &Tensor, least: i64) -> bool {
    let (w_size, x_size) = (weight.size(), x.size());
    let (&[n_out, n_in], Some(&width)) = (&w_size[..], x_size.last()) else { return false };
    let rows = x.numel() as i64 / width.max(1);
    rows.min(n_out).min(n_in) >= MIN_SIDE && rows * n_out * n_in >= least
}

fn by_onednn(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    x.to_mkldnn().mkldnn_linear(weight, bias).to_dense(None, false)
}

#[cfg(test)]
mod tests;
