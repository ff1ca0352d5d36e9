//! Random streams: ChaCha keyed by (seed, purpose), one counter-based stream per restart or
//! component.
//!
//! Two draws have the same stream only if seed, purpose and stream number are equal, and no stream
//! depends on a thread.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// The purpose of a stream; its bytes are part of the key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// k-means++ seeding, one stream per restart.
    Seeding,
    /// Rows of mini-batches.
    Batches,
    /// Component and noise of mixture samples.
    Sampling,
    /// First posteriors of latent classes, one stream per restart.
    Classes,
}

impl Purpose {
    fn tag(self) -> &'static [u8; 16] {
        match self {
            Self::Seeding => b"gmm/kmeans++seed",
            Self::Batches => b"gmm/minibatches.",
            Self::Sampling => b"gmm/mixturesampl",
            Self::Classes => b"gmm/latentclass.",
        }
    }
}

/// The generator of one stream.
pub(crate) fn stream(seed: u64, purpose: Purpose, stream: u64) -> ChaCha12Rng {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..24].copy_from_slice(purpose.tag());
    let mut rng = ChaCha12Rng::from_seed(key);
    rng.set_stream(stream);
    rng
}

/// A row number below `n`, `n > 0`.
pub(crate) fn row(rng: &mut ChaCha12Rng, n: usize) -> usize {
    // u64 whatever the platform's pointer width, so that the draws are the same everywhere
    rng.random_range(0..n as u64) as usize
}
