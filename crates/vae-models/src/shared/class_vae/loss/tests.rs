//! Values by hand, the identity of the amortised E-step, and gradients by finite differences.

use super::*;
use tch::Device;
use vae_core::random::{Streams, normal};

const OPTIONS: (Kind, Device) = (Kind::Double, Device::Cpu);

fn draw(name: &str, shape: &[i64]) -> Tensor {
    normal(&mut Streams::new(0, "vae-cluster").rng(name, 0, 0), shape, Device::Cpu).to_kind(Kind::Double)
}

fn value(t: &Tensor) -> f64 {
    t.double_value(&[])
}

/// A batch with some y on the simplex.
fn batch(b: i64, j: i64, k: i64) -> (Encoded, Tensor) {
    let y = (draw("y", &[b, k]) * 2.0).softmax(-1, Kind::Double);
    (Encoded { z: draw("z", &[b, j]), log_var: draw("v", &[b, j]), y }, draw("m", &[k, j]) * 2.0)
}

#[test]
fn the_loss_is_the_script_s_loops() {
    let (b, j, k, d) = (5, 3, 4, 6);
    let (e, m) = batch(b, j, k);
    let (x, out) = (draw("x", &[b, d]).sigmoid(), draw("out", &[b, d]));
    let got = loss(&Likelihood::Squashed { variance: 0.4 }, &e, &m, &out, &x);
    let at = |t: &Tensor, r: i64, c: i64| t.double_value(&[r, c]);
    let (mut rec, mut kl, mut cat) = (0.0, 0.0, 0.0);
    for i in 0..b {
        for p in 0..d {
            let mean = 1.0 / (1.0 + (-at(&out, i, p)).exp());
            rec += 2.5 * 0.5 * (at(&x, i, p) - mean).powi(2);
        }
        for c in 0..k {
            let y = at(&e.y, i, c);
            let inner: f64 =
                (0..j).map(|d| -at(&e.log_var, i, d) + (at(&e.z, i, d) - at(&m, c, d)).powi(2)).sum();
            kl += y * 0.5 * inner;
            cat += y * (y + 1e-7).ln();
        }
    }
    let n = b as f64;
    for (got, want) in
        [(&got.rec, rec / n), (&got.kl, kl / n), (&got.cat, cat / n), (&got.total, (rec + kl + cat) / n)]
    {
        assert!((value(got) - want).abs() < 1e-10, "{} {want}", value(got));
    }
}

#[test]
fn the_kl_of_standard_normal_codes_is_half_a_nat_per_dimension() {
    let (b, j) = (20_000, 20);
    let (z, log_var) = (draw("z", &[b, j]), Tensor::zeros([b, j], OPTIONS));
    let y = Tensor::full([b, 10], 0.1, OPTIONS);
    let got = value(&kl(&Encoded { z, log_var, y }, &Tensor::zeros([10, j], OPTIONS)));
    // Five standard errors: ½‖z‖² has variance J/2.
    assert!((got - 10.0).abs() < 5.0 * (10.0f64 / b as f64).sqrt(), "{got}");
}

#[test]
fn the_category_term_at_both_ends() {
    let uniform = value(&category(&Tensor::full([3, 10], 0.1, OPTIONS)));
    assert!((uniform - (0.1f64 + 1e-7).ln()).abs() < 1e-12);
    assert!((uniform + 2.302_584).abs() < 5e-7 && uniform > -(10f64.ln()), "{uniform}");
    let one_hot = Tensor::eye(10, OPTIONS);
    assert!(value(&category(&one_hot)).abs() < 1e-6);
}

#[test]
fn the_best_classifier_is_the_e_step() {
    let (e, m) = batch(200, 4, 5);
    let energy = energy(&e.z, &m);
    let bound = -(-&energy).logsumexp([-1i64].as_slice(), false);
    let of = |y: &Tensor| (y * &energy + y * y.log()).sum_dim_intlist([-1i64].as_slice(), false, None);
    assert!((of(&e.y) - &bound).min().double_value(&[]) > -1e-12);
    let best = (-&energy).softmax(-1, Kind::Double);
    assert!((of(&best) - bound).abs().max().double_value(&[]) < 1e-5);
}

