//! The synthetic example of LTVAE's paper (its section on several facets): z has four numbers, the
//! first two belong to one clustering into two, the last two to another; x = sigmoid(U sigmoid(W
//! z)) has 100 numbers.

use ndarray::{Array1, Array2};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use vae_core::Features;

/// Features `[n, 100]` and the two true clusterings.
pub fn two_facets(n: usize, seed: u64) -> (Features, [Array1<u32>; 2]) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = |rows: usize, columns: usize| {
        Array2::from_shape_fn((rows, columns), |_| rng.sample::<f32, _>(StandardNormal))
    };
    // The paper leaves the weights open; these keep the inner sigmoid away from its flat ends.
    let (w, u, noise) = (normal(10, 4) * 0.5, normal(100, 10), normal(n, 4));
    let states = [(); 2].map(|()| Array1::from_shape_fn(n, |_| u32::from(rng.random::<bool>())));
    // Means at −2 and 2 in both numbers of a facet.
    let z = Array2::from_shape_fn((n, 4), |(i, j)| 4.0 * states[j / 2][i] as f32 - 2.0 + noise[[i, j]]);
    let sigmoid = |x: Array2<f32>| x.mapv(|v| 1.0 / (1.0 + (-v).exp()));
    let x = sigmoid(sigmoid(z.dot(&w.t())).dot(&u.t()));
    (Features::dense(x).expect("finite"), states)
}
