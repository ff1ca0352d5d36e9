//! Tests of latent classes.

use super::*;
use ndarray::array;

/// 400 rows of two classes in four categories of three levels: the class's own level with 0.8.
fn table() -> (Array2<u32>, Vec<u32>) {
    let mut rng = stream(1, Purpose::Sampling, 0);
    let truth: Vec<u32> = (0..400).map(|i| u32::from(i % 5 < 2)).collect();
    let x = Array2::from_shape_fn((400, 4), |(i, j)| match rng.random::<f64>() {
        u if u < 0.8 => (truth[i] + j as u32) % 3,
        u => (u * 1e6) as u32 % 3,
    });
    (x, truth)
}

fn only(levels: &Array2<u32>) -> MixedRows<'_> {
    let numbers = ArrayView2::from_shape((levels.nrows(), 0), &[]).expect("nothing");
    MixedRows { levels: levels.view(), numbers }
}

fn agreement(a: &Array1<u32>, b: &[u32]) -> f64 {
    let equal = a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / b.len() as f64;
    equal.max(1.0 - equal)
}

#[test]
fn one_class_is_the_table_of_shares() {
    let x = array![[0, 1], [0, 0], [1, MISSING], [0, 1]];
    let fit = LatentClassConfig::default().fit(&only(&x), 1, &[], 0).expect("one class");
    // Shares 3/4 and 1/4; of the three known cells of the second 1/3 and 2/3. The row that the
    // prior adds has the same shares.
    let expected = 3.0 * 0.75_f64.ln() + 0.25_f64.ln() + 2.0 * (2.0 / 3.0_f64).ln() + (1.0 / 3.0_f64).ln();
    assert!((fit.log_likelihood - expected).abs() < 1e-12, "{} {expected}", fit.log_likelihood);
    let parameters: Vec<usize> = fit.columns.iter().map(|column| column.n_parameters).collect();
    assert_eq!((parameters, fit.n_used()), (vec![1, 1], 1));
    assert!((fit.bic() - (2.0 * 4.0_f64.ln() - 2.0 * expected)).abs() < 1e-12);
}

#[test]
fn classes_are_found_and_counted_by_bic() {
    let (x, truth) = table();
    let of = |k: usize| LatentClassConfig::default().fit(&only(&x), k, &[], 3).expect("classes");
    let two = of(2);
    assert!(agreement(&two.labels, &truth) > 0.93, "{}", agreement(&two.labels, &truth));
    assert!((two.pi.sum() - 1.0).abs() < 1e-12 && (two.pi[0].min(two.pi[1]) - 0.4).abs() < 0.06);
    assert!(two.theta.iter().all(|theta| theta.dim() == (3, 2)));
    let bic = [1, 2, 3].map(|k| of(k).bic());
    assert!(bic[1] < bic[0] && bic[1] < bic[2], "{bic:?}");
    assert_eq!(two, of(2), "the same seed");
}

/// The likelihood with the prior of a row never falls in EM; the prior is small.
#[test]
fn more_iterations_raise_the_likelihood() {
    let (x, truth) = table();
    let patterns = Patterns::of(&only(&x));
    let config = LatentClassConfig { tol: 0.0, ..LatentClassConfig::default() };
    for start in [random(5, 0, patterns.counts.len(), 2), {
        of_labels(Array1::from(truth).view(), &patterns, 2).expect("a start")
    }] {
        let after = |n: usize| config.run(&patterns, start.clone(), n).log_likelihood;
        let all = [1, 2, 5, 20, 60].map(after);
        assert!(all.is_sorted() && all[4] > all[0], "{all:?}");
    }
}

