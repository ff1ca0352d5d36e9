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
use crate::matmul::in_f32;
use crate::precision::Precision;
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

/// Whether a convolution of `x` by `weight`, or its transpose, is computed in bfloat16: where that is
/// in force, and there are enough channels for it to be faster.
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
mod tests {
    use super::*;
    use crate::init::Init;
    use crate::params::Params;
    use crate::random::{Streams, normal};
    use tch::{Device, Kind};

    fn build<T>(make: impl FnOnce(&mut Builder<'_>) -> T) -> (T, usize) {
        let (mut params, streams) = (Params::new(), Streams::new(0, "conv"));
        let init = Init::GlorotUniform;
        let layer = make(&mut Builder {
            params: &mut params,
            streams: &streams,
            init,
            group: 0,
            device: Device::Cpu,
        });
        (layer, params.n_values())
    }

    fn draw(name: &str, shape: &[i64]) -> Tensor {
        normal(&mut Streams::new(1, "conv").rng(name, 0, 0), shape, Device::Cpu)
    }

    #[test]
    fn shapes_and_parameter_counts_of_su_2018() {
        let mut h = draw("x", &[2, 1, 28, 28]);
        for (i, (n_in, n_out, stride, side, count)) in
            [(1, 32, 2, 14, 320), (32, 32, 1, 14, 9_248), (32, 64, 2, 7, 18_496), (64, 64, 1, 7, 36_928)]
                .into_iter()
                .enumerate()
        {
            let (layer, n_values) =
                build(|b| Conv2d::new(b, &format!("encoder.{i}"), n_in, n_out, 3, stride));
            assert_eq!(n_values, count);
            h = layer.forward(&h);
            assert_eq!(h.size(), [2, n_out as i64, side, side]);
        }
        for (i, (n_in, n_out, stride, side, count)) in [
            (64, 64, 1, 7, 36_928),
            (64, 64, 2, 14, 36_928),
            (64, 32, 1, 14, 18_464),
            (32, 32, 2, 28, 9_248),
            (32, 1, 1, 28, 289),
        ]
        .into_iter()
        .enumerate()
        {
            let (layer, n_values) =
                build(|b| ConvTranspose2d::new(b, &format!("decoder.{i}"), n_in, n_out, 3, stride));
            assert_eq!(n_values, count);
            h = layer.forward(&h);
            assert_eq!(h.size(), [2, n_out as i64, side, side]);
        }
    }

    #[test]
    fn in_bfloat16_layers_and_gradients_are_off_by_its_rounding() {
        let (conv, _) = build(|b| Conv2d::new(b, "c", 16, 24, 3, 2));
        let (transpose, _) = build(|b| ConvTranspose2d::new(b, "t", 16, 24, 3, 2));
        let x = draw("x", &[4, 16, 8, 8]).set_requires_grad(true);
        type Layer<'a> = (&'a dyn Fn(&Tensor) -> Tensor, &'a Tensor, &'a Tensor);
        let layers: [Layer<'_>; 2] = [
            (&|x| conv.forward(x), &conv.weight, &conv.bias),
            (&|x| transpose.forward(x), &transpose.weight, &transpose.bias),
        ];
        for (at, (forward, weight, bias)) in layers.into_iter().enumerate() {
            let all = |precision: Precision| {
                let y = precision.during(|| forward(&x));
                let g = draw("g", &y.size());
                let gradients =
                    Tensor::run_backward(&[(&y * g).sum(None::<Kind>)], &[&x, weight, bias], false, false);
                std::iter::once(y.detach()).chain(gradients).collect::<Vec<_>>()
            };
            for (part, (exact, found)) in all(Precision::F32).iter().zip(all(Precision::Bf16)).enumerate() {
                assert_eq!((exact.size(), found.kind()), (found.size(), Kind::Float), "{at}, {part}");
                let (off, size) = ((exact - &found).norm(), exact.norm());
                let relative = (off / size).double_value(&[]);
                // Each of two factors and the result are rounded by at most 2⁻⁸, most by less.
                assert!(relative > 1e-5 && relative < 2f64.powi(-7), "{at}, {part}: {relative}");
            }
        }
        // One channel stays in single precision.
        let (first, _) = build(|b| Conv2d::new(b, "c", 1, 24, 3, 2));
        let image = draw("image", &[4, 1, 8, 8]);
        assert!(Precision::Bf16.during(|| first.forward(&image)).equal(&first.forward(&image)));
    }

    #[test]
    fn stride_two_pads_at_the_end() {
        // One input pixel, a kernel that counts its position: output (0, 0) sees the pixel (0, 0)
        // at kernel (0, 0).
        let (layer, _) = build(|b| Conv2d::new(b, "c", 1, 1, 3, 2));
        tch::no_grad(|| {
            layer
                .weight
                .shallow_clone()
                .copy_(&Tensor::arange(9, (Kind::Float, Device::Cpu)).view([1, 1, 3, 3]))
        });
        let x = Tensor::zeros([1, 1, 4, 4], (Kind::Float, Device::Cpu));
        let _ = x.get(0).get(0).get(3).get(3).fill_(1.0);
        let y = layer.forward(&x);
        // Pixel (3, 3) lies in the second window of each direction, which starts at 2: kernel (1,
        // 1) = 4.
        assert_eq!(Vec::<f32>::try_from(y.view([-1])).expect("vector"), [0.0, 0.0, 0.0, 4.0]);
    }

