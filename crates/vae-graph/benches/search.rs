//! Exact neighbours, a partition and a pass of the objective's weights, at sizes that take seconds.
//! `neighbours` times the full sizes against the matrix products they consist of.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tch::Device;
use vae_core::Features;
use vae_core::features::to_array2;
use vae_core::phase::FitContext;
use vae_core::random::{Streams, normal};
use vae_graph::knn::{Knn, Metric};
use vae_graph::pairwise::Smoothing;
use vae_graph::partition::PartitionConfig;

/// Ten overlapping groups.
fn groups(n: i64, d: i64) -> Features {
    let streams = Streams::new(0, "bench");
    let draw = |name: &str, rows| normal(&mut streams.rng(name, 0, 0), &[rows, d], Device::Cpu);
    let x = draw("centres", 10).repeat([n / 10, 1]) * 2.0 + draw("within", n);
    Features::dense(to_array2(&x).expect("a matrix")).expect("finite")
}

fn search(c: &mut Criterion) {
    vae_core::device::configure_process(1);
    let cx = FitContext::in_memory(0);
    let mut group = c.benchmark_group("graph");
    group.sample_size(10);
    let (images, codes) = (groups(5_000, 784), groups(10_000, 10));
    let knn = |k| Knn { k, metric: Metric::Euclidean };
    group.bench_function("neighbours 5000x784 k100", |b| b.iter(|| knn(100).of(black_box(&images), &cx)));
    group.bench_function("neighbours 10000x10 k20", |b| b.iter(|| knn(20).of(black_box(&codes), &cx)));
    let partition = PartitionConfig::default();
    let graph = partition.neighbour_graph(&codes, &cx).expect("a graph");
    let streams = Streams::new(0, "bench");
    group.bench_function("partition 10000 nodes k10", |b| {
        b.iter(|| partition.of_graph(black_box(&graph), 10, &[], &streams));
    });
    let images = groups(10_000, 784);
    let smoothing = Smoothing::new(&graph.row_normalised());
    group.bench_function("smoothed targets 10000x784", |b| b.iter(|| smoothing.targets(black_box(&images))));
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);
