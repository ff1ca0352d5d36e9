//! Stadion (Mourer et al., arXiv 2006.08530): a clustering should be stable under noise, and no
//! cluster should split in a stable way.

use ndarray::ArrayView1;
use serde::Serialize;

use crate::agreement::check_runs;
use crate::contingency::Contingency;
use crate::error::{Error, Result, check_lengths};

/// One clustering of some points, and clusterings of perturbed copies of these points by the same
/// method.
#[derive(Debug, Clone, PartialEq)]
pub struct PerturbedRuns<'a> {
    /// Labels `[n]` of the points as they are.
    pub reference: ArrayView1<'a, u32>,
    /// Labels `[n]` of each perturbed copy, in the same order of points.
    pub perturbed: Vec<ArrayView1<'a, u32>>,
}

impl PerturbedRuns<'_> {
    /// Mean adjusted Rand index of the reference to the perturbed runs, in `[-0.5, 1]`: high when
    /// the noise does not change the clusters.
    ///
    /// ```text
    /// Stab = 1/D sum_d ARI(reference, perturbed_d)
    /// ```
    ///
    /// Time O(D n).
    ///
    /// # Errors
    ///
    /// [`Error::Empty`] without a point or a perturbed run, and [`Error::LengthMismatch`].
    ///
    /// # Example
    ///
    /// ```
    /// use ndarray::array;
    /// use vae_metrics::PerturbedRuns;
    ///
    /// let (a, b, c) = (array![0, 0, 1, 1], array![1, 1, 0, 0], array![0, 1, 0, 1]);
    /// let runs = PerturbedRuns { reference: a.view(), perturbed: vec![b.view(), c.view()] };
    /// assert_eq!(runs.stability()?, (1.0 - 0.5) / 2.0);
    /// # Ok::<(), vae_metrics::Error>(())
    /// ```
    pub fn stability(&self) -> Result<f64> {
        if self.perturbed.is_empty() {
            return Err(Error::Empty { what: "perturbed runs" });
        }
        check_runs(&[self.reference])?;
        let mut sum = 0.0;
        for &run in &self.perturbed {
            check_lengths(
                ("labels of the reference", self.reference.len()),
                ("labels of a perturbed run", run.len()),
            )?;
            sum += Contingency::new(self.reference, run)?.ari();
        }
        Ok(sum / self.perturbed.len() as f64)
    }
}

/// The two stabilities and their difference: see [`stadion()`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Stadion {
    /// Stability of the clustering.
    pub between: f64,
    /// Stability of clusterings within its clusters.
    pub within: f64,
    /// `between - within`, in `[-1.5, 1.5]`: the criterion.
    pub difference: f64,
}

/// Stadion of a clustering, the stability of the clustering minus that of clusterings within its
/// clusters: high when the clusters are stable and have no stable parts.
///
/// `between` is the clustering of all n points, and clusterings of perturbed copies into as many
/// clusters. `within[j]` is about the points of its j-th cluster alone (clusters ascending by
/// value): for each number of parts in a set Omega one clustering of these points, and clusterings
/// of perturbed copies of them.
///
/// ```text
/// Stadion = Stab(between) - sum_j n_j/n  1/|Omega_j|  sum_{r in Omega_j} Stab(within[j][r])
/// Stab(runs) = 1/D sum_d ARI(reference, perturbed_d)
/// ```
///
/// (Mourer, Forest, Lebbah, Azzag & Lacaille, "Selecting the number of clusters K with a stability
/// trade-off", arXiv 2006.08530; the perturbation there is uniform noise on standardised features.)
/// This is the value at one strength of the noise. The paper takes the maximum or the mean of it
/// over strengths, up to the one from which on no number of clusters scores above one cluster: the
/// caller does that. A cluster without runs, such as one too small to be parted, counts with
/// stability 1, as in the authors' code.
///
/// Time O(D n (1 + |Omega|)).
///
/// # Errors
///
/// Those of [`PerturbedRuns::stability`], and [`Error::WrongCount`] when `within` is not one list
/// for each cluster, or a run within a cluster does not have as many labels as the cluster points.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::{PerturbedRuns, stadion};
///
/// // Three quarters of the points are in cluster 0, whose parts are lost under noise.
/// let all = array![0, 0, 0, 0, 0, 0, 1, 1];
/// let between = PerturbedRuns { reference: all.view(), perturbed: vec![all.view()] };
/// let (parts, noisy) = (array![0, 0, 0, 1, 1, 1], array![0, 0, 0, 0, 0, 0]);
/// let within = PerturbedRuns { reference: parts.view(), perturbed: vec![noisy.view()] };
/// // Cluster 1 is too small to be parted.
/// let score = stadion(&between, &[vec![within], vec![]])?;
/// assert_eq!((score.between, score.within, score.difference), (1.0, 0.25, 0.75));
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn stadion(between: &PerturbedRuns<'_>, within: &[Vec<PerturbedRuns<'_>>]) -> Result<Stadion> {
    let stability = between.stability()?;
    let table = Contingency::new(between.reference, between.reference)?;
    let sizes = table.cluster_sizes();
    if within.len() != sizes.len() {
        let what = "lists of runs within clusters";
        return Err(Error::WrongCount { what, found: within.len(), expected: sizes.len() });
    }
    let mut parts = 0.0;
    for (runs, &size) in within.iter().zip(sizes) {
        parts += table.fraction(size) * mean_stability(runs, size as usize)?;
    }
    Ok(Stadion { between: stability, within: parts, difference: stability - parts })
}

