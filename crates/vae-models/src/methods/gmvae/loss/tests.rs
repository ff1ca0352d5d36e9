//! Values by hand, limits, invariances, and gradients by finite differences, in f64.

use super::*;
use tch::Device;
use vae_core::random::{Streams, normal};

const LIKELIHOOD: Likelihood = Likelihood::Bernoulli;

fn t(values: &[f64], shape: &[i64]) -> Tensor {
    Tensor::from_slice(values).view(shape)
}

fn draw(name: &str, shape: &[i64]) -> Tensor {
    normal(&mut Streams::new(0, "gmvae").rng(name, 0, 0), shape, Device::Cpu).to_kind(Kind::Double)
}

fn value(t: &Tensor) -> f64 {
    t.double_value(&[])
}

fn close(got: &Tensor, want: f64) {
    assert!((value(got) - want).abs() < 1e-9, "{} {want}", value(got));
}

/// One dimension, two components.
fn t1(lambda: f64) -> Terms {
    let recognition = Recognition {
        mu: t(&[0.5], &[1, 1]),
        log_var: t(&[0.25f64.ln()], &[1, 1]),
        mu_w: t(&[0.3], &[1, 1]),
        log_var_w: t(&[0.8f64.ln()], &[1, 1]),
    };
    let (z, zero) = (t(&[1.0], &[1, 1]), t(&[0.0], &[1, 1]));
    loss(&LIKELIHOOD, &recognition, &z, &two(), (&zero, &zero), lambda)
}

fn two() -> Components {
    Components { mu: t(&[-1.0, 1.0], &[1, 2, 1]), log_var: t(&[0.0, 0.5f64.ln()], &[1, 2, 1]) }
}

#[test]
fn responsibilities_divergences_and_terms_by_hand() {
    let z = t(&[1.0], &[1, 1]);
    let log_p = log_responsibility(&z, &two());
    let p = log_p.exp();
    close(&p.get(0).get(0), 0.087_338_507_3);
    close(&p.get(0).get(1), 0.912_661_492_7);
    let kl = component_kl(&t(&[0.5], &[1, 1]), &t(&[0.25f64.ln()], &[1, 1]), &two());
    close(&kl.get(0).get(0), 1.443_147_180_6);
    close(&kl.get(0).get(1), 0.346_573_590_3);
    let terms = t1(0.5);
    close(&terms.cond, 0.442_346_690_8);
    close(&terms.z, 0.396_810_714_9);
    // rec of a logit of 0 is ln 2; w as in the test of its divergence.
    close(&terms.total, 2f64.ln() + 0.442_346_690_8 + 0.056_571_775_7 + 0.5);
    close(&t1(0.2).total, 2f64.ln() + 0.442_346_690_8 + 0.056_571_775_7 + 0.396_810_714_9);
}

#[test]
fn the_divergence_of_w() {
    close(&t1(0.0).w, 0.056_571_775_7);
}

/// A batch of `b` samples with `m` draws and `k` components.
struct Case {
    recognition: Recognition,
    z: Tensor,
    components: Components,
    out: Tensor,
    x: Tensor,
}

fn case(b: i64, m: i64, k: i64) -> Case {
    let (j, d) = (3, 4);
    Case {
        recognition: Recognition {
            mu: draw("mu", &[b, j]),
            log_var: draw("log_var", &[b, j]) * 0.5,
            mu_w: draw("mu_w", &[b, 2]),
            log_var_w: draw("log_var_w", &[b, 2]) * 0.5,
        },
        z: draw("z", &[m * b, j]),
        components: Components { mu: draw("m", &[m * b, k, j]), log_var: draw("v", &[m * b, k, j]) * 0.5 },
        out: draw("out", &[m * b, d]),
        x: draw("x", &[b, d]).sigmoid(),
    }
}

impl Case {
    fn terms(&self, lambda: f64) -> Terms {
        loss(&LIKELIHOOD, &self.recognition, &self.z, &self.components, (&self.out, &self.x), lambda)
    }

    fn all(&self) -> [f64; 5] {
        let t = self.terms(0.0);
        [value(&t.total), value(&t.rec), value(&t.cond), value(&t.w), value(&t.z)]
    }
}

