//! k-means against naive loops, laws, and the list of scikit-learn's own k-means tests.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use ndarray::{Array2, ArrayView2, array, s};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use vae_array::Csr;
use vae_gmm::{Error, KMeans, KMeansConfig};

/// `per` rows around each of the centres, with unit variance.
fn blobs(centres: &Array2<f32>, per: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_fn((centres.nrows() * per, centres.ncols()), |(i, j)| {
        centres[[i / per, j]] + rng.sample::<f32, _>(StandardNormal)
    })
}

fn three_centres() -> Array2<f32> {
    array![[0.0, 5.0, 0.0, 0.0, 0.0], [1.0, 1.0, 4.0, 0.0, 0.0], [1.0, 0.0, 0.0, 5.0, 1.0]]
}

fn sq_dist(x: ArrayView2<'_, f32>, i: usize, c: ArrayView2<'_, f64>, j: usize) -> f64 {
    x.row(i).iter().zip(c.row(j)).map(|(&a, &b)| (f64::from(a) - b).powi(2)).sum()
}

/// The values of `x` that are not 0.
fn sparse(x: ArrayView2<'_, f32>) -> Csr {
    let mut out = Csr { indptr: vec![0], indices: vec![], values: vec![], n_columns: x.ncols() };
    for row in x.outer_iter() {
        for (j, &v) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            out.indices.push(j as u32);
            out.values.push(v);
        }
        out.indptr.push(out.values.len());
    }
    out
}

/// The naive nearest centre: so simple that it is unlikely to be wrong.
fn nearest(x: ArrayView2<'_, f32>, c: ArrayView2<'_, f64>, i: usize) -> u32 {
    (0..c.nrows()).min_by(|&a, &b| sq_dist(x, i, c, a).total_cmp(&sq_dist(x, i, c, b))).unwrap() as u32
}

/// Naive Lloyd iterations to a fixed point.
fn naive_lloyd(x: ArrayView2<'_, f32>, mut c: Array2<f64>) -> (Array2<f64>, Vec<u32>) {
    let mut labels = Vec::new();
    loop {
        let new: Vec<u32> = (0..x.nrows()).map(|i| nearest(x, c.view(), i)).collect();
        if new == labels {
            return (c, labels);
        }
        labels = new;
        for j in 0..c.nrows() {
            let rows: Vec<usize> = (0..x.nrows()).filter(|&i| labels[i] as usize == j).collect();
            for col in 0..x.ncols() {
                c[[j, col]] = rows.iter().map(|&i| f64::from(x[[i, col]])).sum::<f64>() / rows.len() as f64;
            }
        }
    }
}

#[test]
fn finds_separated_clusters_and_reports_consistently() {
    let x = blobs(&(three_centres() * 4.0), 200, 1);
    let fit = KMeansConfig::default().fit(x.view(), 3, 0).unwrap();
    for part in 0..3 {
        let own = fit.labels().slice(s![part * 200..(part + 1) * 200]).to_owned();
        assert!(own.iter().all(|&l| l == own[0]), "cluster {part} is split");
    }
    assert!(fit.converged());
    assert_eq!(fit.labels(), fit.model().predict(x.view()).unwrap());
    let per_row = fit.model().inertia_per_row(x.view()).unwrap();
    assert!((per_row.sum() - fit.inertia()).abs() <= 1e-9 * fit.inertia());
    // about one unit of variance per row and column
    assert!((fit.inertia() / (600.0 * 5.0) - 1.0).abs() < 0.1, "{}", fit.inertia());
}

#[test]
fn lloyd_is_the_naive_iteration() {
    let x = blobs(&three_centres(), 150, 2);
    let start = x.slice(s![..;100, ..]).mapv(f64::from);
    let config = KMeansConfig { tol: 0.0, ..KMeansConfig::default() };
    let fit = config.fit_from(x.view(), start.view()).unwrap();
    let (centres, labels) = naive_lloyd(x.view(), start);
    assert_eq!(fit.labels().to_vec(), labels);
    assert!(fit.converged());
    approx::assert_abs_diff_eq!(
        fit.centres().as_slice().unwrap(),
        centres.as_slice().unwrap(),
        epsilon = 1e-12
    );
}

