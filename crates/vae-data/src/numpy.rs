//! `numpy.random.seed(seed); numpy.random.permutation(n)`: which 10,000 documents of RCV1 are
//! Reuters-10k was decided by it.
//!
//! Sources: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998); NumPy's legacy
//! `RandomState`, which is frozen (NEP 19): a shuffle from the last place down, each partner drawn
//! by masking and rejection.

const N: usize = 624;
const M: usize = 397;

/// MT19937 with its state.
struct MersenneTwister {
    state: [u32; N],
    at: usize,
}

impl MersenneTwister {
    fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let last = state[i - 1];
            state[i] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        Self { state, at: N }
    }

    fn next_u32(&mut self) -> u32 {
        if self.at == N {
            for i in 0..N {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
                let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ odd;
            }
            self.at = 0;
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Uniform in `0..=max`.
    fn up_to(&mut self, max: u32) -> u32 {
        let mask = u32::MAX.checked_shr(max.leading_zeros()).unwrap_or(0);
        loop {
            let value = self.next_u32() & mask;
            if value <= max {
                return value;
            }
        }
    }
}

/// A permutation of `0..n`, the same as NumPy's for that seed.
pub(crate) fn permutation(seed: u32, n: u32) -> Vec<u32> {
    let mut twister = MersenneTwister::new(seed);
    let mut order: Vec<u32> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i as usize, twister.up_to(i) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_reference() {
        // `init_genrand(5489)` of mt19937ar.c; the 10,000th output is the one C++ prescribes for
        // `std::mt19937`.
        let mut twister = MersenneTwister::new(5489);
        assert_eq!([twister.next_u32(), twister.next_u32()], [3_499_211_612, 581_869_302]);
        assert_eq!((2..10_000).map(|_| twister.next_u32()).last(), Some(4_123_659_995));
    }

    #[test]
    fn permutations_are_numpys() {
        // NumPy 2.4.6: numpy.random.seed(1234); numpy.random.permutation(n)
        assert_eq!(permutation(1234, 10), [7, 2, 9, 1, 0, 8, 4, 5, 6, 3]);
        let order = permutation(1234, 685_071);
        assert_eq!(order[..5], [367295, 597263, 224712, 522469, 208602]);
        assert_eq!(order[685_068..], [165158, 451283, 486191]);
        assert_eq!((permutation(1, 0), permutation(1, 1)), (vec![], vec![0]));
    }
}
