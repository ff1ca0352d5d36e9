//! Agreement of several clusterings of the same points with each other: the stability of a method
//! over its runs.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::contingency::Contingency;
use crate::error::{Error, Result};
use crate::information::Average;

/// Agreement of every pair of `R` clusterings: see [`agreement()`].
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    ari: Array2<f64>,
    nmi: Array2<f64>,
}

/// Agreement of all pairs of `runs`, the labels `[n]` of the same points by R clusterings: the
/// adjusted Rand index and the normalised mutual information (arithmetic mean) of each pair.
///
/// High means that runs from other seeds, starts or samples find the same clusters. It does not say
/// that the clusters are right: one cluster for everything is found every time. The numbers of
/// clusters may differ. Mean pairwise agreement as a criterion goes back to Ben-Hur, Elisseeff &
/// Guyon 2002, "A stability based method for discovering structure in clustered data"; von Luxburg
/// 2010, arXiv 1007.1075, is a survey.
///
/// Time O(R² n), memory O(R² + n).
///
/// # Errors
///
/// [`Error::TooFew`] for fewer than two runs, [`Error::LengthMismatch`] when runs differ in length,
/// and [`Error::Empty`].
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::agreement;
///
/// // The second run has other names, the third other clusters.
/// let (a, b, c) = (array![0, 0, 1, 1], array![7, 7, 3, 3], array![0, 1, 0, 1]);
/// let agreement = agreement(&[a.view(), b.view(), c.view()])?;
/// assert_eq!(agreement.ari(), array![[1.0, 1.0, -0.5], [1.0, 1.0, -0.5], [-0.5, -0.5, 1.0]]);
/// assert_eq!(agreement.mean_ari(), 0.0);
/// assert_eq!(agreement.mean_nmi(), 1.0 / 3.0);
/// assert_eq!(agreement.mean_ari_to_others(), array![0.25, 0.25, -0.5]);
/// assert_eq!(agreement.medoid(), 0);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn agreement(runs: &[ArrayView1<'_, u32>]) -> Result<Agreement> {
    if runs.len() < 2 {
        return Err(Error::TooFew { what: "runs", found: runs.len(), needed: 2 });
    }
    check_runs(runs)?;
    let mut ari = Array2::eye(runs.len());
    let mut nmi = Array2::eye(runs.len());
    for i in 0..runs.len() {
        for j in 0..i {
            let table = Contingency::new(runs[i], runs[j])?;
            let (a, b) = (table.ari(), table.nmi(Average::Arithmetic));
            (ari[[i, j]], ari[[j, i]]) = (a, a);
            (nmi[[i, j]], nmi[[j, i]]) = (b, b);
        }
    }
    Ok(Agreement { ari, nmi })
}

/// Checks that all runs label the same, positive number of points.
pub(crate) fn check_runs(runs: &[ArrayView1<'_, u32>]) -> Result<()> {
    let n = runs.first().map_or(0, ArrayView1::len);
    if n == 0 {
        return Err(Error::Empty { what: "labels of the first run" });
    }
    match runs.iter().find(|run| run.len() != n) {
        None => Ok(()),
        Some(run) => Err(Error::LengthMismatch {
            left_name: "labels of the first run",
            left: n,
            right_name: "labels of another run",
            right: run.len(),
        }),
    }
}

impl Agreement {
    /// Adjusted Rand index of every pair, `[R, R]`: symmetric, ones on the diagonal.
    #[must_use]
    pub fn ari(&self) -> ArrayView2<'_, f64> {
        self.ari.view()
    }

    /// Normalised mutual information of every pair, `[R, R]`: symmetric, ones on the diagonal.
    #[must_use]
    pub fn nmi(&self) -> ArrayView2<'_, f64> {
        self.nmi.view()
    }

    /// Mean adjusted Rand index over the pairs of different runs, in `[-0.5, 1]`.
    #[must_use]
    pub fn mean_ari(&self) -> f64 {
        mean_of_pairs(&self.ari)
    }

    /// Mean normalised mutual information over the pairs of different runs, in `[0, 1]`.
    #[must_use]
    pub fn mean_nmi(&self) -> f64 {
        mean_of_pairs(&self.nmi)
    }

    /// Mean adjusted Rand index of each run to all others, `[R]`.
    #[must_use]
    pub fn mean_ari_to_others(&self) -> Array1<f64> {
        let others = (self.ari.nrows() - 1) as f64;
        let of_run = |run: usize| {
            let row = self.ari.row(run);
            let sum: f64 =
                row.iter().enumerate().filter(|&(other, _)| other != run).map(|(_, ari)| ari).sum();
            sum / others
        };
        Array1::from_iter((0..self.ari.nrows()).map(of_run))
    }

    /// The run with the highest mean adjusted Rand index to all others, the first of several.
    #[must_use]
    pub fn medoid(&self) -> usize {
        let means = self.mean_ari_to_others();
        (1..means.len()).fold(0, |best, run| if means[run] > means[best] { run } else { best })
    }
}

