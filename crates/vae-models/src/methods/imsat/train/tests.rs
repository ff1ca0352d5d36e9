use super::super::config::ImsatNetConfig;
use super::*;
use vae_core::bundle::Tensors;
use vae_core::precision::Precision;
use vae_core::random::Streams;
use vae_core::random::normal;

fn config(kind: Perturbation) -> ImsatConfig {
    let mut config = ImsatConfig { n_clusters: 10, ..ImsatConfig::default() };
    config.perturbation.kind = kind;
    config
}

fn net(config: &ImsatNetConfig, dim: usize) -> ImsatNet {
    ImsatNet::new(config, dim, 10, &Streams::new(0, "train"), Device::Cpu)
}

fn rows(n: i64, dim: i64) -> Tensor {
    normal(&mut Streams::new(1, "test").rng("x", 0, 0), &[n, dim], Device::Cpu)
}

fn distances(n: i64) -> Tensor {
    Tensor::arange(n, (Kind::Float, Device::Cpu)) * 0.1 + 5.0
}

fn with_batch<T>(x: &Tensor, step: usize, f: impl FnOnce(&Batch<'_>) -> T) -> T {
    let index = Tensor::arange(x.size()[0], (Kind::Int64, Device::Cpu));
    f(&Batch { step, ..Batch::alone(x, &index, &Streams::new(0, "train")) })
}

#[test]
fn the_number_of_parameters_of_the_published_net() {
    let published = ImsatNetConfig { hidden: vec![1200, 1200], ..ImsatNetConfig::default() };
    assert_eq!(net(&published, 784).params.n_values(), 2_400_010);
}

#[test]
fn training_starts_at_the_expected_loss() {
    let net = net(&ImsatNetConfig { hidden: vec![120, 120], ..ImsatNetConfig::default() }, 784);
    let x = rows(250, 784);
    let training = ImsatTraining::new(&config(Perturbation::Vat), &net, &distances(250), Device::Cpu);
    let t = with_batch(&x, 0, |b| training.expect("valid").terms(b)).expect("a loss");
    let ln_10 = std::f64::consts::LN_10;
    for (term, value) in [(t.total, -0.690_776), (t.conditional, ln_10), (t.marginal, ln_10), (t.sat, 0.0)] {
        assert!((term.double_value(&[]) - value).abs() < 1e-3, "{value}: {term:?}");
    }
}

#[test]
fn perturbations_have_the_stated_lengths_and_leave_the_running_statistics_alone() {
    let net = net(&ImsatNetConfig { hidden: vec![30, 30], ..ImsatNetConfig::default() }, 12);
    let (x, distance) = (rows(40, 12), distances(40));
    for kind in [Perturbation::Vat, Perturbation::Rpt] {
        let training = ImsatTraining::new(&config(kind), &net, &distance, Device::Cpu).expect("valid");
        let clean = tch::no_grad(|| net.log_p(&x, Statistics::Update));
        let before: Tensors = net.params.snapshot("").expect("snapshot");
        let r = with_batch(&x, 0, |b| training.perturbation(b, &clean)).expect("a perturbation");
        let length = r.norm_scalaropt_dim(2.0, [1], false);
        assert!(!r.requires_grad());
        assert!((length / (&distance * 0.25) - 1.0).abs().max().double_value(&[]) < 1e-5);
        let _ = net.log_p(&(&x + &r), Statistics::Batch);
        let after = net.params.snapshot("").expect("snapshot");
        assert!(after.keys().any(|name| name.ends_with("running_var")));
        assert!(before.iter().all(|(name, t)| t.equal(&after[name])));
        // Other steps draw other directions.
        let other = with_batch(&x, 1, |b| training.perturbation(b, &clean)).expect("a perturbation");
        assert!(!other.equal(&r));
    }
}

#[test]
fn the_step_of_the_gradient_is_in_the_stated_unit() {
    let net = net(&ImsatNetConfig::default(), 3);
    let xi = |unit, xi, distance: &Tensor| {
        let mut config = config(Perturbation::Vat);
        (config.perturbation.xi, config.perturbation.xi_unit) = (xi, unit);
        ImsatTraining::new(&config, &net, distance, Device::Cpu).expect("valid").xi
    };
    assert_eq!(xi(XiUnit::Input, 10.0, &distances(11)), 10.0);
    assert!((xi(XiUnit::Neighbours, 2.0, &distances(11)) - 11.0).abs() < 1e-6);
    // All rows have equals.
    assert_eq!(xi(XiUnit::Neighbours, 2.0, &(distances(11) * 0.0)), 2.0);
}

#[test]
fn the_information_pass_moves_the_running_statistics_and_the_gradient_reaches_every_parameter() {
    let net =
        net(&ImsatNetConfig { hidden: vec![20, 20], output_scale: 0.5, ..ImsatNetConfig::default() }, 6);
    let x = rows(30, 6);
    let training =
        ImsatTraining::new(&config(Perturbation::Vat), &net, &distances(30), Device::Cpu).expect("valid");
    let before = net.params.snapshot("").expect("snapshot");
    let t = with_batch(&x, 0, |b| training.terms(b)).expect("a loss");
    let after = net.params.snapshot("").expect("snapshot");
    for (name, t) in &before {
        assert_eq!(t.equal(&after[name]), !name.contains("running"), "{name}");
    }
    let gradients = Tensor::run_backward(&[&t.total], &net.params.tensors(), false, false);
    // The biases before a batch norm have no effect; everything else has.
    for (p, g) in net.params.iter().zip(&gradients) {
        let no_effect = p.name.ends_with(".bias") && p.name != "net.out.bias";
        assert_eq!(g.abs().max().double_value(&[]) < 1e-6, no_effect, "{}", p.name);
    }
}

/// The cosine between all numbers of `a` and `b`.
fn cosine(a: &Tensor, b: &Tensor) -> f64 {
    ((a * b).sum(Kind::Double) / (a.square().sum(Kind::Double) * b.square().sum(Kind::Double)).sqrt())
        .double_value(&[])
}

#[test]
fn bfloat16_leaves_directions_and_gradients_where_they_are() {
    let config_of_net =
        ImsatNetConfig { hidden: vec![300, 300], hidden_scale: 1.0, ..ImsatNetConfig::default() };
    let net = net(&ImsatNetConfig { output_scale: 1.0, ..config_of_net }, 200);
    let (x, distance) = (rows(256, 200), distances(256));
    let step = |kind, precision: Precision| {
        let training = ImsatTraining::new(&config(kind), &net, &distance, Device::Cpu).expect("valid");
        precision.during(|| {
            with_batch(&x, 0, |batch| {
                let clean = net.log_p(batch.x, Statistics::Batch).detach();
                let r = training.perturbation(batch, &clean).expect("a perturbation");
                let total = training.terms(batch).expect("a loss").total;
                (r, Tensor::run_backward(&[total], &net.params.tensors(), false, false))
            })
        })
    };
    let [(exact, _), (rounded, _)] =
        [Precision::F32, Precision::Bf16].map(|precision| step(Perturbation::Vat, precision));
    assert!(!exact.equal(&rounded), "the products are large enough to be rounded");
    assert!(cosine(&exact, &rounded) > 0.99, "directions: {}", cosine(&exact, &rounded));
    // The same random directions in both. A unit in 400 lies so near 0 that rounding takes it to
    // the other side of the ReLU, with all of its gradient: a relative error of some 5 %.
    let [(_, exact), (_, rounded)] =
        [Precision::F32, Precision::Bf16].map(|precision| step(Perturbation::Rpt, precision));
    for ((p, exact), rounded) in net.params.iter().zip(&exact).zip(&rounded) {
        // A bias before a batch norm has a gradient of rounding errors alone.
        if !matches!(p.name.as_str(), "net.0.bias" | "net.1.bias") {
            let (cosine, length) =
                (cosine(exact, rounded), (rounded.norm() / exact.norm()).double_value(&[]));
            assert!(cosine > 0.995 && (length - 1.0).abs() < 0.01, "{}: {cosine}, {length}", p.name);
        }
    }
}
