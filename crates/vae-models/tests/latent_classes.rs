//! Tables whose groups are in their categories.

mod common;

use common::build;
use ndarray::Array2;
use rand::RngExt;
use vae_core::phase::FitContext;
use vae_core::random::Streams;
use vae_core::{Column, Features, Schema};
use vae_graph::partition::Clarity;
use vae_models::FitSummary;
use vae_models::pretrained::{are_latent_classes, is_confirmed, number_of_clusters};

/// 600 rows of three classes in five categories of three levels: the class's own level with `own`.
/// Perhaps a number beside them, which has to do with none; its place is the last.
fn table(own: f64, with_number: bool) -> (Features, Vec<u32>) {
    let mut rng = Streams::new(4, "test").rng("table", 0, 0);
    let truth: Vec<u32> = (0..600).map(|i| [0, 1, 2, 0, 1, 0][i % 6]).collect();
    let mut x = Array2::<f32>::zeros((600, 15 + usize::from(with_number)));
    for (i, &class) in truth.iter().enumerate() {
        for j in 0..5 {
            let level = match rng.random::<f64>() < own {
                true => (class as usize + j * (j + 1) / 2) % 3,
                false => rng.random_range(0..3),
            };
            x[[i, 3 * j + level]] = 1.0;
        }
        if with_number {
            x[[i, 15]] = rng.random_range(18..80) as f32;
        }
    }
    let mut columns: Vec<Column> =
        (0..5).map(|j| Column::category(format!("q{j}"), ["a", "b", "c"])).collect();
    columns.extend(with_number.then(|| Column::number("age")));
    (Features::table(x, Some(Schema { named: true, columns })).expect("valid"), truth)
}

fn fit(x: &Features, n_clusters: usize) -> FitSummary {
    let setting = format!("n_clusters={n_clusters}");
    build("spectral", n_clusters, &[&setting]).fit(x, &FitContext::in_memory(0)).expect("fitted")
}

/// Rows whose cluster is that of most rows of their class.
fn purity(summary: &FitSummary, truth: &[u32]) -> f64 {
    let mut counts = std::collections::BTreeMap::<(u32, u32), usize>::new();
    for (&c, &t) in summary.assignments.iter().zip(truth) {
        *counts.entry((c, t)).or_default() += 1;
    }
    let best = |c: u32| (0..3).filter_map(|t| counts.get(&(c, t))).max().copied().unwrap_or(0);
    (0..3).map(best).sum::<usize>() as f64 / truth.len() as f64
}

#[test]
fn groups_in_categories_are_found_and_counted() {
    for with_number in [false, true] {
        let (x, truth) = table(0.8, with_number);
        let summary = fit(&x, 3);
        assert!(purity(&summary, &truth) > 0.95, "{} {with_number}", purity(&summary, &truth));
        assert!(summary.selection.contains("latent classes"), "{}", summary.selection);
        let estimated = fit(&x, 0);
        let phase = &estimated.phases[0];
        let number = number_of_clusters(phase).expect("an estimate");
        assert_eq!((number.n_clusters, number.clarity), (3, Clarity::Contested), "{with_number}");
        assert!(are_latent_classes(phase) && is_confirmed(phase), "{}", phase.notes["halves"]);
        assert!(estimated.revisions.contains_key("latent-classes"));
        assert_eq!(fit(&x, 3).assignments, summary.assignments, "the same again");
    }
}

#[test]
fn categories_without_classes_are_told() {
    let (x, _) = table(0.0, false);
    let summary = fit(&x, 0);
    let number = number_of_clusters(&summary.phases[0]).expect("an estimate");
    assert_eq!(number.clarity, Clarity::NoGroups, "{:?}", summary.phases[0].notes["bic"]);
    // With a number beside them the graph is asked, as before.
    let (x, _) = table(0.0, true);
    assert!(!are_latent_classes(&fit(&x, 0).phases[0]));
}
