//! Davies-Bouldin index: how much each cluster overlaps the one it is most like.

use ndarray::{ArrayView1, ArrayView2};

use crate::error::Result;
use crate::points::{Groups, squared_distance};

/// Davies-Bouldin index of the points `x` `[n, d]` in `clusters` `[n]`, Euclidean: 0 or more, low
/// when clusters are compact and far apart.
///
/// With the centroids `c_i` of `k` clusters, and `S_i` the mean distance of a cluster's points to
/// its centroid:
///
/// ```text
/// DB = 1/k sum_i max_{j != i} (S_i + S_j) / |c_i - c_j|
/// ```
///
/// A mean over clusters, whatever their sizes (Davies & Bouldin 1979, "A cluster separation
/// measure", with p = 2 and q = 1). It does not depend on the scale of the data, but on the space:
/// compare it in one space only.
///
/// Clusters whose centroids are equal are not apart at all, and the index is infinite; scikit-learn
/// leaves such pairs out. A cluster of one point has `S` 0. Time O(n d + k² d).
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
/// // S = 1 for both clusters, and the centroids are 10 apart.
/// let score = vae_metrics::davies_bouldin(x.view(), array![0, 0, 1, 1].view())?;
/// assert_eq!(score, 0.2);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn davies_bouldin<T>(x: ArrayView2<'_, T>, clusters: ArrayView1<'_, u32>) -> Result<f64>
where
    T: Copy + Into<f64>,
{
    let groups = Groups::new(x, clusters)?;
    let centroids = &groups.centroids;
    let spread = |(cluster, members): (usize, &Vec<usize>)| {
        groups.to_centroid(x, cluster).map(f64::sqrt).sum::<f64>() / members.len() as f64
    };
    let spreads: Vec<f64> = groups.members.iter().enumerate().map(spread).collect();
    let k = spreads.len();
    let mut worst = vec![0.0_f64; k];
    for i in 0..k {
        for j in 0..i {
            let apart = squared_distance(centroids.row(i), centroids.row(j)).sqrt();
            let overlap = if apart > 0.0 { (spreads[i] + spreads[j]) / apart } else { f64::INFINITY };
            worst[i] = worst[i].max(overlap);
            worst[j] = worst[j].max(overlap);
        }
    }
    Ok(worst.iter().sum::<f64>() / k as f64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ndarray::{Array1, Array2, Axis, array};
    use proptest::prelude::*;

    use super::*;
    use crate::Error;
    use crate::random::split_mix;

    /// The definition, with everything computed anew for every pair of clusters.
    fn naive(x: &Array2<f64>, clusters: &Array1<u32>) -> f64 {
        let names: BTreeSet<u32> = clusters.iter().copied().collect();
        let of = |name: u32| {
            let members: Vec<usize> = (0..x.nrows()).filter(|&i| clusters[i] == name).collect();
            x.select(Axis(0), &members)
        };
        let norm = |v: Array1<f64>| v.mapv(|v| v * v).sum().sqrt();
        let centroid = |name: u32| of(name).mean_axis(Axis(0)).expect("not empty");
        let spread = |name: u32| {
            let distances = of(name).rows().into_iter().map(|row| norm(&row - &centroid(name))).sum::<f64>();
            distances / of(name).nrows() as f64
        };
        let worst = |i: u32| {
            let others = names.iter().filter(|&&j| j != i);
            others.map(|&j| (spread(i) + spread(j)) / norm(centroid(i) - centroid(j))).fold(0.0, f64::max)
        };
        names.iter().map(|&i| worst(i)).sum::<f64>() / names.len() as f64
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            clusters in prop::collection::vec(0_u32..4, 6..40),
            d in 1_usize..4,
            seed in 0_u64..1000,
        ) {
            prop_assume!(clusters.iter().any(|&cluster| cluster != clusters[0]));
            let clusters = Array1::from(clusters);
            let x = Array2::from_shape_fn((clusters.len(), d), |(i, j)| {
                (split_mix(seed, (i * 8 + j) as u64) % (1 << 40)) as f64 / 7e10
            });
            let got = davies_bouldin(x.view(), clusters.view()).expect("valid");
            let expected = naive(&x, &clusters);
            prop_assert!((got - expected).abs() <= 1e-6 * (1.0 + expected), "{got} {expected}");
        }
    }

    #[test]
    fn three_clusters_one_of_them_a_point() {
        let x = array![[0.0], [2.0], [5.0], [10.0], [14.0]];
        // S = 1, 0, 2; centroids 1, 5, 12: overlaps 1/4, 3/11, 2/7.
        let expected = (3.0 / 11.0 + 2.0 / 7.0 + 2.0 / 7.0) / 3.0;
        let got = davies_bouldin(x.view(), array![4, 4, 9, 0, 0].view()).expect("valid");
        assert!((got - expected).abs() < 1e-15, "{got} {expected}");
    }

    #[test]
    fn scale_and_offset_do_not_matter() {
        let x = array![[0.0], [2.0], [5.0], [10.0], [14.0]];
        let clusters = array![0, 0, 1, 1, 1];
        let moved = x.mapv(|v| 4.0 * v + 1e8);
        assert_eq!(davies_bouldin(x.view(), clusters.view()), davies_bouldin(moved.view(), clusters.view()));
    }

    #[test]
    fn identical_points() {
        let x = array![[0.1], [0.1], [0.1], [0.7], [0.7]];
        assert_eq!(davies_bouldin(x.view(), array![0, 0, 0, 1, 1].view()), Ok(0.0));
        let one_place = Array2::from_elem((5, 2), 0.1);
        assert_eq!(davies_bouldin(one_place.view(), array![0, 1, 0, 1, 1].view()), Ok(f64::INFINITY));
    }

    #[test]
    fn bad_input_is_refused() {
        let x = array![[0.0], [f64::INFINITY], [1.0]];
        let error = davies_bouldin(x.view(), array![0, 1, 1].view());
        assert!(matches!(error, Err(Error::NotFinite { row: 1, .. })));
        let x = array![[0.0], [1.0]];
        assert_eq!(davies_bouldin(x.view(), array![3, 3].view()), Err(Error::OneCluster { cluster: 3 }));
    }
}
