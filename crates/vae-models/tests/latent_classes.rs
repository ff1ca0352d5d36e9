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

/// Numbers that have to do with no class, by the name of their column.
fn unrelated(name: &str, rng: &mut impl RngExt) -> f32 {
    let u = rng.random::<f32>();
    match name {
        "age" => (18.0 + 62.0 * u).floor(),
        "income" => -1000.0 * (1.0 - u).ln(),
        "is_member" => f32::from(u < 0.1),
        // 0, 1, 2, …, each half as often as the one before.
        "visits" => (-(1.0 - u).log2()).floor(),
        "debt" => {
            if u < 0.5 {
                0.0
            } else {
                1.0 / (1.001 - u)
            }
        }
        "constant" => 7.0,
        _ => unreachable!("{name}"),
    }
}

fn table(own: f64, with_number: bool) -> (Features, Vec<u32>) {
    table_with(600, own, if with_number { &["age"] } else { &[] })
}

/// `n` rows of three classes in five categories of three levels: the class's own level with `own`.
/// Perhaps numbers beside them ([`unrelated`]); their places are the last.
fn table_with(n: usize, own: f64, numbers: &[&str]) -> (Features, Vec<u32>) {
    let mut rng = Streams::new(4, "test").rng("table", 0, 0);
    let truth: Vec<u32> = (0..n).map(|i| [0, 1, 2, 0, 1, 0][i % 6]).collect();
    let mut x = Array2::<f32>::zeros((n, 15 + numbers.len()));
    for (i, &class) in truth.iter().enumerate() {
        for j in 0..5 {
            let level = match rng.random::<f64>() < own {
                true => (class as usize + j * (j + 1) / 2) % 3,
                false => rng.random_range(0..3),
            };
            x[[i, 3 * j + level]] = 1.0;
        }
        for (j, name) in numbers.iter().enumerate() {
            x[[i, 15 + j]] = unrelated(name, &mut rng);
        }
    }
    let mut columns: Vec<Column> =
        (0..5).map(|j| Column::category(format!("q{j}"), ["a", "b", "c"])).collect();
    columns.extend(numbers.iter().map(|name| Column::number(*name)));
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

/// Whatever their shape, numbers that have to do with no class make none: BIC would count the
/// levels of a flag, and the pieces of a uniform or skewed number of many rows.
#[test]
fn unrelated_numbers_make_no_classes() {
    let all = ["age", "income", "is_member", "visits", "debt", "constant"];
    for numbers in [&all[..1], &all[3..4], &all[..]] {
        let (x, truth) = table_with(2000, 0.7, numbers);
        let summary = fit(&x, 0);
        let number = number_of_clusters(&summary.phases[0]).expect("an estimate");
        assert_eq!(number.n_clusters, 3, "{numbers:?}: {}", summary.phases[0].notes["latent_classes"]);
        assert!(purity(&summary, &truth) > 0.93, "{numbers:?} {}", purity(&summary, &truth));
    }
}

/// Of so many classes some have no row that belongs to them most.
#[test]
fn classes_without_rows_are_said() {
    let (x, _) = table(0.8, false);
    let summary = fit(&x, 40);
    assert!(summary.selection.contains("k-means, since latent classes leave"), "{}", summary.selection);
    let used: std::collections::BTreeSet<u32> = summary.assignments.iter().copied().collect();
    assert_eq!(used.len(), 40);
    let error = build("spectral", 250, &["n_clusters=250"]).fit(&x, &FitContext::in_memory(0));
    let error = error.expect_err("there are 95 different rows").to_string();
    assert!(error.contains("distinct samples, 95"), "{error}");
}

/// The graph that latent classes stand in for does not judge them.
#[test]
fn auto_keeps_latent_classes() {
    let (x, truth) = table(0.7, false);
    let brief = [
        "net.hidden=[8]",
        "net.latent_dim=2",
        "pretrain.train.epochs=1",
        "pretrain.train.min_updates=0",
        "train.epochs=1",
        "train.min_updates=0",
    ];
    let summary = build("auto", 3, &brief).fit(&x, &FitContext::in_memory(0)).expect("fitted");
    assert!(summary.selection.contains("the latent classes are kept"), "{}", summary.selection);
    assert!(purity(&summary, &truth) > 0.9, "{}", purity(&summary, &truth));
}

/// Ten flags as 0 and 1 are the categories that they would be as words.
#[test]
fn flags_are_categories_where_a_graph_is_cut() {
    let mut rng = Streams::new(8, "test").rng("table", 0, 0);
    let truth: Vec<u32> = (0..500).map(|i| i % 3).collect();
    let x = Array2::from_shape_fn((500, 10), |(i, j)| {
        let often = (truth[i] as usize + j).is_multiple_of(3);
        f32::from(rng.random::<f32>() < if often { 0.85 } else { 0.15 })
    });
    let names: Vec<String> = (0..10).map(|j| format!("flag{j}")).collect();
    let flags = Features::table(x, Some(Schema::plain(true, names))).expect("valid");
    let summary = fit(&flags, 0);
    assert!(summary.selection.contains("latent classes"), "{}", summary.selection);
    assert_eq!(number_of_clusters(&summary.phases[0]).expect("an estimate").n_clusters, 3);
    assert!(purity(&summary, &truth) > 0.9, "{}", purity(&summary, &truth));
    assert!(summary.revisions.contains_key("two-values-are-levels"), "{:?}", summary.revisions);
}

/// Numbers without groups, and a count beside them that would fall apart into its values.
#[test]
fn a_count_beside_numbers_makes_no_groups() {
    let mut rng = Streams::new(9, "test").rng("table", 0, 0);
    let mut normal = || (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0;
    let mut x = Array2::from_shape_simple_fn((600, 3), &mut normal);
    x.column_mut(2).mapv_inplace(|v| (1.2 * v + 1.0).round().clamp(0.0, 4.0));
    let count = Features::table(x, Some(Schema::plain(true, ["age", "spend", "children"]))).expect("valid");
    let summary = fit(&count, 0);
    let number = number_of_clusters(&summary.phases[0]).expect("an estimate");
    assert_ne!(number.clarity, Clarity::Clear, "{number:?}");
    assert!(summary.revisions.contains_key("levels-are-spread"), "{:?}", summary.revisions);
}
