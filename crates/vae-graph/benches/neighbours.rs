//! What exact neighbours cost over the matrix products they consist of.
//!
//! The reference is the time of the products alone, the same blocks by the same library, in the
//! same process and with the same threads. Run with `cargo xtask bench neighbours`;
//! `VAE_BENCH_THREADS` sets the threads (default 1), `VAE_BENCH_ROWS` the rows (default 20,000;
//! 70,000 is MNIST's size and takes minutes). `VAE_BENCH_COLUMNS=50` times the search alone, with
//! ten neighbours in so many columns: above a million rows it is approximate, and the share of the
//! true neighbours that it finds is printed.

use std::time::Instant;
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::features::to_array2;
use vae_core::matmul::linear;
use vae_core::phase::FitContext;
use vae_core::random::{Streams, normal, uniform};
use vae_core::resources::Clock;
use vae_graph::knn::{Knn, Metric};
use vae_graph::partition::{PartitionConfig, leading_eigenvectors};

fn env(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// Points around 50 centres in `d` dimensions, as codes and images are: spread in a few directions,
/// not in all.
fn clustered(n: usize, d: i64) -> Features {
    let streams = Streams::new(0, "bench");
    let draw =
        |name: &str, rows, columns| normal(&mut streams.rng(name, 0, 0), &[rows, columns], Device::Cpu);
    let which =
        (uniform(&mut streams.rng("which", 0, 0), &[n as i64], Device::Cpu) * 50.0).to_kind(Kind::Int64);
    let inner = 8.min(d);
    let spread = draw("within", n as i64, inner).matmul(&draw("directions", inner, d));
    let x = draw("centres", 50, d).index_select(0, &which) * 3.0 + spread * 0.5;
    Features::dense(to_array2(&x).expect("a matrix")).expect("finite")
}

/// Seconds of the products of `n` rows with themselves, in blocks.
fn floor(n: usize, d: i64) -> f64 {
    let (rows, columns) = (512, 4096);
    let a = Tensor::rand([rows, d], (Kind::Float, Device::Cpu));
    let b = Tensor::rand([columns, d], (Kind::Float, Device::Cpu));
    let blocks = (n as f64 / rows as f64) * (n as f64 / columns as f64);
    let repeats = blocks.ceil().min(200.0);
    let _ = linear(&a, &b, None);
    let start = Instant::now();
    (0..repeats as usize).for_each(|_| drop(linear(&a, &b, None)));
    start.elapsed().as_secs_f64() * blocks / repeats
}

fn search_alone(n: usize, d: i64, cx: &FitContext) {
    let x = clustered(n, d);
    let clock = Clock::start();
    Knn { k: 10, metric: Metric::Euclidean }.of(&x, cx).expect("found");
    let (wall, cpu) = (clock.wall_s(), clock.cpu_s());
    println!("{n} rows, {d} columns, k = 10: {wall:.1} s, CPU {cpu:.1} s");
    println!("{}", serde_json::Value::Object(cx.facts.take()));
}

fn main() {
    // `cargo test --benches` calls this with --test: a small size is enough to see that it runs.
    let is_test = std::env::args().any(|a| a == "--test");
    let n = if is_test { 1000 } else { env("VAE_BENCH_ROWS", 20_000) };
    let threads = env("VAE_BENCH_THREADS", 1);
    vae_core::device::configure_process(threads);
    let _guard = tch::no_grad_guard();
    let cx = FitContext::in_memory(0);
    let columns = env("VAE_BENCH_COLUMNS", 0) as i64;
    if columns > 0 {
        return search_alone(n, columns, &cx);
    }
    println!("exact neighbours of {n} rows, {threads} thread(s)");
    println!("  columns    k   CPU s    floor s   ratio");
    for (d, k) in [(784, 100), (10, 20)] {
        let x = clustered(n, d);
        let floor = floor(n, d);
        let clock = Clock::start();
        Knn { k, metric: Metric::Euclidean }.of(&x, &cx).expect("found");
        let (wall, cpu) = (clock.wall_s(), clock.cpu_s());
        println!("{d:9} {k:4} {cpu:7.1} {floor:10.1} {:7.2}", wall / floor);
    }
    let x = clustered(n, 10);
    let config = PartitionConfig::default();
    let clock = Clock::start();
    let neighbours = Knn { k: config.n_neighbors, metric: Metric::Euclidean }.of(&x, &cx).expect("found");
    let graph = config.adjacency(&neighbours).expect("a graph");
    let neighbours_s = clock.cpu_s();
    let clock = Clock::start();
    let eigen = leading_eigenvectors(&graph, 24, &Streams::new(0, "bench")).expect("eigenvectors");
    let eigen_s = clock.cpu_s();
    let clock = Clock::start();
    config.of_graph(&graph, 10, &[], &Streams::new(0, "bench")).expect("a partition");
    println!(
        "partition into 10, CPU s: graph {neighbours_s:.1}, 24 eigenvectors {eigen_s:.1} (residual {:.0e}), whole partition {:.1}",
        eigen.residual,
        clock.cpu_s()
    );
}
