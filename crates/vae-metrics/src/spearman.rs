//! Spearman's rank correlation: does one score order things as another does.

use ndarray::ArrayView1;

use crate::error::{Error, Result, check_finite_list, check_lengths};

/// Spearman's rank correlation of `left` `[n]` and `right` `[n]`, in `[-1, 1]`: 1 when both order
/// the entries in the same way, -1 in the opposite way, about 0 when they have nothing to do with
/// each other.
///
/// Pearson's correlation of the ranks, where equal values share the mean of their ranks (Spearman
/// 1904; Kendall 1948, "Rank correlation methods", on tied ranks). Symmetric, and the same for any
/// rising function of the values. With a criterion without labels on one side and the accuracy on
/// the other, over the runs of a method, it says how well the criterion judges runs.
///
/// Time O(n log n).
///
/// # Errors
///
/// [`Error::LengthMismatch`], [`Error::Empty`], [`Error::NotFinite`] (the position is the row, the
/// column is 0), [`Error::TooFew`] for one entry, and [`Error::Constant`] when all values of one
/// side are equal.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: deviations' products sum to 4.5, their squares to 4.5
/// // and 5.
/// let (criterion, accuracy) = (array![0.1, 0.5, 0.5, 0.9], array![0.6, 0.7, 0.8, 0.9]);
/// let rho = vae_metrics::spearman(criterion.view(), accuracy.view())?;
/// assert!((rho - 4.5 / 22.5_f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn spearman(left: ArrayView1<'_, f64>, right: ArrayView1<'_, f64>) -> Result<f64> {
    check_lengths(("values on the left", left.len()), ("values on the right", right.len()))?;
    check_finite_list("value on the left", left)?;
    check_finite_list("value on the right", right)?;
    if left.len() == 1 {
        return Err(Error::TooFew { what: "pairs of values", found: 1, needed: 2 });
    }
    let (left, right) = (centred_ranks(left), centred_ranks(right));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let squares = [dot(&left, &left), dot(&right, &right)];
    for (squares, what) in squares.into_iter().zip(["values on the left", "values on the right"]) {
        if squares == 0.0 {
            return Err(Error::Constant { what });
        }
    }
    // The root of the product, not the product of roots: for equal orders it is exactly the dot.
    Ok((dot(&left, &right) / (squares[0] * squares[1]).sqrt()).clamp(-1.0, 1.0))
}

/// Twice the ranks minus their mean: whole numbers, equal for equal values.
fn centred_ranks(values: ArrayView1<'_, f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&left, &right| values[left].total_cmp(&values[right]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|&left, &right| values[left] == values[right]) {
        // The mean rank, from 1, is first + (tied + 1) / 2; the mean of all is (n + 1) / 2.
        let twice = (2 * first + tied.len()) as f64 - values.len() as f64;
        tied.iter().for_each(|&i| ranks[i] = twice);
        first += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};
    use proptest::prelude::*;

    use super::*;

    /// The definition: ranks by counting, then Pearson's correlation.
    fn naive(left: &[f64], right: &[f64]) -> f64 {
        let rank = |values: &[f64], i: usize| {
            let below = values.iter().filter(|&&v| v < values[i]).count() as f64;
            let equal = values.iter().filter(|&&v| v == values[i]).count() as f64;
            below + (equal + 1.0) / 2.0
        };
        let ranks = |values: &[f64]| Array1::from_iter((0..values.len()).map(|i| rank(values, i)));
        let (a, b) = (ranks(left), ranks(right));
        let (a, b) = (&a - a.mean().expect("values"), &b - b.mean().expect("values"));
        a.dot(&b) / (a.dot(&a) * b.dot(&b)).sqrt()
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pairs in prop::collection::vec((0_u8..9, 0_u8..9), 2..40)) {
            let (left, right): (Vec<f64>, Vec<f64>) =
                pairs.into_iter().map(|(a, b)| (f64::from(a) - 4.0, f64::from(b) / 3.0)).unzip();
            prop_assume!(left.iter().any(|&v| v != left[0]) && right.iter().any(|&v| v != right[0]));
            let got = spearman(ArrayView1::from(&left), ArrayView1::from(&right)).expect("valid");
            prop_assert!((got - naive(&left, &right)).abs() < 1e-12);
            prop_assert_eq!(Ok(got), spearman(ArrayView1::from(&right), ArrayView1::from(&left)));
            let risen: Vec<f64> = left.iter().map(|v| v.exp()).collect();
            prop_assert_eq!(Ok(got), spearman(ArrayView1::from(&risen), ArrayView1::from(&right)));
        }
    }

    #[test]
    fn orders_and_their_reverse() {
        let values = array![3.0, -1.0, 7.5, 7.0, 0.0];
        let rho = |other: Array1<f64>| spearman(values.view(), other.view()).expect("valid");
        assert_eq!(rho(values.clone()), 1.0);
        assert_eq!(rho(-&values), -1.0);
        assert_eq!(spearman(array![0.0, 1.0].view(), array![5.0, 4.0].view()), Ok(-1.0));
    }

    #[test]
    fn zeros_of_both_signs_are_equal() {
        let zeros = spearman(array![-0.0, 0.0, 1.0].view(), array![2.0, 2.0, 3.0].view());
        assert_eq!(zeros, Ok(1.0));
    }

    #[test]
    fn bad_input_is_refused() {
        let (two, equal) = (array![0.0, 1.0], array![4.0, 4.0]);
        assert!(matches!(spearman(two.view(), array![1.0].view()), Err(Error::LengthMismatch { .. })));
        assert!(matches!(spearman(array![].view(), array![].view()), Err(Error::Empty { .. })));
        let one = array![1.0];
        assert!(matches!(spearman(one.view(), one.view()), Err(Error::TooFew { found: 1, .. })));
        let left = spearman(equal.view(), two.view());
        assert_eq!(left, Err(Error::Constant { what: "values on the left" }));
        let right = spearman(two.view(), equal.view());
        assert_eq!(right, Err(Error::Constant { what: "values on the right" }));
        let nan = spearman(two.view(), array![0.0, f64::NAN].view());
        assert!(matches!(nan, Err(Error::NotFinite { what: "value on the right", row: 1, .. })));
    }
}
