//! Features on the device of a training.

use super::{Data, Features};
use crate::{Error, Result};
use tch::{Device, Kind, Tensor};

/// Rows per block when a fully connected network is applied to all samples
/// ([`Resident::map_rows`]). Another number can change the last bits of a product, and so results.
pub const BLOCK: usize = 4096;

/// The same where the network may have convolutions, whose maps take more memory than a sample.
pub const CONVOLUTION_BLOCK: usize = 512;

/// Features on the device during a training, so that a batch is one gather.
#[derive(Debug)]
pub struct Resident<'a> {
    features: &'a Features,
    /// `[n, d]` on the device; `None` for sparse features, whose batches are made on the host.
    dense: Option<Tensor>,
    /// The same with NaN for values that stand for missing ones, where there are any.
    targets: Option<Tensor>,
    device: Device,
}

impl<'a> Resident<'a> {
    /// Puts the features on `device`. Dense features on the CPU are copied once into memory of
    /// libtorch.
    ///
    /// # Errors
    /// [`Error::Torch`], for example when the device has too little memory.
    pub fn new(features: &'a Features, device: Device) -> Result<Self> {
        let dense = match &features.data {
            Data::Dense(x) => {
                let shape = [x.nrows() as i64, x.ncols() as i64];
                let values =
                    x.as_slice().ok_or_else(|| Error::Internal("the matrix is not contiguous".into()))?;
                Some(Tensor::f_from_slice(values)?.f_view(shape)?.f_to_device(device)?)
            }
            Data::Sparse(_) => None,
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

    /// The device of the batches.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The rows `index`, `[b, d]`, on the device. `index` is an i64 tensor `[b]` on the same
    /// device.
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

    /// The rows `index` with NaN for values that stand for missing ones; `None` where all are
    /// there.
    ///
    /// # Errors
    /// [`Error::Torch`] when an index is out of range.
    pub fn gather_targets(&self, index: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.targets.as_ref().map(|x| x.f_index_select(0, index)).transpose()?)
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

    /// The rows `start..end` with NaN for values that stand for missing ones, as
    /// [`Resident::rows`].
    ///
    /// # Errors
    /// [`Error::Torch`] when the range is outside the data.
    pub fn target_rows(&self, start: usize, end: usize) -> Result<Tensor> {
        match &self.targets {
            Some(x) => Ok(x.f_narrow(0, start as i64, (end - start) as i64)?),
            None => self.rows(start, end),
        }
    }

    /// Applies `f` to blocks of `block` rows ([`BLOCK`] or [`CONVOLUTION_BLOCK`]) in order and
    /// joins the results along the first axis; no gradients.
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
