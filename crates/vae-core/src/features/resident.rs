//! Features on the device of a training.

use super::{Data, Features, Mapped, to_tensor};
use crate::Result;
use ndarray::s;
use tch::{Device, Kind, Tensor};

/// Rows per block when a fully connected network is applied to all samples
/// ([`Resident::map_rows`]). Another number can change the last bits of a product, and so results.
pub const BLOCK: usize = 4096;

/// The same where the network may have convolutions, whose maps take more memory than a sample.
pub const CONVOLUTION_BLOCK: usize = 512;

/// Features on the device during a training, so that a batch is one gather. Batches of sparse
/// features and of features in a file are made on the host.
#[derive(Debug)]
pub struct Resident<'a> {
    features: &'a Features,
    /// `[n, d]` on the device; `None` where batches are made on the host.
    dense: Option<Tensor>,
    /// The same with NaN for values that stand for missing ones, where there are any.
    targets: Option<Tensor>,
    device: Device,
}

impl<'a> Resident<'a> {
    /// Puts the features on `device`. Dense features on the CPU are copied once into memory of
    /// libtorch, unless they lie in a file.
    ///
    /// # Errors
    /// [`crate::Error::Torch`], for example when the device has too little memory.
    pub fn new(features: &'a Features, device: Device) -> Result<Self> {
        let dense = match &features.data {
            Data::Dense(x) => Some(to_tensor(x.view(), device)?),
            Data::Mapped(_) | Data::Sparse(_) => None,
        };
        let targets = match (&dense, features.gaps()) {
            (Some(x), gaps @ [_, ..]) => {
                let places: Vec<i64> = gaps.iter().map(|&gap| gap as i64).collect();
                let places = Tensor::f_from_slice(&places)?.f_to_device(device)?;
                let targets = x.copy();
                let _ = targets.f_view(-1)?.f_index_fill_(0, &places, f64::NAN)?;
                Some(targets)
            }
            _ => None,
        };
        Ok(Self { features, dense, targets, device })
    }

    /// Number of samples.
    pub fn n(&self) -> usize {
        self.features.n()
    }

    /// Number of features.
    pub fn dim(&self) -> usize {
        self.features.dim()
    }

    /// Whether every value of a row is there, and not only those that are not 0.
    pub fn is_dense(&self) -> bool {
        self.features.as_csr().is_none()
    }

    /// The device of the batches.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The rows `index`, `[b, d]`, on the device. `index` is an i64 tensor `[b]` on the same
    /// device.
    ///
    /// # Errors
    /// [`crate::Error::Torch`] when an index is out of range.
    pub fn gather(&self, index: &Tensor) -> Result<Tensor> {
        if let Some(x) = &self.dense {
            return Ok(x.f_index_select(0, index)?);
        }
        match &self.features.data {
            Data::Mapped(rows) => self.gather_from(rows, index),
            Data::Dense(_) | Data::Sparse(_) => self.gathered(index, |row, out| {
                out.extend(self.features.dense_rows(row, row + 1));
            }),
        }
    }

    fn gather_from(&self, rows: &Mapped, index: &Tensor) -> Result<Tensor> {
        let x = rows.view();
        self.gathered(index, |row, out| out.extend(x.row(row)))
    }

    /// The rows that `put` appends, on the device.
    fn gathered(&self, index: &Tensor, put: impl Fn(usize, &mut Vec<f32>)) -> Result<Tensor> {
        let rows = Vec::<i64>::try_from(index.f_to_device(Device::Cpu)?)?;
        let mut out = Vec::with_capacity(rows.len() * self.dim());
        rows.iter().for_each(|row| put(*row as usize, &mut out));
        let shape = [rows.len() as i64, self.dim() as i64];
        Ok(Tensor::f_from_slice(&out)?.f_view(shape)?.f_to_device(self.device)?)
    }

    /// The rows `index` with NaN for values that stand for missing ones; `None` where all are
    /// there.
    ///
    /// # Errors
    /// [`crate::Error::Torch`] when an index is out of range.
    pub fn gather_targets(&self, index: &Tensor) -> Result<Option<Tensor>> {
        if let Some(rows) = &self.features.with_nan {
            return Ok(Some(self.gather_from(rows, index)?));
        }
        Ok(self.targets.as_ref().map(|x| x.f_index_select(0, index)).transpose()?)
    }

    /// The rows `start..end`, `[end - start, d]`, on the device, without a copy where possible.
    ///
    /// # Errors
    /// [`crate::Error::Torch`] when the range is outside the data.
    pub fn rows(&self, start: usize, end: usize) -> Result<Tensor> {
        match (&self.dense, &self.features.data) {
            (Some(x), _) => Ok(x.f_narrow(0, start as i64, (end - start) as i64)?),
            (None, Data::Mapped(rows)) => to_tensor(rows.view().slice(s![start..end, ..]), self.device),
            (None, _) => {
                self.gather(&Tensor::f_arange_start(start as i64, end as i64, (Kind::Int64, self.device))?)
            }
        }
    }

    /// The rows `start..end` with NaN for values that stand for missing ones, as
    /// [`Resident::rows`].
    ///
    /// # Errors
    /// [`crate::Error::Torch`] when the range is outside the data.
    pub fn target_rows(&self, start: usize, end: usize) -> Result<Tensor> {
        match (&self.targets, &self.features.with_nan) {
            (Some(x), _) => Ok(x.f_narrow(0, start as i64, (end - start) as i64)?),
            (None, Some(rows)) => to_tensor(rows.view().slice(s![start..end, ..]), self.device),
            (None, None) => self.rows(start, end),
        }
    }

    /// Applies `f` to blocks of `block` rows ([`BLOCK`] or [`CONVOLUTION_BLOCK`]) in order and
    /// joins the results along the first axis; no gradients.
    ///
    /// # Errors
    /// What `f` returns, or [`crate::Error::Torch`].
    pub fn map_rows(&self, block: usize, mut f: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let first = f(&self.rows(0, block.min(self.n()))?)?;
        if self.n() <= block {
            return Ok(first);
        }
        // Into one tensor: joined afterwards, the results would be there twice.
        let mut shape = first.size();
        shape[0] = self.n() as i64;
        let all = Tensor::f_empty(shape.as_slice(), (first.f_kind()?, first.device()))?;
        let put = |start: usize, part: &Tensor| -> Result<()> {
            let mut place = all.f_narrow(0, start as i64, part.size()[0])?;
            Ok(place.f_copy_(part)?)
        };
        put(0, &first)?;
        for start in (block..self.n()).step_by(block) {
            let end = (start + block).min(self.n());
            put(start, &f(&self.rows(start, end)?)?)?;
        }
        Ok(all)
    }
}
