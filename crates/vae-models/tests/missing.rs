//! Tables in which values are missing.

mod common;

use common::{build, groups};
use vae_core::Features;
use vae_core::phase::FitContext;

#[test]
fn of_a_row_without_any_value_nothing_is_known() {
    let mut x = groups(61, 6, (0.9, 0.2));
    x.row_mut(60).fill(f32::NAN);
    x[[0, 0]] = f32::NAN;
    let x = Features::table(x, None).expect("NaN is a missing value");
    for method in ["spectral", "gmm", "vade"] {
        let quick = [
            "pretrain.train.epochs=1",
            "train.epochs=1",
            "train.min_updates=0",
            "pretrain.train.min_updates=0",
        ];
        let set = if method == "vade" { &quick[..] } else { &[] };
        let mut model = build(method, 3, set);
        model.fit(&x, &FitContext::in_memory(0)).expect("fitted");
        let gamma = model.soft().expect("a posterior").predict_proba(&x).expect("probabilities");
        assert!(gamma.row(60).iter().all(|p| *p == 1.0 / 3.0), "{method}: {}", gamma.row(60));
        assert!(gamma.row(0).iter().any(|p| *p != 1.0 / 3.0), "{method}: {}", gamma.row(0));
        let assessed = model.assess(&x, None).expect("assessed");
        assert_eq!(assessed.gamma.expect("a posterior").row(60), gamma.row(60), "{method}");
    }
}

#[test]
fn a_model_of_an_array_refuses_missing_values() {
    let mut x = groups(60, 6, (0.9, 0.2));
    let mut model = build("spectral", 3, &[]);
    model.fit(&common::features(x.clone()), &FitContext::in_memory(0)).expect("fitted");
    x[[7, 2]] = f32::NAN;
    let e = model.predict(&Features::table(x, None).expect("a table")).expect_err("NaN").to_string();
    assert!(e.contains("missing (NaN: 1)") && e.contains("fit on a table"), "{e}");
}
