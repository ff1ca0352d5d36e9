//! Tests of the scaling.

use super::*;
use ndarray::array;
use vae_core::Csr;

fn features() -> Features {
    Features::dense(array![[0.0f32, 10.0, 3.0], [2.0, 20.0, 3.0], [4.0, 60.0, 3.0]]).expect("valid")
}

#[test]
fn standardize_gives_moments_and_inverts() {
    let x = features();
    let scale = Scale::fit(ScaleKind::Standardize, &x).expect("dense").scale;
    let y = scale.apply(&x).expect("finite");
    let y = y.as_dense().expect("dense").to_owned();
    for column in y.axis_iter(Axis(1)).take(2) {
        assert!(column.mean().expect("rows").abs() < 1e-6);
        assert!((column.mapv(|v| v * v).mean().expect("rows") - 1.0).abs() < 1e-6);
    }
    assert_eq!(y.column(2), array![0.0, 0.0, 0.0]);
    let back = scale.invert(y);
    assert!((back - x.as_dense().expect("dense")).iter().all(|d| d.abs() < 1e-4));
}

#[test]
fn minmax_reaches_both_ends() {
    let x = features();
    let y = Scale::fit(ScaleKind::Minmax, &x)
        .expect("dense")
        .scale
        .apply(&x)
        .expect("finite")
        .as_dense()
        .expect("dense")
        .to_owned();
    assert_eq!(y.column(1), array![0.0, 0.2, 1.0]);
    assert_eq!(y.column(2), array![0.0, 0.0, 0.0]);
}

#[test]
fn a_factor_and_a_shift_come_after() {
    let x = Features::dense(array![[0.0f32, 0.5], [1.0, 0.25]]).expect("valid");
    let scale = Scale::Identity.then_affine(255.0 / 128.0, -1.0, &x).expect("dense");
    let y = scale.apply(&x).expect("finite");
    let want = array![[-1.0f32, -0.003_906_25], [0.992_187_5, -0.501_953_1]];
    assert!((&y.as_dense().expect("dense") - &want).iter().all(|d| d.abs() < 1e-6));
    let x = features();
    let scale = Scale::fit(ScaleKind::Standardize, &x).expect("dense").scale;
    let scale = scale.then_affine(3.0, 2.0, &x).expect("dense");
    let y = scale.apply(&x).expect("finite").as_dense().expect("dense").to_owned();
    assert!((y.column(0).mean().expect("rows") - 2.0).abs() < 1e-5);
    assert!((y.column(1).std(0.0) - 3.0).abs() < 1e-5);
    assert!((scale.invert(y) - x.as_dense().expect("dense")).iter().all(|d| d.abs() < 1e-4));
    assert_eq!(Scale::Identity.then_affine(1.0, 0.0, &x).expect("nothing to do"), Scale::Identity);
    assert!(Scale::Identity.then_affine(0.0, 0.0, &x).is_err());
}

#[test]
fn sparse_features_are_not_scaled_in_silence() {
    let csr = Csr { n_columns: 3, indptr: vec![0, 1, 2], indices: vec![0, 2], values: vec![5.0, 7.0] };
    let x = Features::sparse(csr).expect("valid");
    for kind in [ScaleKind::Auto, ScaleKind::None] {
        assert_eq!(Scale::fit(kind, &x).expect("left alone").scale, Scale::Identity);
    }
    for (kind, name) in [(ScaleKind::Standardize, "standardize"), (ScaleKind::Minmax, "minmax")] {
        let e = Scale::fit(kind, &x).expect_err("sparse").to_string();
        assert!(e.contains("`scale`") && e.contains(name) && e.contains("\"none\""), "{e}");
    }
}
