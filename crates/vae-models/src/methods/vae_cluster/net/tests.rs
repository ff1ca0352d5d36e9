//! Sizes and the first batch of the published network.

use super::super::config::VaeClusterNetConfig;
use super::*;
use crate::shared::class_vae::{Held, MEANS};
use crate::shared::encoder_decoder::Code;
use crate::shared::encoder_decoder::NetKind;
use crate::shared::from_random::Network;
use tch::{Kind, Tensor};
use vae_core::optim::{Optimizer, Rule};
use vae_core::random::{normal, uniform};
use vae_core::train::TrainConfig;
use vae_core::train::{Batch, Trainable};

const IMAGE: ImageShape = ImageShape { channels: 1, height: 28, width: 28 };

/// The script's settings at K = 10.
fn published(kind: NetKind) -> VaeClusterConfig {
    let net = VaeClusterNetConfig { kind, latent_dim: 20, ..VaeClusterNetConfig::default() };
    VaeClusterConfig { n_clusters: 10, net, ..VaeClusterConfig::default() }
}

fn net(kind: NetKind, seed: u64) -> ClusterNet {
    let config = published(kind);
    let image = image_of(&config, Some(IMAGE)).expect("28 is 4 times 7");
    let likelihood = Likelihood::Squashed { variance: 0.4 };
    build(&config, (&likelihood, 784), image, &Streams::new(seed, "train"), Device::Cpu)
}

/// Images whose mean squared distance from 0.5 is that of MNIST's training images, 0.2313: black
/// and white, and 7.48 % grey.
fn images(n: i64) -> Tensor {
    let u = uniform(&mut Streams::new(0, "images").rng("x", 0, 0), &[n, 784], Device::Cpu);
    let grey = u.lt(0.0748);
    u.gt(0.8).to_kind(Kind::Float).masked_fill(&grey, 0.5)
}

#[test]
fn the_script_has_366_331_parameters() {
    let net = net(NetKind::Conv, 0);
    let of = |prefix: &str| -> usize {
        net.params.iter().filter(|p| p.name.starts_with(prefix)).map(|p| p.tensor.numel()).sum()
    };
    assert_eq!(of("encoder."), 320 + 9_248 + 18_496 + 36_928 + 62_740 + 62_740);
    assert_eq!(of("decoder."), 65_856 + 36_928 + 36_928 + 18_464 + 9_248 + 289);
    assert_eq!((of("classifier."), of("prior.")), (5_376 + 2_570, 200));
    assert_eq!(net.params.n_values(), 366_331);
}

#[test]
fn weight_decay_spares_the_class_means() {
    let net = net(NetKind::Mlp, 0);
    let training = TrainConfig { lr: 0.5, weight_decay: 0.1, ..TrainConfig::default() };
    let groups = crate::shared::from_random::groups(&training);
    let lrs: Vec<f64> = groups.iter().map(|g| g.lr).collect();
    let mut optimizer = Optimizer::new(Rule::sgd(0.0), groups, &net.params).expect("valid groups");
    tch::no_grad(|| net.params.iter().for_each(|p| drop(p.tensor.shallow_clone().fill_(1.0))));
    let still: Vec<Tensor> = net.params.tensors().iter().map(|t| t.zeros_like()).collect();
    optimizer.step(&net.params, &still, &lrs).expect("a step");
    for p in net.params.iter() {
        let value = p.tensor.mean(Kind::Double).double_value(&[]);
        assert_eq!(value == 1.0, p.name == MEANS, "{} is {value}", p.name);
    }
}

#[test]
fn shapes_of_both_kinds() {
    let x = images(3);
    for kind in [NetKind::Conv, NetKind::Mlp] {
        let net = net(kind, 0);
        let _guard = tch::no_grad_guard();
        let y = net.gamma(&x);
        assert_eq!((y.size(), net.code(&x).size()), (vec![3, 10], vec![3, 20]));
        assert!(
            (y.sum_dim_intlist([-1i64].as_slice(), false, None) - 1.0).abs().max().double_value(&[]) < 1e-6
        );
        assert_eq!(net.reconstruct(&x).size(), [3, 784]);
        assert_eq!(net.sample(9, 2, &Streams::new(0, "s"), Device::Cpu).size(), [2, 784]);
    }
}

