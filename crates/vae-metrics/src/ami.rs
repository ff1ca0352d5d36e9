//! Adjusted mutual information (Vinh, Epps & Bailey 2010): mutual information minus its expectation
//! under random labellings.
//!
//! The expectation is over all pairs of labellings with the same group sizes, so that each cell
//! `n_ij` is hypergeometric with parameters `(n, a_i, b_j)`:
//!
//! ```text
//! E[I] = sum_ij E[ n_ij/n ln(n n_ij / (a_i b_j)) ]
//! ```
//!
//! The usual code evaluates the hypergeometric probabilities by nine log-factorials each, over the
//! whole support. Here they follow from the mode outwards by their ratios, which are rational,
//! until they no longer count, and are normalised by their own sum. This costs O(standard
//! deviation) instead of O(min(a_i, b_j)) per cell and loses no digits to the difference of large
//! logarithms. Cells with equal group sizes are evaluated once.

use ndarray::ArrayView1;

use crate::contingency::Contingency;
use crate::error::Result;
use crate::information::{Average, Information};

/// A probability this far below the mode's ends a tail: it falls faster than geometrically from
/// there, and no weight in the sum (at most ln n) makes up for it.
const NEGLIGIBLE: f64 = 1e-30;

/// Adjusted mutual information of `clusters` `[n]` and `labels` `[n]`, normalised by the arithmetic
/// mean of the entropies.
///
/// ```text
/// AMI = (I - E[I]) / ((H(K) + H(C)) / 2 - E[I])
/// ```
///
/// Symmetric; 1 for equal partitions, 0 in expectation for independent ones whatever the numbers of
/// groups, and slightly negative below chance.
///
/// # Errors
///
/// [`Error::LengthMismatch`](crate::Error::LengthMismatch) and
/// [`Error::Empty`](crate::Error::Empty).
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let labels = array![0, 0, 1, 1];
/// assert_eq!(vae_metrics::ami(array![1, 1, 0, 0].view(), labels.view())?, 1.0);
/// assert_eq!(vae_metrics::ami(array![0, 0, 0, 0].view(), labels.view())?, 0.0);
/// assert!(vae_metrics::ami(array![0, 1, 0, 1].view(), labels.view())? < 0.0);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn ami(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<f64> {
    Ok(Contingency::new(clusters, labels)?.ami())
}

impl Contingency {
    /// Adjusted mutual information: see [`ami`].
    pub fn ami(&self) -> f64 {
        self.ami_from(&self.information())
    }

    pub(crate) fn ami_from(&self, information: &Information) -> f64 {
        // Equal partitions first: for trivial ones the quotient is 0 / 0. Otherwise E[I] is below
        // the mean entropy.
        if self.is_bijection() {
            return 1.0;
        }
        if self.n_clusters() == 1 || self.n_classes() == 1 {
            return 0.0;
        }
        let expected = self.expected_mutual_information();
        let largest = Average::Arithmetic.of(information.clusters, information.classes);
        (information.mutual - expected) / (largest - expected)
    }

    /// E\[I\] in nats over random labellings with these group sizes.
    fn expected_mutual_information(&self) -> f64 {
        let cluster_sizes = distinct(self.cluster_sizes());
        let class_sizes = distinct(self.class_sizes());
        let mut expected = 0.0;
        for &(a, a_times) in &cluster_sizes {
            for &(b, b_times) in &class_sizes {
                expected += (a_times * b_times) as f64 * expected_cell(self.n(), a, b);
            }
        }
        expected
    }
}

/// Distinct sizes and how often each occurs.
fn distinct(sizes: &[u64]) -> Vec<(u64, u64)> {
    let mut sorted = sizes.to_vec();
    sorted.sort_unstable();
    sorted.chunk_by(|left, right| left == right).map(|run| (run[0], run.len() as u64)).collect()
}

