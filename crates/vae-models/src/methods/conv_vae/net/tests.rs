//! Sizes of the networks, the scale of the loss, and the collapse of the printed one.

use super::*;
use crate::api::{Method, MethodConfig, Model};
use crate::methods::conv_vae::{CategoryInput, ConvVae, ConvVaeNetConfig, Intermediate};
use crate::shared::class_vae;
use crate::shared::encoder_decoder::NetKind;
use crate::shared::from_random::Network;
use tch::{Kind, Tensor};
use vae_core::Features;
use vae_core::kl::gaussian_to_standard;
use vae_core::phase::FitContext;
use vae_core::random::{normal, uniform};
use vae_core::train::{Batch, Trainable};

const IMAGE: ImageShape = ImageShape { channels: 1, height: 28, width: 28 };

fn row(s: usize, n: usize, m: usize) -> ConvVaeConfig {
    let net = ConvVaeNetConfig { n_layers: n, width: m, latent_dim: s, ..ConvVaeNetConfig::default() };
    ConvVaeConfig { n_clusters: 10, net, ..ConvVaeConfig::default() }
}

fn net(config: &ConvVaeConfig) -> ClusterNet {
    let image = image_of(config, Some(IMAGE)).expect("even sides");
    build(
        config,
        (&Likelihood::Squashed { variance: 0.4 }, 784),
        image,
        &Streams::new(0, "train"),
        Device::Cpu,
    )
}

fn size(net: &ClusterNet, of: &str) -> usize {
    net.params.iter().filter(|p| p.name.starts_with(of)).map(|p| p.tensor.numel()).sum()
}

fn grey(n: i64) -> Tensor {
    uniform(&mut Streams::new(0, "grey").rng("x", 0, 0), &[n, 784], Device::Cpu)
}

#[test]
fn the_concatenation_has_4704_values_of_which_3136_are_cut_out() {
    let [first, second] = maps(IMAGE);
    assert_eq!((first.dim(), first.dim() + second.dim()), (3136, 4704));
    let net = net(&row(20, 1, 512));
    assert_eq!(net.encoder.encode(&grey(2)).features.size(), [2, 4704]);
    assert_eq!(size(&net, "decoder.intermediate."), 512 * 4704 + 4704);
}

#[test]
fn the_networks_are_in_series() {
    for n in [1, 2, 5] {
        let net = net(&row(60, n, 512));
        // The second network reads the 16 channels of the first.
        assert_eq!(size(&net, "encoder.con1."), 9 * 16 + 16 + (n - 1) * (9 * 16 * 16 + 16));
        assert_eq!(size(&net, "encoder.con2."), 25 * 16 * 32 + 32 + (n - 1) * (25 * 32 * 32 + 32));
        assert_eq!(size(&net, "encoder.hidden."), 4704 * 512 + 512);
        let out = net.reconstruct(&grey(2));
        assert_eq!(out.size(), [2, 784]);
    }
}

#[test]
fn the_unused_part_of_the_intermediate_data_gets_no_gradient() {
    let streams = Streams::new(0, "train");
    let (x, index) = (grey(4), Tensor::arange(4, (Kind::Int64, Device::Cpu)));
    let batch = Batch::alone(&x, &index, &streams);
    let whole = net(&row(5, 2, 32));
    let loss = whole.loss(&batch).expect("a loss");
    let of = |name: &str| whole.params.iter().position(|p| p.name == name).expect("a parameter");
    let gradients = Tensor::run_backward(&[loss.total], &whole.params.tensors(), false, false);
    let rows = &gradients[of("decoder.intermediate.weight")];
    assert_eq!(rows.narrow(0, 3136, 1568).abs().max().double_value(&[]), 0.0);
    assert!(rows.narrow(0, 0, 3136).abs().max().double_value(&[]) > 0.0);
    let cut = ConvVaeNetConfig { intermediate: Intermediate::Cut, ..row(5, 2, 32).net };
    let cut = net(&ConvVaeConfig { net: cut, ..row(5, 2, 32) });
    assert_eq!(size(&cut, "decoder.intermediate."), 32 * 3136 + 3136);
}

#[test]
fn the_mode_chooses_what_the_category_encoder_reads() {
    for (mode, input, width, has_means) in [
        (Mode::Sound, CategoryInput::Auto, 20, true),
        (Mode::Sound, CategoryInput::Features, 4704, true),
        (Mode::Literal, CategoryInput::Auto, 4704, false),
        (Mode::ExactLiteral, CategoryInput::Latent, 20, false),
    ] {
        let net = net(&ConvVaeConfig { mode, category_input: input, ..row(20, 1, 64) });
        assert_eq!(size(&net, "classifier.0.weight"), 256 * width);
        assert_eq!(size(&net, "prior."), if has_means { 200 } else { 0 });
        assert_eq!(net.sample(3, 2, &Streams::new(0, "s"), Device::Cpu).size(), [2, 784]);
    }
}

