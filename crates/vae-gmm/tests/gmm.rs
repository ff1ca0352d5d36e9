//! Diagonal mixtures against direct sums, closed forms, and the list of scikit-learn's own mixture
//! tests.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use approx::{assert_abs_diff_eq, assert_relative_eq};
use ndarray::{Array1, Array2, ArrayView1, Axis, array, s};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use vae_gmm::{Error, Gmm, GmmConfig, InitCov, KMeansConfig, Select};

/// Three diagonal Gaussians of different spread, `per` rows each, in order.
fn three(per: usize, seed: u64) -> Array2<f32> {
    let mu: Array2<f32> = array![[0.0, 0.0, 0.0], [9.0, -4.0, 2.0], [-6.0, 5.0, 8.0]];
    let sd: Array2<f32> = array![[1.0, 0.5, 1.0], [0.7, 1.5, 0.3], [1.2, 1.0, 0.6]];
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_fn((3 * per, 3), |(i, j)| {
        mu[[i / per, j]] + sd[[i / per, j]] * rng.sample::<f32, _>(StandardNormal)
    })
}

/// Overlapping rows on which EM has work to do.
fn cloud(n: usize, d: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_fn((n, d), |(i, _)| (i % 3) as f32 * 1.5 + rng.sample::<f32, _>(StandardNormal))
}

#[test]
fn the_assigned_component_is_the_most_probable() {
    let x = cloud(700, 4, 6);
    let model = GmmConfig::default().fit(x.view(), 3, 0).unwrap().model().clone();
    let gamma = model.predict_proba(x.view()).unwrap();
    for (label, gamma) in model.predict(x.view()).unwrap().iter().zip(gamma.outer_iter()) {
        assert!(gamma.iter().all(|g| *g <= gamma[*label as usize]));
    }
}

/// The log-density by its definition.
fn naive_log_p(gmm: &Gmm, z: ArrayView1<'_, f32>, k: usize) -> f64 {
    let normal = |j: usize| {
        let (t, var) = (f64::from(z[j]) - gmm.mu()[[k, j]], gmm.var()[[k, j]]);
        -0.5 * ((std::f64::consts::TAU * var).ln() + t * t / var)
    };
    gmm.pi()[k].ln() + (0..z.len()).map(normal).sum::<f64>()
}

#[test]
fn separated_gaussians_are_recovered() {
    let x = three(500, 1);
    let fit = GmmConfig::default().fit(x.view(), 3, 0).unwrap();
    let labels = fit.model().predict(x.view()).unwrap();
    let mut right = 0;
    for part in 0..3 {
        let own = labels.slice(s![part * 500..(part + 1) * 500]);
        right += (0..3).map(|k| own.iter().filter(|&&l| l == k).count()).max().unwrap();
    }
    assert!(right as f64 / 1500.0 >= 0.99, "{right} of 1500");
    assert!(fit.model().pi().iter().all(|pi| (pi - 1.0 / 3.0).abs() < 0.03), "{}", fit.model().pi());
    assert!(fit.converged());
}

#[test]
fn log_likelihood_never_falls_without_regularisation() {
    for init_cov in [InitCov::Cluster, InitCov::Global] {
        for seed in 0..4 {
            let x = cloud(400, 4, seed);
            let config = GmmConfig { reg_covar: 0.0, tol: 0.0, n_init: 2, init_cov, ..GmmConfig::default() };
            let fit = config.fit(x.view(), 4, seed).unwrap();
            assert_eq!(fit.n_iter() + 1, fit.history().len());
            for pair in fit.history().windows(2) {
                assert!(
                    pair[1] >= pair[0] - 1e-8 * pair[0].abs(),
                    "{init_cov:?}: {} then {}",
                    pair[0],
                    pair[1]
                );
            }
            assert!(fit.log_likelihood() > fit.history()[0], "EM had work to do");
        }
    }
}

