//! A fully connected layer.

use super::Builder;
use crate::program::{Op, Program, Value};
use crate::{Result, matmul};
use tch::Tensor;

/// `y = x Wᵀ + b`.
#[derive(Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Tensor,
}

impl Linear {
    /// A layer named `name` with `n_in` inputs and `n_out` outputs.
    pub fn new(builder: &mut Builder<'_>, name: &str, n_in: usize, n_out: usize) -> Self {
        let (n_in, n_out) = (n_in as i64, n_out as i64);
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        let (s, init, device) = (builder.streams, builder.init, builder.device);
        let w = init.weights(s, &weight, &[n_out, n_in], (n_in, n_out), device);
        let b = init.bias(s, &bias, n_out, n_in, device);
        Self {
            weight: builder.params.add(weight, w, builder.group),
            bias: builder.params.add(bias, b, builder.group),
        }
    }

    /// The same layer with its initial weights multiplied by `factor`.
    pub fn scaled(self, factor: f64) -> Self {
        tch::no_grad(|| {
            let _ = self.weight.shallow_clone().g_mul_scalar_(factor);
        });
        self
    }

    /// # Shapes
    /// `x`: `[b, in]`; result `[b, out]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        matmul::in_f32(self.forward_as_computed(x))
    }

    /// [`Self::forward`] between layers: in bfloat16 where it was computed so
    /// ([`matmul::linear_as_computed`]), with the same shapes.
    pub fn forward_as_computed(&self, x: &Tensor) -> Tensor {
        matmul::linear_as_computed(x, &self.weight, Some(&self.bias))
    }

    /// Adds this layer to a program.
    ///
    /// # Errors
    /// libtorch's.
    pub fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        program.add(Op::Linear, &[x], &[("weight", &self.weight), ("bias", &self.bias)])
    }
}
