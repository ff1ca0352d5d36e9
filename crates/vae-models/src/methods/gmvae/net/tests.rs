//! Sizes of the published networks, and what training must leave behind.

use super::*;
use crate::shared::encoder_decoder::NetKind;
use vae_core::random::uniform;

const MNIST: ImageShape = ImageShape { channels: 1, height: 28, width: 28 };

/// The published sizes at K = 10.
fn published(kind: NetKind) -> GmvaeConfig {
    let mut config = GmvaeConfig { n_clusters: 10, ..GmvaeConfig::default() };
    let net = super::super::config::GmvaeNetConfig {
        kind,
        hidden: vec![500, 500],
        prior_hidden: 500,
        latent_dim: 200,
        style_dim: 150,
        ..config.net
    };
    config.net = net;
    config
}

fn net(kind: NetKind) -> GmvaeNet {
    let config = published(kind);
    let image = GmvaeNet::image(&config, Some(MNIST)).expect("28 is even");
    GmvaeNet::new(&config, (&Likelihood::Bernoulli, 784), image, &Streams::new(0, "test"), Device::Cpu)
}

/// Rows of uniform grey values.
fn grey(n: i64) -> Tensor {
    uniform(&mut Streams::new(0, "grey").rng("x", 0, 0), &[n, 784], Device::Cpu)
}

/// Multiply-adds of the linear layers and convolutions of a sample, from the parameters' names and
/// shapes.
fn weights(net: &GmvaeNet, of: &str) -> usize {
    let is_matrix = |t: &Tensor| t.dim() == 2;
    net.params
        .iter()
        .filter(|p| p.name.starts_with(of) && is_matrix(&p.tensor))
        .map(|p| p.tensor.numel())
        .sum()
}

#[test]
fn the_fully_connected_products_by_hand() {
    let net = net(NetKind::Mlp);
    assert_eq!(weights(&net, "encoder."), 992_000);
    assert_eq!(weights(&net, "decoder."), 742_000);
    assert_eq!(weights(&net, "prior."), 2_075_000);
    // Biases 2·500 + 700, 2·500 + 784, 500 + 4000; two scales and shifts of 500.
    assert_eq!(net.params.n_values(), 3_809_000 + 1_700 + 1_784 + 4_500 + 2_000);
}

#[test]
fn the_convolutional_products_by_hand() {
    let net = net(NetKind::Conv);
    let at = |name: &str| {
        let of = net.params.iter().find(|p| p.name == format!("{name}.weight")).expect("a layer");
        of.tensor.numel()
    };
    // Each weight of a convolution serves every place of its output, of its transpose every place
    // of its input.
    let encoder = at("encoder.0") * 23 * 23 + at("encoder.1") * 18 * 18 + at("encoder.2") * 9 * 9;
    let decoder = at("decoder.2") * 9 * 9 + at("decoder.3") * 18 * 18 + at("decoder.out") * 23 * 23;
    assert_eq!(encoder + weights(&net, "encoder."), 11_872_880);
    assert_eq!(decoder + weights(&net, "decoder."), 11_622_880);
}

#[test]
fn shapes_of_both_kinds() {
    let x = grey(3);
    for kind in [NetKind::Mlp, NetKind::Conv] {
        let net = net(kind);
        let _guard = tch::no_grad_guard();
        assert_eq!(net.gamma(&x).size(), [3, 10]);
        assert_eq!(net.code(&x).size(), [3, 200]);
        assert_eq!(net.reconstruct(&x).size(), [3, 784]);
        assert_eq!(net.sample(9, 2, &Streams::new(0, "s"), Device::Cpu).size(), [2, 784]);
        let far = net.gamma(&(x.shallow_clone() * 1e4));
        assert_eq!(far.isfinite().all().int64_value(&[]), 1);
    }
}