#[test]
fn the_first_batch_has_the_expected_losses() {
    vae_core::device::configure_process(1);
    let streams = Streams::new(1, "train");
    let (x, index) = (images(100), Tensor::arange(100, (Kind::Int64, Device::Cpu)));
    for seed in 0..3 {
        let net = net(NetKind::Conv, seed);
        // The mean over draws of the noise.
        let n_draws = 10;
        let mut sums = [0.0; 3];
        for step in 0..n_draws {
            let batch = Batch { step, ..Batch::alone(&x, &index, &streams) };
            let loss = net.loss(&batch).expect("a loss");
            let terms: Vec<f64> = loss.terms.iter().map(|(_, t)| t.double_value(&[])).collect();
            assert!((loss.total.double_value(&[]) - terms.iter().sum::<f64>()).abs() < 1e-3);
            sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        }
        let [rec, kl, cat] = sums.map(|sum| sum / n_draws as f64);
        assert!((rec - 226.7).abs() < 10.0, "seed {seed}: rec {rec}");
        // At least half a nat a dimension; the mean of 1,000 samples of ½‖ε‖² has a standard error
        // of 0.1.
        assert!((10.0 - 3.0 * 0.1..11.0).contains(&kl), "seed {seed}: kl {kl}");
        assert!((-std::f64::consts::LN_10 - 1e-4..-2.2).contains(&cat), "seed {seed}: cat {cat}");
    }
}

#[test]
fn the_means_of_the_classes_move_the_samples() {
    let net = net(NetKind::Mlp, 0);
    let Prior::Classes(means) = &net.prior else { panic!("this method has classes") };
    assert_eq!(means.abs().max().double_value(&[]), 0.0);
    let sample = |k| tch::no_grad(|| net.sample(k, 4, &Streams::new(7, "sample"), Device::Cpu));
    let before = sample(1);
    tch::no_grad(|| {
        let _ = means.get(1).fill_(3.0);
    });
    assert!(!sample(1).equal(&before) && sample(1).equal(&sample(1)));
}

/// A small network for four clusters with wide posteriors and different class means.
fn uncertain_net(held: Option<Held>) -> ClusterNet {
    let net = VaeClusterNetConfig {
        kind: NetKind::Mlp,
        hidden: vec![16],
        latent_dim: 3,
        classifier_hidden: 8,
        ..VaeClusterNetConfig::default()
    };
    let config = VaeClusterConfig { n_clusters: 4, net, ..VaeClusterConfig::default() };
    let (likelihood, streams) = (&Likelihood::Squashed { variance: 0.4 }, Streams::new(0, "train"));
    let net = build(&config, (likelihood, 784), None, &streams, Device::Cpu);
    let log_var = net.params.iter().find(|p| p.name == "encoder.log_var.bias").expect("a parameter");
    let Prior::Classes(means) = &net.prior else { panic!("this method has classes") };
    tch::no_grad(|| {
        let _ = log_var.tensor.shallow_clone().fill_(1.0);
        means.shallow_clone().copy_(&normal(&mut streams.rng("means", 0, 0), &[4, 3], Device::Cpu));
    });
    ClusterNet { held, ..net }
}

/// Terms and gradients of all weights are those of the formulas, written out at the batch's own
/// draw of z.
#[test]
fn the_loss_is_the_formulas_at_one_draw_of_z() {
    let (x, index) = (images(6), Tensor::arange(6, (Kind::Int64, Device::Cpu)));
    let labels = Tensor::from_slice(&[3i64, 1, 0, 1, 2, 0]);
    let one_hot = labels.one_hot(4).to_kind(Kind::Float);
    let uniform = Tensor::full([6, 4], 0.25, (Kind::Float, Device::Cpu));
    let (streams, epoch, step) = (Streams::new(1, "train"), 2, 3);
    for (held, y) in [
        (None, None),
        (Some(Held::Uniform), Some(uniform)),
        (Some(Held::Labels { labels, epochs: 3 }), Some(one_hot)),
    ] {
        let net = uncertain_net(held);
        let Prior::Classes(means) = &net.prior else { panic!("this method has classes") };
        let Code { mu, log_var, .. } = net.encoder.encode(&x);
        let noise = normal(&mut streams.rng("noise", epoch, step), &[6, 3], Device::Cpu);
        let z = &mu + (&log_var * 0.5).exp() * noise;
        assert!((&z - &mu).abs().mean(Kind::Float).double_value(&[]) > 0.5, "z is far from mu");
        let mean = |t: Tensor| t.sum(Kind::Float) / 6.0;
        let rec = mean((net.decoder.decode(&z).sigmoid() - &x).square()) * 1.25;
        let log = |t: &Tensor| (t + 1e-7).log();
        let (y, cat) = match y {
            None => {
                let y = net.classifier.forward(&z);
                let cat = mean(&y * log(&y));
                (y, cat)
            }
            Some(y) => {
                let cat = mean(&y * (log(&y) - log(&net.classifier.forward(&z.detach()))));
                (y, cat)
            }
        };
        let pull = (z.unsqueeze(1) - means).square() - log_var.unsqueeze(1);
        let kl = mean(y.unsqueeze(-1) * pull) * 0.5;
        let batch = Batch { epoch, step, ..Batch::alone(&x, &index, &streams) };
        let got = net.loss(&batch).expect("a loss");
        let want = &rec + &kl + &cat;
        let terms = std::iter::once(&got.total).chain(got.terms.iter().map(|(_, term)| term));
        for (got, want) in terms.zip([&want, &rec, &kl, &cat]) {
            let (got, want) = (got.double_value(&[]), want.double_value(&[]));
            assert!((got - want).abs() < 1e-5 * want.abs().max(1.0), "{:?}: {got} {want}", net.held);
        }
        let gradients = |loss: &Tensor| Tensor::run_backward(&[loss], &net.params.tensors(), false, false);
        for ((p, got), want) in net.params.iter().zip(gradients(&got.total)).zip(gradients(&want)) {
            let largest = want.abs().max().double_value(&[]);
            let off = (got - want).abs().max().double_value(&[]);
            assert!(largest > 0.0 && off < 1e-4 * largest, "{:?}, {}: {off} {largest}", net.held, p.name);
        }
    }
}

