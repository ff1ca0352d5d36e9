//! Mixtures of sparse rows are those of the same rows, dense.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use ndarray::{Array2, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use vae_array::Csr;
use vae_gmm::{Error, GmmConfig, Select};

/// The values of `x` that are not 0.
fn sparse(x: &Array2<f32>) -> Csr {
    let mut out = Csr { indptr: vec![0], indices: vec![], values: vec![], n_columns: x.ncols() };
    for row in x.outer_iter() {
        let (columns, values): (Vec<u32>, Vec<f32>) =
            (0..).zip(row.iter().copied()).filter(|(_, v)| *v != 0.0).unzip();
        out.indices.extend(columns);
        out.values.extend(values);
        out.indptr.push(out.values.len());
    }
    out
}

#[test]
fn sparse_rows_give_the_bits_of_dense_ones() {
    // 700 rows are several blocks and parts; two values in three are 0.
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let x = Array2::from_shape_fn((700, 12), |(i, j)| match (i + 2 * j) % 3 {
        0 => (i % 3) as f32 * 1.5 + rng.sample::<f32, _>(StandardNormal),
        _ => 0.0,
    });
    let (csr, config) = (sparse(&x), GmmConfig { n_init: 2, ..GmmConfig::default() });
    for select in [Select::Inertia, Select::LogLikelihood] {
        let config = GmmConfig { select, ..config.clone() };
        let (a, b) = (config.fit(x.view(), 3, 1).unwrap(), config.fit(&csr, 3, 1).unwrap());
        assert_eq!(a, b);
        let (a, b) = (a.model(), b.model());
        assert_eq!(a.predict(x.view()).unwrap(), b.predict(&csr).unwrap());
        assert_eq!(a.predict_proba(x.view()).unwrap(), b.predict_proba(&csr).unwrap());
        assert_eq!(a.log_likelihood(x.view()).unwrap(), b.log_likelihood(&csr).unwrap());
        assert_eq!(a.bic(x.view()).unwrap(), b.bic(&csr).unwrap());
    }
    let narrow = config.fit(x.slice(s![.., ..5]), 2, 0).unwrap();
    assert!(matches!(narrow.model().predict(&csr), Err(Error::Shape { .. })));
}
