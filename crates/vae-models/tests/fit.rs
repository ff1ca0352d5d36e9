//! Every method from features to a saved model and back, on data with three obvious clusters.

mod common;

use common::noise;
use ndarray::{Array1, Array2};

use std::path::Path;
use vae_core::Csr;
use vae_core::Features;
use vae_core::bundle::{self, Tensors};
use vae_core::phase::FitContext;
use vae_models::Fit;
use vae_models::methods::kmeans::{KMeans, KMeansConfig};
use vae_models::registry::METHODS;
use vae_models::registry::{Selection, resolve};
use vae_models::{Clusterer, Error, Facets, FitSummary, Generator, SoftAssign, load_model};

/// Three groups of eight features; the classes are returned for scoring only.
fn blobs(n: usize) -> (Features, Array1<u32>) {
    let class = |i: usize| i % 3;
    let x = Array2::from_shape_fn((n, 8), |(i, j)| {
        let mean = if j % 3 == class(i) { 0.8 } else { 0.2 };
        // Each column its own sequence: with one for all, the rows of a group lie on one curve.
        (mean + 0.15 * noise(i * (2 * j + 3), j)).clamp(0.0, 1.0)
    });
    (Features::dense(x).expect("finite"), (0..n).map(|i| class(i) as u32).collect())
}

/// Methods that start from random weights, without pretraining.
const FAMILY: [&str; 4] = ["vae-cluster", "conv-vae", "gmvae", "gmvae-m2"];

/// What these need on top to find the clusters: time until the classes part, and little noise in
/// p(x | z).
const PATIENCE: [&str; 2] = ["train.min_updates=4000", "likelihood_variance=0.02"];

fn small(method: &str, seed: u64) -> (Box<dyn Clusterer>, FitContext) {
    with(method, seed, &[])
}

fn with(method: &str, seed: u64, more: &[&str]) -> (Box<dyn Clusterer>, FitContext) {
    let deep = ["net.hidden=[32]", "net.latent_dim=3", "pretrain.train.min_updates=1000"];
    let mut set: Vec<String> = Vec::new();
    let is_trained = ["vade", "dgg", "dec", "spectralnet", "ltvae"].contains(&method);
    if method.starts_with("ae-") || method == "vae-gmm" || is_trained {
        set.extend(deep.map(String::from));
    }
    if method == "imsat" {
        set.extend(["net.hidden=[32]", "train.min_updates=300", "train.epochs=10"].map(String::from));
    }
    if FAMILY.contains(&method) {
        set.extend(["net.hidden=[32]", "net.latent_dim=3", "train.batch_size=32"].map(String::from));
        set.extend(["train.epochs=10", "train.min_updates=0", "train.lr=3e-3"].map(String::from));
    }
    if is_trained {
        set.extend(
            ["train.epochs=10", "train.min_updates=0", "train.batch_size=32", "train.observe_every_epochs=5"]
                .map(String::from),
        );
    }
    if method == "spectralnet" {
        let nets = [
            "space=codes",
            "siamese_net.hidden=[32]",
            "map.hidden=[32, 32]",
            "siamese.train.min_updates=100",
        ];
        set.extend(nets.map(String::from));
        set.push("train.epochs=30".into());
    }
    set.extend(more.iter().map(|s| (*s).to_string()));
    let selection =
        Selection { method: Some(method.into()), n_clusters: Some(3), set, ..Selection::default() };
    // Two threads on a busy machine wait for each other more than they compute.
    vae_core::device::configure_process(1);
    let clusterer = resolve(&selection).and_then(|r| r.build()).expect("valid");
    (clusterer, FitContext::in_memory(seed))
}

fn fit(method: &str, seed: u64, x: &Features) -> (Box<dyn Clusterer>, FitSummary) {
    let (mut clusterer, cx) = small(method, seed);
    let summary = clusterer.fit(x, &cx).unwrap_or_else(|e| panic!("{method}: {e}"));
    (clusterer, summary)
}