    #[test]
    fn stated_paddings_give_the_sides_of_the_gmvae_and_back() {
        let mut h = draw("x", &[1, 1, 28, 28]);
        for (kernel, stride, rows, side) in [(6, 1, 0, 23), (6, 1, 0, 18), (4, 2, 1, 9), (9, 1, 0, 1)] {
            let (layer, _) = build(|b| Conv2d::new(b, "c", 1, 1, kernel, stride).with_padding(rows));
            h = layer.forward(&h);
            assert_eq!(h.size(), [1, 1, side, side]);
        }
        for (kernel, stride, rows, side) in [(9, 1, 0, 9), (4, 2, 1, 18), (6, 1, 0, 23), (6, 1, 0, 28)] {
            let (layer, _) = build(|b| ConvTranspose2d::new(b, "t", 1, 1, kernel, stride).with_padding(rows));
            h = layer.forward(&h);
            assert_eq!(h.size(), [1, 1, side, side]);
        }
    }

    /// The layer by its definition, one window after the other.
    fn naive(layer: &Conv2d, x: &Tensor, rows: Option<i64>) -> Tensor {
        let (k, s, n) = (layer.weight.size()[3], layer.stride, x.size()[2]);
        let (before, side) = match rows {
            None => (same_padding(n, k, s).0, (n + s - 1) / s),
            Some(p) => (p, (n + 2 * p - k) / s + 1),
        };
        let padded = x.constant_pad_nd([before, k + s, before, k + s]);
        let at = |i: i64, j: i64| {
            let window = padded.narrow(2, i * s, k).narrow(3, j * s, k).unsqueeze(1);
            (window * &layer.weight).sum_dim_intlist([2i64, 3, 4].as_slice(), false, None) + &layer.bias
        };
        let row = |i| Tensor::stack(&(0..side).map(|j| at(i, j)).collect::<Vec<_>>(), 2);
        Tensor::stack(&(0..side).map(row).collect::<Vec<_>>(), 2)
    }

    fn with_some_bias(bias: &Tensor) {
        tch::no_grad(|| bias.shallow_clone().copy_(&draw("bias", &bias.size())));
    }

    fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
        assert_eq!(a.size(), b.size());
        (a - b).abs().max().double_value(&[])
    }

    #[test]
    fn layers_are_their_definition_mirrored_or_not() {
        let same = [(3, 1, 5), (3, 2, 6), (3, 2, 5), (2, 1, 4), (4, 1, 5), (5, 3, 7), (1, 2, 6), (2, 3, 7)];
        let stated = [(3, 2, 6, 1), (4, 2, 6, 1), (3, 1, 5, 0), (3, 3, 6, 1), (2, 2, 5, 2)];
        let same = same.into_iter().map(|(k, s, n)| (k, s, n, None));
        for (k, s, n, rows) in same.chain(stated.into_iter().map(|(k, s, n, p)| (k, s, n, Some(p)))) {
            let (mut layer, _) = build(|b| Conv2d::new(b, "c", 2, 3, k, s));
            if let Some(p) = rows {
                layer = layer.with_padding(p as usize);
            }
            with_some_bias(&layer.bias);
            let x = draw("x", &[2, 2, n, n]);
            let (expected, y) = (naive(&layer, &x, rows), layer.forward(&x));
            assert!(largest_difference(&y, &expected) < 1e-5, "kernel {k}, stride {s}, side {n}, {rows:?}");
            let mirrored = layer.forward_mirrored(&mirror(&x));
            assert!(largest_difference(&mirror(&mirrored), &y) < 1e-5, "{k} {s} {n} {rows:?}");
        }
    }

    #[test]
    fn transposes_keep_the_first_rows_of_the_whole_output_mirrored_or_not() {
        for (k, s, n) in
            [(3usize, 1usize, 5i64), (3, 2, 4), (2, 2, 4), (4, 1, 5), (2, 1, 3), (5, 2, 4), (6, 3, 3)]
        {
            let (layer, _) = build(|b| ConvTranspose2d::new(b, "t", 2, 3, k, s));
            with_some_bias(&layer.bias);
            let (x, side) = (draw("x", &[2, 2, n, n]), n * s as i64);
            let whole = x.conv_transpose2d(
                &layer.weight,
                Some(&layer.bias),
                [s as i64; 2],
                [0, 0],
                [0, 0],
                1,
                [1, 1],
            );
            let first = (k - s) as i64 / 2;
            let expected = whole.narrow(2, first, side).narrow(3, first, side);
            let y = layer.forward(&x);
            assert!(largest_difference(&y, &expected) < 1e-5, "kernel {k}, stride {s}");
            let mirrored = layer.forward_mirrored(&mirror(&x));
            assert!(largest_difference(&mirror(&mirrored), &y) < 1e-5, "kernel {k}, stride {s}");
        }
    }

    #[test]
    fn the_transpose_is_the_adjoint() {
        for (kernel, stride, side) in [(3, 1, 7), (3, 2, 8), (5, 2, 8), (4, 2, 6), (2, 2, 4), (5, 3, 9)] {
            let (forward, _) = build(|b| Conv2d::new(b, "f", 2, 3, kernel, stride));
            let (mut transpose, _) = build(|b| ConvTranspose2d::new(b, "t", 3, 2, kernel, stride));
            transpose.weight = forward.weight.shallow_clone();
            let x = draw("x", &[1, 2, side, side]);
            let y = forward.forward(&x);
            let v = draw("v", &y.size());
            let inner = |a: &Tensor, b: &Tensor| (a * b).sum(Kind::Double).double_value(&[]);
            let (left, right) = (inner(&y, &v), inner(&x, &transpose.forward(&v)));
            assert!(
                (left - right).abs() < 1e-4 * left.abs().max(1.0),
                "kernel {kernel}, stride {stride}: {left} {right}"
            );
        }
    }
}
