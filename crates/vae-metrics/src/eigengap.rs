//! Eigengap: the number of clusters where the spectrum of a graph jumps.

use std::ops::RangeInclusive;

use ndarray::{Array1, ArrayView1};

use crate::error::{Error, Result, check_finite_list};

/// Gaps between the `m` sorted `eigenvalues` of a graph's Laplacian (ascending) or affinity matrix
/// (descending): `[m - 1]`, where entry `k - 1` is the gap after the k-th.
///
/// ```text
/// gap_k = |lambda_{k+1} - lambda_k|        0 or more
/// ```
///
/// A large gap after k eigenvalues says that the graph falls into k parts (von Luxburg 2007, "A
/// tutorial on spectral clustering", arXiv 0711.0189, section 8.3).
///
/// # Errors
///
/// [`Error::TooFew`] for fewer than two eigenvalues, [`Error::NotFinite`] (the position is the row,
/// the column is 0), and [`Error::NotSorted`].
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let gaps = vae_metrics::eigengaps(array![0.0, 0.25, 1.0].view())?;
/// assert_eq!(gaps, array![0.25, 0.75]);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn eigengaps(eigenvalues: ArrayView1<'_, f64>) -> Result<Array1<f64>> {
    let m = eigenvalues.len();
    if m < 2 {
        return Err(Error::TooFew { what: "eigenvalues", found: m, needed: 2 });
    }
    check_finite_list("eigenvalue", eigenvalues)?;
    let sign = if eigenvalues[m - 1] < eigenvalues[0] { -1.0 } else { 1.0 };
    let gaps = Array1::from_iter((1..m).map(|i| sign * (eigenvalues[i] - eigenvalues[i - 1])));
    match gaps.iter().position(|&gap| gap < 0.0) {
        None => Ok(gaps.mapv(f64::abs)),
        Some(before) => Err(Error::NotSorted { what: "eigenvalue", index: before + 1 }),
    }
}

/// The number of clusters in `candidates` with the largest gap after that many of the `m` sorted
/// `eigenvalues`, the smallest of several: see [`eigengaps`].
///
/// Of a connected graph the gap after the first eigenvalue is often the largest: start the
/// candidates at 2 to have it split. Candidates are from 1 to `m - 1`.
///
/// # Errors
///
/// Those of [`eigengaps`], [`Error::Empty`] for an empty range of candidates,
/// [`Error::OutOfRange`] for a candidate 0, and [`Error::TooFew`] when the largest candidate has no
/// eigenvalue after it.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let eigenvalues = array![0.0, 0.01, 0.02, 0.5, 0.6];
/// assert_eq!(vae_metrics::largest_eigengap(eigenvalues.view(), 1..=4)?, 3);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn largest_eigengap(
    eigenvalues: ArrayView1<'_, f64>,
    candidates: RangeInclusive<usize>,
) -> Result<usize> {
    let gaps = eigengaps(eigenvalues)?;
    let (least, most) = candidates.into_inner();
    if least == 0 {
        return Err(Error::OutOfRange { what: "number of clusters", value: 0.0, range: "of 1 or more" });
    }
    if least > most {
        return Err(Error::Empty { what: "candidate numbers of clusters" });
    }
    if most > gaps.len() {
        let needed = most.saturating_add(1);
        return Err(Error::TooFew { what: "eigenvalues", found: eigenvalues.len(), needed });
    }
    Ok((least..=most).fold(least, |best, k| if gaps[k - 1] > gaps[best - 1] { k } else { best }))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn both_directions_give_the_same_gaps() {
        let up = array![0.0, 0.25, 1.0, 1.0];
        let down = up.mapv(|v| 1.0 - v);
        assert_eq!(eigengaps(up.view()), Ok(array![0.25, 0.75, 0.0]));
        assert_eq!(eigengaps(up.view()), eigengaps(down.view()));
    }

    #[test]
    fn the_largest_gap_among_the_candidates_wins() {
        let largest = |range| largest_eigengap(array![0.0, 0.5, 0.75, 1.25, 1.5].view(), range);
        assert_eq!(largest(1..=4), Ok(1));
        assert_eq!(largest(2..=4), Ok(3));
        assert_eq!(largest(4..=4), Ok(4));
        // Equal eigenvalues have no gap at all: the smallest candidate.
        assert_eq!(largest_eigengap(array![1.0, 1.0, 1.0].view(), 1..=2), Ok(1));
    }

    /// A graph of `k` parts without edges between them has the eigenvalue 0 k times.
    #[test]
    fn parts_without_edges_between_them_are_counted() {
        for k in 1..6 {
            let eigenvalues =
                Array1::from_iter((0..9).map(|i| if i < k { 0.0 } else { 1.0 + 0.01 * i as f64 }));
            assert_eq!(largest_eigengap(eigenvalues.view(), 1..=8), Ok(k));
        }
    }

    #[test]
    fn bad_input_is_refused() {
        let few = |found, needed| Err(Error::TooFew { what: "eigenvalues", found, needed });
        assert_eq!(largest_eigengap(array![].view(), 1..=1), few(0, 2));
        assert_eq!(largest_eigengap(array![1.0].view(), 1..=1), few(1, 2));
        assert_eq!(largest_eigengap(array![0.0, 1.0].view(), 1..=2), few(2, 3));
        assert!(matches!(largest_eigengap(array![0.0, 1.0].view(), 0..=1), Err(Error::OutOfRange { .. })));
        let empty = RangeInclusive::new(2, 1);
        assert!(matches!(largest_eigengap(array![0.0, 1.0].view(), empty), Err(Error::Empty { .. })));
        let unsorted = Err(Error::NotSorted { what: "eigenvalue", index: 2 });
        assert_eq!(eigengaps(array![0.0, 1.0, 0.5, 2.0].view()), unsorted);
        assert_eq!(eigengaps(array![2.0, 1.0, 1.5, 0.0].view()), unsorted);
        let nan = eigengaps(array![0.0, f64::NAN].view());
        assert!(matches!(nan, Err(Error::NotFinite { what: "eigenvalue", row: 1, column: 0, .. })));
    }
}
