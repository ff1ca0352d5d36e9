use super::*;
use ndarray::{Array2, array};
use rand::RngExt;
use vae_core::Csr;
use vae_core::random::Streams;

fn random(n: usize, d: usize, seed: u64) -> Array2<f32> {
    let mut rng = Streams::new(seed, "test").rng("x", 0, 0);
    // Coarse values: many exact ties.
    Array2::from_shape_simple_fn((n, d), || (rng.random::<f32>() * 8.0).floor() / 4.0 + 100.0)
}

/// The double loop.
fn naive(x: &Array2<f32>, queries: &Array2<f32>, k: usize, metric: Metric, skip_own: bool) -> Vec<Vec<u32>> {
    let wide = |row: ArrayView1<'_, f32>| row.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
    let unit = |row: ArrayView1<'_, f32>| {
        let row = wide(row);
        let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        row.iter().map(|v| f64::from((v / norm) as f32)).collect::<Vec<f64>>()
    };
    let distance = |a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>| match metric {
        Metric::Euclidean => wide(a).iter().zip(wide(b)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>(),
        Metric::Cosine => 1.0 - unit(a).iter().zip(unit(b)).map(|(a, b)| a * b).sum::<f64>(),
    };
    (0..queries.nrows())
        .map(|i| {
            let others = (0..x.nrows()).filter(|&j| !(skip_own && j == i));
            let mut all: Vec<(f64, u32)> =
                others.map(|j| (distance(queries.row(i), x.row(j)), j as u32)).collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            all.into_iter().take(k).map(|(_, j)| j).collect()
        })
        .collect()
}

fn lists(found: &Neighbours) -> Vec<Vec<u32>> {
    (0..found.n()).map(|i| found.of(i).to_vec()).collect()
}

#[test]
fn tree_and_products_equal_the_double_loop_with_ties_by_index() {
    let cx = FitContext::in_memory(0);
    // 3 and 12 columns: the tree. 17 and 40: products; 1,100 rows are more than one block of
    // queries.
    for (n, d, k) in [(400, 3, 7), (300, 12, 20), (1100, 17, 10), (300, 40, 100)] {
        let x = random(n, d, d as u64);
        let features = Features::dense(x.clone()).expect("finite");
        let found = Knn { k, metric: Metric::Euclidean }.of(&features, &cx).expect("found");
        assert_eq!(lists(&found), naive(&x, &x, k, Metric::Euclidean, true), "{n} x {d}");
        let (q, exact) = (17, found.of(17)[k - 1]);
        let sq: f32 = (&x.row(q) - &x.row(exact as usize)).mapv(|v| v * v).sum();
        assert!((found.distance()[[q, k - 1]] - sq.sqrt()).abs() < 1e-5);
    }
}

#[test]
fn cosine_and_sparse_rows_and_other_queries() {
    let cx = FitContext::in_memory(0);
    // Without the offset of `random`, which leaves hardly an angle.
    let x = random(200, 20, 1).mapv(|v| v - 101.0);
    let queries = random(30, 20, 2).mapv(|v| v - 101.0);
    let dense = |x: &Array2<f32>| Features::dense(x.clone()).expect("finite");
    let sparse = |x: &Array2<f32>| {
        let mut csr = Csr { indptr: vec![0], indices: vec![], values: vec![], n_columns: x.ncols() };
        for row in x.outer_iter() {
            for (j, &v) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                csr.indices.push(j as u32);
                csr.values.push(v);
            }
            csr.indptr.push(csr.values.len());
        }
        Features::sparse(csr).expect("valid")
    };
    for metric in [Metric::Euclidean, Metric::Cosine] {
        let knn = Knn { k: 9, metric };
        let want = naive(&x, &queries, 9, metric, false);
        for (a, b) in
            [(dense(&x), dense(&queries)), (sparse(&x), sparse(&queries)), (sparse(&x), dense(&queries))]
        {
            assert_eq!(lists(&knn.among(&a, &b, &cx).expect("found")), want, "{metric:?}");
        }
    }
}

#[test]
fn equal_rows_are_neighbours_in_the_order_of_their_index() {
    let cx = FitContext::in_memory(0);
    for d in [2, 20] {
        let mut x = Array2::<f32>::zeros((700, d));
        x.row_mut(3).fill(5.0);
        let features = Features::dense(x).expect("finite");
        let found = Knn { k: 4, metric: Metric::Euclidean }.of(&features, &cx).expect("found");
        assert_eq!(found.of(0).to_vec(), [1, 2, 4, 5]);
        assert_eq!(found.of(5).to_vec(), [0, 1, 2, 4]);
        assert_eq!(found.of(3).to_vec(), [0, 1, 2, 4]);
    }
}

#[test]
fn a_large_offset_costs_no_precision() {
    let cx = FitContext::in_memory(0);
    let x = random(200, 30, 4).mapv(|v| v + 1e4);
    let features = Features::dense(x.clone()).expect("finite");
    let found = Knn { k: 5, metric: Metric::Euclidean }.of(&features, &cx).expect("found");
    assert_eq!(lists(&found), naive(&x, &x, 5, Metric::Euclidean, true));
}

#[test]
fn impossible_numbers_are_named() {
    let cx = FitContext::in_memory(0);
    let x = Features::dense(array![[0.0f32], [1.0]]).expect("finite");
    for k in [0, 2] {
        let e = Knn { k, metric: Metric::Euclidean }.of(&x, &cx).expect_err("too many").to_string();
        assert!(e.contains("`k`") && e.contains("2 rows"), "{e}");
    }
    let wide = Features::dense(array![[0.0f32, 1.0]]).expect("finite");
    assert!(Knn { k: 1, metric: Metric::Euclidean }.among(&x, &wide, &cx).is_err());
}
