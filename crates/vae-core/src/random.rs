//! Counter-based randomness.
//!
//! Every random number of a run is a function of (seed, phase, stream name, epoch, step): a ChaCha8
//! generator is keyed by the SHA-256 of the five. libtorch's generator is never used (its state
//! cannot be saved through `tch`). A resumed run, another thread count and a GPU therefore draw the
//! same numbers, and nothing has to be stored.

use crate::identity::Revision;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use sha2::{Digest, Sha256};
use tch::{Device, Tensor};

/// The streams; part of every phase's key.
pub const REVISION: Revision = ("random", 1);

/// The random streams of one phase of one run.
#[derive(Clone, Debug)]
pub struct Streams {
    seed: u64,
    phase: String,
}

impl Streams {
    /// Streams of the phase `phase` of the run with this `seed`.
    pub fn new(seed: u64, phase: impl Into<String>) -> Self {
        Self { seed, phase: phase.into() }
    }

    /// The run's seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The generator of `name` at (`epoch`, `step`); equal arguments give equal generators.
    pub fn rng(&self, name: &str, epoch: usize, step: usize) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        for text in [self.phase.as_str(), name] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        hash.update((epoch as u64).to_le_bytes());
        hash.update((step as u64).to_le_bytes());
        ChaCha8Rng::from_seed(hash.finalize().into())
    }

    /// A `u64` for libraries that take a seed.
    pub fn derived_seed(&self, name: &str) -> u64 {
        self.rng(name, 0, 0).random()
    }
}

/// Standard normal numbers of the given shape, f32, on `device`.
pub fn normal(rng: &mut ChaCha8Rng, shape: &[i64], device: Device) -> Tensor {
    let n: i64 = shape.iter().product();
    crate::device::note_upload();
    Tensor::from_slice(&normals(rng, n as usize)).view(shape).to_device(device)
}

/// Uniform numbers in `[0, 1)` of the given shape, f32, on `device`.
pub fn uniform(rng: &mut ChaCha8Rng, shape: &[i64], device: Device) -> Tensor {
    let n: i64 = shape.iter().product();
    crate::device::note_upload();
    Tensor::from_slice(&uniforms(rng, n as usize)).view(shape).to_device(device)
}

/// `n` standard normal numbers.
pub(crate) fn normals(rng: &mut ChaCha8Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.sample(StandardNormal)).collect()
}

/// `n` uniform numbers in `[0, 1)`.
pub(crate) fn uniforms(rng: &mut ChaCha8Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.random()).collect()
}

/// A uniform random permutation of `0..n` (Fisher–Yates).
pub fn permutation(rng: &mut ChaCha8Rng, n: usize) -> Vec<i64> {
    let mut order: Vec<i64> = (0..n as i64).collect();
    for i in (1..n).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    order
}

/// `most` of `0..n` without replacement, ascending; all of them where there are no more.
pub fn sorted_sample(rng: &mut ChaCha8Rng, n: usize, most: usize) -> Vec<usize> {
    if n <= most {
        return (0..n).collect();
    }
    let mut rows: Vec<usize> = permutation(rng, n)[..most].iter().map(|row| *row as usize).collect();
    rows.sort_unstable();
    rows
}

/// Blocks whose rows are mixed with each other in [`block_permutation`].
const BLOCKS_TOGETHER: usize = 64;

/// A random order of `0..n` for rows that are read from a file: blocks of `block` rows come in
/// random order, and the rows of each 64 blocks that follow one another are mixed. With blocks of
/// one row it is [`permutation`].
pub fn block_permutation(rng: &mut ChaCha8Rng, n: usize, block: usize) -> Vec<i64> {
    if block <= 1 {
        return permutation(rng, n);
    }
    let blocks = permutation(rng, n.div_ceil(block));
    let mut order = Vec::with_capacity(n);
    for together in blocks.chunks(BLOCKS_TOGETHER) {
        let first = order.len();
        for start in together.iter().map(|b| *b as usize * block) {
            order.extend(start as i64..(start + block).min(n) as i64);
        }
        let mixed = &mut order[first..];
        for i in (1..mixed.len()).rev() {
            mixed.swap(i, rng.random_range(0..=i));
        }
    }
    order
}

