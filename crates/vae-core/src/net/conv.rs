//! Convolutions with the "same" padding of TensorFlow and Keras, or a stated symmetric one, and
//! their transposes.
//!
//! "Same" keeps `⌈n / stride⌉` rows. Where the padding is odd, the extra row goes to the end: a 3×3
//! kernel with stride 2 on an even input pads 0 before and 1 after. libtorch's symmetric
//! `padding = 1` would shift the grid by half a pixel. The transpose is the adjoint of that
//! convolution: it crops the same rows from the full output.
//!
//! libtorch has no padding at the end alone, and padding or cropping by itself copies every map. It
//! can pad at the front alone, by a symmetric padding whose last row no window reaches. So layers
//! also work on *mirrored* maps, whose rows and columns are in reverse order ([`mirror`]), where
//! "same" padding is of that kind. A chain of layers mirrors only its input and its output, which
//! are small.

use super::Builder;
use crate::Result;
use crate::matmul::in_f32;
use crate::precision::Precision;
use crate::program::{self, Op, Program, Value};
use tch::{Kind, Tensor};

/// Below this number of input or output channels convolutions stay in single precision.
const MIN_CHANNELS: i64 = 16;

/// Rows of padding (before, after) of a "same" convolution over `n` rows.
fn same_padding(n: i64, kernel: i64, stride: i64) -> (i64, i64) {
    let n_out = (n + stride - 1) / stride;
    let total = ((n_out - 1) * stride + kernel - n).max(0);
    (total / 2, total - total / 2)
}

/// Maps `[b, c, h, w]` with their rows and columns in reverse order; its own inverse.
pub fn mirror(x: &Tensor) -> Tensor {
    x.flip([2, 3])
}

/// Rows that a convolution adds at the borders, or its transpose takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Padding {
    Same,
    Symmetric(i64),
}

/// A square convolution.
#[derive(Debug)]
pub struct Conv2d {
    /// `[out, in, kernel, kernel]`.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Tensor,
    stride: i64,
    padding: Padding,
}

impl Conv2d {
    /// A "same" layer named `name` from `n_in` to `n_out` channels.
    pub fn new(
        builder: &mut Builder<'_>,
        name: &str,
        n_in: usize,
        n_out: usize,
        kernel: usize,
        stride: usize,
    ) -> Self {
        let (weight, bias) = parameters(builder, name, [n_out, n_in, kernel, kernel], n_in, n_out);
        Self { weight, bias, stride: stride as i64, padding: Padding::Same }
    }

    /// The same layer with `rows` of zeros on every side instead.
    pub fn with_padding(self, rows: usize) -> Self {
        Self { padding: Padding::Symmetric(rows as i64), ..self }
    }

    /// # Shapes
    /// `x`: `[b, in, h, w]`; result `[b, out, ⌈h / stride⌉, ⌈w / stride⌉]`, or
    /// `⌊(h + 2 · rows − kernel) / stride⌋ + 1` rows with a padding of `rows`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        in_f32(self.forward_as_computed(x))
    }

    /// [`Self::forward`] between layers: in bfloat16 where it was computed so
    /// ([`crate::matmul::linear_as_computed`]), with the same shapes.
    pub fn forward_as_computed(&self, x: &Tensor) -> Tensor {
        let [(top, bottom), (left, right)] = [2, 3].map(|axis| self.rows_around(x.size()[axis]));
        if top == bottom && left == right {
            return self.convolve(x, &self.weight, [top, left]);
        }
        mirror(&self.forward_mirrored(&mirror(x)))
    }

    /// [`Self::forward_as_computed`] between mirrored maps: the mirrored output for a mirrored `x`,
    /// with the same shapes.
    pub fn forward_mirrored(&self, x: &Tensor) -> Tensor {
        let (weight, kernel, s) = (mirror(&self.weight), self.weight.size()[3], self.stride);
        // Rows that no window reaches are the last ones of `forward`, the first ones here.
        let [(top, bottom), (left, right)] = [2, 3].map(|axis| {
            let n = x.size()[axis];
            let (before, after) = self.rows_around(n);
            (after - (n + before + after - kernel) % s, before)
        });
        let can_be_symmetric = |front: i64, back: i64| front >= 0 && (0..s).contains(&(front - back));
        if can_be_symmetric(top, bottom) && can_be_symmetric(left, right) {
            return self.convolve(x, &weight, [top, left]);
        }
        self.convolve(&x.constant_pad_nd([left, right, top, bottom]), &weight, [0, 0])
    }

    /// Adds this layer to a program.
    ///
    /// # Errors
    /// libtorch's.
    pub fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        let padding = match self.padding {
            Padding::Same => program::Padding::Same,
            Padding::Symmetric(rows) => program::Padding::Rows(rows),
        };
        let op = Op::Conv2d { stride: self.stride, padding };
        program.add(op, &[x], &[("weight", &self.weight), ("bias", &self.bias)])
    }

    /// Padding (before, after) of `n` rows or columns.
    fn rows_around(&self, n: i64) -> (i64, i64) {
        match self.padding {
            Padding::Symmetric(p) => (p, p),
            Padding::Same => same_padding(n, self.weight.size()[3], self.stride),
        }
    }

    fn convolve(&self, x: &Tensor, weight: &Tensor, padding: [i64; 2]) -> Tensor {
        let stride = [self.stride; 2];
        if is_worth_rounding(x, weight) {
            let [x, weight, bias] = [x, weight, &self.bias].map(|t| t.to_kind(Kind::BFloat16));
            return x.conv2d(&weight, Some(&bias), stride, padding, [1, 1], 1);
        }
        in_f32(x.shallow_clone()).conv2d(weight, Some(&self.bias), stride, padding, [1, 1], 1)
    }
}

