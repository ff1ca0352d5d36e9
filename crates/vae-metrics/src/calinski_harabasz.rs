//! Calinski-Harabasz index: the dispersion between clusters over the dispersion within them.

use ndarray::{ArrayView1, ArrayView2};

use crate::error::Result;
use crate::points::{Groups, squared_distance};

/// Calinski-Harabasz index of the points `x` `[n, d]` in `clusters` `[n]`, Euclidean: 0 or more,
/// high when clusters are compact and far apart.
///
/// With the centroids `c_j` of `k` clusters of sizes `n_j`, and the mean `c` of all points:
///
/// ```text
/// CH = [ B / (k - 1) ] / [ W / (n - k) ]
/// B = sum_j n_j |c_j - c|²        W = sum_i |x_i - c_{cluster of i}|²
/// ```
///
/// Both are sums over points and coordinates (Calinski & Harabasz 1974, "A dendrite method for
/// cluster analysis", the variance ratio criterion). It has no upper bound and depends on the data:
/// compare it between clusterings of the same points in the same space only. It favours round
/// clusters.
///
/// Where all points lie on their centroids the index is infinite, and 0 where these centroids are
/// equal too; scikit-learn returns 1 in both cases. Clusters of one point count. Time O(n d).
///
/// # Errors
///
/// [`Error::LengthMismatch`](crate::Error::LengthMismatch), [`Error::Empty`](crate::Error::Empty),
/// [`Error::NotFinite`](crate::Error::NotFinite),
/// [`Error::OneCluster`](crate::Error::OneCluster), and
/// [`Error::TooFew`](crate::Error::TooFew) when every point is a cluster of its own.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let x = array![[0.0_f32], [2.0], [10.0], [12.0]];
/// // B = 4 * 5², W = 4 * 1², n - k = 2.
/// let score = vae_metrics::calinski_harabasz(x.view(), array![0, 0, 1, 1].view())?;
/// assert_eq!(score, 50.0);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn calinski_harabasz<T>(x: ArrayView2<'_, T>, clusters: ArrayView1<'_, u32>) -> Result<f64>
where
    T: Copy + Into<f64>,
{
    let groups = Groups::new(x, clusters)?;
    let centre = groups.centre(x);
    let (mut between, mut within) = (0.0, 0.0);
    for (cluster, members) in groups.members.iter().enumerate() {
        between += members.len() as f64 * squared_distance(groups.centroids.row(cluster), centre.view());
        within += groups.to_centroid(x, cluster).sum::<f64>();
    }
    if between == 0.0 {
        return Ok(0.0);
    }
    let k = groups.members.len();
    Ok(between / (k - 1) as f64 / (within / (x.nrows() - k) as f64))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, array};
    use proptest::prelude::*;

    use super::*;
    use crate::Error;
    use crate::random::split_mix;

    /// From pairs of points, without centroids: the squared distances of all ordered pairs of m
    /// points sum to 2 m times their dispersion.
    fn by_all_pairs(x: &Array2<f64>, clusters: &Array1<u32>) -> f64 {
        let n = x.nrows();
        let dispersion = |keep: &dyn Fn(usize) -> bool| {
            let members: Vec<usize> = (0..n).filter(|&i| keep(i)).collect();
            let mut sum = 0.0;
            for &i in &members {
                for &j in &members {
                    sum += (&x.row(i) - &x.row(j)).mapv(|v| v * v).sum();
                }
            }
            sum / (2.0 * members.len() as f64)
        };
        let mut names = clusters.to_vec();
        names.sort_unstable();
        names.dedup();
        let within: f64 = names.iter().map(|&name| dispersion(&|i| clusters[i] == name)).sum();
        let between = dispersion(&|_| true) - within;
        between / (names.len() - 1) as f64 / (within / (n - names.len()) as f64)
    }

    proptest! {
        #[test]
        fn agrees_with_the_sum_over_pairs(
            clusters in prop::collection::vec(0_u32..4, 6..40),
            d in 1_usize..4,
            seed in 0_u64..1000,
        ) {
            prop_assume!(clusters.iter().any(|&cluster| cluster != clusters[0]));
            let clusters = Array1::from(clusters);
            let x = Array2::from_shape_fn((clusters.len(), d), |(i, j)| {
                (split_mix(seed, (i * 8 + j) as u64) % 5000) as f64 / 700.0
            });
            let got = calinski_harabasz(x.view(), clusters.view()).expect("valid");
            let expected = by_all_pairs(&x, &clusters);
            prop_assert!((got - expected).abs() <= 1e-9 * (1.0 + expected), "{got} {expected}");
        }
    }

    #[test]
    fn names_do_not_matter_and_a_single_point_is_a_cluster() {
        let x = array![[0.0, 0.0], [2.0, 0.0], [7.0, 3.0]];
        let score = |clusters: Array1<u32>| calinski_harabasz(x.view(), clusters.view()).expect("valid");
        // c = (3, 1), B = 2 * 5 + 20, W = 2, n - k = 1.
        assert_eq!(score(array![0, 0, 1]), 15.0);
        assert_eq!(score(array![u32::MAX, u32::MAX, 5]), 15.0);
    }

    #[test]
    fn far_from_the_origin_nothing_is_lost() {
        let x = array![[0.0], [2.0], [5.0], [10.0], [14.0]];
        let far = x.mapv(|v| v + 1e8);
        let clusters = array![0, 0, 1, 1, 1];
        let score = |x: &Array2<f64>| calinski_harabasz(x.view(), clusters.view());
        assert_eq!(score(&x), score(&far));
    }

    #[test]
    fn identical_points() {
        let x = array![[0.1], [0.1], [0.1], [0.7], [0.7]];
        let apart = calinski_harabasz(x.view(), array![0, 0, 0, 1, 1].view());
        assert_eq!(apart, Ok(f64::INFINITY));
        let one_place = Array2::from_elem((7, 2), 0.1);
        let clusters = array![0, 1, 2, 0, 1, 2, 0];
        assert_eq!(calinski_harabasz(one_place.view(), clusters.view()), Ok(0.0));
    }

    #[test]
    fn bad_input_is_refused() {
        let x = array![[0.0], [f64::NAN], [1.0]];
        let error = calinski_harabasz(x.view(), array![0, 1, 1].view());
        assert!(matches!(error, Err(Error::NotFinite { row: 1, .. })));
        let x = array![[0.0], [1.0]];
        assert!(matches!(calinski_harabasz(x.view(), array![0, 1].view()), Err(Error::TooFew { .. })));
    }
}
