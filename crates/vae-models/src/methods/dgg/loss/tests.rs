use tch::{Kind, Tensor};
use vae_core::kl;
use vae_core::likelihood::Likelihood;
use vae_gmm::prior::MixturePrior;
use vae_graph::pairwise::{Latent, smoothed, tuples};

fn t(values: &[f64], shape: &[i64]) -> Tensor {
    Tensor::from_slice(values).view(shape)
}

/// Without neighbours, with VaDE's gamma and pi, the objective is VaDE's loss of the same sample.
#[test]
fn without_a_graph_and_with_bayes_rule_it_is_vade() {
    let prior = MixturePrior {
        logits: t(&[0.25f64.ln(), 0.75f64.ln()], &[2]),
        mu: t(&[-1.0, 1.0], &[2, 1]),
        log_var: t(&[0.0, 0.5f64.ln()], &[2, 1]),
    };
    let (mu, log_var) = (t(&[0.5], &[1, 1]), t(&[0.25f64.ln()], &[1, 1]));
    let z = t(&[1.0], &[1, 1]);
    let latent = |shape: &[i64]| Latent {
        energy: prior.expected_energy(&mu, &log_var).view([shape, &[2]].concat().as_slice()),
        entropy: kl::gaussian_entropy_without_constant(&log_var).view(shape),
        log_gamma: prior.log_gamma(&z).view([shape, &[2]].concat().as_slice()),
    };
    let nll = Likelihood::Bernoulli.nll(&t(&[2.0, -1.0, 0.3], &[1, 3]), &t(&[1.0, 0.0, 0.5], &[1, 3]));
    let one = Tensor::ones([1], (Kind::Double, tch::Device::Cpu));
    let terms = smoothed(&nll, &latent(&[1]), &prior.log_pi(), &one);
    assert!((terms.total.double_value(&[]) - 1.708_759_035_0).abs() < 1e-9);
    // Over a tuple of one, pi is the point's own gamma: the categorical term is 0, everything else
    // the same.
    let own = tuples(&nll.view([1, 1]), &latent(&[1, 1]), &one.view([1, 1]));
    assert!(own.cat.double_value(&[]).abs() < 1e-12);
    assert!((own.total - own.cat - (&terms.total - &terms.cat)).double_value(&[]).abs() < 1e-12);
}
