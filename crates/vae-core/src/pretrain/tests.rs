use super::*;
use crate::features::Features;
use crate::likelihood::LikelihoodKind;
use crate::random::{Streams, normal};
use ndarray::Array2;

/// Points on a curved line in six dimensions: one latent dimension explains them.
fn curve(n: usize) -> Features {
    crate::device::configure_process(1);
    let x = Array2::from_shape_fn((n, 6), |(i, j)| {
        let t = i as f32 / n as f32;
        0.5 + 0.4 * (t * (j as f32 + 1.0) * 1.3 + j as f32).sin()
    });
    Features::dense(x).expect("valid")
}

fn net() -> NetConfig {
    NetConfig { hidden: vec![16, 8], latent_dim: 2, ..NetConfig::default() }
}

fn config(kind: PretrainKind) -> PretrainConfig {
    let train = TrainConfig {
        epochs: 60,
        batch_size: 16,
        lr: 1e-2,
        lr_schedule: LrSchedule::Cosine,
        ..TrainConfig::default()
    };
    PretrainConfig {
        kind,
        init: Init::GlorotUniform,
        layer_epochs: 20,
        layer_mask: 0.1,
        train,
        ..PretrainConfig::default()
    }
}

#[test]
fn both_kinds_learn_to_reconstruct() {
    let x = curve(128);
    for kind in [PretrainKind::Joint, PretrainKind::Stacked] {
        let cx = FitContext::in_memory(0);
        let artefact = pretrain(&x, &net(), &config(kind), &Likelihood::Bernoulli, &cx).expect("trained");
        let history = &artefact.record.history;
        let entropy = {
            let x = crate::features::to_tensor(x.as_dense().expect("dense"), Device::Cpu).expect("tensor");
            let rest: Tensor = 1.0 - &x;
            let logits = (&x / rest).log();
            Likelihood::Bernoulli.nll(&logits, &x).mean(tch::Kind::Float).double_value(&[])
        };
        // The least possible loss is the entropy of the targets; that of a constant prediction is
        // 0.4 nats above it.
        assert!(history[59].loss - entropy < 0.1, "{kind:?}: {} over {entropy}", history[59].loss - entropy);
        assert!(history[59].loss < history[0].loss);
        assert!(artefact.tensors.contains_key("encoder.mu.weight"));
    }
}

#[test]
fn stacking_starts_the_joint_training_lower() {
    let x = curve(128);
    let first = |kind| {
        let artefact = pretrain(&x, &net(), &config(kind), &Likelihood::Bernoulli, &FitContext::in_memory(0));
        artefact.expect("trained").record.history[0].loss
    };
    assert!(first(PretrainKind::Stacked) < first(PretrainKind::Joint));
}

#[test]
fn masking_zeroes_the_stated_share() {
    let streams = Streams::new(0, "t");
    let x = normal(&mut streams.rng("x", 0, 0), &[200, 100], Device::Cpu).abs() + 1.0;
    let index = Tensor::from_slice(&[0i64]);
    let batch = train::Batch::alone(&x, &index, &streams);
    let share = 1.0
        - mask(&x, 0.3, "m", &batch)
            .expect("numbers")
            .ne(0.0)
            .to_kind(tch::Kind::Double)
            .mean(None)
            .double_value(&[]);
    assert!((share - 0.3).abs() < 5.0 * (0.21f64 / 20_000.0).sqrt());
    assert!(mask(&x, 0.0, "m", &batch).expect("unchanged").equal(&x));
}

#[test]
fn the_mean_squared_error_is_a_mean_over_all_elements() {
    let (out, x) =
        (Tensor::from_slice(&[0.0f64, 2.0]).view([1, 2]), Tensor::from_slice(&[1.0f64, 0.0]).view([1, 2]));
    let gaussian = Likelihood::Gaussian { variance: 1.0 };
    let mse = reconstruction(ReconstructionLoss::Mse, &gaussian, &out, &x);
    let nll = reconstruction(ReconstructionLoss::Likelihood, &gaussian, &out, &x);
    assert!((mse.double_value(&[]) - 2.5).abs() < 1e-12 && (nll.double_value(&[]) - 2.5).abs() < 1e-12);
    let wide = Tensor::cat(&[&out, &out], 1);
    let (mse, nll) = (
        reconstruction(ReconstructionLoss::Mse, &gaussian, &wide, &Tensor::cat(&[&x, &x], 1)),
        reconstruction(ReconstructionLoss::Likelihood, &gaussian, &wide, &Tensor::cat(&[&x, &x], 1)),
    );
    assert!((mse.double_value(&[]) - 2.5).abs() < 1e-12 && (nll.double_value(&[]) - 5.0).abs() < 1e-12);
}

#[test]
fn the_scale_of_decs_loss() {
    // Zeros for ones give 1/2 whatever the dimensions; the learning rate 0.1 is meant for this
    // scale.
    for shape in [[1, 1], [3, 784], [256, 10]] {
        let x = Tensor::ones(shape, (tch::Kind::Float, Device::Cpu));
        let gaussian = Likelihood::Gaussian { variance: 1.0 };
        let half = reconstruction(ReconstructionLoss::HalfMse, &gaussian, &x.zeros_like(), &x);
        assert!((half.double_value(&[]) - 0.5).abs() < 1e-7, "{shape:?}");
    }
}

