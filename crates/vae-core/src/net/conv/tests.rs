use super::*;
use crate::init::Init;
use crate::params::Params;
use crate::random::{Streams, normal};
use tch::{Device, Kind};

fn build<T>(make: impl FnOnce(&mut Builder<'_>) -> T) -> (T, usize) {
    let (mut params, streams) = (Params::new(), Streams::new(0, "conv"));
    let init = Init::GlorotUniform;
    let layer =
        make(&mut Builder { params: &mut params, streams: &streams, init, group: 0, device: Device::Cpu });
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
        let (layer, n_values) = build(|b| Conv2d::new(b, &format!("encoder.{i}"), n_in, n_out, 3, stride));
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
        layer.weight.shallow_clone().copy_(&Tensor::arange(9, (Kind::Float, Device::Cpu)).view([1, 1, 3, 3]))
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
        let whole =
            x.conv_transpose2d(&layer.weight, Some(&layer.bias), [s as i64; 2], [0, 0], [0, 0], 1, [1, 1]);
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
