//! Silhouette (Rousseeuw 1987): how much nearer a point is to its own cluster than to the next,
//! without labels.
//!
//! For a point of cluster A, with `a` its mean Euclidean distance to the others of A and `b` the
//! least, over the other clusters, of its mean distance to their points:
//!
//! ```text
//! s = (b - a) / max(a, b)        0 for a point alone in its cluster
//! ```
//!
//! Distances are exact, from differences in `f64`. They are summed as they are computed, a block of
//! points of one cluster at a time, and never stored: memory is O(sample * d + n). Above a size
//! only a random sample of points is scored, but each of them against *all* points, so that the
//! mean stays an unbiased estimate; scoring a sample against itself is not.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::error::{Error, Result};
use crate::points::points_by_cluster;
use crate::random::split_mix;

/// Values of one block, 128 KiB of `f64`: it stays in the second-level cache while all scored
/// points pass over it.
const BLOCK_VALUES: usize = 1 << 14;

/// Most points of one block.
const BLOCK_POINTS: usize = 256;

/// How many points [`silhouette`] scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SilhouetteOptions {
    /// Score all points up to this number, and a random sample of this size above it.
    pub max_points: usize,
    /// Seed of the sample. The same seed and `n` give the same sample everywhere.
    pub seed: u64,
}

impl Default for SilhouetteOptions {
    /// 5,000 points, seed 0.
    fn default() -> Self {
        Self { max_points: 5_000, seed: 0 }
    }
}

/// Mean silhouette of a clustering.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Silhouette {
    /// Mean of `s` over the scored points, in `[-1, 1]`.
    pub mean: f64,
    /// Number of points scored: `n`, or `max_points` when that is smaller and `mean` an estimate.
    pub n_scored: usize,
}

/// Mean silhouette of the points `x` `[n, d]` in `clusters` `[n]`, Euclidean.
///
/// Time O(min(n, max_points) n d).
///
/// # Errors
///
/// [`Error::LengthMismatch`], [`Error::Empty`] (no points, or `max_points` 0),
/// [`Error::NotFinite`], and [`Error::OneCluster`] when there is no other cluster to compare with.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::{SilhouetteOptions, silhouette};
///
/// let x = array![[0.0_f32], [1.0], [10.0], [11.0]];
/// let score = silhouette(x.view(), array![0, 0, 1, 1].view(), &SilhouetteOptions::default())?;
/// assert_eq!(score.n_scored, 4);
/// // a = 1 for all; b = 10.5 for the outer points and 9.5 for the inner.
/// assert!((score.mean - (9.5 / 10.5 + 8.5 / 9.5) / 2.0).abs() < 1e-15);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn silhouette<T>(
    x: ArrayView2<'_, T>,
    clusters: ArrayView1<'_, u32>,
    options: &SilhouetteOptions,
) -> Result<Silhouette>
where
    T: Copy + Into<f64>,
{
    let by_cluster = points_by_cluster(x, clusters)?;
    if options.max_points == 0 {
        return Err(Error::Empty { what: "points to score (max_points is 0)" });
    }
    let scored = sample(x.nrows(), options.max_points, options.seed);
    let mean = score(x, clusters, &by_cluster, &scored).iter().sum::<f64>() / scored.len() as f64;
    Ok(Silhouette { mean, n_scored: scored.len() })
}

/// Silhouette of each of the points `x` `[n, d]` in `clusters` `[n]`, Euclidean: `[n]`, each in
/// `[-1, 1]`.
///
/// Time O(n^2 d), memory O(n d).
///
/// # Errors
///
/// [`Error::LengthMismatch`], [`Error::Empty`], [`Error::NotFinite`] and [`Error::OneCluster`].
///
/// # Example
///
/// ```
/// use ndarray::array;
/// // The third point is in the wrong cluster, the last is alone.
/// let x = array![[0.0, 0.0], [0.0, 1.0], [9.0, 0.0], [9.0, 1.0]];
/// let scores = vae_metrics::silhouette_samples(x.view(), array![0, 0, 0, 1].view())?;
/// assert!(scores[2] < 0.0);
/// assert_eq!(scores[3], 0.0);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn silhouette_samples<T>(x: ArrayView2<'_, T>, clusters: ArrayView1<'_, u32>) -> Result<Array1<f64>>
where
    T: Copy + Into<f64>,
{
    let by_cluster = points_by_cluster(x, clusters)?;
    let all: Vec<usize> = (0..x.nrows()).collect();
    Ok(score(x, clusters, &by_cluster, &all).into())
}