#[test]
fn keeps_the_best_restart() {
    let x = blobs(&three_centres(), 100, 3);
    let config = KMeansConfig { n_init: 7, ..KMeansConfig::default() };
    let fit = config.fit(x.view(), 8, 4).unwrap();
    let all = config.fit_all(x.view(), 8, 4).unwrap();
    let lowest = all.iter().map(|f| f.inertia()).fold(f64::INFINITY, f64::min);
    assert_eq!(fit.inertia(), lowest);
    assert_eq!(fit.restart_inertias(), all.iter().map(|f| f.inertia()).collect::<Vec<_>>());
    assert!(fit.restart_inertias().iter().any(|&v| v > lowest), "restarts differ");
    assert_eq!(fit.centres(), all[fit.restart()].centres());
}

#[test]
fn a_restart_does_not_depend_on_how_many_run_beside_it() {
    let x = blobs(&three_centres(), 100, 3);
    let few = KMeansConfig { n_init: 2, ..KMeansConfig::default() }.fit_all(x.view(), 60, 4).unwrap();
    let many = KMeansConfig { n_init: 9, ..KMeansConfig::default() }.fit_all(x.view(), 60, 4).unwrap();
    assert_eq!(few[..], many[..2]);
}

#[test]
fn equal_bytes_at_every_thread_count() {
    let x = blobs(&three_centres(), 5000, 5);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| KMeansConfig { n_init: 3, ..KMeansConfig::default() }.fit(x.view(), 6, 9).unwrap())
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}

#[test]
fn more_iterations_never_raise_the_inertia() {
    let x = blobs(&three_centres(), 300, 6);
    let mut last = f64::INFINITY;
    for max_iter in 1..12 {
        let config = KMeansConfig { n_init: 1, max_iter, tol: 0.0, ..KMeansConfig::default() };
        let fit = config.fit(x.view(), 9, 1).unwrap();
        assert!(fit.inertia() <= last * (1.0 + 1e-12), "{max_iter}: {} > {last}", fit.inertia());
        assert_eq!(fit.n_iter().min(max_iter), fit.n_iter());
        last = fit.inertia();
    }
}

#[test]
fn an_empty_cluster_takes_the_farthest_row() {
    let x = array![[0.0_f32], [1.0], [2.0], [10.0]];
    // the third centre owns nothing at first; row 3 is farthest from its centre
    let start = array![[0.5], [1.5], [-50.0]];
    let config = KMeansConfig { tol: 0.0, ..KMeansConfig::default() };
    let fit = config.fit_from(x.view(), start.view()).unwrap();
    assert_eq!(fit.labels().to_vec(), [0, 0, 1, 2]);
    assert_eq!(fit.centres(), array![[0.5], [2.0], [10.0]]);
}

#[test]
fn as_many_clusters_as_rows_has_no_inertia() {
    let x = blobs(&three_centres(), 10, 7);
    let fit = KMeansConfig::default().fit(x.view(), 30, 0).unwrap();
    assert_eq!(fit.inertia(), 0.0);
    let mut labels = fit.labels().to_vec();
    labels.sort_unstable();
    assert_eq!(labels, (0..30).collect::<Vec<u32>>());
}

#[test]
fn one_cluster_is_the_mean() {
    let x = blobs(&three_centres(), 100, 8);
    let fit = KMeansConfig::default().fit(x.view(), 1, 0).unwrap();
    let mean = x.mapv(f64::from).mean_axis(ndarray::Axis(0)).unwrap();
    approx::assert_abs_diff_eq!(fit.centres().as_slice().unwrap(), mean.as_slice().unwrap(), epsilon = 1e-12);
}

#[test]
fn too_few_distinct_rows_is_an_error() {
    let mut x = Array2::<f32>::from_elem((50, 3), 0.1);
    x.row_mut(7).fill(123.456);
    let err = KMeansConfig::default().fit(x.view(), 3, 0).unwrap_err();
    assert_eq!(err, Error::TooFewDistinctRows { distinct: 2, k: 3 });
    assert!(err.to_string().contains("2 distinct rows"));
    let fit = KMeansConfig::default().fit(x.view(), 2, 0).unwrap();
    assert_eq!(fit.inertia(), 0.0);
    let start = array![[0.0, 0.0, 0.0], [9.0, 9.0, 9.0], [99.0, 99.0, 99.0]];
    let err = KMeansConfig::default().fit_from(x.view(), start.view()).unwrap_err();
    assert_eq!(err, Error::TooFewDistinctRows { distinct: 2, k: 3 });
}

