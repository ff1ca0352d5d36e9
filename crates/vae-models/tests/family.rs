//! The methods that start from random weights: the minimum-information term of GMVAE, restarts,
//! awkward data, images of awkward sizes, and fits that are stopped and continued.

mod common;

use common::{build, edges, features, model_bytes, noise, refuses};
use ndarray::{Array1, Array2};
use vae_core::phase::FitContext;
use vae_core::{Features, ImageShape};
use vae_models::{Clusterer, FitSummary};

const FAMILY: [&str; 4] = ["vae-cluster", "conv-vae", "gmvae", "gmvae-m2"];

/// Small networks and a few updates.
const BRIEF: [&str; 5] =
    ["net.hidden=[16]", "net.latent_dim=2", "train.epochs=4", "train.min_updates=0", "train.batch_size=16"];

/// Three groups of eight columns in [0, 1].
fn groups(n: usize) -> Array2<f32> {
    common::groups(n, 8, (0.8, 0.15))
}

fn fit(method: &str, seed: u64, set: &[&str], x: &Features) -> (Box<dyn Clusterer>, FitSummary) {
    let mut clusterer = build(method, 3, set);
    let summary =
        clusterer.fit(x, &FitContext::in_memory(seed)).unwrap_or_else(|e| panic!("{method} {set:?}: {e}"));
    (clusterer, summary)
}

/// The z term over the epochs, and the accuracy.
fn z_trace(seed: u64, lambda: &str) -> (Vec<f64>, f64) {
    let x = features(groups(300));
    let set = [
        "net.hidden=[32]",
        "net.latent_dim=3",
        "scale=none",
        "likelihood_variance=0.1",
        "train.epochs=100",
        "train.min_updates=0",
        "train.batch_size=32",
        "train.lr=1e-3",
        lambda,
    ];
    let (_, summary) = fit("gmvae", seed, &set, &x);
    let z = |terms: &[(String, f64)]| terms.iter().find(|(name, _)| name == "z").expect("the term z").1;
    let trace = summary.phases[0].history.iter().map(|e| z(&e.terms)).collect();
    let labels: Array1<u32> = (0..300).map(|i| i % 3).collect();
    (trace, vae_metrics::acc(summary.assignments.view(), labels.view()).expect("a score"))
}

#[test]
fn the_plain_bound_merges_the_clusters_of_gmvae_and_lambda_keeps_them() {
    for seed in 0..3 {
        let (merged, _) = z_trace(seed, "lambda=0.0");
        let (kept, acc) = z_trace(seed, "lambda=1.0");
        // From random weights the clusters differ a little; the plain bound takes that away and
        // never gives it back.
        assert!(merged[0] > 0.1, "seed {seed}: {merged:?}");
        assert!(merged[20..].iter().all(|&z| z < 0.01), "seed {seed}: {merged:?}");
        // ln 3 = 1.0986 is every sample surely in one of three clusters.
        assert!(kept[99] > 1.05, "seed {seed}: {kept:?}");
        assert!(acc > 0.99, "seed {seed}: {acc}");
    }
}

/// Five arcs of one circle, in the plane, with radii that differ by up to 7 %.
fn arcs(n: usize) -> (Features, Array1<u32>) {
    let part = |i: usize, step: f64| (i as f64 * step).fract() * 2.0 - 1.0;
    let x = Array2::from_shape_fn((n, 2), |(i, j)| {
        let angle = (i % 5) as f64 * std::f64::consts::TAU / 5.0 + 0.42 * part(i / 5, 0.618_034);
        let radius = 1.0 + 0.07 * part(i, 0.754_878);
        (radius * if j == 0 { angle.cos() } else { angle.sin() }) as f32
    });
    (features(x), (0..n).map(|i| (i % 5) as u32).collect())
}

/// The published experiment on synthetic data: z and w of two numbers each, five arcs.
#[test]
fn gmvae_separates_the_arcs() {
    let (x, labels) = arcs(1000);
    let set = [
        "net.hidden=[120]",
        "net.prior_hidden=120",
        "net.latent_dim=2",
        "net.style_dim=2",
        "lambda=1.0",
        "likelihood_variance=0.01",
        "train.epochs=100",
        "train.min_updates=0",
        "train.batch_size=50",
    ];
    let mut clusterer = build("gmvae", 5, &set);
    let summary = clusterer.fit(&x, &FitContext::in_memory(0)).expect("a fit");
    let acc = vae_metrics::acc(summary.assignments.view(), labels.view()).expect("a score");
    assert!(acc > 0.99, "{acc}");
    let history = &summary.phases[0].history;
    let z = |epoch: usize| history[epoch].terms.iter().find(|(name, _)| name == "z").expect("the term z").1;
    // Below lambda at first, and at last far above it, near ln 5 = 1.609: every sample is surely in
    // one of five clusters.
    assert!(z(0) < 1.0 && z(99) > 1.5, "{} {}", z(0), z(99));
    assert!(history[99].loss < 0.2 * history[0].loss, "{} {}", history[0].loss, history[99].loss);
}

