//! What a method may see: numbers, and perhaps the shape of an image. Never labels.

use crate::fsio::hex;
use crate::{Error, Result};
use ndarray::{Array2, ArrayView2};
use sha2::{Digest, Sha256};
use std::sync::OnceLock;
use tch::{Device, Kind, Tensor};

/// Shape of one image; a row of the features is the image in channel-major order (`[channels, height, width]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ImageShape {
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl ImageShape {
    /// Numbers per image.
    pub fn dim(&self) -> usize {
        self.channels * self.height * self.width
    }
}

/// A sparse matrix by rows (CSR), for text: row `i` holds `values[indptr[i]..indptr[i + 1]]` at the columns
/// `indices[indptr[i]..indptr[i + 1]]`.
#[derive(Clone, Debug)]
pub struct Csr {
    /// `[n + 1]`, not decreasing, starts at 0.
    pub indptr: Vec<usize>,
    /// Column of each stored value.
    pub indices: Vec<u32>,
    /// Stored values.
    pub values: Vec<f32>,
    /// Number of columns.
    pub n_columns: usize,
}

#[derive(Clone, Debug)]
enum Data {
    Dense(Array2<f32>),
    Sparse(Csr),
}

/// `n` samples of `dim` finite features, dense or CSR, with an optional image shape.
///
/// There is no way to put labels in here: a fit that takes `&Features` cannot see any.
#[derive(Clone, Debug)]
pub struct Features {
    data: Data,
    image: Option<ImageShape>,
    sha256: OnceLock<String>,
}

impl Features {
    /// Dense features `[n, d]`.
    ///
    /// # Errors
    /// [`Error::Features`] when there are no rows or columns, [`Error::NonFiniteFeature`] at the first NaN or infinity.
    pub fn dense(x: Array2<f32>) -> Result<Self> {
        if x.is_empty() {
            return Err(Error::Features(format!(
                "the features are empty: {} rows, {} columns",
                x.nrows(),
                x.ncols()
            )));
        }
        let x = if x.is_standard_layout() { x } else { x.as_standard_layout().into_owned() };
        if let Some(((row, column), value)) = x.indexed_iter().find(|(_, v)| !v.is_finite()) {
            return Err(Error::NonFiniteFeature { row, column, value: *value });
        }
        Ok(Self { data: Data::Dense(x), image: None, sha256: OnceLock::new() })
    }

    /// Sparse features, `[n, n_columns]`.
    ///
    /// # Errors
    /// [`Error::Features`] when the arrays contradict each other, [`Error::NonFiniteFeature`] for NaN or infinity.
    pub fn sparse(csr: Csr) -> Result<Self> {
        let n = csr.indptr.len().saturating_sub(1);
        let consistent = n > 0
            && csr.n_columns > 0
            && csr.indptr[0] == 0
            && csr.indptr[n] == csr.values.len()
            && csr.indices.len() == csr.values.len()
            && csr.indptr.windows(2).all(|w| w[0] <= w[1])
            && csr.indices.iter().all(|&c| (c as usize) < csr.n_columns);
        if !consistent {
            return Err(Error::Features(
                "the sparse arrays contradict each other (indptr, indices, values)".into(),
            ));
        }
        for row in 0..n {
            for at in csr.indptr[row]..csr.indptr[row + 1] {
                if !csr.values[at].is_finite() {
                    let column = csr.indices[at] as usize;
                    return Err(Error::NonFiniteFeature { row, column, value: csr.values[at] });
                }
            }
        }
        Ok(Self { data: Data::Sparse(csr), image: None, sha256: OnceLock::new() })
    }

    /// Says that each row is an image.
    ///
    /// # Errors
    /// [`Error::Features`] when the shape does not have `dim` numbers.
    pub fn with_image(mut self, image: ImageShape) -> Result<Self> {
        if image.dim() != self.dim() {
            return Err(Error::Features(format!(
                "an image of {}x{}x{} has {} values, a row has {}",
                image.channels,
                image.height,
                image.width,
                image.dim(),
                self.dim()
            )));
        }
        self.image = Some(image);
        Ok(self)
    }

    /// Number of samples.
    pub fn n(&self) -> usize {
        match &self.data {
            Data::Dense(x) => x.nrows(),
            Data::Sparse(csr) => csr.indptr.len() - 1,
        }
    }

    /// Number of features of a sample.
    pub fn dim(&self) -> usize {
        match &self.data {
            Data::Dense(x) => x.ncols(),
            Data::Sparse(csr) => csr.n_columns,
        }
    }

    /// Shape of the images, if the rows are images.
    pub fn image(&self) -> Option<ImageShape> {
        self.image
    }

