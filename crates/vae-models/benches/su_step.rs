//! What a step of VAE-Cluster costs over the same network in plain libtorch calls, and what the
//! layout of the images does.
//!
//! The plain network has the same layers, shapes and squared error, and neither class means nor
//! classifier; its weights are tensors and its functions those of libtorch. It runs with images as
//! they are stored (NCHW) and channels last (NHWC), which is what VAE-Cluster uses. All sides are
//! timed in turns, step by step, so that a busy machine slows all of them. The times are those of
//! the processor, not of the clock on the wall. Where the processor has the instructions, our step
//! is timed in bfloat16 too. Run with `cargo xtask bench su_step`; `VAE_BENCH_THREADS` sets the
//! threads (default 1).

use tch::{Device, Kind, Tensor};
use vae_core::precision::Precision;
use vae_core::random::{Streams, normal, uniform};
use vae_core::resources::Clock;
use vae_core::train::Batch;
use vae_models::methods::vae_cluster::bench_support::SuStep;

/// The order of a batch of images in memory.
#[derive(Clone, Copy)]
enum Layout {
    ChannelsFirst,
    ChannelsLast,
}

/// (inputs, outputs, stride) of the convolutions, then of their transposes.
const ENCODER: [(i64, i64, i64); 4] = [(1, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)];
const DECODER: [(i64, i64, i64); 5] = [(64, 64, 1), (64, 64, 2), (64, 32, 1), (32, 32, 2), (32, 1, 1)];

/// Su's network without the clusters.
struct Plain {
    weights: Vec<Tensor>,
    layout: Layout,
}

impl Plain {
    fn new(layout: Layout) -> Self {
        let streams = Streams::new(0, "plain");
        let mut weights = Vec::new();
        let mut add = |shape: &[i64]| {
            let name = weights.len().to_string();
            let w = normal(&mut streams.rng(&name, 0, 0), shape, Device::Cpu) * 0.05;
            weights.push(w.set_requires_grad(true));
        };
        for (n_in, n_out, _) in ENCODER {
            add(&[n_out, n_in, 3, 3]);
            add(&[n_out]);
        }
        for shape in [[20, 3136], [20, 3136], [3136, 20]] {
            add(&shape);
            add(&shape[..1]);
        }
        for (n_in, n_out, _) in DECODER {
            add(&[n_in, n_out, 3, 3]);
            add(&[n_out]);
        }
        Self { weights, layout }
    }

    /// `[b, c, side, side]` in this layout.
    fn image(&self, x: &Tensor, channels: i64, side: i64) -> Tensor {
        match self.layout {
            Layout::ChannelsFirst => x.view([-1, channels, side, side]),
            Layout::ChannelsLast => x.view([-1, side, side, channels]).permute([0, 3, 1, 2]),
        }
    }

    fn step(&self, x: &Tensor, noise: &Tensor) -> f64 {
        let start = Clock::start();
        let mut w = self.weights.iter();
        let mut next = || w.next().expect("as many weights as layers ask for");
        let mut h = self.image(x, 1, 28);
        for (_, _, stride) in ENCODER {
            let (weight, bias) = (next(), next());
            let (padded, padding) =
                if stride == 2 { (h.constant_pad_nd([0, 1, 0, 1]), 0) } else { (h.shallow_clone(), 1) };
            let y = padded.conv2d(weight, Some(bias), [stride, stride], [padding, padding], [1, 1], 1);
            h = y.leaky_relu();
        }
        let h = h.flatten(1, -1);
        let mu = h.linear(next(), Some(next()));
        let log_var = h.linear(next(), Some(next()));
        let z = &mu + (&log_var * 0.5).exp() * noise;
        let mut h = self.image(&z.linear(next(), Some(next())), 64, 7);
        for (i, (_, _, stride)) in DECODER.into_iter().enumerate() {
            let (weight, bias, side) = (next(), next(), h.size()[2] * stride);
            let s = [stride, stride];
            let y = if stride == 2 {
                let full = h.conv_transpose2d(weight, Some(bias), s, [0, 0], [0, 0], 1, [1, 1]);
                full.narrow(2, 0, side).narrow(3, 0, side)
            } else {
                h.conv_transpose2d(weight, Some(bias), s, [1, 1], [0, 0], 1, [1, 1])
            };
            h = if i + 1 < DECODER.len() { y.leaky_relu() } else { y.sigmoid() };
        }
        let rec = h.flatten(1, -1).mse_loss(x, tch::Reduction::Sum) * (1.25 / x.size()[0] as f64);
        let kl = (z.square() - &log_var).sum(None::<Kind>) * (0.5 / x.size()[0] as f64);
        let weights: Vec<&Tensor> = self.weights.iter().collect();
        let _ = Tensor::run_backward(&[rec + kl], &weights, false, false);
        start.cpu_s()
    }
}

/// In milliseconds.
fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2] * 1e3
}

fn main() {
    // `cargo test --benches` calls this with --test: one step of each is enough to see that it
    // runs.
    let is_test = std::env::args().any(|a| a == "--test");
    let n_steps = if is_test { 1 } else { 60 };
    let threads: usize = std::env::var("VAE_BENCH_THREADS").ok().and_then(|t| t.parse().ok()).unwrap_or(1);
    vae_core::device::configure_process(threads);
    let streams = Streams::new(0, "bench");
    let x = uniform(&mut streams.rng("x", 0, 0), &[100, 784], Device::Cpu);
    let noise = normal(&mut streams.rng("noise", 0, 0), &[100, 20], Device::Cpu);
    let index = Tensor::arange(100, (Kind::Int64, Device::Cpu));
    let (first, last) = (Plain::new(Layout::ChannelsFirst), Plain::new(Layout::ChannelsLast));
    let precisions = Precision::on_this_cpu();
    let mut ours: Vec<_> = precisions.iter().map(|&p| (p, SuStep::new(), vec![], vec![])).collect();
    let (mut of_first, mut of_last) = (vec![], vec![]);
    for step in 0..n_steps {
        of_first.push(first.step(&x, &noise));
        of_last.push(last.step(&x, &noise));
        let batch = Batch { step, ..Batch::alone(&x, &index, &streams) };
        for (precision, step, passes, updates) in &mut ours {
            let [pass, update] = precision.during(|| step.step(&batch));
            passes.push(pass);
            updates.push(update);
        }
    }
    let [first, last] = [of_first, of_last].map(median);
    println!("forward and backward of a batch of 100, medians in ms, {threads} thread(s)");
    println!("plain libtorch: images channels first {first:.1}, channels last {last:.1}");
    for (precision, _, passes, updates) in ours {
        let (ours, update) = (median(passes), median(updates));
        println!(
            "VAE-Cluster in {} {ours:.1}, {:.3} of the faster; its update {update:.1}; an epoch of 60,000: {:.0} s",
            precision.name(),
            ours / first.min(last),
            (ours + update) * 0.6
        );
    }
}
