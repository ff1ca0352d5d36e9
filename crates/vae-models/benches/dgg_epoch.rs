//! What a DGG epoch costs over a VaDE epoch: every point once as decoder, all its neighbours in the
//! loss.
//!
//! Steps of the two alternate in one process, with the same threads and batches. The paper's layout
//! costs 21 VaDE epochs. Run with `cargo xtask bench dgg_epoch`; `VAE_BENCH_THREADS` sets the
//! threads (default 1).

use std::time::{Duration, Instant};
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::features::Resident;
use vae_core::random::{Streams, uniform};
use vae_core::train::Batch;
use vae_models::methods::dgg::bench_support::DggBench;
use vae_models::methods::vade::bench_support::VadeStep;

fn main() {
    // `cargo test --benches` calls this with --test: a few steps are enough to see that it runs.
    let is_test = std::env::args().any(|a| a == "--test");
    let threads: usize = std::env::var("VAE_BENCH_THREADS").ok().and_then(|t| t.parse().ok()).unwrap_or(1);
    vae_core::device::configure_process(threads);
    // All of MNIST's size matters: the refreshes of pi are spread over an epoch.
    let (n, batch) = if is_test { (600, 100) } else { (70_000usize, 256) };
    let streams = Streams::new(0, "bench");
    let x = uniform(&mut streams.rng("x", 0, 0), &[n as i64, 784], Device::Cpu);
    let features = Features::dense(vae_core::features::to_array2(&x).expect("a matrix")).expect("finite");
    drop(x);
    let data = Resident::new(&features, Device::Cpu).expect("fits");
    let (mut vade, dgg) = (VadeStep::new(784, Device::Cpu), DggBench::new(&features, &data, batch));
    let n_steps = n.div_ceil(batch);
    let (mut of_vade, mut of_dgg) = (Duration::ZERO, Duration::ZERO);
    dgg.steps(n_steps, |step, dgg| {
        let start = (step * batch) as i64;
        let index =
            Tensor::arange_start(start, (start + batch as i64).min(n as i64), (Kind::Int64, Device::Cpu));
        let gather = Instant::now();
        let x = data.gather(&index).expect("in range");
        let gather = gather.elapsed();
        let batch = Batch { step, ..Batch::alone(&x, &index, &streams) };
        of_vade += gather + vade.step(&batch).iter().sum::<Duration>();
        of_dgg += gather + dgg(&batch);
    });
    let (a, b) = (of_vade.as_secs_f64(), of_dgg.as_secs_f64());
    println!("one epoch of {n} samples in batches of {batch}, {threads} thread(s)");
    println!("VaDE {a:.1} s, DGG {b:.1} s, ratio {:.3}", b / a);
}
