//! What a VaDE epoch costs over its floor.
//!
//! The floor is the time of the matrix products alone: the same shapes through the same library,
//! forward and backward, with the same threads, in the same process. Both sides are timed in turns,
//! step by step, so that a busy machine slows both. Run with `cargo xtask bench vade_epoch`, in
//! single precision and, where the processor has the instructions, in bfloat16;
//! `VAE_BENCH_THREADS` sets the threads (default 1), `VAE_BENCH_MATMUL` the library (auto, blas or
//! onednn), `VAE_BENCH_PRECISION` one precision (f32 or bf16).

use std::time::{Duration, Instant};
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::features::Resident;
use vae_core::matmul::{Matmul, MatmulChoice, is_worth_rounding, library_of};
use vae_core::precision::Precision;
use vae_core::random::{Streams, uniform};
use vae_core::train::Batch;
use vae_models::methods::vade::bench_support::VadeStep;

/// (inputs, outputs) of the layers of D–500–500–2000–10 with two heads and its mirror image.
const LAYERS: [(i64, i64); 9] = [
    (784, 500),
    (500, 500),
    (500, 2000),
    (2000, 10),
    (2000, 10),
    (10, 2000),
    (2000, 500),
    (500, 500),
    (500, 784),
];

/// The matrix products of one training step: per layer `y = x Wᵀ`, `dW = dyᵀ x`, and `dx = dy W`
/// but for the first.
struct Floor {
    layers: Vec<Product>,
}

/// `x`, `W` and `dy` of a layer, the first and the last in the form that its library wants.
struct Product {
    library: Matmul,
    x: Tensor,
    w: Tensor,
    g: Tensor,
}

impl Product {
    fn new(x: Tensor, w: Tensor, g: Tensor) -> Self {
        let library = library_of(&x, &w);
        if Precision::current() == Precision::Bf16 && is_worth_rounding(&x, &w) {
            let [x, w, g] = [x, w, g].map(|t| t.to_kind(Kind::BFloat16));
            return Self { library: Matmul::Blas, x, w, g };
        }
        let (x, g) = match library {
            Matmul::Blas => (x, g),
            Matmul::OneDnn => (x.to_mkldnn(), g.to_mkldnn()),
        };
        Self { library, x, w, g }
    }

    fn step(&self, is_first: bool) {
        let Self { library, x, w, g } = self;
        match library {
            Matmul::Blas => {
                let _ = x.matmul(&w.tr());
                let _ = g.tr().matmul(x);
            }
            Matmul::OneDnn => {
                let _ = x.mkldnn_linear(w, None::<&Tensor>);
                let _ = x.mkldnn_linear_backward_weights(g, w, false);
            }
        }
        match library {
            _ if is_first => {}
            Matmul::Blas => drop(g.matmul(w)),
            Matmul::OneDnn => drop(Tensor::mkldnn_linear_backward_input(x.size(), g, w)),
        }
    }
}

impl Floor {
    fn new(batch: i64) -> Self {
        let streams = Streams::new(1, "floor");
        let draw = |name: String, shape: &[i64]| uniform(&mut streams.rng(&name, 0, 0), shape, Device::Cpu);
        let layers = LAYERS
            .iter()
            .enumerate()
            .map(|(i, &(n_in, n_out))| {
                let x = draw(format!("x{i}"), &[batch, n_in]);
                let w = draw(format!("w{i}"), &[n_out, n_in]);
                Product::new(x, w, draw(format!("g{i}"), &[batch, n_out]))
            })
            .collect();
        Self { layers }
    }

    fn step(&self) {
        self.layers.iter().enumerate().for_each(|(i, layer)| layer.step(i == 0));
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn main() {
    // `cargo test --benches` calls this with --test: one step of each is enough to see that it
    // runs.
    let is_test = std::env::args().any(|a| a == "--test");
    let n_steps = if is_test { 1 } else { 60 };
    let threads: usize = std::env::var("VAE_BENCH_THREADS").ok().and_then(|t| t.parse().ok()).unwrap_or(1);
    vae_core::device::configure_process(threads);
    let matmul = std::env::var("VAE_BENCH_MATMUL").unwrap_or_else(|_| "auto".into());
    matmul.parse::<MatmulChoice>().and_then(MatmulChoice::apply).expect("auto, blas or onednn, and there");
    let streams = Streams::new(0, "bench");
    let rows = 4096;
    let x = uniform(&mut streams.rng("x", 0, 0), &[rows, 784], Device::Cpu);
    let x = vae_core::features::to_array2(&x).expect("a matrix");
    let features = Features::dense(x).expect("finite");
    let data = Resident::new(&features, Device::Cpu).expect("fits");
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
        precision.during(|| compare(&data, rows, n_steps));
    }
}

/// Prints the times of products and steps in the precision in force, for two batch sizes.
fn compare(data: &Resident<'_>, rows: i64, n_steps: usize) {
    let streams = Streams::new(0, "bench");
    for batch in [256i64, 100] {
        let (floor, mut vade) = (Floor::new(batch), VadeStep::new(784));
        let mut times: [Vec<Duration>; 6] = Default::default();
        let warm_up = n_steps.min(5);
        for step in 0..n_steps + warm_up {
            let start = (step as i64 * batch) % (rows - batch);
            let index = Tensor::arange_start(start, start + batch, (Kind::Int64, Device::Cpu));
            let t = Instant::now();
            floor.step();
            let floor_time = t.elapsed();
            let t = Instant::now();
            let x = data.gather(&index).expect("in range");
            let gather = t.elapsed();
            let parts =
                vade.step(&Batch { x: &x, targets: None, index: &index, epoch: 0, step, streams: &streams });
            let step_time = t.elapsed();
            // The first few steps touch fresh memory.
            if step >= warm_up {
                let all = [floor_time, step_time, gather, parts[0], parts[1], parts[2]];
                times.iter_mut().zip(all).for_each(|(list, time)| list.push(time));
            }
        }
        let [floor, step, gather, forward, backward, update] = times.map(|list| 1e3 * median(list));
        let epoch = step * 1e-3 * (70_000f64 / batch as f64).ceil();
        println!(
            "{:9}  {batch:5} {floor:10.2} {step:9.2} {:7.3} {gather:8.2} {forward:8.2} {backward:9.2} {update:7.2} {epoch:12.1}",
            Precision::current().name(),
            step / floor
        );
    }
}
