//! bfloat16 copies of weights, rounded once a step.
//!
//! Rounding the weights of a layer and widening their gradient cost as much memory traffic as the
//! optimiser's update. So the optimiser keeps a copy of each weight that products read in bfloat16,
//! and writes it in the same pass over memory that updates the weight ([`crate::optim`]). Each use
//! of a weight within a step is a leaf of its own in the graph of gradients: the gradient of one
//! use stays in bfloat16, as the product computed it, until the optimiser reads it; those of
//! several uses are added in single precision, as if each had rounded the weight anew.
//!
//! A copy is the value of its weight or it is not used: a weight that anything but the optimiser
//! has written since (a loaded checkpoint, a new start) has another version, and is rounded anew.

use super::in_f32;
use crate::params::Params;
use crate::{Error, Result};
use std::cell::RefCell;
use tch::{Kind, Tensor};

/// The copies of one model's weights.
#[derive(Debug, Default)]
pub(crate) struct RoundedWeights {
    copies: Vec<RoundedWeight>,
}

#[derive(Debug)]
struct RoundedWeight {
    /// The weight in single precision.
    weight: Tensor,
    /// [`Tensor::internal_version`] of the weight when `value` was its rounded value.
    version: i64,
    /// Bfloat16, of the weight's shape.
    value: Tensor,
    /// The leaves of the step that is being computed.
    uses: Vec<Tensor>,
}

thread_local! {
    static IN_FORCE: RefCell<Option<RoundedWeights>> = const { RefCell::new(None) };
}

impl RoundedWeights {
    /// Computes `body`, whose products in bfloat16 read these copies and make those that are
    /// missing.
    pub(crate) fn during<T>(&mut self, body: impl FnOnce() -> T) -> T {
        /// Gives the copies back, after a panic too.
        struct Back<'a>(&'a mut RoundedWeights, Option<RoundedWeights>);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                if let Some(copies) = IN_FORCE.replace(self.1.take()) {
                    *self.0 = copies;
                }
            }
        }
        for copy in &mut self.copies {
            copy.uses.clear();
        }
        let former = IN_FORCE.replace(Some(std::mem::take(self)));
        let _back = Back(self, former);
        body()
    }

    /// Gradients of `loss` with respect to `params`, in their order. One whose parameter was used
    /// in a single product in bfloat16 and nowhere else is in bfloat16.
    pub(crate) fn gradients(&mut self, loss: &Tensor, params: &Params) -> Result<Vec<Tensor>> {
        let weights = params.tensors();
        let uses: Vec<(usize, Tensor)> = self
            .copies
            .iter_mut()
            .flat_map(|copy| {
                let at = weights.iter().position(|w| is_same(w, &copy.weight));
                copy.uses.drain(..).filter_map(move |leaf| Some((at?, leaf)))
            })
            .collect();
        let inputs: Vec<&Tensor> = weights.into_iter().chain(uses.iter().map(|(_, leaf)| leaf)).collect();
        let mut gradients = Tensor::f_run_backward(&[loss], &inputs, false, false)?;
        let of_uses = gradients.split_off(params.iter().len());
        // The graph is walked from the loss, so the last use comes first.
        for ((at, _), of_use) in uses.iter().zip(of_uses).rev().filter(|(_, g)| g.defined()) {
            let sum = &mut gradients[*at];
            *sum = if sum.defined() { in_f32(sum.shallow_clone()).f_add(&in_f32(of_use))? } else { of_use };
        }
        match gradients.iter().position(|g| !g.defined()) {
            None => Ok(gradients),
            Some(at) => Err(Error::Internal(format!(
                "the loss does not depend on the parameter `{}`",
                params.iter().nth(at).map_or("", |p| &p.name)
            ))),
        }
    }

    /// The copy of `weight`, to be written by whoever writes the weight.
    pub(crate) fn copy_of(&self, weight: &Tensor) -> Option<&Tensor> {
        self.copies
            .iter()
            .find(|copy| copy.is_current() && is_same(&copy.weight, weight))
            .map(|copy| &copy.value)
    }

    /// Drops the copy of `weight`, which is about to be written.
    pub(crate) fn forget(&mut self, weight: &Tensor) {
        self.copies.retain(|copy| !is_same(&copy.weight, weight));
    }

    fn leaf(&mut self, weight: &Tensor) -> Tensor {
        if self.copy_of(weight).is_none() {
            self.forget(weight);
            self.copies.push(RoundedWeight {
                weight: weight.shallow_clone(),
                version: weight.internal_version(),
                value: weight.detach().to_kind(Kind::BFloat16),
                uses: Vec::new(),
            });
        }
        let at = self.copies.iter().position(|copy| is_same(&copy.weight, weight));
        let copy = &mut self.copies[at.expect("it was pushed above if it was not there")];
        let leaf = copy.value.detach().set_requires_grad(true);
        copy.uses.push(leaf.shallow_clone());
        leaf
    }
}

impl RoundedWeight {
    fn is_current(&self) -> bool {
        self.weight.internal_version() == self.version
    }
}

fn is_same(a: &Tensor, b: &Tensor) -> bool {
    a.data_ptr() == b.data_ptr() && a.size() == b.size()
}

/// `weight` in bfloat16: the copy that is in force, or one made for this use alone.
pub(super) fn rounded(weight: &Tensor) -> Tensor {
    let is_trained = weight.requires_grad() && weight.is_leaf();
    let leaf =
        IN_FORCE.with_borrow_mut(|copies| copies.as_mut().filter(|_| is_trained).map(|c| c.leaf(weight)));
    leaf.unwrap_or_else(|| weight.to_kind(Kind::BFloat16))
}

#[cfg(test)]
mod tests;