#[test]
fn m_step_equals_direct_sums() {
    let x = cloud(613, 5, 3);
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut gamma = Array2::from_shape_fn((613, 3), |_| rng.random::<f64>());
    gamma /= &gamma.sum_axis(Axis(1)).insert_axis(Axis(1));
    let gmm = Gmm::from_responsibilities(x.view(), gamma.view(), 0.25).unwrap();
    for k in 0..3 {
        let weight: f64 = (0..613).map(|i| gamma[[i, k]]).sum();
        assert_relative_eq!(gmm.pi()[k], weight / 613.0, max_relative = 1e-12);
        for j in 0..5 {
            let mean = (0..613).map(|i| gamma[[i, k]] * f64::from(x[[i, j]])).sum::<f64>() / weight;
            let sq = |i: usize| gamma[[i, k]] * (f64::from(x[[i, j]]) - mean).powi(2);
            let var = (0..613).map(sq).sum::<f64>() / weight;
            assert_abs_diff_eq!(gmm.mu()[[k, j]], mean, epsilon = 1e-12);
            assert_relative_eq!(gmm.var()[[k, j]], var + 0.25, max_relative = 1e-12);
        }
    }
}

#[test]
fn one_em_iteration_equals_the_naive_one() {
    let x = cloud(300, 3, 5);
    let start = Gmm::new(
        array![0.5, 0.3, 0.2],
        array![[0.0, 0.1, 0.2], [1.0, 1.0, 1.0], [3.0, 2.0, 3.5]],
        array![[1.0, 2.0, 0.5], [0.3, 1.0, 1.0], [1.0, 0.7, 2.0]],
    )
    .unwrap();
    let config = GmmConfig { max_iter: 1, reg_covar: 0.0, ..GmmConfig::default() };
    let fit = config.fit_from(x.view(), &start).unwrap();
    let naive = Array2::from_shape_fn((300, 3), |(i, k)| naive_log_p(&start, x.row(i), k).exp());
    let evidence = naive.sum_axis(Axis(1));
    assert_relative_eq!(fit.history()[0], evidence.mapv(f64::ln).mean().unwrap(), max_relative = 1e-12);
    let gamma = naive / evidence.insert_axis(Axis(1));
    let expected = Gmm::from_responsibilities(x.view(), gamma.view(), 0.0).unwrap();
    for (got, want) in [(fit.model().mu(), expected.mu()), (fit.model().var(), expected.var())] {
        assert_abs_diff_eq!(got.as_slice().unwrap(), want.as_slice().unwrap(), epsilon = 1e-11);
    }
    let proba = start.predict_proba(x.view()).unwrap();
    assert_abs_diff_eq!(proba.as_slice().unwrap(), gamma.as_slice().unwrap(), epsilon = 1e-12);
}

#[test]
fn one_component_has_the_closed_form() {
    let x = cloud(700, 4, 6);
    let fit = GmmConfig { reg_covar: 0.0, ..GmmConfig::default() }.fit(x.view(), 1, 0).unwrap();
    let wide = x.mapv(f64::from);
    let (mean, var) = (wide.mean_axis(Axis(0)).unwrap(), wide.var_axis(Axis(0), 0.0));
    assert_abs_diff_eq!(fit.model().mu().as_slice().unwrap(), mean.as_slice().unwrap(), epsilon = 1e-12);
    assert_abs_diff_eq!(fit.model().var().as_slice().unwrap(), var.as_slice().unwrap(), epsilon = 1e-11);
    let closed = -2.0 * (std::f64::consts::TAU.ln() + 1.0) - 0.5 * var.mapv(f64::ln).sum();
    assert_relative_eq!(fit.log_likelihood(), closed, max_relative = 1e-12);
    let bic = fit.model().bic(x.view()).unwrap();
    assert_relative_eq!(bic, 8.0 * 700_f64.ln() - 1400.0 * closed, max_relative = 1e-12);
    assert_relative_eq!(fit.model().aic(x.view()).unwrap(), 16.0 - 1400.0 * closed, max_relative = 1e-12);
}

#[test]
fn a_warm_start_continues_the_run() {
    let x = cloud(500, 3, 7);
    let config = |max_iter| GmmConfig { max_iter, tol: 0.0, n_init: 1, ..GmmConfig::default() };
    let whole = config(12).fit(x.view(), 3, 1).unwrap();
    let first = config(5).fit(x.view(), 3, 1).unwrap();
    let rest = config(7).fit_from(x.view(), first.model()).unwrap();
    assert!(!whole.converged() && whole.n_iter() == 12);
    assert_eq!(whole.model(), rest.model());
    assert_eq!(whole.history()[5..], *rest.history());
}

