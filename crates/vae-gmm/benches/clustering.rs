//! k-means and EM at the sizes of an auto-encoder's codes and of small images.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use vae_gmm::{Gmm, GmmConfig, KMeansConfig};

/// Ten overlapping groups.
fn groups(n: usize, d: usize) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let centres = Array2::from_shape_fn((10, d), |_| 2.0 * rng.sample::<f32, _>(StandardNormal));
    Array2::from_shape_fn((n, d), |(i, j)| centres[[i % 10, j]] + rng.sample::<f32, _>(StandardNormal))
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
