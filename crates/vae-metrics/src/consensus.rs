//! Consensus of several clusterings of the same points: a vote after the clusters were matched.
//!
//! The usual consensus works on the co-association matrix, how many runs have two points together
//! (Fred & Jain 2005), which takes O(n²). Here the clusters of every run are matched to those of a
//! reference, one to one with the most points in common, and every point goes to the cluster that
//! most runs give it: "voting" (Dimitriadou, Weingessel & Hornik 2002; Ayad & Kamel 2008). The
//! result is the next reference.
//!
//! The number of labels that agree with the reference, summed over runs and points, rises with
//! every round that changes a label: matching does not lower it, and a label changes only where
//! more runs are for the new one. So the rounds end, at a local maximum that depends on the start.
//! The start is the run that agrees best with all others.

use ndarray::{Array1, Array2, ArrayView1};

use crate::agreement::{Agreement, agreement};
use crate::assignment::check_bytes;
use crate::contingency::Contingency;
use crate::error::Result;

/// What several clusterings have in common: see [`consensus()`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Consensus {
    /// Position of the run with the highest mean adjusted Rand index to all others.
    pub medoid: usize,
    /// Agreement of all pairs of runs.
    pub agreement: Agreement,
    /// The vote; none when the runs found different numbers of clusters.
    pub votes: Option<Votes>,
}

/// The vote of R runs on the clusters of n points.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Votes {
    /// The cluster that most runs give each point, `[n]`, under the names of the medoid's clusters.
    pub labels: Array1<u32>,
    /// The share of runs that give each point its label, `[n]`: from `1/k` to 1.
    pub confidence: Array1<f64>,
    /// The share of runs that give each point each cluster, `[n, k]`; rows sum to 1.
    pub shares: Array2<f64>,
    /// The name of the cluster of each column of `shares`, ascending: the medoid's.
    pub cluster_ids: Vec<u32>,
}

/// Consensus of `runs`, the labels `[n]` of the same points by R clusterings.
///
/// Gives the agreement of all pairs and the medoid. When all runs found k clusters it also gives
/// the vote: from the medoid on, the clusters of every run are matched to the reference, every
/// point goes to the cluster that most runs give it, and this is the next reference, until nothing
/// changes. On a tie a point stays where it is in the reference. Deterministic, but the result is
/// one of several local maxima of agreement: a low confidence says where runs differ.
///
/// Time O(R² n) for the agreement and O(R (n k + k³)) a round, of which there are few; memory
/// O(n (R + k)).
///
/// # Errors
///
/// [`Error::TooFew`](crate::Error::TooFew) for fewer than two runs,
/// [`Error::LengthMismatch`](crate::Error::LengthMismatch),
/// [`Error::Empty`](crate::Error::Empty), and
/// [`Error::MatchingTooLarge`](crate::Error::MatchingTooLarge) when the shares `[n, k]` take more
/// than [`MAX_MATCHING_BYTES`](crate::MAX_MATCHING_BYTES).
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::consensus;
///
/// // The same two clusters under other names; the last run has the last point in the other.
/// let runs = [array![0, 0, 1, 1], array![5, 5, 3, 3], array![1, 1, 0, 1]];
/// let runs: Vec<_> = runs.iter().map(|run| run.view()).collect();
/// let consensus = consensus(&runs)?;
/// assert_eq!(consensus.medoid, 0);
/// let votes = consensus.votes.expect("two clusters in each run");
/// assert_eq!(votes.labels, array![0, 0, 1, 1]);
/// assert_eq!(votes.confidence, array![1.0, 1.0, 1.0, 2.0 / 3.0]);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn consensus(runs: &[ArrayView1<'_, u32>]) -> Result<Consensus> {
    let agreement = agreement(runs)?;
    let medoid = agreement.medoid();
    let numbered: Vec<(Vec<u32>, Array1<u32>)> = runs.iter().map(|run| number(*run)).collect();
    let (ids, start) = &numbered[medoid];
    let votes = if numbered.iter().all(|(other, _)| other.len() == ids.len()) {
        let runs: Vec<ArrayView1<'_, u32>> = numbered.iter().map(|(_, run)| run.view()).collect();
        Some(vote(&runs, ids, start.clone())?)
    } else {
        None
    };
    Ok(Consensus { medoid, agreement, votes })
}