/// A fit that is long enough to find the clusters.
fn fit_well(method: &str, seed: u64, x: &Features) -> (Box<dyn Clusterer>, FitSummary) {
    let more: &[&str] = if FAMILY.contains(&method) { &PATIENCE } else { &[] };
    let (mut clusterer, cx) = with(method, seed, more);
    let summary = clusterer.fit(x, &cx).unwrap_or_else(|e| panic!("{method}: {e}"));
    (clusterer, summary)
}

fn save(clusterer: &dyn Clusterer, folder: &Path) -> Vec<u8> {
    let path = folder.join("model.safetensors");
    clusterer.save(&path).expect("saved");
    std::fs::read(path).expect("read")
}

#[test]
fn every_method_finds_three_obvious_clusters() {
    let (x, y) = blobs(300);
    for method in METHODS {
        let (clusterer, summary) = fit_well(method.name, 0, &x);
        let acc = vae_metrics::acc(summary.assignments.view(), y.view()).expect("a score");
        assert!(acc > 0.99, "{}: {acc}", method.name);
        assert_eq!(clusterer.predict(&x).expect("fitted"), summary.assignments, "{}", method.name);
        assert!(!summary.selection.is_empty() && !summary.phases.is_empty());
        assert_eq!(method.generative, clusterer.generator().is_some(), "{}", method.name);
    }
}

#[test]
fn a_saved_model_predicts_the_same() {
    let (x, _) = blobs(120);
    let folder = tempfile::tempdir().expect("temp dir");
    for method in METHODS {
        let (clusterer, _) = fit(method.name, 1, &x);
        save(clusterer.as_ref(), folder.path());
        let loaded = load_model(&folder.path().join("model.safetensors")).expect("loaded");
        assert_eq!(loaded.matmul(), Some(vae_core::matmul::Matmul::current().name()), "{}", method.name);
        assert_eq!(loaded.predict(&x).expect("fitted"), clusterer.predict(&x).expect("fitted"));
        assert_eq!(loaded.embed(&x).expect("fitted"), clusterer.embed(&x).expect("fitted"));
        assert_eq!(loaded.n_clusters(), 3);
        if let (Some(a), Some(b)) = (clusterer.soft(), loaded.soft()) {
            let gamma = a.predict_proba(&x).expect("fitted");
            assert_eq!(gamma, b.predict_proba(&x).expect("fitted"));
            assert!(gamma.rows().into_iter().all(|r| (r.sum() - 1.0).abs() < 1e-5));
        }
        if let (Some(a), Some(b)) = (clusterer.generator(), loaded.generator()) {
            assert_eq!(a.sample(2, 5, 9).expect("sampled"), b.sample(2, 5, 9).expect("sampled"));
            assert_ne!(a.sample(2, 5, 9).expect("sampled"), a.sample(2, 5, 10).expect("sampled"));
            assert_eq!(a.reconstruct(&x).expect("fitted").dim(), (120, 8));
            assert_decodes(a, (method.name, &x), &clusterer.embed(&x).expect("fitted"));
            assert!(a.sample(3, 1, 0).is_err_and(|e| e.to_string().contains("cluster 3")));
        }
    }
}

/// Decoded codes of samples are their reconstructions; the mixture of the features themselves,
/// whose reconstructions are means of clusters, gives the samples back.
fn assert_decodes(generator: &dyn Generator, (method, x): (&str, &Features), z: &Array2<f32>) {
    let decoded = generator.decode(z.view()).expect("fitted");
    let expected = match method {
        "gmm" => x.dense_rows(0, x.n()),
        _ => generator.reconstruct(x).expect("fitted"),
    };
    assert_eq!(decoded.dim(), expected.dim(), "{method}");
    let largest = (&decoded - &expected).iter().fold(0.0f32, |most, e| most.max(e.abs()));
    assert!(largest < 1e-3, "{method}: {largest}");
    let other = Array2::zeros((2, z.ncols() + 1));
    let refused = generator.decode(other.view()).expect_err("another space").to_string();
    assert!(refused.contains(&format!("has {} dimensions", z.ncols())), "{method}: {refused}");
}