#[test]
fn the_likelihood_rule_keeps_the_best_run() {
    let x = cloud(200, 2, 8);
    let config = GmmConfig { n_init: 6, select: Select::LogLikelihood, ..GmmConfig::default() };
    let fit = config.fit(x.view(), 5, 2).unwrap();
    let all = fit.restart_log_likelihoods();
    assert_eq!(all.len(), 6);
    assert_eq!(fit.log_likelihood(), all.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    assert_eq!(all[fit.restart()], fit.log_likelihood());
    assert!(all.iter().any(|&v| v < fit.log_likelihood()), "the runs differ");
    let by_inertia = GmmConfig { select: Select::Inertia, ..config }.fit(x.view(), 5, 2).unwrap();
    assert_eq!(by_inertia.log_likelihood(), all[by_inertia.restart()]);
    let kmeans = KMeansConfig { n_init: 6, ..KMeansConfig::default() }.fit(x.view(), 5, 2).unwrap();
    assert_eq!(by_inertia.restart(), kmeans.restart());
}

#[test]
fn initial_mixtures_differ_as_documented() {
    let x = three(100, 9);
    let kmeans = KMeansConfig::default().fit(x.view(), 3, 0).unwrap();
    let own = GmmConfig::default().init(x.view(), &kmeans).unwrap();
    let direct = Gmm::from_labels(x.view(), kmeans.labels(), 3, 1e-6).unwrap();
    assert_abs_diff_eq!(own.mu().as_slice().unwrap(), direct.mu().as_slice().unwrap(), epsilon = 1e-10);
    assert_abs_diff_eq!(own.var().as_slice().unwrap(), direct.var().as_slice().unwrap(), epsilon = 1e-10);
    assert_abs_diff_eq!(own.pi().as_slice().unwrap(), direct.pi().as_slice().unwrap(), epsilon = 1e-12);
    let global = GmmConfig { init_cov: InitCov::Global, ..GmmConfig::default() };
    let global = global.init(x.view(), &kmeans).unwrap();
    assert_eq!(global.pi(), Array1::from_elem(3, 1.0 / 3.0));
    assert_eq!(global.mu(), kmeans.centres());
    let var = x.mapv(f64::from).var_axis(Axis(0), 0.0) + 1e-6;
    for row in global.var().outer_iter() {
        assert_abs_diff_eq!(row.as_slice().unwrap(), var.as_slice().unwrap(), epsilon = 1e-10);
    }
}

#[test]
fn large_codes_stay_finite() {
    for (scale, offset) in [(1e3_f32, 0.0_f32), (1.0, 1e4), (1e-3, 0.0)] {
        let x = three(200, 10) * scale + offset;
        let fit = GmmConfig { reg_covar: 0.0, ..GmmConfig::default() }.fit(x.view(), 3, 0).unwrap();
        let gamma = fit.model().predict_proba(x.view()).unwrap();
        assert!(gamma.iter().all(|g| g.is_finite()));
        assert!(gamma.sum_axis(Axis(1)).iter().all(|s| (s - 1.0).abs() < 1e-6));
        assert!(fit.model().log_likelihood(x.view()).unwrap().iter().all(|l| l.is_finite()));
        let labels = fit.model().predict(x.view()).unwrap();
        assert!((0..600).all(|i| labels[i] == labels[i / 200 * 200]), "scale {scale}, offset {offset}");
    }
}

#[test]
fn a_shift_of_the_data_shifts_the_means_only() {
    // multiples of 1/64, so that the shifted rows are exact in f32
    let x = cloud(300, 2, 11).mapv(|v| (v * 64.0).round() / 64.0);
    let shifted = &x + 4096.0;
    let config = GmmConfig { n_init: 3, reg_covar: 0.0, ..GmmConfig::default() };
    let (a, b) = (config.fit(x.view(), 3, 0).unwrap(), config.fit(shifted.view(), 3, 0).unwrap());
    assert_eq!(a.n_iter(), b.n_iter());
    assert_abs_diff_eq!(a.log_likelihood(), b.log_likelihood(), epsilon = 1e-8);
    let back = b.model().mu().mapv(|v| v - 4096.0);
    assert_abs_diff_eq!(a.model().mu().as_slice().unwrap(), back.as_slice().unwrap(), epsilon = 1e-7);
}

#[test]
fn samples_have_the_moments() {
    let gmm = Gmm::new(array![0.2, 0.8], array![[0.0, 10.0], [5.0, -3.0]], array![[1.0, 0.25], [4.0, 9.0]])
        .unwrap();
    let n = 40_000;
    let (x, components) = gmm.sample(n, 3);
    for k in 0..2 {
        let rows: Vec<usize> = (0..n).filter(|&i| components[i] as usize == k).collect();
        // five standard errors throughout
        let share = rows.len() as f64 / n as f64;
        assert!((share - gmm.pi()[k]).abs() < 5.0 * (0.16 / n as f64).sqrt(), "{share}");
        let own = x.select(Axis(0), &rows).mapv(f64::from);
        for j in 0..2 {
            let (mean, var) = (own.column(j).mean().unwrap(), own.column(j).var(0.0));
            let (m, v, count) = (gmm.mu()[[k, j]], gmm.var()[[k, j]], rows.len() as f64);
            assert!((mean - m).abs() < 5.0 * (v / count).sqrt(), "mean {mean}");
            assert!((var - v).abs() < 5.0 * v * (2.0 / count).sqrt(), "variance {var}");
        }
    }
    assert_eq!(gmm.sample(10, 3), gmm.sample(10, 3));
    assert_eq!(gmm.sample(10, 3).0, x.slice(s![..10, ..]));
    assert_ne!(gmm.sample(10, 4).0, x.slice(s![..10, ..]));
    let own = gmm.sample_component(0, 20_000, 1).unwrap().mapv(f64::from);
    assert!((own.column(1).mean().unwrap() - 10.0).abs() < 5.0 * (0.25_f64 / 2e4).sqrt());
    assert_eq!(gmm.sample_component(2, 1, 1).unwrap_err(), Error::Label { row: 0, label: 2, k: 2 });
}

#[test]
fn collapse_is_an_error_that_says_what_to_do() {
    let mut x = cloud(60, 3, 12);
    x.column_mut(1).fill(2.5);
    let err = GmmConfig { reg_covar: 0.0, ..GmmConfig::default() }.fit(x.view(), 2, 0).unwrap_err();
    assert_eq!(err, Error::Degenerate { component: 0, dim: 1, value: 0.0 });
    assert!(err.to_string().contains("increase reg_covar"));
    let fit = GmmConfig::default().fit(x.view(), 2, 0).unwrap();
    assert_abs_diff_eq!(fit.model().var()[[0, 1]], 1e-6, epsilon = 1e-15);
    let floor = GmmConfig { reg_covar: 0.0, min_covar: 0.5, ..GmmConfig::default() };
    let fit = floor.fit(x.view(), 2, 0).unwrap();
    assert!(fit.model().var().iter().all(|&v| v >= 0.5));
    assert_eq!(fit.model().var()[[0, 1]], 0.5);
}

#[test]
fn a_component_without_rows_keeps_its_place() {
    let x = three(100, 13);
    let start =
        Gmm::new(array![0.5, 0.5], array![[0.0, 0.0, 0.0], [1e5, 1e5, 1e5]], Array2::ones((2, 3))).unwrap();
    let fit = GmmConfig::default().fit_from(x.view(), &start).unwrap();
    assert_eq!(fit.model().mu().row(1), array![1e5, 1e5, 1e5]);
    assert!(fit.model().pi()[1] < 1e-15);
    assert!(fit.history().iter().all(|l| l.is_finite()));
}

#[test]
fn impossible_inputs_are_refused() {
    let x = three(5, 14);
    let config = GmmConfig::default();
    assert_eq!(config.fit(x.view(), 0, 0).unwrap_err(), Error::NoClusters);
    assert_eq!(config.fit(x.view(), 16, 0).unwrap_err(), Error::TooFewRows { n: 15, k: 16 });
    let mut bad = x.clone();
    bad[[3, 1]] = f32::INFINITY;
    assert!(matches!(config.fit(bad.view(), 2, 0).unwrap_err(), Error::NonFinite { row: 3, col: 1, .. }));
    let labels = Array1::from_elem(15, 1_u32);
    assert_eq!(
        Gmm::from_labels(x.view(), labels.view(), 1, 0.0).unwrap_err(),
        Error::Label { row: 0, label: 1, k: 1 }
    );
    assert_eq!(
        Gmm::from_labels(x.view(), labels.view(), 2, 0.0).unwrap_err(),
        Error::EmptyComponent { component: 0 }
    );
    let one = Array2::ones((1, 3));
    assert!(matches!(Gmm::new(array![0.9], one.clone(), one.clone()).unwrap_err(), Error::Parameter { .. }));
    assert!(matches!(
        Gmm::new(array![1.0], one.clone(), one.clone() * 0.0).unwrap_err(),
        Error::Degenerate { .. }
    ));
    assert!(matches!(Gmm::new(array![1.0, 0.0], one.clone(), one.clone()).unwrap_err(), Error::Shape { .. }));
    assert!(matches!(
        Gmm::new(array![1.0], one.clone() * f64::NAN, one.clone()).unwrap_err(),
        Error::NonFinite { .. }
    ));
    let narrow = Gmm::new(array![1.0], one.clone(), one.clone() * 1e-199).unwrap();
    assert!(matches!(narrow.predict(x.slice(s![.., ..2])).unwrap_err(), Error::Shape { .. }));
    let far = Array2::from_elem((4, 3), f32::MAX);
    assert!(narrow.log_likelihood(far.view()).unwrap().iter().all(|l| l.is_finite()));
    let unreachable = Gmm::new(array![1.0], one.clone() * 1e200, one).unwrap();
    assert_eq!(unreachable.predict(x.view()).unwrap_err(), Error::NoLikelihood { row: 0 });
    for (key, config) in [
        ("n_init", GmmConfig { n_init: 0, ..GmmConfig::default() }),
        ("max_iter", GmmConfig { max_iter: 0, ..GmmConfig::default() }),
        ("tol", GmmConfig { tol: -1.0, ..GmmConfig::default() }),
        ("reg_covar", GmmConfig { reg_covar: f64::NAN, ..GmmConfig::default() }),
        ("min_covar", GmmConfig { min_covar: f64::INFINITY, ..GmmConfig::default() }),
    ] {
        let err = config.fit(x.view(), 2, 0).unwrap_err();
        assert!(matches!(err, Error::Config { key: named, .. } if named == key), "{err}");
    }
}

#[test]
fn equal_bytes_at_every_thread_count() {
    let x = cloud(9000, 4, 15);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| GmmConfig { n_init: 2, ..GmmConfig::default() }.fit(x.view(), 4, 1).unwrap())
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

#[test]
fn configuration_is_written_as_documented() {
    let text = r#"{"select": "log_likelihood", "init_cov": "global", "reg_covar": 0.001}"#;
    let config: GmmConfig = serde_json::from_str(text).unwrap();
    let expected = GmmConfig {
        select: Select::LogLikelihood,
        init_cov: InitCov::Global,
        reg_covar: 1e-3,
        ..GmmConfig::default()
    };
    assert_eq!(config, expected);
    assert!(serde_json::from_str::<GmmConfig>(r#"{"covariance": "diag"}"#).is_err());
    let round: GmmConfig = serde_json::from_str(&serde_json::to_string(&expected).unwrap()).unwrap();
    assert_eq!(round, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Responsibilities and log-likelihoods are those of the definition, whatever the block a row
    /// falls into.
    #[test]
    fn posterior_equals_the_definition(n in 1_usize..600, d in 1_usize..7, k in 1_usize..6, seed in any::<u64>()) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let x = Array2::from_shape_fn((n, d), |_| rng.sample::<f32, _>(StandardNormal));
        let mut pi = Array1::from_shape_fn(k, |_| 0.05 + rng.random::<f64>());
        pi /= pi.sum();
        let mu = Array2::from_shape_fn((k, d), |_| rng.sample::<f64, _>(StandardNormal));
        let var = Array2::from_shape_fn((k, d), |_| 0.1 + rng.random::<f64>());
        let gmm = Gmm::new(pi, mu, var).unwrap();
        let (gamma, log_likelihood) = (gmm.predict_proba(x.view()).unwrap(), gmm.log_likelihood(x.view()).unwrap());
        for i in 0..n {
            let p: Vec<f64> = (0..k).map(|c| naive_log_p(&gmm, x.row(i), c).exp()).collect();
            let total: f64 = p.iter().sum();
            prop_assert!((log_likelihood[i] - total.ln()).abs() <= 1e-10 * (1.0 + total.ln().abs()));
            for c in 0..k {
                prop_assert!((gamma[[i, c]] - p[c] / total).abs() <= 1e-11);
            }
        }
    }
}
