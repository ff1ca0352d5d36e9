//! k-means and EM at the sizes of an auto-encoder's codes and of small images.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use vae_array::Csr;
use vae_gmm::{Gmm, GmmConfig, KMeansConfig};

/// Ten overlapping groups.
fn groups(n: usize, d: usize) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let centres = Array2::from_shape_fn((10, d), |_| 2.0 * rng.sample::<f32, _>(StandardNormal));
    Array2::from_shape_fn((n, d), |(i, j)| centres[[i % 10, j]] + rng.sample::<f32, _>(StandardNormal))
}

/// Documents of 20 topics with 70 of `terms` each.
fn documents(n: usize, terms: usize) -> Csr {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut out = Csr { indptr: vec![0], indices: vec![], values: vec![], n_columns: terms };
    for i in 0..n {
        let mut columns: Vec<u32> = (0..70)
            .map(|t| {
                let any = rng.random_range(0..terms);
                (if t % 3 == 0 { (i % 20) * terms / 20 + any / 20 } else { any }) as u32
            })
            .collect();
        columns.sort_unstable();
        columns.dedup();
        out.values.extend(columns.iter().map(|_| rng.random_range(1.0_f32..6.0)));
        out.indices.extend(columns);
        out.indptr.push(out.values.len());
    }
    out
}

fn clustering(c: &mut Criterion) {
    let mut group = c.benchmark_group("clustering");
    group.sample_size(10);
    let codes = groups(20_000, 10);
    let kmeans = KMeansConfig { n_init: 20, max_iter: 20, tol: 0.0, ..KMeansConfig::default() };
    group.bench_function("kmeans 20000x10 k10 20 restarts of 20 iterations", |b| {
        b.iter(|| kmeans.fit(black_box(codes.view()), 10, 0));
    });
    let images = groups(2000, 784);
    group.bench_function("kmeans 2000x784 k10 20 restarts of 20 iterations", |b| {
        b.iter(|| kmeans.fit(black_box(images.view()), 10, 0));
    });
    let documents = documents(18_846, 2000);
    let few = KMeansConfig { n_init: 4, max_iter: 20, tol: 0.0, ..KMeansConfig::default() };
    group.bench_function("kmeans 18846x2000 k20 sparse 4 restarts of 20 iterations", |b| {
        b.iter(|| few.fit(black_box(&documents), 20, 0));
    });
    let dense = documents.to_dense();
    group.bench_function("kmeans 18846x2000 k20 dense 4 restarts of 20 iterations", |b| {
        b.iter(|| few.fit(black_box(dense.view()), 20, 0));
    });
    let labels = ndarray::Array1::from_iter((0..20_000).map(|i| i % 10));
    let start = Gmm::from_labels(codes.view(), labels.view(), 10, 1e-6).expect("every group has rows");
    let em = GmmConfig { max_iter: 10, tol: 0.0, ..GmmConfig::default() };
    group.bench_function("em 20000x10 k10 10 iterations", |b| {
        b.iter(|| em.fit_from(black_box(codes.view()), &start));
    });
    group.finish();
}

criterion_group!(benches, clustering);
criterion_main!(benches);
