//! A stack of fully connected layers with an activation after each.

use super::{Builder, Linear};
use crate::activation::Activation;
use crate::matmul;
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
}