#[test]
fn the_likelihood_of_clusters_prefers_the_classes() {
    let (x, truth) = table();
    let of = |labels: &Array1<u32>| likelihood_of_clusters(&only(&x), labels.view(), 2).expect("clusters");
    let first = x.column(0).mapv(|level| u32::from(level == 0));
    assert!(of(&Array1::from(truth.clone())) > of(&first) + 50.0);
    // It is what EM begins with.
    let patterns = Patterns::of(&only(&x));
    let start = of_labels(Array1::from(truth.clone()).view(), &patterns, 2).expect("a start");
    let begun = LatentClassConfig::default().run(&patterns, start, 1).log_likelihood;
    assert_eq!(of(&Array1::from(truth)), begun);
    assert!(likelihood_of_clusters(&only(&x), array![0_u32].view(), 2).is_err());
}

/// A category of 80 levels that has to do with nothing would cost 79 parameters a class.
#[test]
fn a_column_without_classes_costs_nothing() {
    let (x, _) = table();
    let mut rng = stream(3, Purpose::Sampling, 0);
    let many = Array2::from_shape_fn((400, 5), |(i, j)| match j {
        // Of the 100 levels those of odd codes do not occur.
        4 => 2 * rng.random_range(0..50),
        j => x[[i, j]],
    });
    let of = |k: usize| LatentClassConfig::default().fit(&only(&many), k, &[], 3).expect("classes");
    let bic = [1, 2, 3].map(|k| of(k).bic());
    assert!(bic[1] < bic[0] && bic[1] < bic[2], "{bic:?}");
    let two = of(2);
    assert_eq!(two.columns[4].n_parameters, 49);
    let of_all = |column: &ColumnGain| column.n_parameters as f64 * 400.0_f64.ln();
    assert!(2.0 * two.columns[4].gain < of_all(&two.columns[4]), "{:?}", two.columns);
    assert!(two.columns[..4].iter().all(|column| 2.0 * column.gain > of_all(column)), "{:?}", two.columns);
}

/// The bound of EM at the posterior is the likelihood, and what a column adds to it its gain.
#[test]
fn the_gain_of_a_column_is_what_it_adds_to_the_bound() {
    let (x, _) = table();
    let mut rng = stream(4, Purpose::Sampling, 0);
    let numbers = Array2::from_shape_fn((400, 1), |_| rng.random::<f32>());
    let rows = MixedRows { levels: x.view(), numbers: numbers.view() };
    let patterns = Patterns::of(&rows);
    let start = random(1, 0, 400, 2);
    let state = LatentClassConfig::default().run(&patterns, start, 15);
    let columns = columns(&patterns, &state);
    let gamma = &state.gamma;
    let bound = |in_common: Option<usize>| -> f64 {
        let of_row = |i: usize| -> f64 {
            let of_class = |k: usize| {
                let mut log = state.classes.pi[k].ln() - gamma[[i, k]].max(1e-300).ln();
                for j in 0..4 {
                    let level = x[[i, j]] as usize;
                    let own = state.classes.theta[j][[level, k]];
                    log += if in_common == Some(j) { patterns.shares[j][level].ln() } else { own.ln() };
                }
                let (mu, variance) = match in_common {
                    Some(4) => patterns.moments[0],
                    _ => (state.classes.mu[[0, k]], state.classes.variance[[0, k]]),
                };
                let z = f64::from(numbers[[i, 0]]);
                log -= 0.5 * ((std::f64::consts::TAU * variance).ln() + (z - mu).powi(2) / variance);
                gamma[[i, k]] * log
            };
            (0..2).map(of_class).sum()
        };
        (0..400).map(of_row).sum()
    };
    let whole = bound(None);
    assert!((whole - state.log_likelihood).abs() < 1e-8 * whole.abs(), "{whole} {}", state.log_likelihood);
    for (j, column) in columns.iter().enumerate() {
        let without = bound(Some(j));
        assert!((whole - without - column.gain).abs() < 1e-8 * whole.abs(), "{j}: {column:?} {without}");
    }
}