/// `size` different numbers of `0..n`, every subset equally likely (Floyd's algorithm); `size` is
/// at most `n`.
pub(crate) fn subset(rng: &mut ChaCha8Rng, n: usize, size: usize) -> Vec<i64> {
    let mut seen = std::collections::HashSet::with_capacity(size);
    let mut rows = Vec::with_capacity(size);
    for last in n - size..n {
        let row = rng.random_range(0..=last);
        let row = if seen.insert(row) { row } else { last };
        seen.insert(row);
        rows.push(row as i64);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sorted_sample_is_of_different_rows() {
        let rng = || Streams::new(0, "t").rng("rows", 0, 0);
        let rows = sorted_sample(&mut rng(), 1000, 100);
        assert_eq!(rows.len(), 100);
        assert!(rows.windows(2).all(|pair| pair[0] < pair[1]) && rows[99] < 1000);
        assert_eq!(rows, sorted_sample(&mut rng(), 1000, 100));
        assert_eq!(sorted_sample(&mut rng(), 5, 100), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let draw = |s: &Streams, name: &str, epoch, step| s.rng(name, epoch, step).random::<u64>();
        let a = Streams::new(1, "train");
        let base = draw(&a, "noise", 2, 3);
        assert_eq!(base, draw(&a.clone(), "noise", 2, 3));
        let others = [
            draw(&Streams::new(2, "train"), "noise", 2, 3),
            draw(&Streams::new(1, "pretrain"), "noise", 2, 3),
            draw(&a, "mask", 2, 3),
            draw(&a, "noise", 3, 3),
            draw(&a, "noise", 2, 4),
            // The lengths are hashed as well: ("train", "noise") is not ("trainn", "oise").
            draw(&Streams::new(1, "trainn"), "oise", 2, 3),
        ];
        assert!(others.iter().all(|o| *o != base));
    }

    #[test]
    fn a_permutation_has_every_index_once() {
        let order = permutation(&mut Streams::new(0, "t").rng("shuffle", 0, 0), 1000);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<i64>>());
        assert_ne!(order, sorted);
    }

    #[test]
    fn blocks_stay_near_each_other_and_are_mixed() {
        let rng = || Streams::new(0, "t").rng("shuffle", 0, 0);
        let (n, block) = (1003, 5);
        let order = block_permutation(&mut rng(), n, block);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..n as i64).collect::<Vec<i64>>());
        // 201 blocks: the first 64 hold 320 rows (318 with the short last block among them).
        let whole = |rows: &[i64]| {
            let blocks: std::collections::BTreeSet<i64> = rows.iter().map(|row| row / block as i64).collect();
            blocks.len()
        };
        assert!((64..=65).contains(&whole(&order[..320])), "{}", whole(&order[..320]));
        assert!(whole(&order[..64]) > 30, "rows of many blocks in a batch: {}", whole(&order[..64]));
        assert_eq!(block_permutation(&mut rng(), n, 1), permutation(&mut rng(), n));
    }

    #[test]
    fn subsets_are_equally_likely() {
        let mut count = std::collections::BTreeMap::new();
        for step in 0..6000 {
            let mut rows = subset(&mut Streams::new(0, "t").rng("subset", 0, step), 4, 2);
            rows.sort_unstable();
            *count.entry(rows).or_insert(0) += 1;
        }
        // Six subsets of two, 1,000 of each expected; five standard deviations are 144.
        assert_eq!(count.len(), 6);
        assert!(count.values().all(|c| (856..=1144).contains(c)), "{count:?}");
    }

    #[test]
    fn normals_have_the_moments_of_a_normal() {
        let z = normal(&mut Streams::new(0, "t").rng("noise", 0, 0), &[100_000], Device::Cpu);
        // Five standard errors of the mean and of the variance.
        assert!(z.mean(None).double_value(&[]).abs() < 5.0 / 100_000f64.sqrt());
        assert!((z.var(true).double_value(&[]) - 1.0).abs() < 5.0 * (2.0f64 / 100_000.0).sqrt());
    }
}
