//! T12 of the specification, the naive sum, and gradients by finite differences, in f64.

use super::*;
use tch::Device;
use vae_core::random::{Streams, normal};

const LIKELIHOOD: Likelihood = Likelihood::Bernoulli;

fn draw(name: &str, shape: &[i64]) -> Tensor {
    normal(&mut Streams::new(0, "m2").rng(name, 0, 0), shape, Device::Cpu).to_kind(Kind::Double)
}

fn value(t: &Tensor) -> f64 {
    t.double_value(&[])
}

/// Logits of y, z, q's mean and log variance, p's mean and log variance, out; then x.
fn case(b: i64, k: i64) -> ([Tensor; 7], Tensor) {
    let (j, d) = (3, 4);
    let free = [
        draw("y", &[b, k]),
        draw("z", &[k, b, j]),
        draw("mu", &[k, b, j]),
        draw("var", &[k, b, j]) * 0.5,
        draw("m", &[k, 1, j]),
        draw("v", &[k, 1, j]) * 0.5,
        draw("out", &[k * b, d]),
    ];
    (free, draw("x", &[b, d]).sigmoid())
}

fn terms(p: &[Tensor], x: &Tensor) -> Terms {
    let gaussian = |mu: &Tensor, log_var: &Tensor| Gaussian { mu: mu.shallow_clone(), var: log_var.exp() };
    let log_y = p[0].log_softmax(-1, Kind::Double);
    let latent = latent(&p[1], &gaussian(&p[2], &p[3]), &gaussian(&p[4], &p[5]));
    loss(LIKELIHOOD, &log_y, &latent, &p[6], x)
}

fn log_normal(z: f64, mu: f64, log_var: f64) -> f64 {
    -0.5 * ((2.0 * std::f64::consts::PI).ln() + log_var + (z - mu).powi(2) / log_var.exp())
}

/// −ln p(x | z_k), ln q(z_k), ln p(z_k | k) of sample `i` and class `c`, one number at a time.
fn naive(p: &[Tensor], x: &Tensor, (i, c, b): (i64, i64, i64)) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for d in 0..x.size()[1] {
        let (m, x) = (p[6].double_value(&[c * b + i, d]), x.double_value(&[i, d]));
        let mean = 1.0 / (1.0 + (-m).exp());
        sums[0] -= x * mean.ln() + (1.0 - x) * (1.0 - mean).ln();
    }
    for j in 0..p[1].size()[2] {
        let at = |t: &Tensor, row: i64| t.double_value(&[c, row, j]);
        sums[1] += log_normal(at(&p[1], i), at(&p[2], i), at(&p[3], i));
        sums[2] += log_normal(at(&p[1], i), at(&p[4], 0), at(&p[5], 0));
    }
    sums
}

#[test]
fn t12_the_sum_over_classes_is_the_naive_one() {
    let (b, k) = (5, 4);
    let (p, x) = case(b, k);
    let y = p[0].softmax(-1, Kind::Double);
    let got = terms(&p, &x);
    let mut want = 0.0;
    for i in 0..b {
        for c in 0..k {
            let [nll, log_q, log_p] = naive(&p, &x, (i, c, b));
            let y = y.double_value(&[i, c]);
            want += y * (nll + log_q - log_p + (k as f64).ln() + y.ln());
        }
    }
    assert!((value(&got.total) - want / b as f64).abs() < 1e-10);
}

#[test]
fn t12_a_certain_class_is_a_vae_of_that_class() {
    let (b, k, c) = (5, 4, 2);
    let (mut p, x) = case(b, k);
    p[0] = Tensor::zeros([b, k], (Kind::Double, Device::Cpu));
    let _ = p[0].select(1, c).fill_(1e5);
    let want: f64 = (0..b)
        .map(|i| {
            let [nll, log_q, log_p] = naive(&p, &x, (i, c, b));
            nll + log_q - log_p + (k as f64).ln()
        })
        .sum();
    let got = terms(&p, &x);
    assert!((value(&got.total) - want / b as f64).abs() < 1e-10);
    assert!((value(&got.cat) - (k as f64).ln()).abs() < 1e-12);
}

#[test]
fn an_undecided_class_costs_nothing() {
    let (mut p, x) = case(5, 4);
    p[0] = p[0].zeros_like();
    assert!(value(&terms(&p, &x).cat).abs() < 1e-12);
}

#[test]
fn gradients_are_finite_differences() {
    let (inputs, x) = case(3, 3);
    let leaves: Vec<Tensor> = inputs.iter().map(|t| t.copy().set_requires_grad(true)).collect();
    let grads = Tensor::run_backward(&[terms(&leaves, &x).total], &leaves, false, false);
    let step = 1e-5;
    for (which, grad) in grads.iter().enumerate() {
        for at in 0..grad.numel() as i64 {
            let moved = |by: f64| {
                let p: Vec<Tensor> = inputs.iter().map(Tensor::copy).collect();
                let _ = p[which].view([-1]).get(at).g_add_scalar_(by);
                value(&terms(&p, &x).total)
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            let got = grad.reshape([-1]).double_value(&[at]);
            assert!((got - slope).abs() < 1e-7, "input {which}, {at}: {got} {slope}");
        }
    }
}
