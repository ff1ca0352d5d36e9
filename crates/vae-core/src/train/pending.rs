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

    /// The values of each pending step (total first) and its number of samples. All of them come
    /// from the device in one copy.
    pub fn drain(&mut self) -> Result<Vec<(Vec<f64>, usize)>> {
        let (values, lens): (Vec<Tensor>, Vec<usize>) = self.losses.drain(..).unzip();
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let all = Tensor::f_cat(&values, 0)?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
        let all = Vec::<f64>::try_from(&all)?;
        let mut rest = all.as_slice();
        let mut next = |n: usize| {
            let (values, others) = rest.split_at(n);
            rest = others;
            values.to_vec()
        };
        Ok(values.iter().zip(lens).map(|(values, len)| (next(values.numel()), len)).collect())
    }
}

/// The first term of a step that is not finite, else the total (`values[0]`), with its value.
pub(super) fn first_non_finite<'a>(names: &[&'a str], values: &[f64]) -> Option<(&'a str, f64)> {
    let term = names.iter().zip(&values[1..]).find(|(_, v)| !v.is_finite());
    let total = (!values[0].is_finite()).then_some(("loss", values[0]));
    term.map(|(n, v)| (*n, *v)).or(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(total: f64, terms: &[(&'static str, f64)]) -> Loss {
        let tensor = |value: f64| Tensor::from(value).to_kind(Kind::Float);
        Loss {
            total: tensor(total),
            terms: terms.iter().map(|&(name, value)| (name, tensor(value))).collect(),
        }
    }

    #[test]
    fn losses_come_back_step_by_step_in_their_order() {
        let mut pending = Pending::new(Device::Cpu);
        assert!(pending.drain().expect("nothing").is_empty());
        pending.push(loss(3.0, &[("a", 1.0), ("b", 2.0)]), 8);
        pending.push(loss(f64::NAN, &[("a", 0.1), ("b", 4.0)]), 5);
        assert!(pending.is_full());
        let steps = pending.drain().expect("two steps");
        assert_eq!(steps[0], (vec![3.0, 1.0, 2.0], 8));
        // A value is that of single precision.
        assert_eq!((steps[1].0[1], steps[1].1), (f64::from(0.1_f32), 5));
        assert_eq!(pending.names, ["a", "b"]);
        assert_eq!(first_non_finite(&pending.names, &steps[1].0).map(|(name, _)| name), Some("loss"));
        assert!(pending.losses.is_empty() && pending.drain().expect("nothing is left").is_empty());
    }
}
