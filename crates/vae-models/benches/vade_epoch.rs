//! What a VaDE epoch costs over its floor.
//!
//! The floor is the time of the matrix products alone: the same shapes through the same library,
//! forward and backward, with the same threads, in the same process. Both sides are timed in turns,
//! step by step, so that a busy machine slows both. Run with `cargo xtask bench vade_epoch`, in
//! single precision and, where the processor has the instructions, in bfloat16;
//! `VAE_BENCH_THREADS` sets the threads (default 1), `VAE_BENCH_MATMUL` the library (auto, blas or
//! onednn), `VAE_BENCH_PRECISION` one precision (f32 or bf16).

use tch::Device;
use vae_core::matmul::{Matmul, MatmulChoice};
use vae_core::precision::Precision;
use vae_models::methods::vade::bench_support::time_steps;

fn main() {
    // `cargo test --benches` calls this with --test: one step of each is enough to see that it
    // runs.
    let is_test = std::env::args().any(|a| a == "--test");
    let n_steps = if is_test { 1 } else { 60 };
    let threads: usize = std::env::var("VAE_BENCH_THREADS").ok().and_then(|t| t.parse().ok()).unwrap_or(1);
    vae_core::device::configure_process(threads);
    let matmul = std::env::var("VAE_BENCH_MATMUL").unwrap_or_else(|_| "auto".into());
    matmul.parse::<MatmulChoice>().and_then(MatmulChoice::apply).expect("auto, blas or onednn, and there");
    println!(
        "VaDE training step on 784 features, {threads} thread(s), {}, median of {n_steps} steps",
        Matmul::current().name()
    );
    println!("                                         of the step, ms");
    println!(
        "precision  batch   floor ms   step ms   ratio   gather  forward  backward  update   epoch of 70,000 s"
    );
    let asked = std::env::var("VAE_BENCH_PRECISION").ok();
    let is_asked = |p: &Precision| asked.as_deref().is_none_or(|name| name == p.name());
    for precision in Precision::on_this_cpu().into_iter().filter(is_asked) {
        precision.during(|| show(n_steps));
    }
}

/// Prints the times of products and steps in the precision in force, for two batch sizes.
fn show(n_steps: usize) {
    for batch in [256, 100] {
        let t = time_steps(Device::Cpu, batch, n_steps);
        println!(
            "{:9}  {batch:5} {:10.2} {:9.2} {:7.3} {:8.2} {:8.2} {:9.2} {:7.2} {:12.1}",
            Precision::current().name(),
            t.floor_ms,
            t.step_ms,
            t.ratio(),
            t.gather_ms,
            t.forward_ms,
            t.backward_ms,
            t.update_ms,
            t.epoch_s(70_000)
        );
    }
}
