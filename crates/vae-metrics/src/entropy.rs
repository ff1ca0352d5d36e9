//! How sure the assignments are, and how even the clusters.

use ndarray::{Array1, ArrayView1, ArrayView2};

use crate::error::{Error, Result};
use crate::label_map::check_posteriors;

/// Mean entropy of the rows of the posteriors `gamma` `[n, k]`, in nats: 0 when every point is in
/// one cluster for sure, up to `ln k` when none is in any.
///
/// ```text
/// 1/n sum_i H(gamma_i)        H(p) = -sum_j p_j ln p_j
/// ```
///
/// A mean over points of sums over clusters, each row divided by its sum first. Low says that the
/// model is sure, not that it is right: posteriors of points in many dimensions are nearly always
/// sure. The entropy of the shares ([`Shares::entropy`]) minus this is the mutual information of
/// points and clusters that discriminative clustering maximises (Bridle, Heading & MacKay 1991,
/// "Unsupervised classifiers, mutual information and 'phantom targets'"; Hu et al. 2017, arXiv
/// 1702.08720).
///
/// Time O(n k).
///
/// # Errors
///
/// [`Error::Empty`], [`Error::NotFinite`], [`Error::Negative`], and [`Error::NotNormalised`] for a
/// row that does not sum to 1 within 0.001.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let gamma = array![[1.0, 0.0], [0.5, 0.5]];
/// assert_eq!(vae_metrics::mean_entropy(gamma.view())?, 2.0_f64.ln() / 2.0);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn mean_entropy<T>(gamma: ArrayView2<'_, T>) -> Result<f64>
where
    T: Copy + Into<f64>,
{
    check_posteriors(gamma)?;
    let sum: f64 = gamma.rows().into_iter().map(|row| entropy(normalised(row).into_iter())).sum();
    Ok(sum / gamma.nrows() as f64)
}

/// The share of the points that each of `k` clusters has.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::Shares;
///
/// // Cluster 2 is not used.
/// let shares = Shares::of_labels(array![0, 1, 1, 0].view(), 3)?;
/// assert_eq!(shares.values(), [0.5, 0.5, 0.0]);
/// assert_eq!(shares.entropy(), 2.0_f64.ln());
/// assert_eq!((shares.smallest(), shares.largest()), (0.0, 0.5));
///
/// let shares = Shares::of_posteriors(array![[1.0, 0.0], [0.5, 0.5]].view())?;
/// assert_eq!(shares.values(), [0.75, 0.25]);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    values: Vec<f64>,
}

impl Shares {
    /// Shares of the clusters `0..n_clusters` in the labels `clusters` `[n]`, unused clusters
    /// included.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`] without a point, and [`Error::LabelOutOfRange`].
    pub fn of_labels(clusters: ArrayView1<'_, u32>, n_clusters: usize) -> Result<Self> {
        if clusters.is_empty() {
            return Err(Error::Empty { what: "cluster labels" });
        }
        let mut counts = vec![0_u64; n_clusters];
        for (point, &label) in clusters.iter().enumerate() {
            let out_of_range = Error::LabelOutOfRange { point, label, n_clusters };
            *counts.get_mut(label as usize).ok_or(out_of_range)? += 1;
        }
        let n = clusters.len() as f64;
        Ok(Self { values: counts.into_iter().map(|count| count as f64 / n).collect() })
    }

    /// Shares of the columns of the posteriors `gamma` `[n, k]`: means over points, each row
    /// divided by its sum first.
    ///
    /// # Errors
    ///
    /// Those of [`mean_entropy`].
    pub fn of_posteriors<T: Copy + Into<f64>>(gamma: ArrayView2<'_, T>) -> Result<Self> {
        check_posteriors(gamma)?;
        let mut sums = Array1::<f64>::zeros(gamma.ncols());
        gamma.rows().into_iter().for_each(|row| sums += &normalised(row));
        Ok(Self { values: (sums / gamma.nrows() as f64).to_vec() })
    }

    /// The shares, `[k]`: they sum to 1.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Entropy of the shares in nats: 0 when one cluster has all points, `ln k` when the clusters
    /// are of one size. Its exponential is an effective number of clusters.
    #[must_use]
    pub fn entropy(&self) -> f64 {
        entropy(self.values.iter().copied())
    }

