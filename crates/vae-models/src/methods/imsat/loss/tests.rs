use super::*;
use tch::Device;
use vae_core::random::{Streams, normal};

const LN_10: f64 = std::f64::consts::LN_10;

fn published() -> Weights {
    Weights { lambda: 0.1, mu: 4.0, log_shares: None }
}

fn logits(name: &str, b: i64, k: i64) -> Tensor {
    normal(&mut Streams::new(0, "test").rng(name, 0, 0), &[b, k], Device::Cpu).to_kind(Kind::Double)
}

fn log_p(logits: &Tensor) -> Tensor {
    logits.log_softmax(1, None::<Kind>)
}

/// Logits that put all mass of row `b` on cluster `of(b)`.
fn one_hot(b: i64, k: i64, of: impl Fn(i64) -> i64) -> Tensor {
    let labels: Vec<i64> = (0..b).map(of).collect();
    Tensor::from_slice(&labels).one_hot(k).to_kind(Kind::Double) * 100.0
}

fn value(t: &Tensor) -> f64 {
    t.double_value(&[])
}

/// The loss with four loops.
fn naive(lambda: f64, mu: f64, p: &[Vec<f64>], q: &[Vec<f64>]) -> f64 {
    let (b, k, eps) = (p.len() as f64, p[0].len(), 1e-8);
    let mut conditional = 0.0;
    for row in p {
        for &v in row {
            conditional -= v * (v + eps).ln() / b;
        }
    }
    let mut marginal = 0.0;
    for j in 0..k {
        let mean = p.iter().map(|row| row[j]).sum::<f64>() / b;
        marginal -= mean * (mean + eps).ln();
    }
    let mut sat = 0.0;
    for (p, q) in p.iter().zip(q) {
        for (p, q) in p.iter().zip(q) {
            sat += p * ((p + eps) / (q + eps)).ln() / b;
        }
    }
    sat + lambda * (conditional - mu * marginal)
}

fn rows(log_p: &Tensor) -> Vec<Vec<f64>> {
    Vec::<Vec<f64>>::try_from(log_p.exp()).expect("two dimensions")
}

#[test]
fn the_loss_is_that_of_four_loops() {
    let (p, q) = (log_p(&(logits("p", 7, 4) * 3.0)), log_p(&(logits("q", 7, 4) * 3.0)));
    let weights = Weights { lambda: 0.3, mu: 2.5, log_shares: None };
    let want = naive(0.3, 2.5, &rows(&p), &rows(&q));
    assert!((value(&loss(&weights, &p, &q).total) - want).abs() < 1e-12);
    // Where q is below ε the floor decides.
    let q = log_p(&(logits("q", 7, 4) * 100.0));
    let want = naive(0.3, 2.5, &rows(&p), &rows(&q));
    assert!((value(&loss(&weights, &p, &q).total) - want).abs() < 1e-9);
}

#[test]
fn uniform_balanced_and_collapsed_outputs_by_hand() {
    // All clusters equally likely for all samples.
    let even = log_p(&Tensor::zeros([50, 10], (Kind::Double, Device::Cpu)));
    let t = loss(&published(), &even, &even);
    assert!((value(&t.conditional) - LN_10).abs() < 1e-6 && (value(&t.marginal) - LN_10).abs() < 1e-6);
    assert!((value(&t.total) - -0.690_776).abs() < 1e-6 && value(&t.sat).abs() < 1e-12);
    // One-hot outputs, all clusters equally large.
    let balanced = log_p(&one_hot(50, 10, |b| b % 10));
    assert!((value(&loss(&published(), &balanced, &balanced).total) - -0.921_034).abs() < 1e-6);
    // One cluster.
    let collapsed = log_p(&one_hot(50, 10, |_| 3));
    assert!(value(&loss(&published(), &collapsed, &collapsed).total).abs() < 1e-6);
}

#[test]
fn no_outputs_have_a_lower_loss_than_balanced_ones() {
    for (i, scale) in [0.1, 1.0, 10.0, 100.0].into_iter().enumerate() {
        let p = log_p(&(logits(&format!("p{i}"), 60, 10) * scale));
        let t = loss(&published(), &p, &p);
        assert!(value(&t.total) >= -0.4 * LN_10 - 1e-6);
        // I(X; Y) = H(Y) − H(Y|X) is no less than 0.
        assert!(value(&t.marginal) - value(&t.conditional) > -1e-7);
    }
}

#[test]
fn the_divergence_is_zero_only_for_equal_outputs() {
    let (p, q) = (log_p(&logits("p", 40, 5)), log_p(&logits("q", 40, 5)));
    assert!(value(&kl_from_clean(&p, &p).abs().max()) < 1e-12);
    assert!(value(&kl_from_clean(&p, &q).min()) > 0.0);
}