/// `E[k/n ln(n k / (a b))]` for `k` hypergeometric: of `a` draws without replacement from `n`, `k`
/// are among `b` marked.
fn expected_cell(n: u64, a: u64, b: u64) -> f64 {
    let (n_f, ab) = (n as f64, a as f64 * b as f64);
    let information = |k: u64| if k == 0 { 0.0 } else { k as f64 / n_f * (n_f * k as f64 / ab).ln() };
    // p(k) / p(k - 1); `n + k - a - b` is positive above the least k.
    let ratio = |k: u64| {
        let up = (a - k + 1) as f64 * (b - k + 1) as f64;
        let down = k as f64 * (n + k - a - b) as f64;
        up / down
    };
    let least = (a + b).saturating_sub(n);
    let most = a.min(b);
    let mode = (u128::from(a + 1) * u128::from(b + 1) / u128::from(n + 2)) as u64;
    let mode = mode.clamp(least, most);

    let (mut total, mut sum) = (1.0, information(mode));
    let mut weight = 1.0;
    for k in mode + 1..=most {
        weight *= ratio(k);
        if weight < NEGLIGIBLE {
            break;
        }
        total += weight;
        sum += weight * information(k);
    }
    weight = 1.0;
    for k in (least..mode).rev() {
        weight /= ratio(k + 1);
        if weight < NEGLIGIBLE {
            break;
        }
        total += weight;
        sum += weight * information(k);
    }
    sum / total
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use ndarray::{Array1, array};

    use super::*;
    use crate::random::split_mix;

    /// Sum of `f` over all orders of `values`.
    fn over_permutations(values: &mut Vec<u32>, from: usize, f: &mut impl FnMut(&[u32])) {
        if from == values.len() {
            return f(values);
        }
        for other in from..values.len() {
            values.swap(from, other);
            over_permutations(values, from + 1, f);
            values.swap(from, other);
        }
    }

    #[test]
    fn expectation_is_the_mean_over_all_permutations() {
        for (clusters, labels) in [
            (vec![0, 0, 0, 1, 1, 2, 2], vec![0, 0, 1, 1, 1, 1, 2]),
            (vec![0, 0, 0, 0, 0, 0, 1], vec![0, 0, 0, 0, 0, 1, 1]),
            (vec![0, 1, 2, 3, 4, 5, 6], vec![0, 0, 0, 1, 1, 1, 2]),
        ] {
            let clusters = Array1::from(clusters);
            let mut labels: Vec<u32> = labels;
            let table = Contingency::new(clusters.view(), Array1::from(labels.clone()).view());
            let table = table.expect("equal lengths");
            let (mut sum, mut count) = (0.0, 0.0);
            over_permutations(&mut labels, 0, &mut |order| {
                let shuffled = Contingency::new(clusters.view(), order.into()).expect("equal lengths");
                sum += shuffled.information().mutual;
                count += 1.0;
            });
            assert_eq!(count, 5040.0);
            assert_abs_diff_eq!(table.expected_mutual_information(), sum / count, epsilon = 1e-13);
        }
    }

    #[test]
    fn trivial_partitions() {
        let each = Array1::from_iter(0..300_u32);
        let one = Array1::<u32>::zeros(300);
        let half = Array1::from_iter((0..300_u32).map(|i| i % 2));
        assert_eq!(ami(each.view(), each.view()), Ok(1.0));
        assert_eq!(ami(one.view(), one.view()), Ok(1.0));
        assert_eq!(ami(one.view(), each.view()), Ok(0.0));
        // Singletons determine any labelling, and so does chance.
        assert_abs_diff_eq!(ami(each.view(), half.view()).expect("valid"), 0.0, epsilon = 1e-12);
    }

    #[test]
    fn independent_labellings_score_nothing_where_nmi_does() {
        let clusters = Array1::from_iter((0..2000).map(|i| (split_mix(0, i) % 60) as u32));
        let labels = Array1::from_iter((0..2000).map(|i| (split_mix(1, i) % 30) as u32));
        let table = Contingency::new(clusters.view(), labels.view()).expect("equal lengths");
        assert!(table.nmi(Average::Arithmetic) > 0.1);
        assert!(table.ami().abs() < 0.02, "{}", table.ami());
    }

    #[test]
    fn groups_that_overlap_by_force() {
        // a + b > n: the least overlap is not 0.
        let (clusters, labels) = (array![0, 0, 0, 0, 1], array![0, 0, 0, 1, 0]);
        let forward = ami(clusters.view(), labels.view()).expect("valid");
        assert_abs_diff_eq!(forward, -0.25, epsilon = 1e-12);
    }
}
