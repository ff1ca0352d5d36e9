//! Activations by name.

use crate::program::{Op, Program, Value};
use crate::{Features, Result};
use serde::{Deserialize, Serialize};
use tch::Tensor;

/// The slope of [`Activation::LeakyRelu`] for negative values.
const LEAKY_SLOPE: f64 = 0.2;

/// An activation between layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// [`Tanh`](Self::Tanh) for tables, [`Relu`](Self::Relu) for images and sparse features: see
    /// [`Activation::for_data`]. Applied as it is, `Relu`.
    Auto,
    /// `max(x, 0)`.
    Relu,
    /// `x` for `x > 0`, else `0.2 x` (the slope of Su 2018).
    LeakyRelu,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// Hyperbolic tangent.
    Tanh,
    /// `x`.
    Identity,
}

impl Activation {
    /// What `Auto` is for these features; others stay what they are.
    ///
    /// Piecewise linear codes of small tables fold, and lose groups that smooth codes keep; codes
    /// of images are better with `Relu` (docs/lab-notes.md).
    #[must_use]
    pub fn for_data(self, x: &Features) -> Self {
        match self {
            Self::Auto if x.image().is_none() && x.as_dense().is_some() => Self::Tanh,
            Self::Auto => Self::Relu,
            other => other,
        }
    }

    /// Applies it to `x`, of any shape; `x` is consumed, and its buffer is reused where autograd
    /// allows.
    pub fn apply(self, mut x: Tensor) -> Tensor {
        match self {
            Self::Relu | Self::Auto => x.relu_(),
            // `tch`'s `leaky_relu` has no slope argument. libtorch's backward formula has one, and
            // is the same function of (x, sign of x): one pass forward, one back.
            Self::LeakyRelu => x.detach().leaky_relu_backward(&x, LEAKY_SLOPE, false),
            Self::Softplus => x.softplus(),
            Self::Tanh => x.tanh_(),
            Self::Identity => x,
        }
    }

    /// Adds it to a program; the identity adds no step.
    ///
    /// # Errors
    /// None in practice.
    pub fn describe(self, program: &mut Program, x: &Value) -> Result<Value> {
        let op = match self {
            Self::Relu | Self::Auto => Op::Relu,
            Self::LeakyRelu => Op::LeakyRelu { slope: LEAKY_SLOPE },
            Self::Softplus => Op::Softplus,
            Self::Tanh => Op::Tanh,
            Self::Identity => return Ok(x.clone()),
        };
        program.add(op, &[x], &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Csr, ImageShape};
    use ndarray::array;

    #[test]
    fn auto_looks_at_the_kind_of_data() {
        let table = Features::dense(array![[0.0f32, 1.0]]).expect("valid");
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let image = table.clone().with_image(shape).expect("two values");
        let csr = Csr { indptr: vec![0, 1], indices: vec![0], values: vec![1.0], n_columns: 2 };
        let sparse = Features::sparse(csr).expect("valid");
        let found = [&table, &image, &sparse].map(|x| Activation::Auto.for_data(x));
        assert_eq!(found, [Activation::Tanh, Activation::Relu, Activation::Relu]);
        assert_eq!(Activation::Softplus.for_data(&table), Activation::Softplus);
    }

    #[test]
    fn values_and_gradients() {
        let cases = [
            (Activation::Relu, [0.0, 2.0], [0.0, 1.0]),
            (Activation::LeakyRelu, [-0.2, 2.0], [0.2, 1.0]),
            (
                Activation::Softplus,
                [0.313_261_687_518_222_86, 2.126_928_011_042_972_4],
                [0.268_941_421, 0.880_797_078],
            ),
            (
                Activation::Tanh,
                [-0.761_594_155_955_764_9, 0.964_027_580_075_816_9],
                [0.419_974_342, 0.070_650_825],
            ),
            (Activation::Identity, [-1.0, 2.0], [1.0, 1.0]),
        ];
        for (activation, value, gradient) in cases {
            let x = Tensor::from_slice(&[-1.0f64, 2.0]).set_requires_grad(true);
            let y = activation.apply(&x * 1.0);
            let g = Tensor::run_backward(&[y.sum(None)], &[&x], false, false);
            let close = |t: &Tensor, want: [f64; 2]| {
                (t - Tensor::from_slice(&want)).abs().max().double_value(&[]) < 1e-9
            };
            assert!(close(&y, value), "{activation:?} {y:?}");
            assert!(close(&g[0], gradient), "{activation:?}");
        }
    }
}