#[test]
fn equal_shares_change_nothing_and_others_move_the_optimum() {
    let p = log_p(&logits("p", 30, 3));
    let with = |log_shares| loss(&Weights { log_shares, ..published() }, &p, &p).total;
    let plain = value(&with(None));
    assert!((plain - value(&with(Some(Tensor::zeros([3], (Kind::Double, Device::Cpu)))))).abs() < 1e-12);
    // Shares 1/2, 1/4, 1/4: a clustering with these sizes scores ln K, more than one with equal
    // sizes.
    let shares = (Tensor::from_slice(&[0.5f64, 0.25, 0.25]) * 3.0).log();
    let marginal = |of: fn(i64) -> i64| {
        let p = log_p(&one_hot(12, 3, of));
        let weights = Weights { log_shares: Some(shares.shallow_clone()), ..published() };
        value(&loss(&weights, &p, &p).marginal)
    };
    let uneven = marginal(|b| [0, 0, 1, 2][b as usize % 4]);
    assert!((uneven - 3f64.ln()).abs() < 1e-6 && uneven > marginal(|b| b % 3) + 0.01);
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    let (a, c) = (logits("p", 6, 4), logits("q", 6, 4));
    let of = |a: &Tensor, c: &Tensor, clean: &Tensor| {
        // The clean answers of R_SAT are constants: their own argument.
        let t = loss(&published(), &log_p(a), &log_p(c));
        &t.total - &t.sat + kl_from_clean(&log_p(clean), &log_p(c)).mean(None::<Kind>)
    };
    let (va, vc) = (a.copy().set_requires_grad(true), c.copy().set_requires_grad(true));
    let total = loss(&published(), &log_p(&va), &log_p(&vc)).total;
    let gradients = Tensor::run_backward(&[&total], &[&va, &vc], false, false);
    let h = 1e-6;
    for (which, gradient) in gradients.iter().enumerate() {
        for i in 0..24 {
            let step = Tensor::from_slice(&[i]).one_hot(24).to_kind(Kind::Double).view([6, 4]) * h;
            let at = |sign: f64| {
                let moved: Tensor = &step * sign;
                if which == 0 { of(&(&a + moved), &c, &a) } else { of(&a, &(&c + moved), &a) }
            };
            let numeric = (value(&at(1.0)) - value(&at(-1.0))) / (2.0 * h);
            let exact = gradient.view([-1]).double_value(&[i]);
            assert!((numeric - exact).abs() < 1e-8, "{which} {i}: {numeric} {exact}");
        }
    }
}

#[test]
fn the_clean_outputs_are_a_constant() {
    // R_SAT's gradient with respect to shared weights, with the clean answers computed and with
    // their numbers.
    let w = logits("w", 5, 4).set_requires_grad(true);
    let (x, r) = (logits("x", 9, 5), logits("r", 9, 5));
    let gradient = |clean: &Tensor| {
        let sat = kl_from_clean(clean, &log_p(&(&x + &r).matmul(&w))).mean(None::<Kind>);
        Tensor::run_backward(&[&sat], &[&w], false, false).remove(0)
    };
    let computed = log_p(&x.matmul(&w));
    let numbers = Tensor::from_slice2(&Vec::<Vec<f64>>::try_from(computed.detach()).expect("rows"));
    assert!(value(&(gradient(&computed) - gradient(&numbers)).abs().max()) < 1e-14);
}

#[test]
fn directions_have_length_one_and_a_fallback() {
    let noise = logits("d", 20, 784).to_kind(Kind::Float);
    let length = |t: &Tensor| t.norm_scalaropt_dim(2.0, [1], false);
    assert!(value(&(length(&unit_rows(&noise)) - 1.0).abs().max()) < 1e-6);
    // Rows whose squares underflow still have a direction; rows without one take the other's.
    let other = unit_rows(&noise);
    let tiny = &noise * 1e-30;
    assert!(value(&(unit_rows_or(&tiny, &noise) - &other).abs().max()) < 1e-6);
    assert!(unit_rows_or(&(&noise * 0.0), &other).equal(&other));
    assert!(unit_rows_or(&(&noise * f64::NAN), &other).equal(&other));
}

#[test]
fn the_adversarial_direction_changes_more_than_a_random_one() {
    // A linear classifier, on average over samples and directions.
    let (w, x) = (logits("w", 12, 4) * 0.5, logits("x", 200, 12));
    let answer = |x: &Tensor| log_p(&x.matmul(&w));
    let clean = answer(&x);
    let random = unit_rows(&logits("d", 200, 12));
    let vat = adversarial(answer, &x, &clean, &random, 10.0).expect("a direction");
    assert!(!vat.requires_grad());
    let sat = |d: &Tensor| value(&kl_from_clean(&clean, &answer(&(&x + d * 0.5))).mean(None::<Kind>));
    assert!(sat(&vat) > 1.5 * sat(&random), "{} {}", sat(&vat), sat(&random));
    assert!(value(&(vat.norm_scalaropt_dim(2.0, [1], false) - 1.0).abs().max()) < 1e-12);
    // A classifier that ignores its input: the random directions are unchanged.
    let constant = |x: &Tensor| log_p(&(x.matmul(&w) * 0.0));
    let unchanged = adversarial(constant, &x, &constant(&x), &random, 10.0).expect("a direction");
    assert!(unchanged.equal(&random));
}