#[test]
fn dropout_keeps_the_mean() {
    let streams = Streams::new(0, "t");
    let x = Tensor::ones([300, 100], (tch::Kind::Float, Device::Cpu));
    let index = Tensor::from_slice(&[0i64]);
    let batch = train::Batch::alone(&x, &index, &streams);
    let y = dropout(&x, 0.2, "d", &batch).expect("numbers");
    assert!((y.mean(tch::Kind::Double).double_value(&[]) - 1.0).abs() < 5.0 * (0.25f64 / 30_000.0).sqrt());
    assert!(y.eq(0.0).logical_or(&y.eq(1.25)).all().int64_value(&[]) == 1);
}

#[test]
fn decs_recipe_trains_its_layers() {
    let train = TrainConfig {
        optimizer: OptimizerKind::Sgd,
        lr: 0.5,
        momentum_ramp_updates: 40,
        lr_schedule: LrSchedule::Constant,
        ..config(PretrainKind::Stacked).train
    };
    let dec = PretrainConfig {
        loss: ReconstructionLoss::HalfMse,
        layer_noise: LayerNoise::Dropout,
        bias_lr_factor: 2.0,
        train,
        ..config(PretrainKind::Stacked)
    };
    let fit = |config: &PretrainConfig| {
        let gaussian = Likelihood::Gaussian { variance: 1.0 };
        pretrain(&curve(128), &net(), config, &gaussian, &FitContext::in_memory(0)).expect("trained")
    };
    let artefact = fit(&dec);
    let history = &artefact.record.history;
    assert!(history[59].loss < 0.2 * history[0].loss, "{} {}", history[0].loss, history[59].loss);
    // Each of the new settings has an effect.
    for other in [
        PretrainConfig { layer_noise: LayerNoise::Mask, ..dec.clone() },
        PretrainConfig { bias_lr_factor: 1.0, ..dec.clone() },
        PretrainConfig {
            train: TrainConfig { momentum_ramp_updates: 0, ..dec.train.clone() },
            ..dec.clone()
        },
    ] {
        assert_ne!(fit(&other).record.history[59].loss, history[59].loss);
    }
}

#[test]
fn bad_shares_are_refused() {
    let bad = PretrainConfig { input_mask: 1.0, ..config(PretrainKind::Joint) };
    let e = pretrain(&curve(8), &net(), &bad, &Likelihood::Bernoulli, &FitContext::in_memory(0));
    assert!(e.is_err_and(|e| e.to_string().contains("pretrain.input_mask")));
}

/// The decoder of a squared error without a sigmoid, with its last layer as logits: the encoder has
/// the bytes of the Gaussian's, and an output m became the logit 8 (m − ½).
#[test]
fn means_become_logits() {
    let x = curve(64);
    let means = PretrainConfig {
        loss: ReconstructionLoss::Mse,
        outputs: Outputs::Means,
        ..config(PretrainKind::Joint)
    };
    let fit = |config: &PretrainConfig, likelihood: &Likelihood| {
        pretrain(&x, &net(), config, likelihood, &FitContext::in_memory(0))
    };
    let gaussian = Likelihood::Gaussian { variance: 0.1 };
    let logits = fit(&means, &Likelihood::Bernoulli).expect("trained");
    for name in ["encoder.0.weight", "encoder.mu.bias", "decoder.1.weight"] {
        let of_gaussian = fit(&means, &gaussian).expect("trained");
        assert!(logits.tensors[name].equal(&of_gaussian.tensors[name]), "{name}");
    }
    let outputs = |artefact: &Artefact| -> Tensor {
        let model = Autoencoder::new(&net(), Init::GlorotUniform, 6, &Streams::new(0, "t"), Device::Cpu);
        model.params.load(&artefact.tensors, "").expect("all there");
        let x = crate::features::to_tensor(x.as_dense().expect("dense"), Device::Cpu).expect("tensor");
        tch::no_grad(|| model.decoder.forward(&model.encoder.mu(&x)))
    };
    let means_of = outputs(&fit(&means, &gaussian).expect("trained"));
    let expected = (means_of - 0.5) * 8.0;
    assert!((outputs(&logits) - &expected).abs().max().double_value(&[]) < 1e-4);
    // The values lie in [0.1, 0.9]: the logits are no longer near 0.
    assert!(expected.abs().max().double_value(&[]) > 2.0);

    let by_likelihood = PretrainConfig { loss: ReconstructionLoss::Likelihood, ..means.clone() };
    let error = fit(&by_likelihood, &Likelihood::Bernoulli).expect_err("a likelihood of logits");
    assert!(error.to_string().contains("pretrain.outputs"), "{error}");
    let gaps = ndarray::array![[0.0f32, 1.0], [f32::NAN, 0.5]];
    let gaps = Features::table(gaps, None).expect("a table");
    let table = Likelihood::resolve(LikelihoodKind::Gaussian, 1.0, &gaps).expect("a table's");
    let error = pretrain(&gaps, &net(), &means, &table, &FitContext::in_memory(0)).expect_err("refused");
    assert!(error.to_string().contains("pretrain.outputs"), "{error}");
}
