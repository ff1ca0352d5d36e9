//! DEC, IDEC and IMSAT: their settings, data at the edge of what can be clustered, and trainings
//! that are stopped and continued.

mod common;

use common::{edges, features, model_bytes, refuses};
use ndarray::{Array1, Array2};
use vae_core::Features;
use vae_core::phase::FitContext;
use vae_models::{Clusterer, Error, FitSummary};

const DEC: [&str; 7] = [
    "net.hidden=[24]",
    "net.latent_dim=3",
    "pretrain.train.min_updates=600",
    "train.epochs=20",
    "train.min_updates=0",
    "train.batch_size=32",
    "train.observe_every_epochs=4",
];

const IDEC: [&str; 4] =
    ["clustering_weight=0.1", "reconstruction_weight=1.0", "train.optimizer=adam", "train.lr=1e-3"];

const IMSAT: [&str; 4] =
    ["net.hidden=[24, 24]", "train.epochs=40", "train.min_updates=0", "train.batch_size=60"];

/// Three groups in six columns within [0, 1].
fn groups(n: usize) -> Array2<f32> {
    common::groups(n, 6, (0.75, 0.2))
}

fn build(method: &str, k: usize, extra: &[&str]) -> Box<dyn Clusterer> {
    let base: &[&str] = if method == "dec" { &DEC } else { &IMSAT };
    common::build(method, k, &[base, extra].concat())
}

fn fit(method: &str, k: usize, extra: &[&str], x: &Features) -> Result<FitSummary, Error> {
    build(method, k, extra).fit(x, &FitContext::in_memory(0))
}

fn accuracy(labels: &Array1<u32>) -> f64 {
    let truth: Array1<u32> = (0..labels.len()).map(|i| (i % 3) as u32).collect();
    vae_metrics::acc(labels.view(), truth.view()).expect("a score")
}

#[test]
fn every_setting_runs_and_finds_the_groups() {
    let x = features(groups(180));
    let paper = [
        "input_factor=5.1",
        "scale=none",
        "likelihood=gaussian",
        "likelihood_variance=1.0",
        "order=sequential",
        "restart_momentum=true",
        "bias_lr_factor=2.0",
        "pretrain.kind=stacked",
        "pretrain.loss=halfmse",
        "pretrain.layer_noise=dropout",
        "pretrain.bias_lr_factor=2.0",
        "pretrain.train.optimizer=sgd",
        "pretrain.train.lr=0.1",
        "pretrain.train.momentum_ramp_updates=50",
    ];
    for set in [&["alpha=2.0"][..], &["refresh_every_updates=3"], &paper, &IDEC] {
        let summary = fit("dec", 3, set, &x).unwrap_or_else(|e| panic!("{set:?}: {e}"));
        assert!(accuracy(&summary.assignments) > 0.98, "{set:?}: {}", accuracy(&summary.assignments));
        let start = summary.start_assignments.expect("k-means of the codes");
        assert!(accuracy(&start) > 0.9, "{set:?}");
    }
    // A random direction changes little: it needs a longer step than an adversarial one.
    let rpt = ["perturbation.kind=rpt", "perturbation.radius=1.0"];
    let image = ["input_factor=2.0", "input_shift=-1.0", "perturbation.xi=1.0", "perturbation.xi_unit=input"];
    for set in [&["mu=2.0"][..], &rpt, &image, &["shares=[2.0, 2.0, 2.0]"]] {
        let summary = fit("imsat", 3, set, &x).unwrap_or_else(|e| panic!("{set:?}: {e}"));
        assert!(accuracy(&summary.assignments) > 0.98, "{set:?}: {}", accuracy(&summary.assignments));
    }
}