#[test]
fn gradients_are_finite_differences() {
    let (e, m) = batch(6, 3, 4);
    let m = m.set_requires_grad(true);
    let (z, y, log_var) = (&e.z, &e.y, &e.log_var);
    let of = |m: &Tensor, z: &Tensor| {
        let e = Encoded { z: z.shallow_clone(), log_var: log_var.shallow_clone(), y: y.shallow_clone() };
        kl(&e, m)
    };
    let z_leaf = z.detach().copy().set_requires_grad(true);
    let grads = Tensor::run_backward(&[of(&m, &z_leaf)], &[&m, &z_leaf], false, false);
    // By hand: −(1/B) Σ_b y_bk (z_b − m_k).
    let want = -(y.unsqueeze(-1) * (z.unsqueeze(1) - m.detach().unsqueeze(0))).mean_dim(
        [0i64].as_slice(),
        false,
        Kind::Double,
    );
    assert!((&grads[0] - want).abs().max().double_value(&[]) < 1e-12);
    let step = 1e-5;
    for (which, leaf) in [&m, &z_leaf].into_iter().enumerate() {
        for at in 0..leaf.numel() as i64 {
            let moved = |by: f64| {
                let copy = leaf.detach().copy();
                let _ = copy.view([-1]).get(at).g_add_scalar_(by);
                value(&if which == 0 { of(&copy, z) } else { of(&m.detach(), &copy) })
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            let got = grads[which].view([-1]).double_value(&[at]);
            assert!((got - slope).abs() < 1e-7, "{which} {at}: {got} {slope}");
        }
    }
}

#[test]
fn relabelling_the_classes_changes_nothing() {
    let (e, m) = batch(7, 3, 4);
    let order = Tensor::from_slice(&[2i64, 0, 3, 1]);
    let moved = Encoded {
        z: e.z.shallow_clone(),
        log_var: e.log_var.shallow_clone(),
        y: e.y.index_select(1, &order),
    };
    let other = m.index_select(0, &order);
    assert!((value(&kl(&e, &m)) - value(&kl(&moved, &other))).abs() < 1e-12);
    assert!((value(&category(&e.y)) - value(&category(&moved.y))).abs() < 1e-12);
}

#[test]
fn the_divergence_by_hand() {
    let p = Tensor::from_slice(&[0.5f64, 0.5, 1.0, 0.0]).view([2, 2]);
    let y = Tensor::from_slice(&[0.25f64, 0.75, 0.5, 0.5]).view([2, 2]);
    // ½ ln(0.5/0.25) + ½ ln(0.5/0.75) and ln 2.
    let want = (0.5 * 2f64.ln() + 0.5 * (2.0 / 3.0f64).ln() + 2f64.ln()) / 2.0;
    assert!((value(&divergence(&p, &y)) - want).abs() < 1e-6);
    assert!(value(&divergence(&p, &p)).abs() < 1e-12);
}

#[test]
fn the_latent_terms_of_a_sample_by_hand() {
    // One dimension: q(z | x) = N(0.5, 0.25), classes at -1 and 1, y = (0.1, 0.9).
    let t = |values: &[f64], shape: &[i64]| Tensor::from_slice(values).view(shape);
    let got = class_terms(
        &t(&[0.5], &[1, 1]),
        &t(&[0.25f64.ln()], &[1, 1]),
        &t(&[0.1, 0.9], &[1, 2]),
        &t(&[-1.0, 1.0], &[2, 1]),
    );
    let pull = 0.5 * (0.1 * 1.5f64.powi(2) + 0.9 * 0.5f64.powi(2));
    let spread = 0.5 * (0.25 - 1.0 - 0.25f64.ln());
    let category: f64 = [0.1, 0.9].iter().map(|y: &f64| y * (2.0 * (y + EPS)).ln()).sum();
    let got = got.double_value(&[0]);
    assert!((got + pull + spread + category).abs() < 1e-12, "{got}");
}