/// The names of the clusters of a run, ascending, and its labels as positions among them.
fn number(run: ArrayView1<'_, u32>) -> (Vec<u32>, Array1<u32>) {
    let mut ids = run.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let labels = run.mapv(|label| ids.partition_point(|&id| id < label) as u32);
    (ids, labels)
}

/// Rounds of matching and voting from the labels `reference` `[n]`; `runs` and `reference` hold the
/// clusters `0..k`, whose names are `ids` `[k]`.
fn vote(runs: &[ArrayView1<'_, u32>], ids: &[u32], mut reference: Array1<u32>) -> Result<Votes> {
    check_bytes(reference.len(), ids.len())?;
    loop {
        let counts = count_votes(runs, reference.view(), ids.len())?;
        let elected = Array1::from_shape_fn(reference.len(), |point| {
            let votes = counts.row(point);
            let most = |best: u32, cluster: u32| {
                if votes[cluster as usize] > votes[best as usize] { cluster } else { best }
            };
            (0..ids.len() as u32).fold(reference[point], most)
        });
        if elected == reference {
            let shares = counts.mapv(|count| f64::from(count) / runs.len() as f64);
            let confidence =
                Array1::from_shape_fn(elected.len(), |point| shares[[point, elected[point] as usize]]);
            let labels = elected.mapv(|cluster| ids[cluster as usize]);
            return Ok(Votes { labels, confidence, shares, cluster_ids: ids.to_vec() });
        }
        reference = elected;
    }
}

/// How many runs give each point each cluster of the reference, `[n, k]`.
fn count_votes(
    runs: &[ArrayView1<'_, u32>],
    reference: ArrayView1<'_, u32>,
    k: usize,
) -> Result<Array2<u32>> {
    let mut counts = Array2::zeros((reference.len(), k));
    for &run in runs {
        let column_of = align(run, reference, k)?;
        for (mut votes, &cluster) in counts.rows_mut().into_iter().zip(run) {
            votes[column_of[cluster as usize]] += 1;
        }
    }
    Ok(counts)
}

/// The cluster of the reference for each of the clusters `0..k` of a run, one to one.
fn align(run: ArrayView1<'_, u32>, reference: ArrayView1<'_, u32>, k: usize) -> Result<Vec<usize>> {
    let table = Contingency::new(run, reference)?;
    let matched: Vec<Option<usize>> =
        table.matching()?.into_iter().map(|class| Some(table.class_ids()[class?] as usize)).collect();
    // A cluster that the vote has emptied has no column in the table: it is free for the rest.
    let mut free = (0..k).filter(|column| !matched.contains(&Some(*column)));
    Ok(matched.iter().filter_map(|&column| column.or_else(|| free.next())).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;
    use crate::Error;

    fn of(runs: &[Array1<u32>]) -> Consensus {
        let views: Vec<_> = runs.iter().map(Array1::view).collect();
        consensus(&views).expect("valid")
    }

    /// Most points that a run has in common with `labels` under any renaming of its clusters.
    fn best_renaming(run: &Array1<u32>, labels: &Array1<u32>, names: &mut Vec<u32>, k: u32) -> usize {
        if names.len() == k as usize {
            return run.iter().zip(labels).filter(|&(&c, &label)| names[c as usize] == label).count();
        }
        let mut best = 0;
        for name in 0..k {
            if !names.contains(&name) {
                names.push(name);
                best = best.max(best_renaming(run, labels, names, k));
                names.pop();
            }
        }
        best
    }

    /// Runs that have each of the clusters 0, 1 and 2.
    fn runs_of_three() -> impl Strategy<Value = Vec<Array1<u32>>> {
        let run = prop::collection::vec(0_u32..3, 5..6)
            .prop_map(|tail| Array1::from([vec![0, 1, 2], tail].concat()));
        prop::collection::vec(run, 2..6)
    }

    proptest! {
        #[test]
        fn no_renaming_of_a_run_and_no_other_label_agrees_more(runs in runs_of_three()) {
            let got = of(&runs);
            let votes = got.votes.expect("three clusters each");
            // Each run is matched as well as all permutations can.
            let agreeing = (votes.confidence.sum() * runs.len() as f64).round() as usize;
            let renamed = |run| best_renaming(run, &votes.labels, &mut Vec::new(), 3);
            prop_assert_eq!(agreeing, runs.iter().map(renamed).sum::<usize>());
            // Each point is where most runs have it.
            for (point, &label) in votes.labels.iter().enumerate() {
                let shares = votes.shares.row(point);
                prop_assert!((shares.sum() - 1.0).abs() < 1e-12);
                prop_assert_eq!(shares[label as usize], votes.confidence[point]);
                prop_assert!(shares.iter().all(|&share| share <= votes.confidence[point]));
            }
            // No round lowers the agreement: it is at least the medoid's.
            let renamed = |run| best_renaming(run, &runs[got.medoid], &mut Vec::new(), 3);
            prop_assert!(agreeing >= runs.iter().map(renamed).sum::<usize>());
        }

        #[test]
        fn names_of_other_runs_do_not_matter(runs in runs_of_three()) {
            let renamed: Vec<Array1<u32>> = runs.iter().map(|run| run.mapv(|c| 10 + 7 * c)).collect();
            let (before, after) = (of(&runs), of(&renamed));
            prop_assert_eq!(before.medoid, after.medoid);
            let (before, after) = (before.votes.expect("votes"), after.votes.expect("votes"));
            prop_assert_eq!(before.labels.mapv(|c| 10 + 7 * c), after.labels);
            prop_assert_eq!(before.confidence, after.confidence);
            prop_assert_eq!(after.cluster_ids, [10, 17, 24]);
        }
    }

    #[test]
    fn noise_of_single_runs_is_outvoted() {
        let truth = Array1::from_iter((0..60).map(|i| i / 20));
        let run = |r: u32| {
            let noisy = truth.indexed_iter().map(|(i, &c)| if i as u32 % 12 == r { (c + 1) % 3 } else { c });
            Array1::from_iter(noisy.map(|c| (c + r) % 3))
        };
        let runs: Vec<Array1<u32>> = (0..5).map(run).collect();
        let votes = of(&runs).votes.expect("three clusters each");
        assert_eq!(crate::ari(votes.labels.view(), truth.view()), Ok(1.0));
        let expected = |i: usize| if i % 12 < 5 { 0.8 } else { 1.0 };
        assert_eq!(votes.confidence, Array1::from_shape_fn(60, expected));
    }

    #[test]
    fn an_emptied_cluster_stays_free_for_the_runs() {
        // The reference has lost cluster 1: cluster 2 of the run takes its column.
        let column_of = align(array![0, 1, 2, 1].view(), array![0, 2, 2, 2].view(), 3).expect("small");
        assert_eq!(column_of, [0, 2, 1]);
    }

    #[test]
    fn different_numbers_of_clusters_have_a_medoid_only() {
        let got = of(&[array![0, 1, 2, 2], array![0, 0, 1, 1], array![0, 0, 1, 1]]);
        assert_eq!((got.medoid, got.votes), (1, None));
        assert_eq!(got.agreement.ari().dim(), (3, 3));
    }

    #[test]
    fn trivial_runs() {
        for runs in [[array![4, 4, 4], array![0, 0, 0]], [array![4, 1, 0], array![0, 1, 2]]] {
            let votes = of(&runs).votes.expect("equal numbers");
            assert_eq!(votes.labels, runs[0]);
            assert_eq!(votes.confidence, array![1.0, 1.0, 1.0]);
        }
        assert_eq!(of(&[array![3], array![9]]).votes.expect("one each").labels, array![3]);
    }

    #[test]
    fn bad_input_is_refused() {
        let run = array![0, 1];
        let few = Err(Error::TooFew { what: "runs", found: 1, needed: 2 });
        assert_eq!(consensus(&[run.view()]), few);
        let short = array![0];
        assert!(matches!(consensus(&[run.view(), short.view()]), Err(Error::LengthMismatch { .. })));
        let each = Array1::from_iter(0..20_000_u32);
        assert!(matches!(consensus(&[each.view(), each.view()]), Err(Error::MatchingTooLarge { .. })));
        let none = Array1::<u32>::zeros(0);
        assert!(matches!(consensus(&[none.view(), none.view()]), Err(Error::Empty { .. })));
    }
}