/// Mean stability of the `runs` within a cluster of `size` points, 1 without any.
fn mean_stability(runs: &[PerturbedRuns<'_>], size: usize) -> Result<f64> {
    if runs.is_empty() {
        return Ok(1.0);
    }
    let mut sum = 0.0;
    for runs in runs {
        let found = runs.reference.len();
        if found != size {
            return Err(Error::WrongCount {
                what: "labels of a run within a cluster",
                found,
                expected: size,
            });
        }
        sum += runs.stability()?;
    }
    Ok(sum / runs.len() as f64)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};

    use super::*;
    use crate::ari;
    use crate::random::split_mix;

    fn random(seed: u64, n: u64, k: u64) -> Array1<u32> {
        Array1::from_iter((0..n).map(|i| (split_mix(seed, i) % k) as u32))
    }

    #[test]
    fn agrees_with_the_sums_of_the_definition() {
        // Clusters of 4, 6 and 10 points under the values 2, 5 and 7.
        let names = [5, 7, 2, 7, 5, 7, 7, 5, 2, 7];
        let all = Array1::from_iter((0..20).map(|i| names[i % 10]));
        let perturbed: Vec<_> = (0..3).map(|seed| random(seed, 20, 3)).collect();
        let between =
            PerturbedRuns { reference: all.view(), perturbed: perturbed.iter().map(Array1::view).collect() };
        // For each cluster and each of two numbers of parts: a reference and two perturbed runs.
        let parts: Vec<Vec<[Array1<u32>; 3]>> = [4, 6, 10]
            .into_iter()
            .map(|n| (2..4).map(|k| [0, 1, 2].map(|seed| random(40 + 10 * n + seed, n, k))).collect())
            .collect();
        let within: Vec<Vec<PerturbedRuns<'_>>> = parts
            .iter()
            .map(|of_cluster| {
                let runs = of_cluster.iter().map(|[a, b, c]| PerturbedRuns {
                    reference: a.view(),
                    perturbed: vec![b.view(), c.view()],
                });
                runs.collect()
            })
            .collect();
        let got = stadion(&between, &within).expect("valid");

        let score = |a: &Array1<u32>, b: &Array1<u32>| ari(a.view(), b.view()).expect("valid");
        let expected_between = perturbed.iter().map(|run| score(&all, run)).sum::<f64>() / 3.0;
        let mut expected_within = 0.0;
        for (of_cluster, share) in parts.iter().zip([0.2, 0.3, 0.5]) {
            for [a, b, c] in of_cluster {
                expected_within += share * (score(a, b) + score(a, c)) / 2.0 / 2.0;
            }
        }
        assert!((got.between - expected_between).abs() < 1e-14);
        assert!((got.within - expected_within).abs() < 1e-14);
        assert!((got.difference - (expected_between - expected_within)).abs() < 1e-14);
    }

    #[test]
    fn one_cluster_is_stable_and_only_its_parts_count() {
        let all = array![3, 3, 3, 3];
        let between = PerturbedRuns { reference: all.view(), perturbed: vec![all.view()] };
        let parts = array![0, 0, 1, 1];
        let within = PerturbedRuns { reference: parts.view(), perturbed: vec![parts.view()] };
        assert_eq!(stadion(&between, &[vec![within]]).expect("valid").difference, 0.0);
    }

    #[test]
    fn bad_input_is_refused() {
        let all = array![0, 0, 1];
        let runs = |labels: &'static [u32]| PerturbedRuns {
            reference: labels.into(),
            perturbed: vec![labels.into()],
        };
        let between = PerturbedRuns { reference: all.view(), perturbed: vec![all.view()] };
        let error = stadion(&between, &[vec![]]);
        let what = "lists of runs within clusters";
        assert_eq!(error, Err(Error::WrongCount { what, found: 1, expected: 2 }));
        let error = stadion(&between, &[vec![runs(&[0, 1])], vec![runs(&[0, 1])]]);
        let what = "labels of a run within a cluster";
        assert_eq!(error, Err(Error::WrongCount { what, found: 2, expected: 1 }));
        let none = PerturbedRuns { reference: all.view(), perturbed: vec![] };
        assert_eq!(none.stability(), Err(Error::Empty { what: "perturbed runs" }));
        assert!(matches!(runs(&[]).stability(), Err(Error::Empty { .. })));
        let short = PerturbedRuns { reference: all.view(), perturbed: vec![all.slice(ndarray::s![..2])] };
        assert!(matches!(short.stability(), Err(Error::LengthMismatch { left: 3, right: 2, .. })));
    }
}