#[test]
fn prediction_is_at_the_mean() {
    let (net, x) = (uncertain_net(None), images(6));
    let _guard = tch::no_grad_guard();
    let mu = net.encoder.encode(&x).mu;
    for (got, want) in [
        (net.code(&x), mu.shallow_clone()),
        (net.gamma(&x), net.classifier.forward(&mu)),
        (net.reconstruct(&x), net.decoder.decode(&mu).sigmoid()),
    ] {
        assert!((got - want).abs().max().double_value(&[]) < 1e-5);
    }
}

/// Gradients of encoder and classifier in one batch of `epoch`, with the classifier's weights times
/// `factor`.
fn gradients(held: Option<Held>, epoch: usize, factor: f64) -> (Tensor, Tensor) {
    let net = ClusterNet { held, ..net(NetKind::Mlp, 0) };
    let of = |name: &str| net.params.iter().position(|p| p.name == name).expect("a parameter");
    let (encoder, classifier) = (of("encoder.0.weight"), of("classifier.out.weight"));
    tch::no_grad(|| {
        let _ = net.params.tensors()[classifier].shallow_clone().g_mul_scalar_(factor);
    });
    let (x, index) = (images(6), Tensor::arange(6, (Kind::Int64, Device::Cpu)));
    let streams = Streams::new(1, "train");
    let loss = net.loss(&Batch { epoch, ..Batch::alone(&x, &index, &streams) }).expect("a loss");
    let all = Tensor::run_backward(&[loss.total], &net.params.tensors(), false, false);
    (all[encoder].shallow_clone(), all[classifier].shallow_clone())
}

#[test]
fn a_fixed_y_trains_the_classifier_without_a_gradient_to_the_encoder() {
    let labels = || Held::Labels { labels: Tensor::from_slice(&[3i64, 1, 4, 1, 5, 9]), epochs: 2 };
    for (held, epoch, is_free) in [
        (None, 0, true),
        (Some(Held::Uniform), 40, false),
        (Some(labels()), 1, false),
        (Some(labels()), 2, true),
    ] {
        let again = match &held {
            None => None,
            Some(Held::Uniform) => Some(Held::Uniform),
            Some(Held::Labels { .. }) => Some(labels()),
        };
        let ((encoder, classifier), (other, _)) = (gradients(held, epoch, 1.0), gradients(again, epoch, 5.0));
        assert_eq!(!encoder.equal(&other), is_free, "epoch {epoch}");
        assert!(classifier.abs().max().double_value(&[]) > 0.0);
    }
}

#[test]
fn the_held_y_is_that_of_the_batch_s_samples() {
    let (x, index) = (images(2), Tensor::from_slice(&[1i64, 0]));
    let streams = Streams::new(0, "train");
    let held = |held: Option<Held>, epoch: usize| {
        let net = ClusterNet { held, ..net(NetKind::Mlp, 0) };
        net.held_y(&Batch { epoch, ..Batch::alone(&x, &index, &streams) }).expect("a y")
    };
    let labels = || Some(Held::Labels { labels: Tensor::from_slice(&[2i64, 0, 1]), epochs: 1 });
    let rows = held(labels(), 0).expect("held");
    let want = Tensor::zeros([2, 10], (Kind::Float, Device::Cpu));
    for (row, class) in [(0, 0), (1, 2)] {
        let _ = want.get(row).get(class).fill_(1.0);
    }
    assert!(rows.equal(&want));
    assert!(held(labels(), 1).is_none() && held(None, 0).is_none());
    let uniform = held(Some(Held::Uniform), 9).expect("held");
    assert!(uniform.equal(&Tensor::full([2, 10], 0.1, (Kind::Float, Device::Cpu))));
}