#[test]
fn the_training_with_the_highest_modularity_is_kept() {
    let x = features(groups(90));
    for method in FAMILY {
        let (_, summary) = fit(method, 0, &[&BRIEF[..], &["n_init=3"]].concat(), &x);
        let names: Vec<&str> = summary.phases.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["train-1", "train-2", "train-3", "choice"]);
        let notes = &summary.phases[3].notes;
        let of = |key: &str| -> Vec<f64> {
            notes[key].as_array().expect("three").iter().map(|v| v.as_f64().expect("a number")).collect()
        };
        let (modularity, losses) = (of("modularity"), of("loss"));
        let trained: Vec<f64> = summary.phases[..3].iter().filter_map(|p| p.final_loss_nats).collect();
        assert_eq!(losses, trained);
        let best = (0..3).max_by(|&a, &b| modularity[a].total_cmp(&modularity[b]).then(b.cmp(&a)));
        let best = names[best.expect("three")];
        assert!(modularity.iter().any(|m| m != &modularity[0]), "{method}: {modularity:?}");
        assert_eq!(notes["kept"], best, "{method}: {modularity:?}");
        assert!(summary.selection.ends_with(best), "{method}: {}", summary.selection);
        assert!(summary.revisions.contains_key("restart-choice"), "{method}");
    }
}

/// Without a start the classes are still one after so few updates.
#[test]
fn classes_start_from_the_graphs_of_a_plain_vae_and_a_siamese_network() {
    let x = features(groups(300));
    let labels: Array1<u32> = (0..300).map(|i| i % 3).collect();
    let acc = |found: &Array1<u32>| vae_metrics::acc(found.view(), labels.view()).expect("a score");
    let brief = ["scale=none", "train.epochs=6", "train.min_updates=0", "train.batch_size=30"];
    let start = ["graph_start.epochs=20", "graph_start.min_updates=0"];
    for method in ["vae-cluster", "conv-vae"] {
        let (_, random) = fit(method, 0, &brief, &x);
        let without = acc(&random.assignments);
        assert!(without < 0.7 && random.start_assignments.is_none(), "{method}: {without}");
        let (_, summary) = fit(method, 0, &[&brief[..], &start].concat(), &x);
        let names: Vec<&str> = summary.phases.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["plain", "neighbours", "siamese", "partition", "train"]);
        assert!(acc(&summary.start_assignments.expect("a partition")) > 0.99, "{method}");
        assert!(acc(&summary.assignments) > 0.99, "{method}: {}", acc(&summary.assignments));
        assert!(summary.selection.contains("modularity"), "{}", summary.selection);
    }
    let (_, several) = fit("vae-cluster", 0, &[&BRIEF[..], &start, &["n_init=2"]].concat(), &x);
    let names: Vec<&str> = several.phases.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names[4..], ["train-1", "train-2", "choice"]);
    assert!(several.selection.contains("highest modularity of 2 trainings"), "{}", several.selection);
    refuses("conv-vae", &["mode=literal", "graph_start.epochs=1"], "unless mode is \"sound\"");
    refuses("vae-cluster", &["graph_start.hold_share=0.0"], "graph_start.hold_share");
}

#[test]
fn degenerate_data_give_a_finite_result() {
    let mut edges = edges(groups);
    edges.push(("large values as they are", features(groups(60) * 1e4), 0));
    edges.push(("a last batch of one", features(groups(33)), 3));
    for (what, x, k) in edges {
        for method in FAMILY {
            let raw: &[&str] = if k == 0 { &["scale=none"] } else { &[] };
            let k = if k == 0 { 3 } else { k };
            let mut clusterer = build(method, k, &[&BRIEF[..], raw].concat());
            match clusterer.fit(&x, &FitContext::in_memory(0)) {
                Ok(summary) => {
                    assert!(summary.assignments.iter().all(|&c| (c as usize) < k), "{method} on {what}");
                    let gamma = clusterer.soft().expect("soft").predict_proba(&x).expect("fitted");
                    assert!(gamma.iter().all(|g| g.is_finite()), "{method} on {what}");
                }
                // Unscaled large values may break a training, with a word on what to do.
                Err(e) => {
                    assert!(!raw.is_empty() && e.to_string().contains("scale the data"), "{method}: {e}")
                }
            }
        }
    }
    let six = groups(6);
    let repeated = features(Array2::from_shape_fn((60, 8), |(i, j)| six[[i % 6, j]]));
    for method in FAMILY {
        let mut clusterer = build(method, 7, &BRIEF);
        let e = clusterer.fit(&repeated, &FitContext::in_memory(0));
        assert!(e.is_err_and(|e| e.to_string().contains("distinct samples, 6")), "{method}");
    }
}