    /// The smallest share, in `[0, 1/k]`: 0 when a cluster is not used.
    #[must_use]
    pub fn smallest(&self) -> f64 {
        self.values.iter().copied().fold(1.0, f64::min)
    }

    /// The largest share, in `[1/k, 1]`: 1 when one cluster has all points.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.values.iter().copied().fold(0.0, f64::max)
    }
}

/// `-sum p ln p`, where 0 ln 0 is 0.
fn entropy(p: impl Iterator<Item = f64>) -> f64 {
    let sum: f64 = p.filter(|&p| p > 0.0).map(|p| p * p.ln()).sum();
    // Not -0, and not below it where a share rounds to more than 1.
    (0.0 - sum).max(0.0)
}

/// A row of posteriors divided by its sum.
fn normalised<T: Copy + Into<f64>>(row: ArrayView1<'_, T>) -> Array1<f64> {
    let row = row.mapv(Into::into);
    let sum = row.sum();
    row / sum
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_the_definition(weights in prop::collection::vec((1_u32..100, 1_u32..100, 1_u32..100), 1..30)) {
            let mut gamma = Array2::zeros((weights.len(), 3));
            for (i, &(a, b, c)) in weights.iter().enumerate() {
                let sum = f64::from(a + b + c);
                gamma.row_mut(i).assign(&array![f64::from(a) / sum, f64::from(b) / sum, f64::from(c) / sum]);
            }
            let n = weights.len() as f64;
            let expected = -gamma.iter().map(|p| p * p.ln()).sum::<f64>() / n;
            let mean = mean_entropy(gamma.view()).expect("valid");
            prop_assert!((mean - expected).abs() < 1e-12);
            let shares = Shares::of_posteriors(gamma.view()).expect("valid");
            for (j, share) in shares.values().iter().enumerate() {
                prop_assert!((share - gamma.column(j).sum() / n).abs() < 1e-12);
            }
            // The mutual information of points and clusters.
            prop_assert!(shares.entropy() >= mean - 1e-12 && shares.entropy() <= 3_f64.ln() + 1e-12);
            prop_assert!(shares.smallest() <= 1.0 / 3.0 + 1e-12 && shares.largest() >= 1.0 / 3.0 - 1e-12);
        }
    }

    #[test]
    fn sure_assignments_have_no_entropy() {
        let gamma = array![[0.0_f32, 1.0], [1.0, 0.0]];
        assert_eq!(mean_entropy(gamma.view()).map(f64::to_bits), Ok(0));
        assert_eq!(mean_entropy(array![[1.0], [1.0]].view()), Ok(0.0));
        // Within the tolerance of 16-bit floats.
        assert_eq!(mean_entropy(array![[1.0005, 0.0]].view()), Ok(0.0));
        let one = Shares::of_labels(array![0].view(), 1).expect("valid");
        assert_eq!((one.entropy(), one.smallest(), one.largest()), (0.0, 1.0, 1.0));
    }

    #[test]
    fn labels_and_sure_posteriors_have_the_same_shares() {
        let labels = array![2, 0, 2, 2];
        let gamma = Array2::from_shape_fn((4, 4), |(i, j)| f64::from(u8::from(labels[i] == j as u32)));
        assert_eq!(Shares::of_labels(labels.view(), 4), Shares::of_posteriors(gamma.view()));
    }

    #[test]
    fn bad_input_is_refused() {
        let none = Array2::<f64>::zeros((0, 3));
        assert_eq!(mean_entropy(none.view()), Err(Error::Empty { what: "rows of soft assignments" }));
        assert!(matches!(mean_entropy(array![[f64::NAN, 1.0]].view()), Err(Error::NotFinite { .. })));
        assert!(matches!(mean_entropy(array![[1.5, -0.5]].view()), Err(Error::Negative { .. })));
        let logits = Shares::of_posteriors(array![[2.0, 3.0]].view());
        assert_eq!(logits, Err(Error::NotNormalised { row: 0, sum: 5.0 }));
        let error = Shares::of_labels(array![0, 3].view(), 3);
        assert_eq!(error, Err(Error::LabelOutOfRange { point: 1, label: 3, n_clusters: 3 }));
        let error = Shares::of_labels(Array1::zeros(0).view(), 3);
        assert_eq!(error, Err(Error::Empty { what: "cluster labels" }));
    }
}
