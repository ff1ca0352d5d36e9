//! A stack of fully connected layers with an activation after each.

use super::{Builder, Linear};
use crate::activation::Activation;
use crate::program::{Program, Value};
use crate::{Result, matmul};
use tch::Tensor;

/// Layers `0..n`, each followed by the same activation.
#[derive(Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
    activation: Activation,
}

impl Mlp {
    /// Layers `{name}.0`, `{name}.1`, … from `n_in` through the widths in `hidden`.
    pub fn new(
        builder: &mut Builder<'_>,
        name: &str,
        n_in: usize,
        hidden: &[usize],
        activation: Activation,
    ) -> Self {
        let mut width = n_in;
        let layers = hidden
            .iter()
            .enumerate()
            .map(|(i, &n_out)| {
                let layer = Linear::new(builder, &format!("{name}.{i}"), width, n_out);
                width = n_out;
                layer
            })
            .collect();
        Self { layers, activation }
    }

    /// # Shapes
    /// `x`: `[b, n_in]`; result `[b, last width]` (`x` itself without layers).
    pub fn forward(&self, x: &Tensor) -> Tensor {
        matmul::in_f32(
            self.layers
                .iter()
                .fold(x.shallow_clone(), |h, layer| self.activation.apply(layer.forward_as_computed(&h))),
        )
    }

    /// Adds these layers to a program.
    ///
    /// # Errors
    /// libtorch's.
    pub fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        self.layers.iter().try_fold(x.clone(), |h, layer| {
            let h = layer.describe(program, &h)?;
            self.activation.describe(program, &h)
        })
    }
}
