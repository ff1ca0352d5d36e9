//! The naive sum over classes, and gradients by finite differences, in f64.

use super::*;
use tch::Device;
use vae_core::random::{Streams, normal};

const OPTIONS: (Kind, Device) = (Kind::Double, Device::Cpu);

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
    loss(&LIKELIHOOD, &log_y, &latent, &p[6], x)
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
fn the_sum_over_classes_is_the_naive_one() {
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
fn a_certain_class_is_a_vae_of_that_class() {
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

/// Value and gradients, on the logits of y and on all values of nll and latent, `[b, K]` each, of
/// the loss from pairs.
fn of_pairs(p: &[Tensor; 3], floor: f64, uniform: &Tensor) -> (f64, Vec<Tensor>) {
    let p: Vec<Tensor> = p.iter().map(|t| t.detach().copy().set_requires_grad(true)).collect();
    let log_y = p[0].log_softmax(-1, Kind::Double);
    let pairs = Pairs::draw(&log_y.exp(), floor, uniform);
    let loss = loss_of_pairs(&log_y, &pairs, &pairs.of(&p[2]), &pairs.of(&p[1])).total;
    (value(&loss), Tensor::run_backward(&[&loss], &[&p[0], &p[1], &p[2]], false, false))
}

/// The exact sum of the same values.
fn of_all(p: &[Tensor; 3]) -> (f64, Vec<Tensor>) {
    let p: Vec<Tensor> = p.iter().map(|t| t.detach().copy().set_requires_grad(true)).collect();
    let log_y = p[0].log_softmax(-1, Kind::Double);
    let y = log_y.exp();
    let terms = &y * (&p[1] + &p[2] + &log_y + (y.size()[1] as f64).ln());
    let loss = terms.sum(None::<Kind>) / y.size()[0] as f64;
    (value(&loss), Tensor::run_backward(&[&loss], &[&p[0], &p[1], &p[2]], false, false))
}

fn values(b: i64, k: i64) -> [Tensor; 3] {
    [draw("y", &[b, k]) * 2.0, draw("nll", &[b, k]) * 5.0 + 80.0, draw("latent", &[b, k]) + 12.0]
}

fn uniform_numbers(b: i64, k: i64, step: usize) -> Tensor {
    let mut rng = Streams::new(0, "m2").rng("coins", 0, step);
    vae_core::random::uniform(&mut rng, &[b, k], Device::Cpu).to_kind(Kind::Double)
}

#[test]
fn all_pairs_are_the_exact_sum() {
    let p = values(6, 4);
    let (want, gradients) = of_all(&p);
    let (got, drawn) = of_pairs(&p, 1e-9, &uniform_numbers(6, 4, 0));
    assert!((got - want).abs() < 1e-10, "{got} {want}");
    for (got, want) in drawn.iter().zip(&gradients) {
        assert!((got - want).abs().max().double_value(&[]) < 1e-10);
    }
}

#[test]
fn likely_classes_are_always_drawn_and_others_as_often_as_they_should() {
    let (b, k, floor, n) = (5, 8, 0.125, 4_000);
    let y = values(b, k)[0].softmax(-1, Kind::Double);
    let count = Tensor::zeros([b, k], OPTIONS);
    for step in 0..n {
        let pairs = Pairs::draw(&y, floor, &uniform_numbers(b, k, step));
        let classes: Vec<i64> = Vec::try_from(&pairs.class).expect("classes");
        assert!(classes.is_sorted());
        let p = (pairs.of(&y) / floor).clamp_max(1.0);
        assert!((p * &pairs.boost - 1.0).abs().max().double_value(&[]) < 1e-12);
        let ones = Tensor::ones_like(&pairs.boost);
        let _ = count.view([-1]).index_add_(0, &(&pairs.row * k + &pairs.class), &ones);
    }
    let p = (&y / floor).clamp_max(1.0);
    let error = (&p * (-&p + 1.0) / n as f64).sqrt();
    assert!(((count / n as f64 - &p).abs() - error * 5.0).max().double_value(&[]) <= 0.0);
    assert!(p.max_dim(1, false).0.min().double_value(&[]) == 1.0 && p.min().double_value(&[]) < 0.5);
}

#[test]
fn a_uniform_number_of_0_draws_the_least_probable_class_and_the_loss_is_finite() {
    // ln y of the second class, from far below the floor to where y is 0, and what the class brings
    // when it is drawn: the floor times its loss above the other's. Below -87 y is subnormal.
    let drawn = 0.005 * 620.0;
    for (log_odds, brings) in
        [(-30.0f32, drawn), (-80.0, drawn), (-93.0, 0.0), (-97.0, 0.0), (-103.0, 0.0), (-200.0, 0.0)]
    {
        let logits = Tensor::from_slice(&[0.0, log_odds]).view([1, 2]).set_requires_grad(true);
        let log_y = logits.log_softmax(-1, Kind::Float);
        let pairs = Pairs::draw(&log_y.exp(), 0.005, &Tensor::zeros([1, 2], (Kind::Float, Device::Cpu)));
        let m = pairs.boost.size()[0];
        assert_eq!(m == 2, log_odds > -104.0, "{log_odds}: {m} pairs");
        let values = Tensor::from_slice(&[90.0f32, 400.0]).narrow(0, 0, m);
        let loss = loss_of_pairs(&log_y, &pairs, &values, &values).total;
        let gradient = Tensor::run_backward(&[&loss], &[&logits], false, false).remove(0);
        let want = 180.0 + 2f64.ln() + brings;
        assert!((value(&loss) - want).abs() < 1e-3, "{log_odds}: {} {want}", value(&loss));
        let slope = value(&gradient.abs().max());
        assert!(slope.is_finite() && slope < 10.0, "{log_odds}: {slope}");
    }
}

#[test]
fn pairs_of_weight_zero_change_nothing() {
    let p = values(6, 4);
    // The pairs that fill up are of the first class and row: the most probable here, so that taking
    // them for real would show.
    let _ = p[0].get(0).get(0).fill_(1.0 + p[0].get(0).max().double_value(&[]));
    let p = p.map(|t| t.set_requires_grad(true));
    let of = |multiple| {
        let log_y = p[0].log_softmax(-1, Kind::Double);
        let pairs = Pairs::draw(&log_y.exp(), 0.25, &uniform_numbers(6, 4, 0)).padded(multiple);
        let loss = loss_of_pairs(&log_y, &pairs, &pairs.of(&p[2]), &pairs.of(&p[1])).total;
        let gradients = Tensor::run_backward(&[&loss], &[&p[0], &p[1], &p[2]], false, false);
        (pairs.boost.size()[0], value(&loss), gradients)
    };
    let (n, want, want_gradients) = of(1);
    assert!(n % 16 != 0, "nothing to pad");
    let (padded, got, gradients) = of(16);
    assert!(padded % 16 == 0 && padded > n && (got - want).abs() < 1e-10, "{n} {padded} {got} {want}");
    for (got, want) in gradients.iter().zip(&want_gradients) {
        assert!((got - want).abs().max().double_value(&[]) < 1e-12);
    }
}

#[test]
fn drawn_pairs_are_the_exact_sum_in_the_mean() {
    let (b, k, n) = (5, 8, 1_000);
    let p = values(b, k);
    let (want, gradients) = of_all(&p);
    let runs: Vec<_> = (0..n).map(|step| of_pairs(&p, 0.125, &uniform_numbers(b, k, step))).collect();
    let losses = Tensor::from_slice(&runs.iter().map(|(loss, _)| *loss).collect::<Vec<_>>());
    let within = |drawn: &Tensor, want: &Tensor| {
        let error = drawn.std_dim([0i64].as_slice(), true, false) / (n as f64).sqrt();
        let off = (drawn.mean_dim([0i64].as_slice(), false, Kind::Double) - want).abs();
        assert!((off - error * 5.0).max().double_value(&[]) <= 1e-12);
    };
    within(&losses, &Tensor::from(want));
    assert!(losses.std(true).double_value(&[]) > 1e-3, "nothing was left out");
    for (which, want) in gradients.iter().enumerate() {
        let all: Vec<&Tensor> = runs.iter().map(|(_, gradients)| &gradients[which]).collect();
        within(&Tensor::stack(&all, 0), want);
    }
}