/// `n` grey images of this size.
fn images(n: usize, image: ImageShape) -> Features {
    let x = Array2::from_shape_fn((n, image.dim()), |(i, j)| {
        let lit = if (j / image.width).is_multiple_of(2) == (i % 2 == 0) { 0.6 } else { 0.1 };
        (lit + 0.3 * (noise(i, j) + 0.5)).clamp(0.0, 1.0)
    });
    features(x).with_image(image).expect("the same size")
}

#[test]
fn images_of_any_size_are_fitted_and_generated() {
    for (channels, height, width) in [(1, 28, 28), (3, 16, 20), (1, 7, 9), (1, 2, 2)] {
        let image = ImageShape { channels, height, width };
        let x = images(20, image);
        for method in FAMILY {
            let (clusterer, _) = fit(method, 0, &BRIEF, &x);
            let generator = clusterer.generator().expect("generative");
            assert_eq!(generator.sample(1, 2, 0).expect("sampled").dim(), (2, image.dim()), "{method}");
            assert_eq!(generator.reconstruct(&x).expect("fitted").dim(), (20, image.dim()));
            assert_eq!(clusterer.image(), Some(image));
        }
    }
    for method in ["vae-cluster", "conv-vae", "gmvae"] {
        let odd = images(20, ImageShape { channels: 1, height: 7, width: 9 });
        let mut clusterer = build(method, 3, &["net.kind=conv"]);
        let e = clusterer.fit(&odd, &FitContext::in_memory(0)).expect_err("odd sides").to_string();
        assert!(e.contains("net.kind") && e.contains("images"), "{method}: {e}");
    }
}

#[test]
fn values_out_of_range_are_named() {
    for (method, set, part) in [
        ("vae-cluster", "n_init=0", "n_init"),
        ("vae-cluster", "net.channels=[32, 0]", "net.channels[1]"),
        ("vae-cluster", "net.classifier_hidden=0", "net.classifier_hidden"),
        ("conv-vae", "net.n_layers=0", "net.n_layers"),
        ("conv-vae", "net.width=0", "net.width"),
        ("gmvae", "lambda=-0.5", "lambda"),
        ("gmvae", "n_samples=0", "n_samples"),
        ("gmvae", "net.style_dim=0", "net.style_dim"),
        ("gmvae-m2", "net.hidden=[0]", "net.hidden[0]"),
    ] {
        refuses(method, &[set], part);
    }
    refuses("gmvae-m2", &["class_floor=0.4"], "1/n_clusters");
    // 1/K itself leaves classes out where all are equally likely.
    refuses("gmvae-m2", &["n_clusters=2", "class_floor=0.5"], "1/n_clusters");
    refuses("vae-cluster", &["graph_start.epochs=0"], "graph_start.epochs");
    // Coins need a Bernoulli.
    let mut clusterer = build("gmvae-m2", 3, &["binarize=true"]);
    let e = clusterer.fit(&features(groups(30)), &FitContext::in_memory(0)).expect_err("a Gaussian");
    assert!(e.to_string().contains("binarize"), "{e}");
}

#[test]
fn a_stopped_training_continues_to_the_same_bytes() {
    let (fresh, x) = (|| tempfile::tempdir().expect("temp dir"), features(groups(60)));
    let started: &[&str] = &["graph_start.epochs=2", "graph_start.min_updates=0"];
    let options = [("gmvae-m2", &["class_floor=0.2"][..]), ("vae-cluster", started)];
    for (method, option) in FAMILY.map(|method| (method, &[][..])).into_iter().chain(options) {
        let set = [&BRIEF[..], &["n_init=2"], option].concat();
        let make = || build(method, 3, &set);
        let whole = model_bytes(make, &x, fresh().path(), &[]);
        // Two trainings of 4 epochs of 4 steps: within an epoch, at its end, in the second
        // training.
        assert_eq!(whole, model_bytes(make, &x, fresh().path(), &[3, 5, 13, 2]), "{method} {option:?}");
    }
}
