//! The number of clusters where nobody says it.

mod common;

use common::{build, features};
use ndarray::Array2;
use rand_distr::{Distribution, StandardNormal};
use vae_core::phase::{FitContext, PhaseRecord};
use vae_core::random::Streams;
use vae_graph::partition::{Clarity, NumberOfClusters};
use vae_models::FitSummary;
use vae_models::pretrained::{is_confirmed, number_of_clusters, numbers_like_normal_rows};

/// The phase with the estimate.
fn estimated(summary: &FitSummary) -> &PhaseRecord {
    summary.phases.iter().find(|phase| number_of_clusters(phase).is_some()).expect("an estimate")
}

#[test]
fn halves_decide_where_another_number_comes_near() {
    // Nine round groups on a grid: in two columns cuts through one of them are cheap.
    let mut rng = Streams::new(9, "test").rng("grid", 0, 0);
    let x = Array2::from_shape_fn((540, 2), |(i, j)| {
        let z: f32 = StandardNormal.sample(&mut rng);
        let place = if j == 0 { i % 3 } else { i % 9 / 3 };
        7.0 * place as f32 + z
    });
    let mut spectral = build("spectral", 0, &["n_clusters=0"]);
    let summary = spectral.fit(&features(x), &FitContext::in_memory(0)).expect("fitted");
    assert_eq!(spectral.n_clusters(), 9);
    let phase = estimated(&summary);
    let of_graph = phase.notes["number_of_clusters"]["n_clusters"].as_u64();
    let number = number_of_clusters(phase).expect("an estimate");
    assert_eq!((of_graph, number.n_clusters, number.runner_up), (Some(10), 9, Some(10)));
    assert!(is_confirmed(phase), "{}", phase.notes["halves"]);
}

#[test]
fn normal_rows_are_no_groups() {
    // One factor behind the columns: sets of so few rows have gaps along it by chance.
    let one_factor = |seed: u64| {
        let mut rng = Streams::new(seed, "test").rng("factor", 0, 0);
        let factor: Vec<f32> = (0..60).map(|_| StandardNormal.sample(&mut rng)).collect();
        Array2::from_shape_fn((60, 20), |(i, j)| {
            let z: f32 = StandardNormal.sample(&mut rng);
            (0.4 + 0.025 * j as f32) * factor[i] + 0.6 * z
        })
    };
    let of = |x: Array2<f32>| {
        let mut spectral = build("spectral", 0, &["n_clusters=0"]);
        let summary = spectral.fit(&features(x), &FitContext::in_memory(0)).expect("fitted");
        let phase = estimated(&summary);
        let number = number_of_clusters(phase).expect("an estimate");
        assert_eq!(spectral.n_clusters(), number.n_clusters);
        let of_graph = phase.notes["number_of_clusters"]["clarity"].as_str().expect("a word").to_owned();
        let is_alike = numbers_like_normal_rows(phase).contains(&number.n_clusters);
        (of_graph, number, is_alike, is_confirmed(phase))
    };
    let sets: Vec<_> = (0..12).map(|seed| of(one_factor(seed))).collect();
    let clear =
        |said: &[(String, NumberOfClusters, bool, bool)]| said.iter().filter(|s| s.0 == "clear").count();
    // The graph alone calls some of them clear.
    assert!(clear(&sets) >= 2, "{sets:?}");
    for (of_graph, number, is_alike, confirmed) in &sets {
        assert!(number.clarity != Clarity::Clear && !*confirmed, "{sets:?}");
        // Only what would be said is compared.
        assert!(*is_alike || of_graph != "clear", "{sets:?}");
        assert!(!*is_alike || of_graph != "no-groups", "{sets:?}");
    }
    // Two far groups of them: the graph cuts each in two.
    let mut x = one_factor(0);
    x.rows_mut().into_iter().step_by(2).for_each(|mut row| row.iter_mut().step_by(2).for_each(|v| *v += 6.0));
    let (of_graph, number, is_alike, _) = of(x);
    assert_eq!((of_graph.as_str(), number.n_clusters, number.runner_up), ("clear", 2, Some(4)));
    assert!(number.clarity == Clarity::Contested && !is_alike);
}
