//! Small exact loops over rows, in f64 and in a fixed order of summation.

/// Independent partial sums; the compiler turns them into vector lanes, the order stays the same
/// everywhere.
const LANES: usize = 8;

/// Squared Euclidean distance of a data row and a centre.
pub(crate) fn sq_dist(x: &[f32], c: &[f64]) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    let (xs, cs) = (x.chunks_exact(LANES), c.chunks_exact(LANES));
    let tail: f64 = xs.remainder().iter().zip(cs.remainder()).map(|(&a, &b)| square(f64::from(a) - b)).sum();
    for (a, b) in xs.zip(cs) {
        for l in 0..LANES {
            lanes[l] += square(f64::from(a[l]) - b[l]);
        }
    }
    lanes.iter().sum::<f64>() + tail
}

/// Adds a data row to a sum.
pub(crate) fn add_row(sum: &mut [f64], x: &[f32]) {
    for (s, &v) in sum.iter_mut().zip(x) {
        *s += f64::from(v);
    }
}

/// `v * v`.
pub(crate) fn square(v: f64) -> f64 {
    v * v
}
