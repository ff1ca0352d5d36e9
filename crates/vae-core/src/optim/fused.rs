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

/// Elements that are updated before their rounded copies are written: they are still in the first
/// cache.
const IN_CACHE: usize = 1 << 10;

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

/// A bfloat16: the upper half of a number in single precision.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Bf16(u16);

impl Bf16 {
    /// The nearest one, the even one of two that are equally near, as libtorch rounds.
    #[inline(always)]
    fn round(x: f32) -> Self {
        let bits = x.to_bits();
        let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
        Self(if x.is_nan() { 0x7fc0 } else { rounded as u16 })
    }
}

/// A number that a gradient consists of.
trait Element: Copy + Sync {
    fn widen(self) -> f32;
}

impl Element for f32 {
    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }
}

impl Element for Bf16 {
    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

/// `x`, or 0 for a subnormal number. The moments of a weight without a gradient (of a unit that is
/// off for all samples) shrink by a constant factor a step; once subnormal they would never reach
/// 0, and processors take a hundred times as long for them. No weight notices: with an epsilon of
/// 1e-8 or more they add less than 1e-30 to one.
#[inline(always)]
fn normal(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x }
}

/// Whether [`adam`] can read this gradient.
pub fn reads(grad: &Tensor) -> bool {
    let kinds = matches!(grad.kind(), Kind::Float | Kind::BFloat16);
    kinds && grad.device() == Device::Cpu && grad.is_contiguous()
}

/// The memory of a contiguous tensor of bfloat16 on the CPU.
#[expect(
    clippy::mut_from_ref,
    reason = "a tensor is a handle: its memory is reached through a shared reference"
)]
fn slice_bf16(t: &Tensor) -> &mut [Bf16] {
    // SAFETY: contiguous bfloat16 on the CPU (checked by `reads`, or made so by `RoundedWeights`),
    // numel elements, alive as long as the borrow; gradient and copy are allocations of their own.
    unsafe { std::slice::from_raw_parts_mut(t.data_ptr().cast::<Bf16>(), t.numel()) }
}

/// Adam on `w` with a gradient that [`reads`] accepts and the two moments. `rounded` gets the new
/// weights in bfloat16.
pub fn adam(c: &Adam, w: &Tensor, grad: &Tensor, moments: [&Tensor; 2], rounded: Option<&Tensor>) {
    let rounded = rounded.map_or(&mut [][..], slice_bf16);
    match grad.kind() {
        Kind::BFloat16 => adam_from(c, w, &*slice_bf16(grad), moments, rounded),
        _ => adam_from(c, w, slice(grad), moments, rounded),
    }
}

fn adam_from<G: Element>(c: &Adam, w: &Tensor, g: &[G], [m, v]: [&Tensor; 2], rounded: &mut [Bf16]) {
    let (w, m, v) = (slice_mut(w), slice_mut(m), slice_mut(v));
    if w.len() <= BLOCK || rayon::current_num_threads() == 1 {
        adam_block(c, w, g, [m, v], rounded);
    } else {
        let n = w.len().div_ceil(BLOCK);
        let mut copies: Vec<&mut [Bf16]> = rounded.chunks_mut(BLOCK).collect();
        copies.resize_with(n, || &mut []);
        let moments = m.par_chunks_mut(BLOCK).zip(v.par_chunks_mut(BLOCK));
        let blocks = w.par_chunks_mut(BLOCK).zip(g.par_chunks(BLOCK)).zip(moments).zip(copies);
        blocks.for_each(|(((w, g), (m, v)), copy)| adam_block(c, w, g, [m, v], copy));
    }
}

/// SGD with momentum on `w` with gradient `g` and velocity `u`.
pub fn sgd(momentum: f64, lr: f64, weight_decay: f64, w: &Tensor, g: &Tensor, u: &Tensor) {
    let (momentum, lr, weight_decay) = (momentum as f32, lr as f32, weight_decay as f32);
    for ((w, g), u) in slice_mut(w).iter_mut().zip(slice(g)).zip(slice_mut(u)) {
        *u = normal(momentum * *u + (*g + weight_decay * *w));
        *w -= lr * *u;
    }
}

/// `rounded` is as long as `w`, or empty.
fn adam_block<G: Element>(c: &Adam, w: &mut [f32], g: &[G], moments: [&mut [f32]; 2], rounded: &mut [Bf16]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, checked on the line above.
        unsafe { adam_avx2(c, w, g, moments, rounded) };
        return;
    }
    adam_loop(c, w, g, moments, rounded);
}

