use super::*;
use tch::Device;
use vae_core::random::{Streams, normal};

fn draw(name: &str, rows: i64, columns: i64) -> Tensor {
    normal(&mut Streams::new(0, "test").rng(name, 0, 0), &[rows, columns], Device::Cpu).to_kind(Kind::Double)
}

fn largest(t: &Tensor) -> f64 {
    t.abs().max().double_value(&[])
}

fn matrix(rows: &[&[f64]]) -> Tensor {
    Tensor::from_slice2(rows)
}

#[test]
fn the_assignments_by_hand() {
    // One dimension, z = 0, centres 0 and 1: w = 1, 1/2.
    let q = log_assignments(&matrix(&[&[0.0]]), &matrix(&[&[0.0], &[1.0]]), 1.0).exp();
    assert!(largest(&(q - matrix(&[&[2.0 / 3.0, 1.0 / 3.0]]))) < 1e-12);
    // alpha = 2: w = (1 + d²/2)^(−3/2), here 1 and 2^(−3/2) at d² = 2.
    let q = log_assignments(&matrix(&[&[0.0]]), &matrix(&[&[0.0], &[2f64.sqrt()]]), 2.0).exp();
    let w = 2f64.powf(-1.5);
    assert!(largest(&(q - matrix(&[&[1.0 / (1.0 + w), w / (1.0 + w)]]))) < 1e-12);
}

#[test]
fn the_assignments_are_those_of_three_loops() {
    let (z, mu) = (draw("z", 6, 3), draw("mu", 4, 3));
    let q = log_assignments(&z, &mu, 1.0).exp();
    for i in 0..6 {
        let w: Vec<f64> = (0..4)
            .map(|j| {
                let squared: f64 =
                    (0..3).map(|c| (z.double_value(&[i, c]) - mu.double_value(&[j, c])).powi(2)).sum();
                1.0 / (1.0 + squared)
            })
            .collect();
        for j in 0..4 {
            assert!((q.double_value(&[i, j]) - w[j as usize] / w.iter().sum::<f64>()).abs() < 1e-12);
        }
    }
}

#[test]
fn the_target_by_hand() {
    let p = target(&matrix(&[&[0.8, 0.2], &[0.4, 0.6]]));
    let want = matrix(&[&[0.914_286, 0.085_714], &[0.228_571, 0.771_429]]);
    assert!(largest(&(&p - want)) < 1e-6);
    // f = (1.2, 0.8): the unnormalised first row is (0.53333, 0.05), over 0.58333.
    assert!((p.double_value(&[0, 0]) - 0.64 / 1.2 / (0.64 / 1.2 + 0.04 / 0.8)).abs() < 1e-12);
}

#[test]
fn the_laws_of_the_target_and_the_loss() {
    let q = (draw("q", 50, 7) * 2.0).softmax(1, None::<Kind>);
    let p = target(&q);
    assert!(largest(&(p.sum_dim_intlist(1, false, None::<Kind>) - 1.0)) < 1e-12);
    assert!(kl(&p, &q.log()).double_value(&[]) > 1e-3);
    assert!(largest(&kl(&p, &p.log())) < 1e-14);
    let uniform = Tensor::full([50, 7], 1.0 / 7.0, (Kind::Double, Device::Cpu));
    assert!(largest(&(target(&uniform) - &uniform)) < 1e-15);
    // A target with zeros is finite: 0 ln 0 = 0.
    let one_hot = matrix(&[&[1.0, 0.0]]);
    assert!((kl(&one_hot, &matrix(&[&[0.5, 0.5]]).log()).double_value(&[]) - 2f64.ln()).abs() < 1e-12);
}

#[test]
fn the_gradients_by_hand() {
    for (b, kind, tolerance) in [(8, Kind::Double, 1e-12), (8, Kind::Float, 1e-5)] {
        let z = draw("z", b, 3).to_kind(kind).set_requires_grad(true);
        let mu = draw("mu", 4, 3).to_kind(kind).set_requires_grad(true);
        let p = target(&draw("p", b, 4).to_kind(kind).softmax(1, None::<Kind>));
        let log_q = log_assignments(&z, &mu, 1.0);
        let gradients = Tensor::run_backward(&[&kl(&p, &log_q)], &[&z, &mu], true, false);
        let difference = z.detach().unsqueeze(1) - mu.detach();
        let inverse = (difference.square().sum_dim_intlist(2, true, None::<Kind>) + 1.0).reciprocal();
        let pull = inverse * (&p - log_q.detach().exp()).unsqueeze(2) * difference * (2.0 / b as f64);
        assert!(largest(&(&gradients[0] - pull.sum_dim_intlist(1, false, None::<Kind>))) < tolerance);
        assert!(largest(&(&gradients[1] + pull.sum_dim_intlist(0, false, None::<Kind>))) < tolerance);
    }
}

#[test]
fn the_gradient_is_that_of_finite_differences_for_any_alpha() {
    let (z, mu) = (draw("z", 3, 2), draw("mu", 3, 2));
    let p = target(&draw("p", 3, 3).softmax(1, None::<Kind>));
    let v = z.copy().set_requires_grad(true);
    let loss = |z: &Tensor| kl(&p, &log_assignments(z, &mu, 2.5));
    let gradient = Tensor::run_backward(&[&loss(&v)], &[&v], false, false).remove(0).view([-1]);
    for i in 0..6 {
        let step = Tensor::from_slice(&[i]).one_hot(6).to_kind(Kind::Double).view([3, 2]) * 1e-6;
        let numeric = (loss(&(&z + &step)) - loss(&(&z - &step))).double_value(&[]) / 2e-6;
        assert!((numeric - gradient.double_value(&[i])).abs() < 1e-8);
    }
}

#[test]
fn far_samples_stay_finite() {
    let z = Tensor::from_slice2(&[[1e15f32, 0.0], [0.0, 0.0]]).set_requires_grad(true);
    let mu = Tensor::from_slice2(&[[0.0f32, 0.0], [1.0, 1.0]]);
    let log_q = log_assignments(&z, &mu, 1.0);
    let total = kl(&target(&log_q.exp()), &log_q);
    let gradient = Tensor::run_backward(&[&total], &[&z], false, false).remove(0);
    assert!(bool::try_from(gradient.isfinite().all()).expect("bool") && total.double_value(&[]).is_finite());
}