/// The transpose of a square convolution: `n` rows become `n · stride` with "same" padding.
#[derive(Debug)]
pub struct ConvTranspose2d {
    /// `[in, out, kernel, kernel]`.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Tensor,
    stride: i64,
    padding: Padding,
}

impl ConvTranspose2d {
    /// The transpose of a "same" layer, named `name`, from `n_in` to `n_out` channels.
    ///
    /// # Panics
    /// When `kernel` is smaller than `stride`, a mistake of the caller's code.
    pub fn new(
        builder: &mut Builder<'_>,
        name: &str,
        n_in: usize,
        n_out: usize,
        kernel: usize,
        stride: usize,
    ) -> Self {
        assert!(kernel >= stride, "a transposed convolution needs a kernel of at least its stride");
        let (weight, bias) = parameters(builder, name, [n_in, n_out, kernel, kernel], n_in, n_out);
        Self { weight, bias, stride: stride as i64, padding: Padding::Same }
    }

    /// The transpose of a layer with `rows` of zeros on every side instead.
    pub fn with_padding(self, rows: usize) -> Self {
        Self { padding: Padding::Symmetric(rows as i64), ..self }
    }

    /// # Shapes
    /// `x`: `[b, in, h, w]`; result `[b, out, h · stride, w · stride]`, or
    /// `(h − 1) · stride + kernel − 2 · rows` rows with a padding of `rows`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        in_f32(self.forward_as_computed(x))
    }

    /// [`Self::forward`] between layers, as of [`Conv2d`].
    pub fn forward_as_computed(&self, x: &Tensor) -> Tensor {
        let (before, after) = self.rows_around();
        if before == after {
            return self.convolve(x, &self.weight, before, 0);
        }
        mirror(&self.forward_mirrored(&mirror(x)))
    }

    /// [`Self::forward_as_computed`] between mirrored maps: the mirrored output for a mirrored `x`,
    /// with the same shapes.
    pub fn forward_mirrored(&self, x: &Tensor) -> Tensor {
        let weight = mirror(&self.weight);
        let (before, after) = self.rows_around();
        // libtorch's output padding must be less than the stride.
        if self.stride == 1 && before != after {
            let full = self.convolve(x, &weight, 0, 0);
            return full.narrow(2, after, x.size()[2]).narrow(3, after, x.size()[3]);
        }
        self.convolve(x, &weight, after, after - before)
    }

    /// Rows and columns to crop (before, after): as many as the convolution pads `n · stride` rows
    /// with, whatever `n`.
    fn rows_around(&self) -> (i64, i64) {
        match self.padding {
            Padding::Symmetric(p) => (p, p),
            Padding::Same => same_padding(self.stride, self.weight.size()[3], self.stride),
        }
    }

    /// The bias is added separately: in a transposed convolution oneDNN sums the gradient of the
    /// bias, and with a stride adds the bias, in reference code that can take as long as the
    /// convolution.
    fn convolve(&self, x: &Tensor, weight: &Tensor, padding: i64, output_padding: i64) -> Tensor {
        let (none, stride, padding) = (None::<&Tensor>, [self.stride; 2], [padding; 2]);
        let transposed = |x: &Tensor, weight: &Tensor| {
            x.conv_transpose2d(weight, none, stride, padding, [output_padding; 2], 1, [1, 1])
        };
        let mut y = match is_worth_rounding(x, weight) {
            true => {
                let [x, weight] = [x, weight].map(|t| t.to_kind(Kind::BFloat16));
                transposed(&x, &weight)
            }
            false => transposed(&in_f32(x.shallow_clone()), weight),
        };
        y.g_add_(&self.bias.to_kind(y.kind()).view([-1, 1, 1]))
    }
}

/// Whether a convolution of `x` by `weight`, or its transpose, is computed in bfloat16: where that
/// is in force, and there are enough channels for it to be faster.
fn is_worth_rounding(x: &Tensor, weight: &Tensor) -> bool {
    Precision::current() == Precision::Bf16
        && matches!(x.kind(), Kind::Float | Kind::BFloat16)
        && weight.size()[..2].iter().all(|&channels| channels >= MIN_CHANNELS)
}

/// Weight and bias; each unit has `kernel² · n_in` inputs and `kernel² · n_out` outputs.
fn parameters(
    builder: &mut Builder<'_>,
    name: &str,
    shape: [usize; 4],
    n_in: usize,
    n_out: usize,
) -> (Tensor, Tensor) {
    let shape = shape.map(|s| s as i64);
    let window = shape[2] * shape[3];
    let fan = (window * n_in as i64, window * n_out as i64);
    let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
    let (streams, init, device) = (builder.streams, builder.init, builder.device);
    let w = init.weights(streams, &weight, &shape, fan, device);
    let b = init.bias(streams, &bias, n_out as i64, fan.0, device);
    (builder.params.add(weight, w, builder.group), builder.params.add(bias, b, builder.group))
}

#[cfg(test)]
mod tests;