/// Two draws through the whole network: each row must be paired with its recogniser's row, its
/// image and its own w.
#[test]
fn two_draws_are_the_mean_of_two_single_draws() {
    let config = GmvaeConfig { n_samples: 2, lambda: 0.0, ..published(NetKind::Mlp) };
    let streams = Streams::new(0, "test");
    let net = GmvaeNet::new(&config, (&Likelihood::Bernoulli, 784), None, &streams, Device::Cpu);
    let x = grey(5);
    let index = Tensor::arange(5, (Kind::Int64, Device::Cpu));
    let batch = Batch::alone(&x, &index, &streams);
    let _guard = tch::no_grad_guard();
    let of = |loss: &Tensor| loss.double_value(&[]);
    let both = net.loss(&batch).expect("a loss");
    let r = net.recognise(&x, Statistics::Update);
    let z = net.draw("noise", &r.mu, &r.log_var, &batch).expect("a sample").view([2, 5, 200]);
    let w = net.draw("style", &r.mu_w, &r.log_var_w, &batch).expect("a sample").view([2, 5, 150]);
    let mut mean = [0.0; 5];
    for j in 0..2 {
        let (z, w) = (z.get(j), w.get(j));
        let out = net.generator.decode(&z, Statistics::Update);
        let t = loss(&Likelihood::Bernoulli, &r, &z, &net.clusters.at(&w), (&out, &x), 0.0);
        for (sum, term) in mean.iter_mut().zip([&t.total, &t.rec, &t.cond, &t.w, &t.z]) {
            *sum += of(term) / 2.0;
        }
    }
    let terms = std::iter::once(&both.total).chain(both.terms.iter().map(|(_, term)| term));
    for (found, want) in terms.map(of).zip(mean) {
        assert!((found - want).abs() < 1e-4 * want.abs().max(1.0), "{found} {want}");
    }
}

/// A sample by itself has no moments of its own: what is said of it must not depend on its company.
#[test]
fn prediction_uses_the_running_moments() {
    let side = ImageShape { channels: 1, height: 14, width: 14 };
    for (kind, image) in [(NetKind::Mlp, None), (NetKind::Conv, Some(side))] {
        let mut config = published(kind);
        config.net.hidden = vec![16];
        (config.net.conv_features, config.net.prior_hidden) = (16, 8);
        (config.net.latent_dim, config.net.style_dim) = (2, 2);
        let streams = Streams::new(0, "test");
        let net = GmvaeNet::new(&config, (&Likelihood::Bernoulli, 196), image, &streams, Device::Cpu);
        let index = Tensor::arange(8, (Kind::Int64, Device::Cpu));
        // From dark to light.
        let x = grey(8).narrow(1, 0, 196) * (&index + 1).unsqueeze(1) / 8.0;
        let _guard = tch::no_grad_guard();
        // The running moments approach those of the data.
        for step in 0..30 {
            net.loss(&Batch { step, ..Batch::alone(&x, &index, &streams) }).expect("a loss");
        }
        let before = net.params.snapshot("").expect("a snapshot");
        let same = |alone: &Tensor, together: &Tensor| {
            let off = (alone - together.narrow(0, 0, 1)).abs().max().double_value(&[]);
            let spread = together.std_dim([0i64].as_slice(), true, false).max().double_value(&[]);
            assert!(off < 1e-5 && spread > 1e-3, "{kind:?}: {off} {spread}");
        };
        let first = x.narrow(0, 0, 1);
        same(&net.gamma(&first), &net.gamma(&x));
        same(&net.code(&first), &net.code(&x));
        same(&net.reconstruct(&first), &net.reconstruct(&x));
        // The first row of the noise is that of a single sample.
        let sample = |n| net.sample(1, n, &streams, Device::Cpu);
        same(&sample(1), &sample(8));
        let after = net.params.snapshot("").expect("a snapshot");
        assert!(
            before.iter().all(|(name, t)| t.equal(&after[name])),
            "{kind:?}: prediction changed the moments"
        );
    }
}
