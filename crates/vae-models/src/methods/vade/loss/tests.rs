use super::*;
use crate::shared::posterior::held;
use tch::Device;
use vae_core::random::{Streams, normal};

fn t(values: &[f64], shape: &[i64]) -> Tensor {
    Tensor::from_slice(values).view(shape)
}

fn value(t: &Tensor) -> f64 {
    t.double_value(&[])
}

/// Everything the loss depends on, in f64: 0 logits of pi, 1 mu_c, 2 log_var_c, 3 mu, 4 log_var, 5
/// out; then ε and x.
struct Case {
    free: [Tensor; 6],
    noise: Tensor,
    x: Tensor,
    gamma: Gamma,
}

impl Case {
    fn terms_at(&self, p: &[Tensor]) -> Terms {
        let prior = MixturePrior {
            logits: p[0].shallow_clone(),
            mu: p[1].shallow_clone(),
            log_var: p[2].shallow_clone(),
        };
        let posterior = Posterior::sample(p[3].shallow_clone(), p[4].shallow_clone(), &self.noise);
        loss(&Likelihood::Bernoulli, self.gamma, &prior, &posterior, &p[5], &self.x)
    }

    fn terms(&self) -> Terms {
        self.terms_at(&self.free)
    }

    fn gradients(&self) -> Vec<Tensor> {
        let free: Vec<Tensor> = self.free.iter().map(|p| p.detach().copy().set_requires_grad(true)).collect();
        Tensor::run_backward(&[self.terms_at(&free).total], &free, false, false)
    }
}

/// Two components in one dimension, three pixels.
fn t2(gamma: Gamma) -> Case {
    Case {
        free: [
            t(&[0.25f64.ln(), 0.75f64.ln()], &[2]),
            t(&[-1.0, 1.0], &[2, 1]),
            t(&[0.0, 0.5f64.ln()], &[2, 1]),
            t(&[0.5], &[1, 1]),
            t(&[0.25f64.ln()], &[1, 1]),
            t(&[2.0, -1.0, 0.3], &[1, 3]),
        ],
        noise: t(&[1.0], &[1, 1]),
        x: t(&[1.0, 0.0, 0.5], &[1, 3]),
        gamma,
    }
}

/// A random case with `b` samples, `k` components and `j` latent dimensions.
fn random(seed: u64, b: i64, k: i64, j: i64, gamma: Gamma) -> Case {
    let streams = Streams::new(seed, "loss");
    let draw = |name: &str, shape: &[i64]| {
        normal(&mut streams.rng(name, 0, 0), shape, Device::Cpu).to_kind(Kind::Double)
    };
    Case {
        free: [
            draw("logits", &[k]),
            draw("mu_c", &[k, j]) * 2.0,
            draw("log_var_c", &[k, j]) * 0.5,
            draw("mu", &[b, j]) * 2.0,
            draw("log_var", &[b, j]) * 0.5,
            draw("out", &[b, 4]),
        ],
        noise: draw("noise", &[b, j]),
        x: draw("x", &[b, 4]).sigmoid(),
        gamma,
    }
}

#[track_caller]
fn close(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() < tolerance, "{got} is not {want}");
}

#[test]
fn symmetric_values_by_hand() {
    let case = Case {
        free: [
            t(&[0.0, 0.0], &[2]),
            t(&[-1.0, 1.0], &[2, 1]),
            t(&[0.0, 0.0], &[2, 1]),
            t(&[0.0], &[1, 1]),
            t(&[0.0], &[1, 1]),
            t(&[0.0, 0.0], &[1, 2]),
        ],
        noise: t(&[0.0], &[1, 1]),
        x: t(&[1.0, 0.0], &[1, 2]),
        gamma: Gamma::Sample,
    };
    let terms = case.terms();
    close(value(&terms.rec), 1.386_294_361_1, 1e-9);
    close(value(&terms.zc), 1.0, 1e-9);
    close(value(&terms.ent), 0.5, 1e-9);
    close(value(&terms.cat), 0.0, 1e-9);
    close(value(&terms.total), 1.886_294_361_1, 1e-9);
}