#[test]
fn samples_are_assessed_one_by_one_and_strange_ones_are_improbable() {
    let (x, _) = blobs(120);
    let mut strange = x.dense_rows(0, 3);
    strange.row_mut(2).iter_mut().for_each(|v| *v = -*v * 3.0 + 25.0);
    let strange = Features::dense(strange).expect("finite");
    for method in METHODS {
        let (clusterer, _) = fit(method.name, 1, &x);
        let calibration = clusterer.density().map(|density| density.calibrate(&x).expect("fitted"));
        let all = clusterer.assess(&x, calibration.as_ref()).expect("fitted");
        assert_eq!(all.clusters, clusterer.predict(&x).expect("fitted"), "{}", method.name);
        let gamma = clusterer.soft().map(|soft| soft.predict_proba(&x).expect("fitted"));
        assert_eq!(all.gamma, gamma, "{}", method.name);
        let without = clusterer.assess(&x, None).expect("fitted");
        assert_eq!((&without.clusters, &without.gamma), (&all.clusters, &all.gamma), "{}", method.name);
        assert!(without.log_density.is_none());
        let (Some(density), Some(known), Some(all)) = (clusterer.density(), calibration, all.log_density)
        else {
            continue;
        };
        assert_eq!(all, density.log_density(&x, &known).expect("fitted"), "{}", method.name);
        let few = density.log_density(&strange, &known).expect("fitted");
        for i in 0..2 {
            let scale = all[i].abs().max(1.0);
            assert!((few[i] - all[i]).abs() < 1e-4 * scale, "{}: {} {}", method.name, few[i], all[i]);
        }
        let least = all.iter().copied().fold(f32::INFINITY, f32::min);
        assert!(few[2] < least, "{}: {} {least}", method.name, few[2]);
    }
}

#[test]
fn equal_seeds_give_equal_bytes_and_other_seeds_do_not() {
    let (x, _) = blobs(90);
    let folder = tempfile::tempdir().expect("temp dir");
    let pretrained =
        ["vade", "ae-gmm", "vae-gmm", "ae-spectral", "dgg", "dec", "imsat", "spectralnet", "ltvae"];
    for method in pretrained.into_iter().chain(FAMILY) {
        let bytes = |seed| save(fit(method, seed, &x).0.as_ref(), folder.path());
        let first = bytes(3);
        assert_eq!(first, bytes(3), "{method}");
        assert_ne!(first, bytes(4), "{method}");
    }
}

#[test]
fn samples_of_a_cluster_belong_to_it() {
    let (x, _) = blobs(300);
    // Not asked of `vae-cluster` and `conv-vae`, which have the same loss: its classes have unit
    // variances, and their means may be no farther apart than that. Nor of `gmvae-m2`, whose z may
    // say what the class says.
    for method in ["gmm", "ae-gmm", "vae-gmm", "vade", "dgg", "ltvae", "gmvae"] {
        let (clusterer, _) = fit_well(method, 0, &x);
        let generator = clusterer.generator().expect("generative");
        for cluster in 0..3 {
            let samples =
                Features::dense(generator.sample(cluster, 50, 0).expect("sampled")).expect("finite");
            let hits = clusterer
                .predict(&samples)
                .expect("fitted")
                .iter()
                .filter(|&&c| c as usize == cluster)
                .count();
            assert!(hits >= 45, "{method}: {hits} of 50 samples of cluster {cluster} are assigned to it");
        }
    }
}

#[test]
fn vade_improves_its_bound_and_is_observed() {
    let (x, _) = blobs(300);
    let (_, summary) = fit("vade", 0, &x);
    let phases: Vec<&str> = summary.phases.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(phases, ["pretrain", "partition", "train"]);
    let history = &summary.phases[2].history;
    assert!(history[9].loss < history[0].loss);
    assert!(history.iter().all(|e| e.terms.iter().all(|(name, v)| name != "clamped" || *v == 0.0)));
    assert_eq!(summary.observed.iter().map(|(e, _)| *e).collect::<Vec<_>>(), [5, 10]);
    assert!(summary.start_assignments.is_some());
}

