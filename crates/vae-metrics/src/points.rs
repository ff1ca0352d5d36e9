//! Points with a cluster each: the checks and the centroids that scores of dense data share.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::error::{Error, Result, check_finite, check_lengths};

/// Checks the points `x` `[n, d]` and their `clusters` `[n]`; returns the points ordered by
/// cluster. There must be two clusters or more.
pub(crate) fn points_by_cluster<T: Copy + Into<f64>>(
    x: ArrayView2<'_, T>,
    clusters: ArrayView1<'_, u32>,
) -> Result<Vec<usize>> {
    check_lengths(("points", x.nrows()), ("cluster labels", clusters.len()))?;
    check_finite("coordinate", x)?;
    let mut order: Vec<usize> = (0..clusters.len()).collect();
    order.sort_by_key(|&point| clusters[point]);
    let (first, last) = (clusters[order[0]], clusters[order[order.len() - 1]]);
    if first == last {
        return Err(Error::OneCluster { cluster: first });
    }
    Ok(order)
}

/// The clusters of a set of points, ascending by their values.
///
/// Coordinates are relative to the first point, so that a common offset costs no digits.
pub(crate) struct Groups {
    /// The first point, `[d]`.
    origin: Array1<f64>,
    /// The points of each cluster.
    pub members: Vec<Vec<usize>>,
    /// The mean of each cluster, `[k, d]`, minus the origin.
    pub centroids: Array2<f64>,
}

impl Groups {
    /// Groups the points `x` `[n, d]` by `clusters` `[n]`: two clusters or more, and more points
    /// than clusters, since single points have no dispersion.
    pub(crate) fn new<T: Copy + Into<f64>>(
        x: ArrayView2<'_, T>,
        clusters: ArrayView1<'_, u32>,
    ) -> Result<Self> {
        let order = points_by_cluster(x, clusters)?;
        let runs = order.chunk_by(|&left, &right| clusters[left] == clusters[right]);
        let members: Vec<Vec<usize>> = runs.map(<[usize]>::to_vec).collect();
        let k = members.len();
        if k == x.nrows() {
            let what = "points, each a cluster of its own";
            return Err(Error::TooFew { what, found: k, needed: k + 1 });
        }
        let origin = x.row(0).mapv(Into::into);
        let mut centroids = Array2::zeros((k, x.ncols()));
        for (mut centroid, members) in centroids.rows_mut().into_iter().zip(&members) {
            centroid.assign(&mean(x, members, &origin));
        }
        Ok(Self { origin, members, centroids })
    }

    /// The mean of all points `x` `[n, d]`, minus the origin.
    pub(crate) fn centre<T: Copy + Into<f64>>(&self, x: ArrayView2<'_, T>) -> Array1<f64> {
        let all: Vec<usize> = (0..x.nrows()).collect();
        mean(x, &all, &self.origin)
    }

    /// Squared Euclidean distance of each point of a cluster to its centroid.
    pub(crate) fn to_centroid<T: Copy + Into<f64>>(
        &self,
        x: ArrayView2<'_, T>,
        cluster: usize,
    ) -> impl Iterator<Item = f64> {
        self.members[cluster].iter().map(move |&member| {
            let row = x.row(member);
            let shifted = row.iter().zip(&self.origin).map(|(&value, &origin)| value.into() - origin);
            shifted.zip(self.centroids.row(cluster)).map(|(value, mean)| (value - mean).powi(2)).sum()
        })
    }
}

/// The mean `[d]` of some points of `x` `[n, d]`, of which there is at least one, minus `origin`.
///
/// It is taken of the differences from the first of them: equal points are exactly their mean.
fn mean<T: Copy + Into<f64>>(x: ArrayView2<'_, T>, members: &[usize], origin: &Array1<f64>) -> Array1<f64> {
    let first: Array1<f64> = x.row(members[0]).mapv(Into::into);
    let mut sum = Array1::<f64>::zeros(x.ncols());
    for &member in members {
        for ((sum, &value), &first) in sum.iter_mut().zip(x.row(member)).zip(&first) {
            *sum += value.into() - first;
        }
    }
    first - origin + sum / members.len() as f64
}

/// Squared Euclidean distance of two centroids `[d]`.
pub(crate) fn squared_distance(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn groups_are_ascending_and_their_centroids_are_means() {
        let x = array![[4.0_f32, 0.0], [0.0, 1.0], [6.0, 3.0]];
        let groups = Groups::new(x.view(), array![9, 2, 9].view()).expect("valid");
        assert_eq!(groups.members, [vec![1], vec![0, 2]]);
        assert_eq!(groups.origin, array![4.0, 0.0]);
        assert_eq!(groups.centroids, array![[-4.0, 1.0], [1.0, 1.5]]);
        assert_eq!(groups.to_centroid(x.view(), 0).collect::<Vec<_>>(), [0.0]);
        assert_eq!(groups.to_centroid(x.view(), 1).collect::<Vec<_>>(), [3.25, 3.25]);
    }

    #[test]
    fn equal_points_are_their_own_mean() {
        let x = array![[0.3], [0.1], [0.1], [0.1]];
        let groups = Groups::new(x.view(), array![0, 1, 1, 1].view()).expect("valid");
        assert_eq!(groups.to_centroid(x.view(), 1).sum::<f64>(), 0.0);
        let one_place = Array2::from_elem((3, 1), 0.1);
        let groups = Groups::new(one_place.view(), array![0, 0, 1].view()).expect("valid");
        assert_eq!((groups.centre(one_place.view()), groups.centroids), (array![0.0], array![[0.0], [0.0]]));
    }

    #[test]
    fn bad_input_is_refused() {
        let x = array![[0.0], [1.0]];
        let groups = |clusters: Array1<u32>| Groups::new(x.view(), clusters.view()).err();
        assert_eq!(groups(array![7, 7]), Some(Error::OneCluster { cluster: 7 }));
        let what = "points, each a cluster of its own";
        assert_eq!(groups(array![0, 1]), Some(Error::TooFew { what, found: 2, needed: 3 }));
        assert!(matches!(groups(array![0]), Some(Error::LengthMismatch { left: 2, right: 1, .. })));
        let none = Groups::new(Array2::<f64>::zeros((0, 2)).view(), Array1::zeros(0).view()).err();
        assert_eq!(none, Some(Error::Empty { what: "points" }));
        let nan = Groups::new(array![[0.0], [f64::NAN]].view(), array![0, 1].view()).err();
        assert!(matches!(nan, Some(Error::NotFinite { what: "coordinate", row: 1, column: 0, .. })));
    }
}
