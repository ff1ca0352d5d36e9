//! The losses of the latest steps, and what is not finite among them.

use super::Loss;
use crate::Result;
use tch::{Device, Kind, Tensor};

/// Losses that were computed but not read yet: reading one from a GPU synchronises.
pub(super) struct Pending {
    pub losses: Vec<(Tensor, usize)>,
    pub names: Vec<&'static str>,
    capacity: usize,
}

impl Pending {
    pub fn new(device: Device) -> Self {
        let capacity = if device == Device::Cpu { 1 } else { 32 };
        Self { losses: Vec::with_capacity(capacity), names: Vec::new(), capacity }
    }

    pub fn push(&mut self, loss: Loss, len: usize) {
        let (names, mut values): (Vec<_>, Vec<_>) =
            loss.terms.into_iter().map(|(n, t)| (n, t.detach())).unzip();
        values.insert(0, loss.total.detach());
        self.names = names;
        self.losses.push((Tensor::stack(&values, 0), len));
    }

    pub fn is_full(&self) -> bool {
        self.losses.len() >= self.capacity
    }

    /// The values of each pending step (total first) and its number of samples.
    pub fn drain(&mut self) -> Result<Vec<(Vec<f64>, usize)>> {
        self.losses
            .drain(..)
            .map(|(values, len)| {
                let values = values.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
                Ok((Vec::<f64>::try_from(&values)?, len))
            })
            .collect()
    }
}

/// The first term of a step that is not finite, else the total (`values[0]`), with its value.
pub(super) fn first_non_finite<'a>(names: &[&'a str], values: &[f64]) -> Option<(&'a str, f64)> {
    let term = names.iter().zip(&values[1..]).find(|(_, v)| !v.is_finite());
    let total = (!values[0].is_finite()).then_some(("loss", values[0]));
    term.map(|(n, v)| (*n, *v)).or(total)
}