#[test]
fn impossible_inputs_are_refused() {
    let config = KMeansConfig::default();
    let x = blobs(&three_centres(), 2, 9);
    assert_eq!(config.fit(x.view(), 0, 0).unwrap_err(), Error::NoClusters);
    assert_eq!(config.fit(x.view(), 7, 0).unwrap_err(), Error::TooFewRows { n: 6, k: 7 });
    let none = Array2::<f32>::zeros((0, 4));
    assert_eq!(config.fit(none.view(), 1, 0).unwrap_err(), Error::EmptyData { n: 0, d: 4 });
    let mut bad = x.clone();
    bad[[4, 2]] = f32::NAN;
    let err = config.fit(bad.view(), 2, 0).unwrap_err();
    assert!(matches!(err, Error::NonFinite { what: "x", row: 4, col: 2, value } if value.is_nan()), "{err}");
    let wide = KMeans::from_centres(Array2::zeros((2, 9))).unwrap();
    let expected = Error::Shape { what: "x", got: vec![6, 5], expected: vec![6, 9] };
    assert_eq!(wide.predict(x.view()).unwrap_err(), expected);
    assert_eq!(KMeans::from_centres(Array2::zeros((0, 3))).unwrap_err(), Error::NoClusters);
    assert!(KMeans::from_centres(array![[f64::INFINITY]]).is_err());
    for (key, config) in [
        ("n_init", KMeansConfig { n_init: 0, ..KMeansConfig::default() }),
        ("max_iter", KMeansConfig { max_iter: 0, ..KMeansConfig::default() }),
        ("batch_size", KMeansConfig { batch_size: 0, ..KMeansConfig::default() }),
        ("tol", KMeansConfig { tol: f64::NAN, ..KMeansConfig::default() }),
    ] {
        let err = config.fit(x.view(), 2, 0).unwrap_err();
        assert!(matches!(err, Error::Config { key: named, .. } if named == key), "{err}");
    }
}

#[test]
fn views_in_any_layout_give_the_same_fit() {
    let x = blobs(&three_centres(), 100, 10);
    let transposed = x.t().as_standard_layout().into_owned();
    let mut wide = Array2::<f32>::zeros((300, 10));
    wide.slice_mut(s![.., ..;2]).assign(&x);
    let config = KMeansConfig { n_init: 2, ..KMeansConfig::default() };
    let plain = config.fit(x.view(), 3, 0).unwrap();
    assert_eq!(plain, config.fit(transposed.t(), 3, 0).unwrap());
    assert_eq!(plain, config.fit(wide.slice(s![.., ..;2]), 3, 0).unwrap());
}

#[test]
fn extreme_scales_are_assigned_exactly() {
    for scale in [1e-30_f32, 1e-10, 1e10, 1e37] {
        let x = blobs(&(three_centres() * 4.0), 60, 11) * scale;
        let fit = KMeansConfig { n_init: 5, ..KMeansConfig::default() }.fit(x.view(), 3, 0).unwrap();
        for i in 0..x.nrows() {
            assert_eq!(fit.labels()[i], nearest(x.view(), fit.centres(), i), "scale {scale}, row {i}");
            assert_eq!(fit.labels()[i], fit.labels()[i / 60 * 60], "scale {scale}, row {i}");
        }
    }
}

#[test]
fn mini_batches_come_close_to_the_full_iteration() {
    let x = blobs(&(three_centres() * 2.0), 4000, 12);
    let full = KMeansConfig { n_init: 4, ..KMeansConfig::default() };
    let mini = KMeansConfig { mini_batch_above: 5000, batch_size: 512, ..full.clone() };
    let (full, mini) = (full.fit(x.view(), 3, 0).unwrap(), mini.fit(x.view(), 3, 0).unwrap());
    assert_ne!(full.centres(), mini.centres(), "the mini-batch path was taken");
    assert!(mini.inertia() <= full.inertia() * 1.01, "{} against {}", mini.inertia(), full.inertia());
    assert!(mini.converged());
}

#[test]
fn bad_sparse_rows_are_refused_by_place() {
    let mut x = sparse(array![[0.0, 1.0], [2.0, 0.0], [0.0, 3.0]].view());
    x.values[1] = f32::NAN;
    let error = KMeansConfig::default().fit(&x, 2, 0).unwrap_err();
    assert!(matches!(error, Error::NonFinite { row: 1, col: 0, .. }), "{error}");
    let none = Csr { indptr: vec![0], indices: vec![], values: vec![], n_columns: 2 };
    assert!(matches!(KMeansConfig::default().fit(&none, 1, 0), Err(Error::EmptyData { n: 0, d: 2 })));
    let narrow = KMeans::from_centres(array![[1.0, 2.0, 3.0]]).unwrap();
    assert!(matches!(narrow.predict(&sparse(array![[1.0, 0.0]].view())), Err(Error::Shape { .. })));
}

