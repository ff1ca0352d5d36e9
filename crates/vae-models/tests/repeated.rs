//! Tables in which rows repeat each other, as answers of a survey do.

mod common;

use common::{build, features, noise};
use ndarray::Array2;
use vae_core::phase::FitContext;

/// Answers from 1 to 5 to five questions: three kinds of people, each answer near that of its kind.
fn survey(n: usize) -> Array2<f32> {
    const KINDS: [[f32; 5]; 3] =
        [[1.0, 5.0, 2.0, 4.0, 1.0], [5.0, 1.0, 4.0, 1.0, 3.0], [3.0, 3.0, 5.0, 5.0, 5.0]];
    Array2::from_shape_fn((n, 5), |(i, j)| {
        let away = match noise(i, j) {
            v if v < -0.3 => -1.0,
            v if v > 0.3 => 1.0,
            _ => 0.0,
        };
        (KINDS[i % 3][j] + away).clamp(1.0, 5.0)
    })
}

#[test]
fn the_groups_of_a_survey_are_found_with_and_without_their_number() {
    let x = survey(900);
    let different = features(x.clone()).distinct_rows_up_to(900);
    assert!(different < 500, "{different} different rows");
    for k in [0, 3] {
        let set: &[&str] = if k == 0 { &["n_clusters=0"] } else { &[] };
        let cx = FitContext::in_memory(0);
        let mut spectral = build("spectral", k, set);
        let found = spectral.fit(&features(x.clone()), &cx).expect("fitted").assignments;
        assert_eq!(spectral.n_clusters(), 3, "asked for {k}");
        let wrong = (0..900).filter(|&i| found[i] != found[i % 3]).count();
        assert!(wrong <= 9, "{wrong} of 900 are not with their kind, asked for {k}");
    }
}

#[test]
fn equal_rows_are_in_one_cluster_and_too_few_different_ones_are_told() {
    let x = Array2::from_shape_fn((60, 2), |(i, j)| ((i % 4) * (j + 1)) as f32);
    for method in ["spectral", "vade", "dgg"] {
        let quick = [
            "pretrain.train.epochs=1",
            "train.epochs=1",
            "train.min_updates=0",
            "pretrain.train.min_updates=0",
        ];
        let set = if method == "spectral" { &[][..] } else { &quick };
        let found =
            build(method, 2, set).fit(&features(x.clone()), &FitContext::in_memory(0)).expect("fitted");
        assert!((0..60).all(|i| found.assignments[i] == found.assignments[i % 4]), "{method}");
    }
    let e = build("spectral", 5, &[])
        .fit(&features(x), &FitContext::in_memory(0))
        .expect_err("four different rows");
    assert!(e.to_string().contains("distinct samples, 4"), "{e}");
    let one = features(Array2::ones((50, 2)));
    let e =
        build("spectral", 0, &["n_clusters=0"]).fit(&one, &FitContext::in_memory(0)).expect_err("one row");
    assert!(e.to_string().contains("all rows are equal"), "{e}");
}