#[test]
fn the_kl_without_its_constant_is_half_a_nat_a_dimension_higher() {
    let b = 2_000;
    for s in [20, 50, 60, 100i64] {
        let draw = |name| {
            normal(&mut Streams::new(0, "kl").rng(name, 0, 0), &[b, s], Device::Cpu).to_kind(Kind::Double)
        };
        let (mu, log_var, noise) = (draw("mu"), draw("log_var") * 0.3, draw("noise"));
        let z = &mu + (&log_var * 0.5).exp() * noise;
        let printed = gaussian_to_standard(&mu, &log_var).mean(None::<Kind>).double_value(&[]);
        let y = Tensor::full([b, 10], 0.1, (Kind::Double, Device::Cpu));
        let means = Tensor::zeros([10, s], (Kind::Double, Device::Cpu));
        let encoded = class_vae::Encoded { z: z.shallow_clone(), log_var, y };
        let sound = class_vae::kl(&encoded, &means).double_value(&[]);
        // Their difference is a mean of ½(z² − mu² − var) + ½ over b·s draws: five standard errors,
        // var(z²) < 8.
        let tolerance = 5.0 * 0.5 * (8.0 * s as f64 / b as f64).sqrt();
        assert!((sound - printed - s as f64 / 2.0).abs() < tolerance, "s = {s}: {sound} {printed}");
    }
    // Equation 3 at mu = 0, sigma = 1.
    let zero = Tensor::zeros([3, 4], (Kind::Double, Device::Cpu));
    assert_eq!(gaussian_to_standard(&zero, &zero).abs().max().double_value(&[]), 0.0);
}

/// Two kinds of images, a lit half each, with some noise.
fn halves(n: usize) -> Features {
    let noise = grey(n as i64) * 0.3;
    let lit = Tensor::zeros([n as i64, 1, 28, 28], (Kind::Float, Device::Cpu));
    for i in 0..n as i64 {
        let _ = lit.get(i).get(0).narrow((i % 2) & 1, 0, 14).fill_(0.7);
    }
    let x = vae_core::features::to_array2(&(noise + lit.flatten(1, -1))).expect("a matrix");
    Features::dense(x).expect("finite").with_image(IMAGE).expect("28 x 28")
}

/// Two epochs of 50 updates on images of two kinds: the largest share of a cluster, the last `cat`,
/// and whether the model samples.
fn two_kinds(mode: Mode) -> (f64, f64, bool) {
    vae_core::device::configure_process(1);
    let mut config = ConvVaeConfig { mode, n_init: 1, n_clusters: 4, ..row(10, 1, 64) };
    config.net.kind = NetKind::Conv;
    config.train.epochs = 2;
    config.train.min_updates = 0;
    config.train.batch_size = 8;
    let x = halves(400);
    let input = config.input().resolve(&x, config.affine()).expect("usable").input;
    let (model, summary) = ConvVae::fit(&config, &x, &input, &FitContext::in_memory(0)).expect("a fit");
    let count = |k: u32| summary.assignments.iter().filter(|&&c| c == k).count();
    let share = (0..4).map(count).max().unwrap_or(0) as f64 / 400.0;
    let terms = &summary.phases[0].history[1].terms;
    let cat = terms.iter().find(|(name, _)| name == "cat").expect("a term").1;
    (share, cat, model.generative().is_some())
}

#[test]
fn the_printed_loss_collapses_to_one_cluster() {
    let (share, cat, samples) = two_kinds(Mode::Literal);
    assert_eq!(share, 1.0);
    // Its floor for one cluster of K = 4: (K − 1)/K · ln 1e-7.
    let floor = 0.75 * 1e-7f64.ln();
    assert!((floor..0.98 * floor).contains(&cat), "{cat} {floor}");
    assert!(!samples, "no cluster has a prior of its own");
    // Without the epsilon there is a minimum, and it is no clustering either: every p(y | x) is
    // uniform.
    let (_, cat, _) = two_kinds(Mode::ExactLiteral);
    assert!((cat + 4f64.ln()).abs() < 0.02, "{cat}");
    // The same images, network and updates with the loss that the derivation gives.
    let (share, cat, samples) = two_kinds(Mode::Sound);
    assert!(share < 0.9, "{share}");
    assert!((-4f64.ln() - 1e-4..0.0).contains(&cat) && samples, "{cat}");
}

/// The first values of kl on MNIST are 11.19 at s = 20 and 31.15 at s = 60: s/2, and a little more
/// for the variance of mu.
#[test]
fn the_first_kl_is_half_a_nat_a_dimension_and_a_little() {
    vae_core::device::configure_process(1);
    let streams = Streams::new(1, "train");
    let (x, index) = (grey(100), Tensor::arange(100, (Kind::Int64, Device::Cpu)));
    for s in [20, 60] {
        let net = net(&row(s, 1, 512));
        let batch = Batch::alone(&x, &index, &streams);
        let loss = tch::no_grad(|| net.loss(&batch)).expect("a loss");
        let kl = loss.terms.iter().find(|(name, _)| *name == "kl").expect("a term").1.double_value(&[]);
        // ½‖ε‖² of 100 samples scatters by √(s/2)/10.
        let half = s as f64 / 2.0;
        let scatter = 4.0 * half.sqrt() / 10.0;
        assert!((half - scatter..half + 1.5 + scatter).contains(&kl), "s = {s}: {kl}");
    }
}
