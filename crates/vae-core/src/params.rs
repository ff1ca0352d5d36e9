//! The parameters of a model: named, ordered, in groups.
//!
//! `tch`'s `VarStore` keeps its variables in a hash map, whose order changes from run to run;
//! optimiser state, checkpoints and saved models need one fixed order.

use crate::bundle::FIT_ANEW;
use crate::{Error, Result};
use std::collections::BTreeMap;
use tch::{Device, Tensor};

/// One trainable tensor.
#[derive(Debug)]
pub struct Param {
    /// Unique name, for example `encoder.0.weight`.
    pub name: String,
    /// The tensor itself; modules hold shallow clones of it.
    pub tensor: Tensor,
    /// Index of the optimiser group (learning rate, weight decay).
    pub group: usize,
}

/// Trainable tensors in the order of their registration, and buffers: tensors of a model that are
/// not optimised (the running statistics of a batch norm). Checkpoints and models hold both.
#[derive(Debug, Default)]
pub struct Params {
    params: Vec<Param>,
    buffers: Vec<(String, Tensor)>,
}

impl Params {
    /// No parameters yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers `value` under `name` in `group` and returns the tensor that modules use.
    ///
    /// # Panics
    /// When the name is taken, a mistake of the caller's code.
    pub fn add(&mut self, name: impl Into<String>, value: Tensor, group: usize) -> Tensor {
        let name = self.new_name(name.into());
        let tensor = value.detach().contiguous().set_requires_grad(true);
        self.params.push(Param { name, tensor: tensor.shallow_clone(), group });
        tensor
    }

    /// Registers `value` as a buffer and returns the tensor that modules use.
    ///
    /// # Panics
    /// When the name is taken, a mistake of the caller's code.
    pub fn add_buffer(&mut self, name: impl Into<String>, value: Tensor) -> Tensor {
        let name = self.new_name(name.into());
        let tensor = value.detach().contiguous();
        self.buffers.push((name, tensor.shallow_clone()));
        tensor
    }

    fn new_name(&self, name: String) -> String {
        assert!(self.entries().all(|(known, _)| known != name), "parameter `{name}` is registered twice");
        name
    }

    /// Names and tensors of the parameters, then of the buffers.
    fn entries(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        let params = self.params.iter().map(|p| (p.name.as_str(), &p.tensor));
        params.chain(self.buffers.iter().map(|(name, t)| (name.as_str(), t)))
    }

    /// Moves the parameters whose names `chosen` accepts to another optimiser group.
    pub fn regroup(&mut self, group: usize, chosen: impl Fn(&str) -> bool) {
        for p in self.params.iter_mut().filter(|p| chosen(&p.name)) {
            p.group = group;
        }
    }

    /// All parameters in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Param> {
        self.params.iter()
    }

    /// The tensors in order.
    pub fn tensors(&self) -> Vec<&Tensor> {
        self.params.iter().map(|p| &p.tensor).collect()
    }

    /// Number of trained values.
    pub fn n_values(&self) -> usize {
        self.params.iter().map(|p| p.tensor.numel()).sum()
    }

    /// Copies of all parameters and buffers on the CPU, each name behind `prefix`.
    ///
    /// # Errors
    /// [`Error::Torch`].
    pub fn snapshot(&self, prefix: &str) -> Result<BTreeMap<String, Tensor>> {
        self.entries()
            .map(|(name, t)| Ok((format!("{prefix}{name}"), t.f_detach()?.f_to_device(Device::Cpu)?.copy())))
            .collect()
    }

    /// Overwrites the parameters and buffers for which `source` has `prefix + name`; the others are
    /// unchanged. Returns how many were set.
    ///
    /// # Errors
    /// [`Error::Shape`] when a stored tensor has another shape.
    pub fn load_present(&self, source: &BTreeMap<String, Tensor>, prefix: &str) -> Result<usize> {
        let mut n_set = 0;
        for (name, tensor) in self.entries() {
            if let Some(value) = source.get(&format!("{prefix}{name}")) {
                copy_into(tensor, value, name)?;
                n_set += 1;
            }
        }
        Ok(n_set)
    }

    /// Overwrites every parameter and buffer with `prefix + name` of `source`.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when one is missing, [`Error::Shape`] when one has another shape.
    pub fn load(&self, source: &BTreeMap<String, Tensor>, prefix: &str) -> Result<()> {
        for (name, tensor) in self.entries() {
            let value = source
                .get(&format!("{prefix}{name}"))
                .ok_or_else(|| Error::missing("the stored model", format!("{prefix}{name}"), FIT_ANEW))?;
            copy_into(tensor, value, name)?;
        }
        Ok(())
    }
}

/// Copies `source` into the memory of `target`, which keeps its identity (modules hold clones of
/// it).
pub(crate) fn copy_into(target: &Tensor, source: &Tensor, name: &str) -> Result<()> {
    if target.size() != source.size() {
        return Err(Error::Shape {
            what: format!("tensor `{name}`"),
            expected: target.size(),
            got: source.size(),
        });
    }
    tch::no_grad(|| target.shallow_clone().f_copy_(&source.f_to_kind(target.kind())?))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    #[test]
    fn loading_writes_through_to_the_clones_of_modules() {
        let mut params = Params::new();
        let w = params.add("w", Tensor::zeros([2, 2], (Kind::Float, Device::Cpu)), 0);
        let stored = BTreeMap::from([("m.w".to_string(), Tensor::ones([2, 2], (Kind::Float, Device::Cpu)))]);
        params.load(&stored, "m.").expect("same shape");
        assert_eq!(w.sum(None).double_value(&[]), 4.0);
        assert!(w.requires_grad());
        assert_eq!(params.n_values(), 4);
    }

    #[test]
    fn buffers_are_kept_and_not_trained() {
        let mut params = Params::new();
        let _ = params.add("w.bias", Tensor::zeros([2], (Kind::Float, Device::Cpu)), 0);
        let mean = params.add_buffer("mean", Tensor::ones([2], (Kind::Float, Device::Cpu)));
        assert_eq!((params.n_values(), params.tensors().len()), (2, 1));
        let stored = params.snapshot("m.").expect("snapshot");
        assert_eq!(stored.keys().collect::<Vec<_>>(), ["m.mean", "m.w.bias"]);
        let _ = tch::no_grad(|| mean.shallow_clone().fill_(5.0));
        params.load(&stored, "m.").expect("the same shapes");
        assert_eq!((mean.sum(None).double_value(&[]), mean.requires_grad()), (2.0, false));
        params.regroup(1, |name| name.ends_with(".bias"));
        assert_eq!(params.iter().map(|p| p.group).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_missing_or_misshapen_tensor_is_named() {
        let mut params = Params::new();
        let _ = params.add("w", Tensor::zeros([2, 2], (Kind::Float, Device::Cpu)), 0);
        assert!(params.load(&BTreeMap::new(), "").is_err_and(|e| e.to_string().contains("`w`")));
        let wrong = BTreeMap::from([("w".to_string(), Tensor::zeros([3], (Kind::Float, Device::Cpu)))]);
        assert!(params.load(&wrong, "").is_err_and(|e| e.to_string().contains("[3]")));
    }
}