/// `size` of the points `0..n`, ascending: those whose random keys are smallest. All of them when
/// `n` is not larger.
fn sample(n: usize, size: usize, seed: u64) -> Vec<usize> {
    let mut points: Vec<usize> = (0..n).collect();
    if size < n {
        points.select_nth_unstable_by_key(size, |&point| (split_mix(seed, point as u64), point));
        points.truncate(size);
        points.sort_unstable();
    }
    points
}

/// Silhouettes of the `scored` points against all, which `by_cluster` lists cluster by cluster.
fn score<T: Copy + Into<f64>>(
    x: ArrayView2<'_, T>,
    clusters: ArrayView1<'_, u32>,
    by_cluster: &[usize],
    scored: &[usize],
) -> Vec<f64> {
    let points = x.select(Axis(0), scored).mapv(Into::into);
    let mut own = vec![None; scored.len()];
    let mut nearest_other = vec![f64::INFINITY; scored.len()];
    for members in by_cluster.chunk_by(|&left, &right| clusters[left] == clusters[right]) {
        let sums = distance_sums(&points, x, members);
        for (i, &point) in scored.iter().enumerate() {
            if clusters[point] == clusters[members[0]] {
                own[i] = (members.len() > 1).then(|| sums[i] / (members.len() - 1) as f64);
            } else {
                nearest_other[i] = nearest_other[i].min(sums[i] / members.len() as f64);
            }
        }
    }
    let of_point = |(a, b): (Option<f64>, f64)| match a {
        Some(a) if a.max(b) > 0.0 => (b - a) / a.max(b),
        _ => 0.0,
    };
    own.into_iter().zip(nearest_other).map(of_point).collect()
}

/// For each of `points` `[m, d]`, the sum of its distances to the `members` of `x` `[n, d]`.
fn distance_sums<T: Copy + Into<f64>>(
    points: &Array2<f64>,
    x: ArrayView2<'_, T>,
    members: &[usize],
) -> Vec<f64> {
    let block_points = (BLOCK_VALUES / x.ncols().max(1)).clamp(16, BLOCK_POINTS);
    let mut sums = vec![0.0; points.nrows()];
    let mut block = Vec::with_capacity(block_points * x.ncols());
    let mut squares = vec![0.0; block_points];
    for members in members.chunks(block_points) {
        // Transposed, [d, members]: the loop over members below has no dependence between its
        // steps.
        block.clear();
        for column in x.columns() {
            block.extend(members.iter().map(|&member| -> f64 { column[member].into() }));
        }
        let squares = &mut squares[..members.len()];
        for (sum, point) in sums.iter_mut().zip(points.rows()) {
            *sum += distance_sum(point, &block, squares);
        }
    }
    sums
}