#[test]
fn asymmetric_values_and_gradients_by_hand() {
    let case = t2(Gamma::Sample);
    let terms = case.terms();
    close(value(&terms.zc), 0.187_324_516_6, 1e-9);
    close(value(&terms.cat), -0.183_742_394_8, 1e-9);
    close(value(&terms.ent), -0.193_147_180_6, 1e-9);
    close(value(&terms.rec), 1.144_544_943_0, 1e-9);
    close(value(&terms.total), 1.708_759_035_0, 1e-9);
    let g = case.gradients();
    let at = |i: usize, row: i64| g[i].view([-1]).double_value(&[row]);
    close(at(3, 0), -0.847_825_24, 1e-7);
    close(at(4, 0), -0.235_140_87, 1e-7);
    for (i, want) in [
        (1, [-0.121_262_01, 0.969_087_25]),
        (2, [-0.079_354_23, -0.018_723_22]),
        (0, [0.181_640_81, -0.181_640_81]),
    ] {
        close(at(i, 0), want[0], 1e-7);
        close(at(i, 1), want[1], 1e-7);
    }
}

#[test]
fn mean_field_is_lower() {
    let terms = t2(Gamma::Meanfield).terms();
    close(value(&(&terms.total - &terms.rec)), 0.528_691_090_1, 1e-9);
}

#[test]
fn one_standard_component_is_the_plain_vae() {
    let mut case = t2(Gamma::Sample);
    case.free[0] = t(&[0.7], &[1]);
    case.free[1] = t(&[0.0], &[1, 1]);
    case.free[2] = t(&[0.0], &[1, 1]);
    let terms = case.terms();
    close(value(&(terms.total - terms.rec)), 0.443_147_180_6, 1e-9);
}

