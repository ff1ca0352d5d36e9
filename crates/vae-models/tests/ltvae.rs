//! LTVAE finds two clusterings of the same samples.

mod two_facets;

use two_facets::two_facets;
use vae_core::phase::FitContext;
use vae_models::registry::{Selection, resolve};
use vae_models::{Clusterer, Facets, FitSummary};

/// What both tests and the example share.
const SETTINGS: &str = include_str!("two_facets/settings.txt");

fn fit(set: &[&str]) -> (Box<dyn Clusterer>, FitSummary, vae_core::Features, [ndarray::Array1<u32>; 2]) {
    let (x, truth) = two_facets(2000, 7);
    let set = SETTINGS.lines().chain(set.iter().copied()).map(String::from).collect();
    let selection =
        Selection { method: Some("ltvae".into()), n_clusters: Some(2), set, ..Selection::default() };
    vae_core::device::configure_process(1);
    let mut method = resolve(&selection).and_then(|r| r.build()).expect("valid");
    let summary = method.fit(&x, &FitContext::in_memory(0)).expect("fitted");
    (method, summary, x, truth)
}

/// For each true facet the best accuracy of a found one.
fn scores(found: &[ndarray::Array1<u32>], truth: &[ndarray::Array1<u32>; 2]) -> [f64; 2] {
    let acc = |a: &ndarray::Array1<u32>, b: &ndarray::Array1<u32>| {
        vae_metrics::acc(a.view(), b.view()).expect("a score")
    };
    [0, 1].map(|t| found.iter().map(|f| acc(f, &truth[t])).fold(0.0, f64::max))
}

#[test]
fn a_given_tree_finds_both_facets() {
    let tree = "structure={latents=[{n_states=2},{parent=0,n_states=2}],leaves=[{parent=0,variables=[0,2]},{parent=1,variables=[1,3]}]}";
    let (method, summary, x, truth) = fit(&[tree]);
    let facets: &dyn Facets = method.facets().expect("two facets");
    let found = facets.assignments(&x).expect("fitted");
    assert_eq!(found[0], summary.assignments);
    let scores = scores(&found, &truth);
    assert!(scores.iter().all(|&s| s > 0.95), "{} {scores:?}", facets.structure());
}

#[test]
fn the_search_finds_both_facets() {
    let (method, _, x, truth) = fit(&[
        "search.every_epochs=5",
        "search.share=1.0",
        "search.climb.n_init=2",
        "search.climb.pouches=false",
    ]);
    let facets: &dyn Facets = method.facets().expect("facets");
    let found = facets.assignments(&x).expect("fitted");
    assert_eq!(found.len(), 2, "{}", facets.structure());
    let scores = scores(&found, &truth);
    assert!(scores.iter().all(|&s| s > 0.95), "{} {scores:?}", facets.structure());
}