#[test]
fn unusable_input_is_refused() {
    let (x, _) = blobs(4);
    for method in METHODS {
        let selection =
            Selection { method: Some(method.name.into()), n_clusters: Some(5), ..Selection::default() };
        let mut clusterer = resolve(&selection).and_then(|r| r.build()).expect("valid");
        let e = clusterer
            .fit(&x, &FitContext::in_memory(0))
            .expect_err("five clusters of four samples")
            .to_string();
        assert!(e.contains("n_clusters") && e.contains('4'), "{}: {e}", method.name);
        assert!(clusterer.predict(&x).is_err_and(|e| e.to_string().contains("not been fitted")));
    }
    let constant = Features::dense(Array2::from_elem((20, 8), 0.5)).expect("finite");
    for method in METHODS {
        let (mut clusterer, cx) = small(method.name, 0);
        assert!(
            clusterer.fit(&constant, &cx).is_err_and(|e| e.to_string().contains("distinct")),
            "{}",
            method.name
        );
    }
    let csr =
        Csr { n_columns: 2, indptr: vec![0, 1, 2, 3], indices: vec![0, 1, 0], values: vec![1.0, 2.0, 3.0] };
    let sparse = Features::sparse(csr).expect("valid");
    for (scale, is_fine) in [("auto", true), ("none", true), ("standardize", false), ("minmax", false)] {
        let (mut kmeans, cx) = with("kmeans", 0, &[&format!("scale={scale}")]);
        match kmeans.fit(&sparse, &cx) {
            Ok(_) => assert!(is_fine, "{scale} is ignored"),
            Err(e) => assert!(!is_fine && e.to_string().contains("sparse features"), "{scale}: {e}"),
        }
    }
    let (fitted, _) = fit("vade", 0, &blobs(60).0);
    let narrow = Features::dense(Array2::zeros((2, 3))).expect("finite");
    assert!(fitted.predict(&narrow).is_err_and(|e| e.to_string().contains("8 features")));
}

#[test]
fn a_model_file_that_lacks_something_is_named_with_what_to_do() {
    let (x, _) = blobs(60);
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("model.safetensors");
    for method in METHODS {
        let (fitted, _) = fit(method.name, 0, &x);
        fitted.save(&path).expect("saved");
        let (mut tensors, record): (Tensors, serde_json::Value) = bundle::load(&path).expect("read");
        let missing = tensors.keys().next_back().expect("a tensor").clone();
        tensors.remove(&missing);
        bundle::save(&path, &tensors, &record).expect("saved");
        let Err(e) = load_model(&path) else { panic!("{} loads without `{missing}`", method.name) };
        let text = e.to_string();
        assert!(matches!(e, Error::Core(vae_core::Error::Corrupt { .. })), "{}: {e:?}", method.name);
        for part in ["model.safetensors", &missing, "fit again"] {
            assert!(text.contains(part), "{}: no {part} in {text}", method.name);
        }
    }
}

#[test]
fn what_a_model_does_not_have_is_told_from_a_model_that_is_not_fitted() {
    let x = blobs(30).0;
    let config = KMeansConfig { n_clusters: 3, ..KMeansConfig::default() };
    let mut kmeans = Fit::<KMeans>::new(config).expect("valid");
    assert!(matches!(kmeans.predict_proba(&x), Err(Error::NotFitted)));
    assert!(matches!(kmeans.reconstruct(&x), Err(Error::NotFitted)));
    kmeans.fit(&x, &FitContext::in_memory(0)).expect("fitted");
    for result in [
        kmeans.predict_proba(&x).map(drop),
        kmeans.assignments(&x).map(drop),
        kmeans.sample(0, 1, 0).map(drop),
    ] {
        let e = result.expect_err("k-means has none");
        assert!(matches!(e, Error::Unsupported(_)) && e.to_string().contains("`kmeans` has no"), "{e}");
    }
}