#[test]
fn equal_components_are_one() {
    let mut c = case(5, 1, 4);
    c.components.mu = c.components.mu.narrow(1, 0, 1).repeat([1, 4, 1]);
    c.components.log_var = c.components.log_var.narrow(1, 0, 1).repeat([1, 4, 1]);
    let log_p = log_responsibility(&c.z, &c.components);
    assert!((log_p.exp() - 0.25).abs().max().double_value(&[]) < 1e-12);
    let one =
        Components { mu: c.components.mu.narrow(1, 0, 1), log_var: c.components.log_var.narrow(1, 0, 1) };
    let single = component_kl(&c.recognition.mu, &c.recognition.log_var, &one).mean(None::<Kind>);
    let terms = c.terms(0.0);
    assert!(value(&terms.z).abs() < 1e-12);
    close(&terms.cond, value(&single));
}

#[test]
fn the_z_term_is_between_zero_and_ln_k() {
    assert!(value(&case(5, 1, 1).terms(0.0).z).abs() < 1e-15);
    let some = value(&case(50, 1, 10).terms(0.0).z);
    assert!(some > 0.0 && some < 10f64.ln());
    let mut far = case(50, 1, 10);
    for gap in [1e1, 1e2, 1e4] {
        // Components at multiples of the gap, and each z on one of them.
        let at = Tensor::arange(10, (Kind::Double, Device::Cpu)) * gap;
        far.components.mu = at.view([1, 10, 1]).repeat([50, 1, 3]);
        far.components.log_var = far.components.log_var.zeros_like();
        let which = Tensor::arange(50, (Kind::Double, Device::Cpu)).remainder(10.0) * gap;
        far.z = which.view([50, 1]).repeat([1, 3]);
        assert!((value(&far.terms(0.0).z) - std::f64::consts::LN_10).abs() < 1e-9, "gap {gap}");
        assert!(far.all().iter().all(|v| v.is_finite()));
    }
}

#[test]
fn two_draws_are_the_mean_of_each() {
    let both = case(5, 2, 4);
    let half = |j: i64| {
        let part = |t: &Tensor| t.narrow(0, j * 5, 5);
        Case {
            recognition: Recognition {
                mu: both.recognition.mu.shallow_clone(),
                log_var: both.recognition.log_var.shallow_clone(),
                mu_w: both.recognition.mu_w.shallow_clone(),
                log_var_w: both.recognition.log_var_w.shallow_clone(),
            },
            z: part(&both.z),
            components: Components { mu: part(&both.components.mu), log_var: part(&both.components.log_var) },
            out: part(&both.out),
            x: both.x.shallow_clone(),
        }
        .all()
    };
    let (first, second) = (half(0), half(1));
    for (i, got) in both.all().into_iter().enumerate() {
        assert!((got - (first[i] + second[i]) / 2.0).abs() < 1e-12, "term {i}");
    }
    assert!((first[1] - second[1]).abs() > 1e-3, "the draws differ");
}