#[test]
fn the_latent_term_is_a_sum_of_divergences_and_never_negative() {
    for seed in 0..50 {
        for gamma in [Gamma::Sample, Gamma::Meanfield] {
            let case = random(seed, 6, 4, 3, gamma);
            let terms = case.terms();
            let latent = value(&(terms.total - terms.rec));
            assert!(latent >= 0.0);
            // Σ_c gamma_c KL(q(z|x) ‖ p(z|c)) + KL(gamma ‖ pi), one divergence at a time.
            let [logits, mu_c, log_var_c, mu, log_var, _] = &case.free;
            let prior = MixturePrior { logits: logits.copy(), mu: mu_c.copy(), log_var: log_var_c.copy() };
            let z = mu + (log_var * 0.5).exp() * &case.noise;
            let log_gamma = match gamma {
                Gamma::Sample => prior.log_gamma(&z),
                Gamma::Meanfield => prior.log_gamma_mean_field(mu, log_var),
            };
            let mut sum = kl::categorical(&log_gamma, &prior.log_pi());
            for c in 0..4 {
                let scaled_mu = (mu - mu_c.get(c)) / (log_var_c.get(c) * 0.5).exp();
                let divergence = kl::gaussian_to_standard(&scaled_mu, &(log_var - log_var_c.get(c)));
                sum += log_gamma.select(1, c).exp() * divergence;
            }
            close(latent, sum.mean(Kind::Double).double_value(&[]), 1e-10);
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let case = random(1, 3, 3, 2, Gamma::Sample);
    let gradients = case.gradients();
    let h = 1e-6;
    for (i, gradient) in gradients.iter().enumerate() {
        for at in 0..gradient.numel() as i64 {
            let moved = |by: f64| {
                let p: Vec<Tensor> = case.free.iter().map(Tensor::copy).collect();
                let _ = p[i].view([-1]).get(at).g_add_scalar_(by);
                value(&case.terms_at(&p).total)
            };
            let difference = (moved(h) - moved(-h)) / (2.0 * h);
            close(gradient.contiguous().view([-1]).double_value(&[at]), difference, 1e-7);
        }
    }
}

#[test]
fn invariances() {
    let case = random(2, 5, 4, 3, Gamma::Sample);
    let base = value(&case.terms().total);
    let changed = |f: &dyn Fn(&mut [Tensor; 6])| {
        let mut free = case.free.each_ref().map(Tensor::copy);
        f(&mut free);
        value(&case.terms_at(&free).total)
    };
    let order = Tensor::from_slice(&[2i64, 0, 3, 1]);
    close(changed(&|p| (0..3).for_each(|i| p[i] = p[i].index_select(0, &order))), base, 1e-12);
    close(changed(&|p| p[0] = &p[0] + 5.0), base, 1e-12);
    close(changed(&|p| [1, 3].into_iter().for_each(|i| p[i] = &p[i] + 0.7)), base, 1e-10);
    // Every component twice with half its weight: adding a constant to all logits changes nothing.
    close(changed(&|p| (0..3).for_each(|i| p[i] = Tensor::cat(&[&p[i], &p[i]], 0))), base, 1e-12);
}

#[test]
fn extremes_stay_finite() {
    for (far, log_var) in [(1e4, 0.0), (0.0, 30.0), (0.0, -30.0), (1e4, -30.0)] {
        let mut case = random(3, 4, 3, 2, Gamma::Sample);
        case.free[3] = &case.free[3] + far;
        case.free[2] = case.free[2].zeros_like() + log_var;
        let terms = case.terms();
        assert!(
            [&terms.total, &terms.zc, &terms.cat].into_iter().all(|t| value(t).is_finite()),
            "{far} {log_var}"
        );
    }
}

#[test]
fn held_assignments_make_a_complete_data_bound() {
    let case = random(4, 3, 3, 2, Gamma::Sample);
    let [logits, mu_c, log_var_c, mu, log_var, out] = &case.free;
    let prior = MixturePrior { logits: logits.copy(), mu: mu_c.copy(), log_var: log_var_c.copy() };
    let posterior = Posterior::sample(mu.copy(), log_var.copy(), &case.noise);
    let labels = Tensor::from_slice(&[2i64, 0, 2]);
    let log_gamma = held(&labels, 3).to_kind(Kind::Double);
    let terms = loss_with(&Likelihood::Bernoulli, log_gamma, &prior, &posterior, out, &case.x);
    // The energy and the prior of the held component alone.
    let pick = |t: &Tensor| t.gather(1, &labels.unsqueeze(1), false).mean(Kind::Double).double_value(&[]);
    close(value(&terms.zc), pick(&prior.expected_energy(mu, log_var)), 1e-12);
    close(value(&terms.cat), pick(&prior.log_pi().expand([3, 3], false)), 1e-12);
}

#[test]
fn the_elbo_of_samples_is_the_loss_at_the_mean() {
    let case = t2(Gamma::Sample);
    let [logits, mu_c, log_var_c, mu, log_var, out] = &case.free;
    let prior = MixturePrior {
        logits: logits.shallow_clone(),
        mu: mu_c.shallow_clone(),
        log_var: log_var_c.shallow_clone(),
    };
    let posterior = Posterior::sample(mu.shallow_clone(), log_var.shallow_clone(), &case.noise.zeros_like());
    let at_mean = loss(&Likelihood::Bernoulli, Gamma::Sample, &prior, &posterior, out, &case.x);
    let latent = crate::shared::elbo::latent_terms(&prior, mu, log_var, &prior.log_gamma(mu));
    let elbo = latent.double_value(&[0]) - Likelihood::Bernoulli.nll(out, &case.x).double_value(&[0]);
    assert!((elbo + value(&at_mean.total)).abs() < 1e-12, "{elbo}");
}
