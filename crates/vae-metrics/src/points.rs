//! Points with a cluster each: the checks that scores of dense data share.

use ndarray::{ArrayView1, ArrayView2};

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
