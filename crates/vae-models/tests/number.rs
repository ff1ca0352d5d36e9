//! The number of clusters where nobody says it.

mod common;

use common::{build, features};
use ndarray::Array2;
use rand_distr::{Distribution, StandardNormal};
use vae_core::phase::FitContext;
use vae_core::random::Streams;
use vae_models::pretrained::{is_confirmed, number_of_clusters};

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
    let phase = summary.phases.iter().find(|phase| number_of_clusters(phase).is_some()).expect("an estimate");
    let of_graph = phase.notes["number_of_clusters"]["n_clusters"].as_u64();
    let number = number_of_clusters(phase).expect("an estimate");
    assert_eq!((of_graph, number.n_clusters, number.runner_up), (Some(10), 9, Some(10)));
    assert!(is_confirmed(phase), "{}", phase.notes["halves"]);
}
