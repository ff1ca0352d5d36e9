//! Speed of the scores and the criteria on data of the size of MNIST: 70,000 points, 10 clusters,
//! 10 classes.
//!
//! `cargo bench --profile dev -p vae-metrics`. The four headline scores are meant to take under a
//! millisecond together, and the accuracy of 2,000 clusters against 2,000 classes under a second.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::{Array1, Array2};
use vae_metrics::{
    Average, Contingency, Scores, SilhouetteOptions, agreement, calinski_harabasz, consensus, davies_bouldin,
    mean_entropy, pooled_silhouette, silhouette,
};

const N: usize = 70_000;

/// A fixed pseudo-random number in `0..below`.
fn hash(i: usize, below: u64) -> u64 {
    let mut z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (z >> 32) % below
}

/// Labels and clusters that agree on about 91 % of the points.
fn labellings(scale: u32) -> (Array1<u32>, Array1<u32>) {
    let labels = Array1::from_shape_fn(N, |i| hash(i, 10) as u32);
    let clusters = Array1::from_shape_fn(N, |i| {
        let cluster = if hash(i + N, 10) == 0 { hash(i + 2 * N, 10) as u32 } else { (labels[i] + 3) % 10 };
        cluster * scale
    });
    (clusters, labels)
}

fn scores(c: &mut Criterion) {
    let (clusters, labels) = labellings(1);
    let mut group = c.benchmark_group("70000x10x10");
    group.bench_function("acc+nmi+ari+purity", |b| {
        b.iter(|| {
            let table =
                Contingency::new(black_box(clusters.view()), black_box(labels.view())).expect("valid");
            (table.acc().expect("small"), table.nmi(Average::Arithmetic), table.ari(), table.purity())
        });
    });
    group.bench_function("all scores, with ami", |b| {
        b.iter(|| Scores::new(black_box(clusters.view()), black_box(labels.view())).expect("valid"));
    });
    let (huge, _) = labellings(400_000_000);
    group.bench_function("all scores, values too large for a table", |b| {
        b.iter(|| Scores::new(black_box(huge.view()), black_box(labels.view())).expect("valid"));
    });
    group.finish();

    for n in [70_000, 1_000_000] {
        let groups = |seed| Array1::from_shape_fn(n, |i| hash(i + seed * n, 2000) as u32);
        let table = Contingency::new(groups(0).view(), groups(1).view()).expect("valid");
        let mut group = c.benchmark_group(format!("{n}x2000x2000"));
        group.sample_size(10).bench_function("acc of random groups", |b| {
            b.iter(|| black_box(&table).acc().expect("within memory"));
        });
        group.finish();
    }

    let x =
        Array2::from_shape_fn((5000, 10), |(i, j)| hash(i * 10 + j, 1000) as f32 + 100.0 * labels[i] as f32);
    let of_x = clusters.slice(ndarray::s![..5000]);
    c.bench_function("silhouette 5000x10", |b| {
        b.iter(|| silhouette(black_box(x.view()), of_x, &SilhouetteOptions::default()).expect("valid"));
    });
}

/// Criteria without labels: those of dense data in 10 dimensions, and those of 10 runs.
fn criteria(c: &mut Criterion) {
    let (clusters, labels) = labellings(1);
    let x = Array2::from_shape_fn((N, 10), |(i, j)| hash(i * 10 + j, 1000) as f32 + 100.0 * labels[i] as f32);
    let mut group = c.benchmark_group("70000x10, 10 clusters");
    group.bench_function("calinski_harabasz", |b| {
        b.iter(|| calinski_harabasz(black_box(x.view()), clusters.view()).expect("valid"));
    });
    group.bench_function("davies_bouldin", |b| {
        b.iter(|| davies_bouldin(black_box(x.view()), clusters.view()).expect("valid"));
    });
    let gamma =
        Array2::from_shape_fn((N, 10), |(i, j)| if labels[i] as usize == j { 0.91_f32 } else { 0.01 });
    group.bench_function("mean_entropy", |b| {
        b.iter(|| mean_entropy(black_box(gamma.view())).expect("valid"));
    });
    group.finish();

    let few = x.slice(ndarray::s![..2000, ..]);
    c.bench_function("pooled_silhouette of 3 spaces 2000x10", |b| {
        let of_few = clusters.slice(ndarray::s![..2000]);
        let spaces = [few, few, few];
        b.iter(|| {
            pooled_silhouette(black_box(&spaces), of_few, &SilhouetteOptions::default()).expect("valid")
        });
    });

    let run = |r: usize| {
        let other =
            |i: usize| if hash(i + r * N, 10) == 0 { hash(i + (r + 20) * N, 10) as u32 } else { labels[i] };
        Array1::from_shape_fn(N, |i| (other(i) + r as u32) % 10)
    };
    let runs: Vec<Array1<u32>> = (0..10).map(run).collect();
    let runs: Vec<_> = runs.iter().map(Array1::view).collect();
    let mut group = c.benchmark_group("10 runs of 70000 points");
    group.sample_size(10);
    group.bench_function("agreement", |b| b.iter(|| agreement(black_box(&runs)).expect("valid")));
    group.bench_function("consensus", |b| b.iter(|| consensus(black_box(&runs)).expect("valid")));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500)).sample_size(20);
    targets = scores, criteria
}
criterion_main!(benches);
