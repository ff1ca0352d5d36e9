//! SpectralNet and LTVAE on data that are hard to use, with settings that contradict each other,
//! and stopped on the way.

mod common;

use common::{edges, features, model_bytes, refuses};
use ndarray::{Array1, Array2};
use vae_core::phase::FitContext;
use vae_models::Clusterer;

const BOTH: [&str; 7] = [
    "net.hidden=[16]",
    "net.latent_dim=3",
    "pretrain.train.epochs=1",
    "pretrain.train.min_updates=200",
    "train.epochs=6",
    "train.min_updates=0",
    "train.batch_size=30",
];

const SPECTRALNET: [&str; 6] = [
    "space=codes",
    "siamese_net.hidden=[16]",
    "siamese.train.epochs=1",
    "siamese.train.min_updates=60",
    "siamese.train.batch_size=30",
    "map.hidden=[24, 24]",
];

/// Three groups in six columns within [0, 1].
fn groups(n: usize) -> Array2<f32> {
    common::groups(n, 6, (0.75, 0.2))
}

fn build(method: &str, k: usize, extra: &[&str]) -> Box<dyn Clusterer> {
    let own: &[&str] = if method == "spectralnet" { &SPECTRALNET } else { &["assignment_warmup_epochs=2"] };
    // Without a Siamese network its settings are refused.
    let euclidean = extra.contains(&"distance=euclidean");
    let own = own.iter().copied().filter(|s| !(euclidean && s.starts_with("siamese.")));
    let set: Vec<&str> = BOTH.into_iter().chain(own).chain(extra.iter().copied()).collect();
    common::build(method, k, &set)
}

/// Two facets over three latent numbers.
const TREE: &str = "structure={latents=[{n_states=3},{parent=0,n_states=2}],leaves=[{parent=0,variables=[0,2]},{parent=1,variables=[1]}]}";

#[test]
fn every_setting_runs_and_finds_the_groups() {
    let x = features(groups(180));
    let truth: Array1<u32> = (0..180).map(|i| (i % 3) as u32).collect();
    let longer = "train.epochs=40";
    for (method, set) in [
        ("spectralnet", &[longer][..]),
        ("spectralnet", &[longer, "clusters=kmeans"]),
        ("spectralnet", &[longer, "grad_through_ortho=false"]),
        ("spectralnet", &[longer, "distance=euclidean"]),
        ("spectralnet", &[longer, "space=features", "map.n_outputs=4"]),
        ("spectralnet", &[longer, "space=auto", "distance=euclidean"]),
        ("ltvae", &[]),
        ("ltvae", &["init.kind=kmeans"]),
        ("ltvae", &["alpha=0.02", "covariance=fixed"]),
        ("ltvae", &[TREE]),
        ("ltvae", &["basis=independent"]),
        ("ltvae", &["search.every_epochs=3", "search.climb.n_init=1", "search.climb.em_steps=20"]),
    ] {
        let summary = build(method, 3, set)
            .fit(&x, &FitContext::in_memory(0))
            .unwrap_or_else(|e| panic!("{method} {set:?}: {e}"));
        let acc = vae_metrics::acc(summary.assignments.view(), truth.view()).expect("a score");
        assert!(acc > 0.95, "{method} {set:?}: {acc}");
    }
}

#[test]
fn spectralnet_predicts_for_the_fitted_samples_what_it_found() {
    // Noise has many points between two clusters; the drawn digits are real clusters in many
    // columns.
    let noise = features(Array2::from_shape_fn((600, 6), |(i, j)| common::noise(i, j) + 0.5));
    let (images, _) = vae_data::strokes::strokes(300, 1);
    let digits = features(images.to_shape((300, 784)).expect("28 by 28").mapv(|v| f32::from(v) / 255.0));
    for (what, x, k) in [("noise", noise, 4), ("digits", digits, 5)] {
        for clusters in ["clusters=modularity", "clusters=kmeans"] {
            let mut clusterer = build("spectralnet", k, &[clusters]);
            let summary = clusterer.fit(&x, &FitContext::in_memory(0)).expect("fitted");
            assert_eq!(clusterer.predict(&x).expect("fitted"), summary.assignments, "{what}, {clusters}");
            let file = tempfile::tempdir().expect("temp dir");
            let path = file.path().join("model.safetensors");
            clusterer.save(&path).expect("saved");
            let again = vae_models::load_model(&path).expect("a model");
            assert_eq!(again.predict(&x).expect("fitted"), summary.assignments, "{what}, {clusters}, a file");
        }
    }
}

