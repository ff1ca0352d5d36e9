//! Between tensors and arrays.

use crate::device::upload;
use crate::{Error, Result};
use ndarray::{Array2, ArrayView2};
use tch::{Device, Kind, Tensor};

/// A float tensor `[n, d]` as an array.
///
/// # Errors
/// [`Error::Torch`] when the tensor is not two-dimensional.
pub fn to_array2(t: &Tensor) -> Result<Array2<f32>> {
    let (n, d) = t.size2()?;
    let flat = t.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let mut values = vec![0f32; (n * d) as usize];
    flat.f_copy_data(&mut values, (n * d) as usize)?;
    Array2::from_shape_vec((n as usize, d as usize), values).map_err(|e| Error::Internal(e.to_string()))
}

/// The values of a contiguous f32 tensor of any shape on the CPU, in row-major order, without a
/// copy.
///
/// # Errors
/// [`Error::Internal`] for any other tensor.
pub fn as_slice(t: &Tensor) -> Result<&[f32]> {
    if t.device() != Device::Cpu || t.f_kind()? != Kind::Float || !t.is_contiguous() {
        return Err(Error::Internal("the tensor is not contiguous f32 on the CPU".into()));
    }
    // SAFETY: checked above; numel elements, alive as long as the borrow.
    Ok(unsafe { std::slice::from_raw_parts(t.data_ptr().cast::<f32>(), t.numel()) })
}

/// An array `[n, d]` as a float tensor on `device`.
///
/// # Errors
/// [`Error::Torch`] when libtorch cannot allocate.
pub fn to_tensor(x: ArrayView2<'_, f32>, device: Device) -> Result<Tensor> {
    let shape = [x.nrows() as i64, x.ncols() as i64];
    let x = x.as_standard_layout();
    let values = x.as_slice().ok_or_else(|| Error::Internal("the matrix is not contiguous".into()))?;
    Ok(upload(values, device)?.f_view(shape)?)
}

/// A tensor `[n, d]` as an f64 array.
///
/// # Errors
/// [`Error::Torch`] when the tensor is not two-dimensional.
pub fn to_array2_f64(t: &Tensor) -> Result<Array2<f64>> {
    let (n, d) = t.size2()?;
    let flat = t.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_contiguous()?.f_view([-1])?;
    let values = Vec::<f64>::try_from(flat)?;
    Array2::from_shape_vec((n as usize, d as usize), values).map_err(|e| Error::Internal(e.to_string()))
}

/// An f64 array `[n, d]` as a double tensor on the CPU.
///
/// # Errors
/// [`Error::Torch`] when libtorch cannot allocate.
pub fn to_tensor_f64(x: ArrayView2<'_, f64>) -> Result<Tensor> {
    let shape = [x.nrows() as i64, x.ncols() as i64];
    Ok(Tensor::f_from_slice(&x.iter().copied().collect::<Vec<f64>>())?.f_view(shape)?)
}