#[test]
fn configuration_refuses_unknown_keys_and_fills_defaults() {
    let config: KMeansConfig = serde_json::from_str(r#"{"n_init": 3}"#).unwrap();
    assert_eq!(config, KMeansConfig { n_init: 3, ..KMeansConfig::default() });
    assert!(serde_json::from_str::<KMeansConfig>(r#"{"n_inits": 3}"#).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Labels are those of the naive f64 loop, also where f32 products cancel: near-equal centres
    /// far from the origin.
    #[test]
    fn assignment_is_exact(
        n in 1_usize..600, d in 1_usize..40, k in 1_usize..12,
        offset in prop_oneof![Just(0.0_f32), Just(1e3), Just(-1e6)],
        spread in prop_oneof![Just(1e-3_f32), Just(1.0), Just(1e4)],
        seed in any::<u64>(),
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let x = Array2::from_shape_fn((n, d), |_| offset + spread * rng.sample::<f32, _>(StandardNormal));
        let centres = Array2::from_shape_fn((k, d), |_| {
            f64::from(offset) + f64::from(spread) * 0.01 * rng.sample::<f64, _>(StandardNormal)
        });
        let labels = KMeans::from_centres(centres.clone()).unwrap().predict(x.view()).unwrap();
        for i in 0..n {
            let (own, best) = (labels[i] as usize, nearest(x.view(), centres.view(), i) as usize);
            // equal up to the summation order of two f64 sums
            let (a, b) = (sq_dist(x.view(), i, centres.view(), own), sq_dist(x.view(), i, centres.view(), best));
            prop_assert!(own == best || a <= b * (1.0 + 1e-13), "row {}: {} against {}", i, a, b);
        }
    }

    /// Sparse rows give the bytes of the same rows, dense, by both ways of fitting.
    #[test]
    fn sparse_rows_give_what_dense_ones_give(
        n in 20_usize..400, d in 1_usize..60, k in 1_usize..8,
        share in 0.02_f64..0.6, offset in prop_oneof![Just(0.0_f32), Just(50.0)],
        mini in any::<bool>(), seed in any::<u64>(),
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let x = Array2::from_shape_fn((n, d), |(i, j)| {
            let is_there = rng.random::<f64>() < share || j == i % d;
            if is_there { offset + rng.sample::<f32, _>(StandardNormal) } else { 0.0 }
        });
        let mini_batch_above = if mini { 10 } else { 1_000_000 };
        let config = KMeansConfig { n_init: 3, mini_batch_above, batch_size: 64, ..KMeansConfig::default() };
        let csr = sparse(x.view());
        match (config.fit(x.view(), k, seed), config.fit(&csr, k, seed)) {
            (Ok(dense), Ok(of_csr)) => {
                prop_assert_eq!(&dense, &of_csr);
                let model = dense.model();
                prop_assert_eq!(model.predict(x.view()).unwrap(), model.predict(&csr).unwrap());
                let (a, b) = (model.inertia_per_row(x.view()).unwrap(), model.inertia_per_row(&csr).unwrap());
                prop_assert_eq!(a, b);
            }
            (Err(a), Err(b)) => prop_assert_eq!(a.to_string(), b.to_string()),
            (a, b) => prop_assert!(false, "{:?} against {:?}", a.is_ok(), b.is_ok()),
        }
    }

    /// Every centre of a fit is the mean of its rows and no cluster is empty.
    #[test]
    fn a_fixed_point_is_the_mean_of_its_rows(n in 2_usize..80, d in 1_usize..5, k in 1_usize..8, seed in any::<u64>()) {
        prop_assume!(k <= n);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let x = Array2::from_shape_fn((n, d), |_| rng.sample::<f32, _>(StandardNormal));
        let config = KMeansConfig { n_init: 2, tol: 0.0, ..KMeansConfig::default() };
        let fit = config.fit(x.view(), k, seed).unwrap();
        for j in 0..k {
            let rows: Vec<usize> = (0..n).filter(|&i| fit.labels()[i] as usize == j).collect();
            prop_assert!(!rows.is_empty());
            for col in 0..d {
                let mean = rows.iter().map(|&i| f64::from(x[[i, col]])).sum::<f64>() / rows.len() as f64;
                prop_assert!((fit.centres()[[j, col]] - mean).abs() < 1e-12);
            }
        }
    }
}
