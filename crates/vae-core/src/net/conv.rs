//! Convolutions with the "same" padding of TensorFlow and Keras, or a stated symmetric one, and their transposes.
//!
//! "Same" keeps `⌈n / stride⌉` rows. Where the padding is odd, the extra row goes to the end: a 3×3 kernel with stride 2
//! on an even input pads 0 before and 1 after. libtorch's symmetric `padding = 1` would shift the grid by half a pixel.
//! The transpose is the adjoint of that convolution: it crops the same rows from the full output.

use super::Builder;
use tch::Tensor;

/// Rows of padding (before, after) of a "same" convolution over `n` rows.
fn same_padding(n: i64, kernel: i64, stride: i64) -> (i64, i64) {
    let n_out = (n + stride - 1) / stride;
    let total = ((n_out - 1) * stride + kernel - n).max(0);
    (total / 2, total - total / 2)
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
        let kernel = self.weight.size()[3];
        if let Padding::Symmetric(p) = self.padding {
            let stride = [self.stride, self.stride];
            return x.conv2d(&self.weight, Some(&self.bias), stride, [p, p], [1, 1], 1);
        }
        let (top, bottom) = same_padding(x.size()[2], kernel, self.stride);
        let (left, right) = same_padding(x.size()[3], kernel, self.stride);
        let stride = [self.stride, self.stride];
        if top == bottom && left == right {
            return x.conv2d(&self.weight, Some(&self.bias), stride, [top, left], [1, 1], 1);
        }
        let padded = x.constant_pad_nd([left, right, top, bottom]);
        padded.conv2d(&self.weight, Some(&self.bias), stride, [0, 0], [1, 1], 1)
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
    /// `x`: `[b, in, h, w]`; result `[b, out, h · stride, w · stride]`, or `(h − 1) · stride + kernel − 2 · rows` rows
    /// with a padding of `rows`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let (kernel, s) = (self.weight.size()[3], self.stride);
        if let Padding::Symmetric(p) = self.padding {
            let (weight, bias) = (&self.weight, Some(&self.bias));
            return x.conv_transpose2d(weight, bias, [s, s], [p, p], [0, 0], 1, [1, 1]);
        }
        let (h, w) = (x.size()[2] * s, x.size()[3] * s);
        let (top, bottom) = same_padding(h, kernel, s);
        let (left, right) = same_padding(w, kernel, s);
        if top == bottom && left == right {
            return x.conv_transpose2d(
                &self.weight,
                Some(&self.bias),
                [s, s],
                [top, left],
                [0, 0],
                1,
                [1, 1],
            );
        }
        let full = x.conv_transpose2d(&self.weight, Some(&self.bias), [s, s], [0, 0], [0, 0], 1, [1, 1]);
        full.narrow(2, top, h).narrow(3, left, w)
    }
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
    fn stride_two_pads_at_the_end() {
        // One input pixel, a kernel that counts its position: output (0, 0) sees the pixel (0, 0) at kernel (0, 0).
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
        // Pixel (3, 3) lies in the second window of each direction, which starts at 2: kernel (1, 1) = 4.
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