/// The posterior against the definition, for one row of three known cells.
#[test]
fn the_likelihood_is_the_naive_sum() {
    let (x, _) = table();
    let fit = LatentClassConfig::default().fit(&only(&x), 3, &[], 0).expect("classes");
    let of_row = |row: ArrayView1<'_, u32>| -> f64 {
        let class = |k: usize| {
            let shares = row.iter().enumerate().map(|(j, &level)| fit.theta[j][[level as usize, k]]);
            fit.pi[k] * shares.product::<f64>()
        };
        (0..3).map(class).sum::<f64>().ln()
    };
    let naive: f64 = x.rows().into_iter().map(of_row).sum();
    assert!((naive - fit.log_likelihood).abs() < 1e-9 * naive.abs(), "{naive} {}", fit.log_likelihood);
}

/// A number that tells the classes, one that does not, and one whose cells are half missing.
#[test]
fn numbers_are_normal_in_their_classes() {
    let (x, truth) = table();
    let mut rng = stream(2, Purpose::Sampling, 0);
    let mut normal = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
    let numbers = Array2::from_shape_fn((400, 3), |(i, j)| match j {
        0 => (normal() + 4.0 * f64::from(truth[i])) as f32,
        1 => normal() as f32,
        _ if i % 2 == 0 => f32::NAN,
        _ => (2.0 * normal() + 10.0) as f32,
    });
    let rows = MixedRows { levels: x.view(), numbers: numbers.view() };
    let of = |k: usize| LatentClassConfig::default().fit(&rows, k, &[], 3).expect("classes");
    let two = of(2);
    assert!(agreement(&two.labels, &truth) > 0.98, "{}", agreement(&two.labels, &truth));
    let means = two.mu.row(0);
    assert!(((means[0] - means[1]).abs() - 4.0).abs() < 0.3, "{means}");
    assert!(two.variance.row(0).iter().all(|v| (v - 1.0).abs() < 0.25), "{}", two.variance);
    assert!(two.variance.row(2).iter().all(|v| (v - 4.0).abs() < 1.2), "{}", two.variance);
    assert!(two.columns.iter().all(|column| column.n_parameters == 2), "three levels, or mean and variance");
    assert!(two.bic() < of(1).bic() && two.bic() < of(3).bic());
    // The likelihood by its definition.
    let density = |z: f64, j: usize, k: usize| {
        let v = two.variance[[j, k]];
        (-(z - two.mu[[j, k]]).powi(2) / (2.0 * v)).exp() / (std::f64::consts::TAU * v).sqrt()
    };
    let of_row = |i: usize| -> f64 {
        let class = |k: usize| {
            let shares = (0..4).map(|j| two.theta[j][[x[[i, j]] as usize, k]]).product::<f64>();
            let known = (0..3).filter(|j| !numbers[[i, *j]].is_nan());
            two.pi[k] * shares * known.map(|j| density(f64::from(numbers[[i, j]]), j, k)).product::<f64>()
        };
        (0..2).map(class).sum::<f64>().ln()
    };
    let naive: f64 = (0..400).map(of_row).sum();
    assert!((naive - two.log_likelihood).abs() < 1e-9 * naive.abs(), "{naive} {}", two.log_likelihood);
    let few = MixedRows { numbers: numbers.slice(ndarray::s![..5, ..]), ..rows };
    assert!(LatentClassConfig::default().fit(&few, 2, &[], 0).is_err());
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let config = LatentClassConfig::default();
    let x = array![[0, 1], [1, 0]];
    assert_eq!(config.fit(&only(&x), 0, &[], 0), Err(Error::NoClusters));
    assert_eq!(config.fit(&only(&x), 3, &[], 0), Err(Error::TooFewRows { n: 2, k: 3 }));
    assert!(config.fit(&only(&Array2::zeros((2, 0))), 1, &[], 0).is_err());
    assert!(config.fit(&only(&x), 2, &[array![0_u32].view()], 0).is_err());
    let error = config.fit(&only(&x), 2, &[array![0_u32, 2].view()], 0);
    assert_eq!(error, Err(Error::Label { row: 1, label: 2, k: 2 }));
}