/// The same loop, compiled for AVX2 (8 lanes instead of 4).
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn adam_avx2<G: Element>(c: &Adam, w: &mut [f32], g: &[G], moments: [&mut [f32]; 2], rounded: &mut [Bf16]) {
    adam_loop(c, w, g, moments, rounded);
}

#[inline(always)]
fn adam_loop<G: Element>(c: &Adam, w: &mut [f32], g: &[G], [m, v]: [&mut [f32]; 2], rounded: &mut [Bf16]) {
    let (beta1, beta2) = (c.beta1 as f32, c.beta2 as f32);
    let (rest1, rest2) = ((1.0 - c.beta1) as f32, (1.0 - c.beta2) as f32);
    let (step, eps, weight_decay) = (c.step as f32, c.eps as f32, c.weight_decay as f32);
    let mut copies = rounded.chunks_mut(IN_CACHE);
    let moments = m.chunks_mut(IN_CACHE).zip(v.chunks_mut(IN_CACHE));
    for ((w, g), (m, v)) in w.chunks_mut(IN_CACHE).zip(g.chunks(IN_CACHE)).zip(moments) {
        for (((w, g), m), v) in w.iter_mut().zip(g).zip(m.iter_mut()).zip(v.iter_mut()) {
            let g = g.widen() + weight_decay * *w;
            *m = normal(beta1 * *m + rest1 * g);
            *v = normal(beta2 * *v + rest2 * (g * g));
            *w -= step * *m / (v.sqrt() + eps);
        }
        if let Some(copy) = copies.next() {
            for (copy, w) in copy.iter_mut().zip(w.iter()) {
                *copy = Bf16::round(*w);
            }
        }
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
        let (mut copy, mut copy2) = (vec![Bf16(0); n], vec![Bf16(0); n]);
        adam_block(&c, &mut w, &g, [&mut m, &mut v], &mut copy);
        adam_loop(&c, &mut w2, &g, [&mut m2, &mut v2], &mut copy2);
        assert!(w == w2 && m == m2 && v == v2);
        assert!(copy.iter().zip(&copy2).all(|(a, b)| a.0 == b.0));
    }

    /// Without a gradient the moments reach 0, and a weight ends where it does with subnormal ones.
    #[test]
    fn moments_without_a_gradient_reach_0() {
        let c = Adam { beta1: 0.9, beta2: 0.9, step: 1e-3, eps: 1e-8, weight_decay: 0.0 };
        let (mut w, mut m, mut v) = ([0.5f32; 9], [1e-3f32; 9], [1e-6f32; 9]);
        let (mut w2, mut m2, mut v2) = (0.5f32, 1e-3f32, 1e-6f32);
        for _ in 0..1000 {
            adam_block(&c, &mut w, &[0.0f32; 9], [&mut m, &mut v], &mut []);
            (m2, v2) = (0.9 * m2, 0.9 * v2);
            w2 -= 1e-3 * m2 / (v2.sqrt() + 1e-8);
        }
        assert!(m2.is_subnormal() && v2.is_subnormal());
        assert_eq!((w, m, v), ([w2; 9], [0.0; 9], [0.0; 9]));

        let (mut w, mut u) = (0.5f32, 1e-3f32);
        let tensors = [&w, &0.0, &u].map(|x| Tensor::from_slice(&[*x]));
        for _ in 0..1000 {
            sgd(0.9, 0.1, 0.0, &tensors[0], &tensors[1], &tensors[2]);
            u *= 0.9;
            w -= 0.1 * u;
        }
        assert!(u.is_subnormal());
        assert_eq!((slice(&tensors[0])[0], slice(&tensors[2])[0]), (w, 0.0));
    }

    #[test]
    fn rounding_is_libtorchs() {
        let edge =
            [0.0, -0.0, 1.0, f32::MIN_POSITIVE, 1e-40, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        // Halfway between two neighbours, whose lower one is even, then odd; and just beside.
        let halves = [0x3f80_8000u32, 0x3f81_8000, 0x3f80_8001, 0x3f80_7fff, 0xbf81_8000].map(f32::from_bits);
        let drawn = (0..4000u32).map(|i| f32::from_bits(i.wrapping_mul(2_654_435_761)));
        let values: Vec<f32> = edge.into_iter().chain(halves).chain(drawn).collect();
        let want = Tensor::from_slice(&values).to_kind(Kind::BFloat16);
        let got: Vec<Bf16> = values.iter().map(|&x| Bf16::round(x)).collect();
        for ((x, got), want) in values.iter().zip(got).zip(slice_bf16(&want)) {
            assert!(got.0 == want.0 || x.is_nan() && got.widen().is_nan(), "{x:e}: {:x} {:x}", got.0, want.0);
        }
    }
}