#[test]
fn the_order_of_the_components_does_not_matter() {
    let c = case(6, 1, 4);
    let order = Tensor::from_slice(&[3i64, 1, 0, 2]);
    let mut moved = case(6, 1, 4);
    moved.components.mu = c.components.mu.index_select(1, &order);
    moved.components.log_var = c.components.log_var.index_select(1, &order);
    for (a, b) in c.all().into_iter().zip(moved.all()) {
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn gradients_are_finite_differences() {
    let c = case(3, 2, 3);
    let r = &c.recognition;
    let inputs = [&r.mu, &r.log_var, &r.mu_w, &r.log_var_w, &c.z, &c.components.mu, &c.components.log_var];
    let of = |p: &[Tensor]| {
        let p: Vec<Tensor> = p.iter().map(Tensor::shallow_clone).collect();
        let [mu, log_var, mu_w, log_var_w, z, m, v] = <[Tensor; 7]>::try_from(p).expect("seven");
        let recognition = Recognition { mu, log_var, mu_w, log_var_w };
        loss(&LIKELIHOOD, &recognition, &z, &Components { mu: m, log_var: v }, (&c.out, &c.x), 0.0).total
    };
    let leaves: Vec<Tensor> = inputs.iter().map(|t| t.copy().set_requires_grad(true)).collect();
    let grads = Tensor::run_backward(&[of(&leaves)], &leaves, false, false);
    let step = 1e-5;
    for (which, grad) in grads.iter().enumerate() {
        for at in 0..grad.numel() as i64 {
            let moved = |by: f64| {
                let p: Vec<Tensor> = inputs.iter().map(|t| t.copy()).collect();
                let _ = p[which].view([-1]).get(at).g_add_scalar_(by);
                value(&of(&p))
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            let got = grad.reshape([-1]).double_value(&[at]);
            assert!((got - slope).abs() < 1e-7, "input {which}, {at}: {got} {slope}");
        }
    }
}

/// It is the mean over the batch that lambda is compared with, not the z of each sample.
#[test]
fn z_has_no_gradient_below_lambda_and_its_full_one_above() {
    let mut c = case(2, 1, 2);
    c.z = t(&[1.0, -1.0], &[2, 1]);
    c.recognition.mu = t(&[0.5, -0.5], &[2, 1]);
    c.recognition.log_var = t(&[-1.0, -1.0], &[2, 1]);
    let Components { mu, log_var } = two();
    c.components = Components { mu: mu.repeat([2, 1, 1]), log_var: log_var.repeat([2, 1, 1]) };
    // The sample of the first test, and one at −1: ln N_1 − ln N_0 = −½ (4 / 0.5 + ln 0.5).
    let p = 1.0 / (1.0 + (-0.5 * (8.0 + 0.5f64.ln())).exp());
    let other = 2f64.ln() + p * p.ln() + (1.0 - p) * (1.0 - p).ln();
    let mean = (0.396_810_714_9 + other) / 2.0;
    let leaves = [&mut c.z, &mut c.components.mu, &mut c.components.log_var].map(|leaf| {
        *leaf = leaf.set_requires_grad(true);
        leaf.shallow_clone()
    });
    let gradients = |loss: &Tensor| Tensor::run_backward(&[loss], &leaves, true, false);
    // One sample's z is below both values of lambda, the other's above both.
    for lambda in [0.45, 0.55] {
        assert!(0.396_810_714_9 < lambda && other > lambda, "{other}");
        let terms = c.terms(lambda);
        close(&terms.z, mean);
        let rest = &terms.rec + &terms.cond + &terms.w;
        close(&terms.total, value(&rest) + mean.max(lambda));
        let (of_total, of_rest, of_z) = (gradients(&terms.total), gradients(&rest), gradients(&terms.z));
        for ((total, rest), z) in of_total.iter().zip(&of_rest).zip(&of_z) {
            assert!(z.abs().max().double_value(&[]) > 1e-3);
            let want = if mean > lambda { rest + z } else { rest.shallow_clone() };
            assert!((total - want).abs().max().double_value(&[]) < 1e-12, "lambda {lambda}");
        }
    }
    assert!((0.45..0.55).contains(&mean), "{mean}");
}

#[test]
fn the_bound_is_a_bound() {
    // One sample, one dimension: −loss at lambda = 0, averaged over draws, is at most ln p(x), by
    // importance weights.
    let n = 40_000;
    let (mu, var) = (0.4f64, 0.3f64);
    let eps = draw("eps", &[n, 1]);
    let z = &eps * var.sqrt() + mu;
    let mu_w = 0.2f64;
    let recognition = Recognition {
        mu: t(&[mu], &[1, 1]),
        log_var: t(&[var.ln()], &[1, 1]),
        mu_w: t(&[mu_w], &[1, 1]),
        log_var_w: t(&[0.0], &[1, 1]),
    };
    let w = draw("w", &[n, 1]) + mu_w;
    // Components whose means depend on w.
    let m = Tensor::stack(&[&w * 0.5 - 1.0, &w * -0.3 + 1.0], 1);
    let components = Components { log_var: m.zeros_like() - 0.5, mu: m };
    let (x, out) = (t(&[1.0], &[1, 1]), &z * 2.0);
    let terms = loss(&LIKELIHOOD, &recognition, &z, &components, (&out, &x), 0.0);
    // ln of the mean of p(x, z, w) / q(z) q(w), the mixture summed over c.
    let log_normal = |v: &Tensor, m: &Tensor, var: f64| -> Tensor {
        ((v - m).square() / var + (2.0 * std::f64::consts::PI * var).ln()) * -0.5
    };
    let zero = Tensor::zeros([1], (Kind::Double, Device::Cpu));
    let mixture = log_normal(&z.unsqueeze(1), &components.mu, (-0.5f64).exp())
        .squeeze_dim(-1)
        .logsumexp([-1i64].as_slice(), true)
        - 2f64.ln();
    let log_weight =
        -LIKELIHOOD.nll(&out, &x.repeat([n, 1])).unsqueeze(-1) + mixture + log_normal(&w, &zero, 1.0)
            - log_normal(&z, &(&zero + mu), var)
            - log_normal(&w, &(&zero + mu_w), 1.0);
    let evidence = value(&log_weight.logsumexp([0i64].as_slice(), false).view([])) - (n as f64).ln();
    let bound = -value(&terms.total);
    assert!(bound < evidence, "{bound} {evidence}");
    assert!(bound > evidence - 3.0, "far below: {bound} {evidence}");
}