/// Mean over the entries below the diagonal.
fn mean_of_pairs(matrix: &Array2<f64>) -> f64 {
    let n = matrix.nrows();
    let sum: f64 = (0..n).flat_map(|i| (0..i).map(move |j| matrix[[i, j]])).sum();
    sum / (n * (n - 1) / 2) as f64
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;
    use crate::{ari, nmi};

    fn views(runs: &[Array1<u32>]) -> Vec<ArrayView1<'_, u32>> {
        runs.iter().map(Array1::view).collect()
    }

    proptest! {
        #[test]
        fn agrees_with_one_pair_after_another(
            runs in prop::collection::vec(prop::collection::vec(0_u32..4, 12), 2..6),
        ) {
            let runs: Vec<Array1<u32>> = runs.into_iter().map(Array1::from).collect();
            let got = agreement(&views(&runs)).expect("valid");
            let (mut sum_ari, mut sum_nmi, mut pairs) = (0.0, 0.0, 0.0);
            for (i, a) in runs.iter().enumerate() {
                for (j, b) in runs.iter().enumerate() {
                    let expected = ari(a.view(), b.view()).expect("valid");
                    let information = nmi(a.view(), b.view(), Average::Arithmetic).expect("valid");
                    prop_assert!((got.ari()[[i, j]] - expected).abs() < 1e-12);
                    prop_assert!((got.nmi()[[i, j]] - information).abs() < 1e-12);
                    if i != j {
                        (sum_ari, sum_nmi, pairs) = (sum_ari + expected, sum_nmi + information, pairs + 1.0);
                    }
                }
            }
            prop_assert!((got.mean_ari() - sum_ari / pairs).abs() < 1e-12);
            prop_assert!((got.mean_nmi() - sum_nmi / pairs).abs() < 1e-12);
            let to_others = got.mean_ari_to_others();
            prop_assert!((to_others.mean().expect("runs") - got.mean_ari()).abs() < 1e-12);
            prop_assert!(to_others.iter().all(|&mean| mean <= to_others[got.medoid()]));
        }
    }

    #[test]
    fn the_medoid_is_the_run_between_the_others() {
        let runs = [array![0, 0, 0, 1, 1, 1], array![0, 0, 1, 1, 1, 1], array![0, 1, 1, 1, 1, 1]];
        assert_eq!(agreement(&views(&runs)).expect("valid").medoid(), 1);
    }

    #[test]
    fn one_cluster_in_every_run_is_stable() {
        let runs = [array![2, 2, 2], array![0, 0, 0]];
        let got = agreement(&views(&runs)).expect("valid");
        assert_eq!((got.mean_ari(), got.mean_nmi(), got.medoid()), (1.0, 1.0, 0));
        let one_point = [array![2], array![0]];
        assert_eq!(agreement(&views(&one_point)).expect("valid").mean_ari(), 1.0);
    }

    #[test]
    fn bad_input_is_refused() {
        let run = array![0, 1];
        let few = |found| Err(Error::TooFew { what: "runs", found, needed: 2 });
        assert_eq!(agreement(&[]), few(0));
        assert_eq!(agreement(&[run.view()]), few(1));
        let error = agreement(&views(&[run.clone(), run, array![0]])).expect_err("2 against 1");
        assert!(error.to_string().starts_with("2 labels of the first run but 1 labels of another run"));
        let none = Array1::<u32>::zeros(0);
        assert!(matches!(agreement(&[none.view(), none.view()]), Err(Error::Empty { .. })));
    }
}