#[test]
fn dec_ends_when_its_labels_settle() {
    let x = features(groups(180));
    let summary = fit("dec", 3, &["tolerance=0.01", "train.epochs=400"], &x).expect("fitted");
    let train = summary.phases.last().expect("phases");
    // 20 updates a round, 6 a pass: 120 rounds are allowed.
    assert!(train.epochs >= 1 && train.epochs < 120, "{}", train.epochs);
    assert_eq!((train.notes["converged"].as_bool(), train.history.len()), (Some(true), train.epochs));
    let never = fit("dec", 3, &["tolerance=0.0", "train.epochs=10"], &x).expect("fitted");
    let train = never.phases.last().expect("phases");
    assert_eq!((train.epochs, train.notes["converged"].as_bool()), (3, Some(false)));
    assert_eq!(never.observed.last().map(|(round, _)| *round), Some(3));
    // The share that changed is 1 before there is anything to compare with.
    assert!(train.history[0].terms.contains(&("changed".to_string(), 1.0)));
}

#[test]
fn degenerate_data_give_a_finite_result() {
    for (what, x, k) in edges(groups) {
        for (method, set) in [
            ("dec", &[][..]),
            ("dec", &IDEC),
            ("dec", &["scale=none"]),
            ("imsat", &[]),
            ("imsat", &["scale=none"]),
            ("imsat", &["perturbation.kind=rpt"]),
        ] {
            let mut clusterer = build(method, k, set);
            let summary = clusterer
                .fit(&x, &FitContext::in_memory(0))
                .unwrap_or_else(|e| panic!("{method} {set:?} on {what}: {e}"));
            assert!(summary.assignments.iter().all(|&c| (c as usize) < k), "{method} on {what}");
            let gamma = clusterer.soft().expect("soft").predict_proba(&x).expect("fitted");
            assert!(gamma.iter().all(|g| g.is_finite()), "{method} {set:?} on {what}");
            assert!(clusterer.embed(&x).expect("fitted").iter().all(|z| z.is_finite()), "{method} on {what}");
        }
    }
    let repeated = features(Array2::from_shape_fn((60, 6), |(i, j)| groups(6)[[i % 6, j]]));
    for method in ["dec", "imsat"] {
        let e = fit(method, 7, &[], &repeated).expect_err("six distinct rows").to_string();
        assert!(e.contains("n_clusters") && e.contains("distinct samples, 6"), "{method}: {e}");
    }
}

#[test]
fn values_out_of_range_are_named() {
    for (method, set, part) in [
        ("dec", "alpha=0.0", "alpha"),
        ("dec", "tolerance=1.0", "tolerance"),
        ("dec", "reconstruction_weight=-1.0", "reconstruction_weight"),
        ("dec", "pretrain.bias_lr_factor=0.0", "pretrain.bias_lr_factor"),
        ("dec", "input_factor=0.0", "input_factor"),
        ("imsat", "lambda=0.0", "lambda"),
        ("imsat", "mu=-1.0", "mu"),
        ("imsat", "shares=[0.5, 0.5]", "shares"),
        ("imsat", "shares=[0.5, 0.5, 0.0]", "shares[2]"),
        ("imsat", "perturbation.neighbor=0", "perturbation.neighbor"),
        ("imsat", "net.hidden=[0]", "net.hidden[0]"),
    ] {
        refuses(method, &[set], part);
    }
    // A factor takes the values out of what a Bernoulli can explain.
    let e = fit("dec", 3, &["input_factor=5.1", "likelihood=bernoulli"], &features(groups(30)));
    assert!(e.is_err_and(|e| e.to_string().contains("[0, 1]")));
}

#[test]
fn a_stopped_training_continues_to_the_same_bytes() {
    let (fresh, x) = (|| tempfile::tempdir().expect("temp dir"), features(groups(180)));
    let restarting =
        [&["restart_momentum=true", "tolerance=0.0", "refresh_every_updates=7"][..], &IDEC].concat();
    // DEC: 600 updates pretrain, then rounds; stops within a round, at the end of one, and at the
    // first update of one.
    for (method, set, stops) in [
        ("dec", &["tolerance=0.0", "refresh_every_updates=7"][..], vec![300, 300 + 4, 3, 1, 7, 20]),
        ("dec", &restarting, vec![600 + 7, 1]),
        ("imsat", &[], vec![1, 2, 3, 50]),
    ] {
        let make = || build(method, 3, set);
        let whole = model_bytes(make, &x, fresh().path(), &[]);
        assert_eq!(whole, model_bytes(make, &x, fresh().path(), &stops), "{method} {set:?}");
    }
}
