//! Agreement with scikit-learn from equal starts; `golden/make.py` wrote the expected values.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use approx::{assert_abs_diff_eq, assert_relative_eq};
use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use serde_json::Value;
use vae_gmm::{Gmm, GmmConfig, KMeansConfig};

const N: usize = 240;
const D: usize = 3;
const K: usize = 4;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/golden.json")).unwrap()
}

/// The rows of `make.py`.
fn rows() -> Array2<f32> {
    Array2::from_shape_fn((N, D), |(i, j)| {
        let noise =
            (i * i * 31 + i * j * 17 + i * 7 + j * j * 13) % 257 + (i * 57 + j * 91 + i * i * j) % 193;
        ((i % K) * (j + 1) * 48 + noise) as f32 / 64.0
    })
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn close(got: ArrayView2<'_, f64>, want: &Value) {
    assert_abs_diff_eq!(got.iter().copied().collect::<Vec<_>>()[..], numbers(want)[..], epsilon = 1e-9);
}

#[test]
fn kmeans_agrees() {
    let (x, golden) = (rows(), golden());
    let start = x.slice(s![..K, ..]).mapv(f64::from);
    let fit = KMeansConfig { tol: 0.0, ..KMeansConfig::default() }.fit_from(x.view(), start.view()).unwrap();
    close(fit.centres(), &golden["kmeans"]["centres"]);
    assert_eq!(fit.labels().mapv(f64::from).to_vec(), numbers(&golden["kmeans"]["labels"]));
    assert_relative_eq!(fit.inertia(), golden["kmeans"]["inertia"].as_f64().unwrap(), max_relative = 1e-12);
}

#[test]
fn mixtures_agree() {
    let (x, golden) = (rows(), golden());
    let var = x.mapv(f64::from).var_axis(Axis(0), 0.0);
    let start = Gmm::new(
        Array1::from_elem(K, 1.0 / K as f64),
        x.slice(s![..K, ..]).mapv(f64::from),
        var.broadcast((K, D)).unwrap().to_owned(),
    )
    .unwrap();
    let cases = golden["gmm"].as_array().unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let max_iter = case["max_iter"].as_u64().unwrap() as usize;
        let reg_covar = case["reg_covar"].as_f64().unwrap();
        let config = GmmConfig { max_iter, reg_covar, tol: 0.0, ..GmmConfig::default() };
        let fit = config.fit_from(x.view(), &start).unwrap();
        let model = fit.model();
        close(model.pi().insert_axis(Axis(0)), &case["pi"]);
        close(model.mu(), &case["mu"]);
        close(model.var(), &case["var"]);
        let likelihood = case["mean_log_likelihood"].as_f64().unwrap();
        assert_relative_eq!(fit.log_likelihood(), likelihood, max_relative = 1e-10);
        assert_relative_eq!(
            model.bic(x.view()).unwrap(),
            case["bic"].as_f64().unwrap(),
            max_relative = 1e-10
        );
        assert_relative_eq!(
            model.aic(x.view()).unwrap(),
            case["aic"].as_f64().unwrap(),
            max_relative = 1e-10
        );
        let few = x.slice(s![..5, ..]);
        close(model.predict_proba(few).unwrap().view(), &case["gamma_of_first_rows"]);
        let rows = model.log_likelihood(few).unwrap();
        close(rows.view().insert_axis(Axis(0)), &case["log_likelihood_of_first_rows"]);
    }
}