    /// The dense matrix `[n, d]`; `None` for sparse features.
    pub fn as_dense(&self) -> Option<ArrayView2<'_, f32>> {
        match &self.data {
            Data::Dense(x) => Some(x.view()),
            Data::Sparse(_) => None,
        }
    }

    /// A dense copy of the rows `start..end`, `[end - start, d]`.
    pub fn dense_rows(&self, start: usize, end: usize) -> Array2<f32> {
        match &self.data {
            Data::Dense(x) => x.slice(ndarray::s![start..end, ..]).to_owned(),
            Data::Sparse(csr) => {
                let mut out = Array2::zeros((end - start, csr.n_columns));
                for row in start..end {
                    for at in csr.indptr[row]..csr.indptr[row + 1] {
                        out[[row - start, csr.indices[at] as usize]] = csr.values[at];
                    }
                }
                out
            }
        }
    }

    /// Number of different rows, counted up to `limit`: the search stops there.
    pub fn distinct_rows_up_to(&self, limit: usize) -> usize {
        let mut seen = std::collections::HashSet::new();
        for row in 0..self.n() {
            if seen.len() >= limit {
                break;
            }
            // +0.0 makes one of the two zeros.
            seen.insert(
                self.dense_rows(row, row + 1).iter().map(|v| (v + 0.0).to_bits()).collect::<Vec<u32>>(),
            );
        }
        seen.len()
    }

    /// Smallest and largest value (absent entries of sparse features count as 0).
    pub fn range(&self) -> (f32, f32) {
        let fold = |start: (f32, f32), values: &[f32]| {
            values.iter().fold(start, |(lo, hi), &v| (lo.min(v), hi.max(v)))
        };
        match &self.data {
            Data::Dense(x) => fold((f32::INFINITY, f32::NEG_INFINITY), x.as_slice().unwrap_or(&[])),
            Data::Sparse(csr) => fold((0.0, 0.0), &csr.values),
        }
    }

    /// SHA-256 of the shape and the values (little endian), the identity of the input of a phase.
    pub fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| {
            let mut hash = Sha256::new();
            for size in [self.n(), self.dim()] {
                hash.update((size as u64).to_le_bytes());
            }
            let mut update = |values: &[f32]| {
                let mut buffer = Vec::with_capacity(4 * 4096);
                for chunk in values.chunks(4096) {
                    buffer.clear();
                    chunk.iter().for_each(|v| buffer.extend_from_slice(&v.to_le_bytes()));
                    hash.update(&buffer);
                }
            };
            match &self.data {
                Data::Dense(x) => update(x.as_slice().unwrap_or(&[])),
                Data::Sparse(csr) => {
                    update(&csr.values);
                    csr.indices.iter().for_each(|c| hash.update(c.to_le_bytes()));
                    csr.indptr.iter().for_each(|p| hash.update((*p as u64).to_le_bytes()));
                }
            }
            hex(&hash.finalize())
        })
    }
}

/// Features that live on the device for the length of a training, so that a batch is one gather.
#[derive(Debug)]
pub struct Resident<'a> {
    features: &'a Features,
    /// `[n, d]` on the device; `None` for sparse features, whose batches are made on the host.
    dense: Option<Tensor>,
    device: Device,
}

impl<'a> Resident<'a> {
    /// Puts the features on `device`. Dense features on the CPU are copied once into memory of libtorch.
    ///
    /// # Errors
    /// [`Error::Torch`], for example when the device has too little memory.
    pub fn new(features: &'a Features, device: Device) -> Result<Self> {
        let dense = match &features.data {
            Data::Dense(x) => {
                let shape = [x.nrows() as i64, x.ncols() as i64];
                let values =
                    x.as_slice().ok_or_else(|| Error::Features("the matrix is not contiguous".into()))?;
                Some(Tensor::f_from_slice(values)?.f_view(shape)?.f_to_device(device)?)
            }
            Data::Sparse(_) => None,
        };
        Ok(Self { features, dense, device })
    }

    /// Number of samples.
    pub fn n(&self) -> usize {
        self.features.n()
    }

    /// Number of features.
    pub fn dim(&self) -> usize {
        self.features.dim()
    }

    /// Where batches live.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The rows `index`, `[b, d]`, on the device. `index` is an i64 tensor `[b]` on the same device.
    ///
    /// # Errors
    /// [`Error::Torch`] when an index is out of range.
    pub fn gather(&self, index: &Tensor) -> Result<Tensor> {
        if let Some(x) = &self.dense {
            return Ok(x.f_index_select(0, index)?);
        }
        let rows = Vec::<i64>::try_from(index.f_to_device(Device::Cpu)?)?;
        let mut out = Vec::with_capacity(rows.len() * self.dim());
        for row in &rows {
            out.extend(self.features.dense_rows(*row as usize, *row as usize + 1));
        }
        Ok(Tensor::f_from_slice(&out)?
            .f_view([rows.len() as i64, self.dim() as i64])?
            .f_to_device(self.device)?)
    }

