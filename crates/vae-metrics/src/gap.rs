//! The gap statistic (Tibshirani, Walther & Hastie 2001): is the data more compact than data
//! without clusters would be.

use ndarray::{Array1, ArrayView1, ArrayView2, Axis};

use crate::error::{Error, Result, check_finite, check_finite_list};

/// Gaps of K numbers of clusters and their standard errors: see [`gap_statistic`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GapStatistic {
    /// Gap of each number of clusters, `[K]`: high when the clusters are more compact than those of
    /// reference data.
    pub gap: Array1<f64>,
    /// Standard error of each gap, `[K]`: that of the simulation of the reference data.
    pub standard_error: Array1<f64>,
}

/// Gap statistic from the logarithms of the dispersions within clusters: `log_dispersion` `[K]` of
/// the data, for K consecutive numbers of clusters in ascending order, and `reference` `[B, K]` of
/// B data sets without clusters, clustered in the same way.
///
/// ```text
/// gap_k = 1/B sum_b reference_bk - log_dispersion_k
/// s_k   = sd_k sqrt(1 + 1/B)        sd_k² = 1/B sum_b (reference_bk - their mean)²
/// ```
///
/// (Tibshirani, Walther & Hastie 2001, "Estimating the number of clusters in a data set via the gap
/// statistic", section 3; the sum of squares is divided by B.) The dispersion of their equation 2
/// is that of k-means, the sum of squared distances to centroids; its logarithm is natural. The
/// reference data are uniform over the range of each feature, or of each principal component.
///
/// Time O(B K).
///
/// # Errors
///
/// [`Error::Empty`] without a number of clusters or a reference set, [`Error::WrongCount`] when the
/// rows of `reference` are not of K values, and [`Error::NotFinite`]: the logarithm of a dispersion
/// 0 is infinite, so leave out numbers of clusters that reach it.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::gap_statistic;
///
/// // From one cluster to two the data gain 3 and the reference data 0.5, to three both 0.5.
/// let data = array![4.0, 1.0, 0.5];
/// let reference = array![[4.5, 3.5, 3.0], [4.5, 4.5, 4.0]];
/// let statistic = gap_statistic(data.view(), reference.view())?;
/// assert_eq!(statistic.gap, array![0.5, 3.0, 3.0]);
/// let s = 0.5 * 1.5_f64.sqrt();
/// assert_eq!(statistic.standard_error, array![0.0, s, s]);
/// // 0.5 < 3 - s, but 3 >= 3 - s: the second number of clusters.
/// assert_eq!(statistic.chosen(), Some(1));
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn gap_statistic(
    log_dispersion: ArrayView1<'_, f64>,
    reference: ArrayView2<'_, f64>,
) -> Result<GapStatistic> {
    if log_dispersion.is_empty() {
        return Err(Error::Empty { what: "dispersions" });
    }
    if reference.nrows() == 0 {
        return Err(Error::Empty { what: "dispersions of reference data" });
    }
    if reference.ncols() != log_dispersion.len() {
        return Err(Error::WrongCount {
            what: "dispersions of each reference set",
            found: reference.ncols(),
            expected: log_dispersion.len(),
        });
    }
    check_finite_list("logarithm of a dispersion", log_dispersion)?;
    check_finite("logarithm of a reference dispersion", reference)?;
    let sets = reference.nrows() as f64;
    let mean = reference.sum_axis(Axis(0)) / sets;
    let variance = (&reference - &mean).mapv(|v| v * v).sum_axis(Axis(0)) / sets;
    let standard_error = variance.mapv(|v| (v * (1.0 + 1.0 / sets)).sqrt());
    Ok(GapStatistic { gap: mean - log_dispersion, standard_error })
}

impl GapStatistic {
    /// The position, from 0, of the number of clusters that the one-standard-error rule chooses:
    /// the smallest k with
    ///
    /// ```text
    /// gap_k >= gap_{k+1} - s_{k+1}
    /// ```
    ///
    /// None when the gap rises over all numbers given, so that there may be more clusters than
    /// were tried.
    #[must_use]
    pub fn chosen(&self) -> Option<usize> {
        (1..self.gap.len()).map(|next| next - 1).find(|&k| {
            let next = k + 1;
            self.gap[k] >= self.gap[next] - self.standard_error[next]
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;
    use crate::random::split_mix;

    #[test]
    fn agrees_with_the_sums_of_the_definition() {
        let (sets, k) = (7, 5);
        let value = |i: usize| (split_mix(3, i as u64) % 1000) as f64 / 100.0;
        let data = Array1::from_shape_fn(k, value);
        let reference = Array2::from_shape_fn((sets, k), |(b, j)| value(100 + b * k + j));
        let got = gap_statistic(data.view(), reference.view()).expect("valid");
        for j in 0..k {
            let column: Vec<f64> = (0..sets).map(|b| reference[[b, j]]).collect();
            let mean = column.iter().sum::<f64>() / 7.0;
            let gap = column.iter().map(|value| value - data[j]).sum::<f64>() / 7.0;
            let sd = (column.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 7.0).sqrt();
            assert!((got.gap[j] - gap).abs() < 1e-13);
            assert!((got.standard_error[j] - sd * (8.0_f64 / 7.0).sqrt()).abs() < 1e-13);
        }
    }

    #[test]
    fn the_smallest_within_one_standard_error_is_chosen() {
        let chosen = |gap, standard_error| GapStatistic { gap, standard_error }.chosen();
        assert_eq!(chosen(array![1.0, 2.0, 2.5, 2.4], array![0.1, 0.1, 0.5, 0.1]), Some(1));
        assert_eq!(chosen(array![1.0, 2.0, 2.5, 2.4], array![0.1, 0.1, 0.1, 0.1]), Some(2));
        assert_eq!(chosen(array![1.0, 0.5], array![0.0, 0.0]), Some(0));
        assert_eq!(chosen(array![1.0, 2.0, 3.0], array![0.1, 0.1, 0.1]), None);
        assert_eq!(chosen(array![1.0], array![0.1]), None);
    }

    #[test]
    fn one_reference_set_has_no_spread() {
        let got = gap_statistic(array![1.0].view(), array![[3.0]].view()).expect("valid");
        assert_eq!((got.gap, got.standard_error), (array![2.0], array![0.0]));
    }

    #[test]
    fn bad_input_is_refused() {
        let one = array![[1.0]];
        let gap = |data: Array1<f64>, reference: &Array2<f64>| gap_statistic(data.view(), reference.view());
        assert_eq!(gap(array![], &one), Err(Error::Empty { what: "dispersions" }));
        let none = Array2::zeros((0, 1));
        assert_eq!(gap(array![1.0], &none), Err(Error::Empty { what: "dispersions of reference data" }));
        assert!(matches!(gap(array![1.0, 2.0], &one), Err(Error::WrongCount { found: 1, expected: 2, .. })));
        assert!(matches!(gap(array![f64::NEG_INFINITY], &one), Err(Error::NotFinite { row: 0, .. })));
        assert!(matches!(gap(array![1.0], &array![[f64::NAN]]), Err(Error::NotFinite { row: 0, .. })));
    }
}
