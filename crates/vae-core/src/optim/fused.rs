//! One pass over memory per parameter, for f32 on the CPU.
//!
//! The results do not depend on the number of threads (elements are independent) nor on the
//! instruction set (Rust never contracts a multiplication and an addition into one).

use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

/// Constants of one Adam update.
#[derive(Clone, Copy)]
pub struct Adam {
    pub beta1: f64,
    pub beta2: f64,
    /// Learning rate with both bias corrections.
    pub step: f64,
    pub eps: f64,
    pub weight_decay: f64,
}

/// Elements per task: small enough to stay in the cache, large enough to be worth a task.
const BLOCK: usize = 1 << 15;

/// Whether the fused kernels can work on these tensors.
pub fn applies(tensors: &[&Tensor]) -> bool {
    tensors.iter().all(|t| t.device() == Device::Cpu && t.kind() == Kind::Float && t.is_contiguous())
}

/// The memory of a tensor for which [`applies`] holds.
fn slice(t: &Tensor) -> &[f32] {
    // SAFETY: contiguous f32 on the CPU (checked by `applies`), numel elements, alive as long as
    // the borrow.
    unsafe { std::slice::from_raw_parts(t.data_ptr().cast::<f32>(), t.numel()) }
}

/// The memory of a tensor for which [`applies`] holds, to be written.
#[expect(
    clippy::mut_from_ref,
    reason = "a tensor is a handle: its memory is reached through a shared reference"
)]
fn slice_mut(t: &Tensor) -> &mut [f32] {
    // SAFETY: as in `slice`; parameter, gradient and state are distinct allocations, and the
    // optimiser is the only one to touch them during the update.
    unsafe { std::slice::from_raw_parts_mut(t.data_ptr().cast::<f32>(), t.numel()) }
}

/// Adam on `w` with gradient `g` and moments `m`, `v`.
pub fn adam(c: &Adam, w: &Tensor, g: &Tensor, m: &Tensor, v: &Tensor) {
    let (w, g, m, v) = (slice_mut(w), slice(g), slice_mut(m), slice_mut(v));
    if w.len() <= BLOCK || rayon::current_num_threads() == 1 {
        adam_block(c, w, g, m, v);
    } else {
        let moments = m.par_chunks_mut(BLOCK).zip(v.par_chunks_mut(BLOCK));
        let blocks = w.par_chunks_mut(BLOCK).zip(g.par_chunks(BLOCK)).zip(moments);
        blocks.for_each(|((w, g), (m, v))| adam_block(c, w, g, m, v));
    }
}

/// SGD with momentum on `w` with gradient `g` and velocity `u`.
pub fn sgd(momentum: f64, lr: f64, weight_decay: f64, w: &Tensor, g: &Tensor, u: &Tensor) {
    let (momentum, lr, weight_decay) = (momentum as f32, lr as f32, weight_decay as f32);
    for ((w, g), u) in slice_mut(w).iter_mut().zip(slice(g)).zip(slice_mut(u)) {
        *u = momentum * *u + (*g + weight_decay * *w);
        *w -= lr * *u;
    }
}

fn adam_block(c: &Adam, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, checked on the line above.
        unsafe { adam_avx2(c, w, g, m, v) };
        return;
    }
    adam_loop(c, w, g, m, v);
}

/// The same loop, compiled for AVX2 (8 lanes instead of 4).
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn adam_avx2(c: &Adam, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    adam_loop(c, w, g, m, v);
}

#[inline(always)]
fn adam_loop(c: &Adam, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    let (beta1, beta2) = (c.beta1 as f32, c.beta2 as f32);
    let (rest1, rest2) = ((1.0 - c.beta1) as f32, (1.0 - c.beta2) as f32);
    let (step, eps, weight_decay) = (c.step as f32, c.eps as f32, c.weight_decay as f32);
    for (((w, g), m), v) in w.iter_mut().zip(g).zip(m.iter_mut()).zip(v.iter_mut()) {
        let g = *g + weight_decay * *w;
        *m = beta1 * *m + rest1 * g;
        *v = beta2 * *v + rest2 * (g * g);
        *w -= step * *m / (v.sqrt() + eps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instruction_set_does_not_change_a_bit() {
        let n = 1003;
        let values = |k: u32| -> Vec<f32> {
            (0..n as u32)
                .map(|i| ((i.wrapping_mul(2_654_435_761 + k) >> 8) as f32 / 8_388_608.0) - 1.0)
                .collect()
        };
        let c = Adam { beta1: 0.9, beta2: 0.999, step: 1e-3, eps: 1e-8, weight_decay: 1e-4 };
        let (g, mut w, mut m) = (values(1), values(2), values(3));
        let mut v: Vec<f32> = values(4).iter().map(|x| x * x).collect();
        let (mut w2, mut m2, mut v2) = (w.clone(), m.clone(), v.clone());
        adam_block(&c, &mut w, &g, &mut m, &mut v);
        adam_loop(&c, &mut w2, &g, &mut m2, &mut v2);
        assert!(w == w2 && m == m2 && v == v2);
    }
}