    /// The rows `start..end`, `[end - start, d]`, on the device, without a copy where possible.
    ///
    /// # Errors
    /// [`Error::Torch`] when the range is outside the data.
    pub fn rows(&self, start: usize, end: usize) -> Result<Tensor> {
        match &self.dense {
            Some(x) => Ok(x.f_narrow(0, start as i64, (end - start) as i64)?),
            None => {
                self.gather(&Tensor::f_arange_start(start as i64, end as i64, (Kind::Int64, self.device))?)
            }
        }
    }

    /// Applies `f` to blocks of rows in order and joins the results along the first axis; no gradients.
    ///
    /// # Errors
    /// What `f` returns, or [`Error::Torch`].
    pub fn map_rows(&self, block: usize, mut f: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let mut parts = Vec::new();
        let mut start = 0;
        while start < self.n() {
            let end = (start + block).min(self.n());
            parts.push(f(&self.rows(start, end)?)?);
            start = end;
        }
        Ok(Tensor::f_cat(&parts, 0)?)
    }
}

/// A float tensor `[n, d]` as an array.
///
/// # Errors
/// [`Error::Torch`] when the tensor is not two-dimensional.
pub fn to_array2(t: &Tensor) -> Result<Array2<f32>> {
    let (n, d) = t.size2()?;
    let flat = t.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let mut values = vec![0f32; (n * d) as usize];
    flat.f_copy_data(&mut values, (n * d) as usize)?;
    Array2::from_shape_vec((n as usize, d as usize), values).map_err(|e| Error::Features(e.to_string()))
}

/// The numbers of a contiguous f32 tensor on the CPU, without a copy.
///
/// # Errors
/// [`Error::Features`] for any other tensor.
pub fn as_slice(t: &Tensor) -> Result<&[f32]> {
    if t.device() != Device::Cpu || t.f_kind()? != Kind::Float || !t.is_contiguous() {
        return Err(Error::Features("the tensor is not contiguous f32 on the CPU".into()));
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
    let values = x.as_slice().ok_or_else(|| Error::Features("the matrix is not contiguous".into()))?;
    Ok(Tensor::f_from_slice(values)?.f_view(shape)?.f_to_device(device)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn csr() -> Csr {
        Csr { indptr: vec![0, 2, 2, 3], indices: vec![0, 2, 1], values: vec![1.0, 2.0, 3.0], n_columns: 3 }
    }

    #[test]
    fn refuses_what_is_not_finite_by_row_and_column() {
        let x = array![[0.0f32, 1.0], [2.0, f32::NAN]];
        let e = Features::dense(x).expect_err("NaN").to_string();
        assert!(e.contains("row 1, column 1"), "{e}");
    }

    #[test]
    fn refuses_empty_and_contradictory_input() {
        assert!(Features::dense(Array2::zeros((0, 3))).is_err());
        assert!(Features::sparse(Csr { indices: vec![0, 3, 1], ..csr() }).is_err());
        assert!(Features::sparse(Csr { indptr: vec![0, 3, 2, 3], ..csr() }).is_err());
        let image = ImageShape { channels: 1, height: 2, width: 2 };
        assert!(Features::dense(array![[1.0f32, 2.0]]).and_then(|f| f.with_image(image)).is_err());
    }

    #[test]
    fn sparse_batches_equal_dense_ones() {
        let dense = array![[1.0f32, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 3.0, 0.0]];
        let sparse = Features::sparse(csr()).expect("valid");
        assert_eq!(sparse.dense_rows(0, 3), dense);
        let dense = Features::dense(dense).expect("valid");
        let index = Tensor::from_slice(&[2i64, 0]);
        let a = Resident::new(&sparse, Device::Cpu).and_then(|r| r.gather(&index)).expect("gather");
        let b = Resident::new(&dense, Device::Cpu).and_then(|r| r.gather(&index)).expect("gather");
        assert!(a.equal(&b));
    }

    #[test]
    fn distinct_rows_are_counted_up_to_the_limit() {
        let x = Features::dense(array![[0.0f32, 1.0], [-0.0, 1.0], [2.0, 1.0], [3.0, 1.0]]).expect("valid");
        assert_eq!(x.distinct_rows_up_to(10), 3);
        assert_eq!(x.distinct_rows_up_to(2), 2);
    }

    #[test]
    fn the_checksum_depends_on_values_and_shape() {
        let a = Features::dense(array![[1.0f32, 2.0]]).expect("valid");
        let b = Features::dense(array![[1.0f32], [2.0]]).expect("valid");
        let c = Features::dense(array![[1.0f32, 2.5]]).expect("valid");
        assert_ne!(a.sha256(), b.sha256());
        assert_ne!(a.sha256(), c.sha256());
    }
}