#[test]
fn degenerate_data_give_a_finite_result() {
    for (what, x, k) in edges(groups) {
        for (method, set) in [
            ("spectralnet", &[][..]),
            ("spectralnet", &["clusters=kmeans", "distance=euclidean"]),
            ("spectralnet", &["space=features", "scale=none"]),
            ("ltvae", &[]),
            ("ltvae", &["init.kind=kmeans", "covariance=fixed"]),
            ("ltvae", &["basis=independent", "search.every_epochs=3", "search.climb.n_init=1"]),
        ] {
            let mut clusterer = build(method, k, set);
            let summary = clusterer
                .fit(&x, &FitContext::in_memory(0))
                .unwrap_or_else(|e| panic!("{method} {set:?} on {what}: {e}"));
            assert!(summary.assignments.iter().all(|&c| (c as usize) < k), "{method} on {what}");
            if let Some(soft) = clusterer.soft() {
                let gamma = soft.predict_proba(&x).expect("fitted");
                assert!(gamma.iter().all(|g| g.is_finite()), "{method} {set:?} on {what}");
            }
            assert!(clusterer.embed(&x).expect("fitted").iter().all(|z| z.is_finite()), "{method} on {what}");
        }
    }
    let repeated = features(Array2::from_shape_fn((60, 6), |(i, j)| groups(6)[[i % 6, j]]));
    for method in ["spectralnet", "ltvae"] {
        let e = build(method, 7, &[]).fit(&repeated, &FitContext::in_memory(0));
        let e = e.expect_err("six distinct rows").to_string();
        assert!(e.contains("n_clusters") && e.contains("distinct samples, 6"), "{method}: {e}");
    }
}

#[test]
fn values_out_of_range_are_named() {
    for (method, set, part) in [
        ("spectralnet", "affinity.scale_neighbor=1", "affinity.scale_neighbor"),
        ("spectralnet", "affinity.n_neighbors=1", "affinity.n_neighbors"),
        ("spectralnet", "train.batch_size=5", "train.batch_size"),
        ("spectralnet", "siamese.start=encoder", "siamese.start"),
        ("ltvae", "init.pi=uniform", "init.pi"),
        ("ltvae", "alpha=-1.0", "alpha"),
        ("ltvae", "eta=1.5", "eta"),
        ("ltvae", "covariance_floor=0.0", "covariance_floor"),
        ("ltvae", "search.share=0.0", "search.share"),
        ("ltvae", "search.climb.new_states=1", "search.climb.new_states"),
        ("ltvae", "structure={latents=[{n_states=4}],leaves=[{parent=0,variables=[0]}]}", "structure.leaves"),
        ("ltvae", "structure={latents=[{parent=0,n_states=3}],leaves=[]}", "structure.latents[0].parent"),
    ] {
        refuses(method, &[set], part);
    }
}

#[test]
fn a_stopped_training_continues_to_the_same_bytes() {
    let (fresh, x) = (|| tempfile::tempdir().expect("temp dir"), features(groups(180)));
    let search = ["search.every_epochs=3", "search.climb.n_init=1", "search.climb.em_steps=10"];
    // 200 updates pretrain, 60 the Siamese network; then six epochs of six steps. Stops in each
    // phase, within epochs, in the warm-up, right after a search and later.
    for (method, set, stops) in [
        ("spectralnet", &[][..], vec![100, 130, 40, 3, 12]),
        ("ltvae", &[], vec![100, 110, 5, 8]),
        ("ltvae", &search, vec![200 + 19, 1, 7]),
    ] {
        let make = || build(method, 3, set);
        let whole = model_bytes(make, &x, fresh().path(), &[]);
        assert_eq!(whole, model_bytes(make, &x, fresh().path(), &stops), "{method} {set:?}");
    }
}