/// Sum of the distances of `point` `[d]` to the points of a transposed block `[d, m]`, with
/// `squares` `[m]` as scratch.
fn distance_sum(point: ArrayView1<'_, f64>, block: &[f64], squares: &mut [f64]) -> f64 {
    squares.fill(0.0);
    for (&coordinate, row) in point.iter().zip(block.chunks_exact(squares.len())) {
        for (square, &other) in squares.iter_mut().zip(row) {
            let difference = coordinate - other;
            *square += difference * difference;
        }
    }
    squares.iter_mut().for_each(|square| *square = square.sqrt());
    squares.iter().sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use approx::assert_abs_diff_eq;
    use ndarray::{array, s};
    use proptest::prelude::*;

    use super::*;

    /// The definition, one distance after another.
    fn naive(x: &Array2<f64>, clusters: &Array1<u32>) -> Vec<f64> {
        let names: BTreeSet<u32> = clusters.iter().copied().collect();
        let distance = |i: usize, j: usize| (&x.row(i) - &x.row(j)).mapv(|v| v * v).sum().sqrt();
        let mean = |i: usize, cluster: u32| {
            let others: Vec<usize> = (0..x.nrows()).filter(|&j| j != i && clusters[j] == cluster).collect();
            (!others.is_empty())
                .then(|| others.iter().map(|&j| distance(i, j)).sum::<f64>() / others.len() as f64)
        };
        let of_point = |i: usize| {
            let Some(a) = mean(i, clusters[i]) else { return 0.0 };
            let others = names.iter().filter(|&&cluster| cluster != clusters[i]);
            let b = others.filter_map(|&cluster| mean(i, cluster)).fold(f64::INFINITY, f64::min);
            if a.max(b) == 0.0 { 0.0 } else { (b - a) / a.max(b) }
        };
        (0..x.nrows()).map(of_point).collect()
    }

    /// Points on a curve in `d` dimensions, some of them equal.
    fn curve(n: usize, d: usize) -> Array2<f64> {
        Array2::from_shape_fn((n, d), |(i, j)| ((i % 97) as f64 * 0.37 + j as f64).sin() * (1 + j) as f64)
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            clusters in prop::collection::vec(0_u32..4, 2..40),
            d in 0_usize..4,
            seed in 0_u64..1000,
        ) {
            prop_assume!(clusters.iter().any(|&cluster| cluster != clusters[0]));
            let clusters = Array1::from(clusters);
            let x = Array2::from_shape_fn((clusters.len(), d), |(i, j)| {
                (split_mix(seed, (i * 8 + j) as u64) % 50) as f64 / 7.0
            });
            let got = silhouette_samples(x.view(), clusters.view()).expect("valid");
            for (got, expected) in got.iter().zip(naive(&x, &clusters)) {
                prop_assert!((got - expected).abs() < 1e-12, "{got} {expected}");
            }
        }
    }

    #[test]
    fn blocks_do_not_show() {
        // Clusters of more than one block, of one block exactly, and of one point.
        for d in [3, 80] {
            let x = curve(700, d);
            let clusters = Array1::from_iter((0..700).map(|i| match i {
                0 => 9,
                1..=256 => 4,
                _ => 2,
            }));
            let got = silhouette_samples(x.view(), clusters.view()).expect("valid");
            for (got, expected) in got.iter().zip(naive(&x, &clusters)) {
                assert_abs_diff_eq!(*got, expected, epsilon = 1e-12);
            }
            assert_eq!(got[0], 0.0);
        }
    }

    #[test]
    fn a_sample_is_scored_against_all_points() {
        let x = curve(500, 2);
        let clusters = Array1::from_iter((0..500).map(|i| i % 3));
        let all = silhouette_samples(x.view(), clusters.view()).expect("valid");
        let options = SilhouetteOptions { max_points: 50, seed: 7 };
        let got = silhouette(x.view(), clusters.view(), &options).expect("valid");
        let expected = sample(500, 50, 7).iter().map(|&i| all[i]).sum::<f64>() / 50.0;
        assert_eq!(got.n_scored, 50);
        assert_abs_diff_eq!(got.mean, expected, epsilon = 1e-14);
        let exact = silhouette(x.view(), clusters.view(), &SilhouetteOptions::default()).expect("valid");
        assert_abs_diff_eq!(exact.mean, all.sum() / 500.0, epsilon = 1e-14);
    }

    #[test]
    fn samples_are_distinct_reproducible_and_even() {
        let chosen = sample(1000, 100, 3);
        assert_eq!(chosen, sample(1000, 100, 3));
        assert_ne!(chosen, sample(1000, 100, 4));
        assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(sample(5, 5, 0), [0, 1, 2, 3, 4]);
        let mut hits = [0_u32; 10];
        (0..2000).flat_map(|seed| sample(10, 3, seed)).for_each(|point| hits[point] += 1);
        // Binomial(2000, 0.3): 600 with a standard deviation of 20.
        assert!(hits.iter().all(|&hit| (500..700).contains(&hit)), "{hits:?}");
    }

    #[test]
    fn far_from_the_origin_nothing_is_lost() {
        let near = array![[0.0], [1.0], [10.0], [11.0]];
        let far = near.mapv(|v| v + 1e8);
        let clusters = array![0, 0, 1, 1];
        assert_eq!(
            silhouette_samples(near.view(), clusters.view()),
            silhouette_samples(far.view(), clusters.view())
        );
    }

    #[test]
    fn strided_views_and_f32_are_read_as_they_are() {
        let wide = array![[0.0_f32, 7.0, 1.0], [3.0, 7.0, 1.5], [8.0, 7.0, 2.0], [9.0, 7.0, 4.0]];
        let strided = wide.slice(s![.., ..;2]);
        let plain = strided.mapv(f64::from);
        let clusters = array![0, 0, 1, 1];
        assert_eq!(
            silhouette_samples(strided, clusters.view()),
            silhouette_samples(plain.view(), clusters.view())
        );
    }

    #[test]
    fn bad_input_is_refused() {
        let x = array![[0.0], [f64::INFINITY]];
        assert_eq!(
            silhouette_samples(x.view(), array![0, 1].view()),
            Err(Error::NotFinite { what: "coordinate", row: 1, column: 0, value: f64::INFINITY })
        );
        let x = array![[0.0], [1.0]];
        assert_eq!(silhouette_samples(x.view(), array![3, 3].view()), Err(Error::OneCluster { cluster: 3 }));
        let error = silhouette_samples(x.view(), array![3].view()).expect_err("2 against 1");
        assert!(error.to_string().starts_with("2 points but 1 cluster labels"));
        let none = SilhouetteOptions { max_points: 0, seed: 0 };
        assert!(silhouette(x.view(), array![0, 1].view(), &none).is_err());
    }
}
