//! Random numbers by counter, for samples that are the same everywhere.

/// The `index`-th output of SplitMix64 (Steele, Lea & Flood 2014) from `seed`: a random number by
/// counter.
pub(crate) fn split_mix(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A random position in `0..n`. No position is more likely than another by more than `n / 2^64`.
pub(crate) fn position(seed: u64, index: u64, n: usize) -> usize {
    // The high half of the product is below `n`, so it fits.
    ((u128::from(split_mix(seed, index)) * n as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counter_random_numbers_are_split_mix() {
        // First outputs of the reference implementation for seed 1234567.
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([0, 1, 2].map(|index| split_mix(1_234_567, index)), expected);
    }

    #[test]
    fn positions_are_even() {
        let mut hits = [0_u32; 7];
        (0..7000).for_each(|index| hits[position(5, index, 7)] += 1);
        // Binomial(7000, 1/7): 1000 with a standard deviation of 29.
        assert!(hits.iter().all(|&hit| (850..1150).contains(&hit)), "{hits:?}");
        assert_eq!(position(5, 0, 1), 0);
    }
}
