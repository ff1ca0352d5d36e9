//! DGG's settings: the two forms of the objective, the ablations, and a training that is stopped
//! and continued.

mod common;

use common::{build, features, groups, model_bytes, model_bytes_in, refuses};
use ndarray::Array2;
use vae_core::Features;
use vae_core::phase::FitContext;
use vae_core::precision::Precision;
use vae_models::{Clusterer, Error, FitSummary};

/// Three arcs in the plane, lifted into eight columns in [0, 1].
fn arcs(n: usize) -> (Features, Vec<u32>) {
    let x = Array2::from_shape_fn((n, 8), |(i, j)| {
        let (arc, t) = ((i % 3) as f32, i as f32 / n as f32 * 2.0);
        let (a, b) = (0.3 * arc + 0.1 * t.cos(), 0.25 + 0.2 * t + 0.1 * arc);
        let mixed = if j % 2 == 0 { a } else { b } + 0.02 * ((i * 31 + j * 17) % 13) as f32 / 13.0;
        (mixed * (0.5 + 0.06 * j as f32)).clamp(0.0, 1.0)
    });
    (Features::dense(x).expect("finite"), (0..n).map(|i| (i % 3) as u32).collect())
}

const BASE: [&str; 8] = [
    "net.hidden=[32]",
    "net.latent_dim=3",
    "pretrain.train.min_updates=600",
    "train.epochs=6",
    "train.min_updates=0",
    "train.batch_size=32",
    "assignment_warmup_epochs=2",
    "graph.neighbors.n_neighbors=8",
];

fn method(extra: &[&str]) -> Box<dyn Clusterer> {
    build("dgg", 3, &[&BASE, extra].concat())
}

fn fit(extra: &[&str], cx: &FitContext) -> Result<FitSummary, Error> {
    method(extra).fit(&arcs(180).0, cx)
}

fn accuracy(summary: &FitSummary) -> f64 {
    let truth: ndarray::Array1<u32> = arcs(180).1.into();
    vae_metrics::acc(summary.assignments.view(), truth.view()).expect("a score")
}

#[test]
fn both_forms_of_the_objective_have_the_same_terms() {
    // One batch of everything, no warm-up, a step too small to matter: zc, ent and cat do not
    // depend on the noise.
    let still = [
        "scale=none",
        "likelihood=bernoulli",
        "train.epochs=1",
        "train.batch_size=180",
        "train.lr=1e-12",
        "prior_lr=1e-12",
    ];
    let terms = |objective: &str| {
        let set = [&still[..], &["assignment_warmup_epochs=0", objective]].concat();
        let summary = fit(&set, &FitContext::in_memory(0)).expect("fitted");
        summary.phases.last().expect("phases").history[0].terms.clone()
    };
    let (smoothed, tuples) = (terms("objective=smoothed"), terms("objective=tuples"));
    for ((name, a), (_, b)) in smoothed.iter().zip(&tuples) {
        let tolerance = if name == "rec" { 0.02 } else { 1e-4 };
        assert!((a - b).abs() <= tolerance * (1.0 + a.abs()), "{name}: {a} {b}");
    }
    assert!(smoothed.iter().any(|(name, value)| name == "cat" && *value > 1e-4), "{smoothed:?}");
}

#[test]
fn every_ablation_runs_and_finds_the_arcs() {
    let ablations: [&[&str]; 9] = [
        &[],
        &["graph.neighbors.n_neighbors=0"],
        &["graph.space=raw"],
        &["graph.space=siamese", "siamese.train.min_updates=200", "siamese.train.batch_size=64"],
        &["graph.neighbors.choice=random", "graph.neighbors.pool=20", "graph.neighbors.weighting=gaussian"],
        &["graph.rebuild_epochs=[1, 4]", "graph.repartition_hold_epochs=1"],
        &["pi=global"],
        &["objective=tuples", "classifier.input=sample"],
        &["init.kind=kmeans", "assignment_warmup_epochs=0", "classifier.hidden=[6]"],
    ];
    for set in ablations {
        let summary = fit(set, &FitContext::in_memory(0)).unwrap_or_else(|e| panic!("{set:?}: {e}"));
        assert!(accuracy(&summary) > 0.95, "{set:?}: {}", accuracy(&summary));
    }
}

#[test]
fn contradicting_settings_are_refused() {
    for (set, part) in [
        ("siamese.margin=2.0", "graph.space"),
        ("init.partition.n_neighbors=5", "partition"),
        ("graph.neighbors.pool=3", ""),
        ("graph.refreshes_per_epoch=0", "refreshes_per_epoch"),
        ("classifier.hidden=[0]", "classifier.hidden[0]"),
        ("pi=global", ""),
    ] {
        let mut set = vec![set];
        if part == "partition" {
            set.push("init.kind=kmeans");
        }
        if part.is_empty() {
            // Sound alone, not with this.
            let is_pi = set[0].starts_with("pi");
            set.push(if is_pi { "objective=tuples" } else { "graph.neighbors.choice=random" });
        }
        refuses("dgg", &set, part);
    }
}

#[test]
fn a_stopped_training_continues_to_the_same_bytes() {
    let fresh = || tempfile::tempdir().expect("temp dir");
    let set =
        ["graph.rebuild_epochs=[1, 4]", "graph.repartition_hold_epochs=1", "train.observe_every_epochs=2"];
    let (make, x) = (|| method(&set), arcs(180).0);
    let whole = model_bytes(make, &x, fresh().path(), &[]);
    // 600 updates pretrain, 1,000 the classifier; then 6 epochs of 6 steps: stops in each phase, in
    // the warm-up, within an epoch after a rebuilt and newly cut graph, and at the very end of one.
    let before = 600 + 1000;
    assert_eq!(whole, model_bytes(make, &x, fresh().path(), &[300, 700, 620]));
    for within in [3, 9, 12, 27] {
        assert_eq!(
            whole,
            model_bytes(make, &x, fresh().path(), &[before + within, 2]),
            "stopped at step {within}"
        );
    }
}

#[test]
fn in_bfloat16_a_stopped_training_continues_to_the_same_bytes_too() {
    let fresh = || tempfile::tempdir().expect("temp dir");
    // Wide enough for its products to be in bfloat16.
    let set = [
        "net.hidden=[256]",
        "pretrain.train.epochs=6",
        "pretrain.train.min_updates=0",
        "train.epochs=3",
        "train.batch_size=128",
    ];
    let (make, x) = (|| method(&set), features(groups(512, 160, (0.7, 0.3))));
    let fit = |precision, stops: &[usize]| model_bytes_in(precision, make, &x, fresh().path(), stops);
    let whole = fit(Precision::Bf16, &[]);
    assert_eq!(whole, fit(Precision::Bf16, &[5, 25]));
    assert_ne!(whole, fit(Precision::F32, &[]), "in single precision it is another training");
}
