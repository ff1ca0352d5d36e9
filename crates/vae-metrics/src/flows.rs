//! How the clusters of one clustering become those of another: which are kept, split or merged.

use std::cmp::Reverse;

use ndarray::ArrayView1;
use serde::Serialize;

use crate::contingency::Contingency;
use crate::error::{Error, Result};

/// What a flow between two clusterings means for its clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Change {
    /// Most of `a` is in `b`, and most of `b` is of `a`: they are the same cluster.
    Kept,
    /// Nearly all of `b` is of `a`, but it is only a part of `a`.
    Split,
    /// Nearly all of `a` is in `b`, but it is only a part of `b`.
    Merged,
    /// Neither.
    Mixed,
}

/// The points that are in cluster `a` of one clustering and in cluster `b` of another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Flow {
    /// The cluster in the first clustering.
    pub a: u32,
    /// The cluster in the second.
    pub b: u32,
    /// How many points are in both, at least one.
    pub count: u64,
    /// Share of the points of `a` that these are, in `(0, 1]`.
    pub share_of_a: f64,
    /// Share of the points of `b` that these are, in `(0, 1]`.
    pub share_of_b: f64,
    /// What this means.
    pub change: Change,
}

/// From which shares on a flow is a [`Change`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlowThresholds {
    /// A flow is kept when it is at least this share of both its clusters: above 0.5, so that a
    /// cluster is kept as at most one other.
    pub kept: f64,
    /// Of the flows that are not kept, one is a split when it is at least this share of `b`, and a
    /// merger when it is at least this share of `a`: from `kept` to 1, so that none is both.
    pub part: f64,
}

impl Default for FlowThresholds {
    /// 0.8 for both.
    fn default() -> Self {
        Self { kept: 0.8, part: 0.8 }
    }
}

impl FlowThresholds {
    fn check(self) -> Result<()> {
        if !(self.kept > 0.5 && self.kept <= 1.0) {
            let (what, range) = ("threshold `kept`", "above 0.5, up to 1");
            return Err(Error::OutOfRange { what, value: self.kept, range });
        }
        if !(self.part >= self.kept && self.part <= 1.0) {
            let (what, range) = ("threshold `part`", "from `kept` to 1");
            return Err(Error::OutOfRange { what, value: self.part, range });
        }
        Ok(())
    }

    fn change(self, share_of_a: f64, share_of_b: f64) -> Change {
        if share_of_a.min(share_of_b) >= self.kept {
            Change::Kept
        } else if share_of_b >= self.part {
            Change::Split
        } else if share_of_a >= self.part {
            Change::Merged
        } else {
            Change::Mixed
        }
    }
}

/// All flows from the clusters of `a` `[n]` to those of `b` `[n]`, two clusterings of the same
/// points: the largest first, then by `a`, then by `b`. The counts sum to n.
///
/// A cluster has been split when two or more flows out of it are [`Change::Split`], and clusters
/// have been merged when two or more flows into one are [`Change::Merged`]. A cluster that is kept
/// can lose a small one by a split as well.
///
/// Time as for [`Contingency::new`], and O(c log c) for c flows.
///
/// # Errors
///
/// [`Error::LengthMismatch`], [`Error::Empty`], and [`Error::OutOfRange`] for thresholds that are
/// not as in [`FlowThresholds`].
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::{Change, FlowThresholds, flows};
///
/// // Cluster 0 stays as 7, cluster 1 is split into 8 and 9.
/// let a = array![0, 0, 0, 0, 1, 1, 1];
/// let b = array![7, 7, 7, 7, 8, 8, 9];
/// let flows = flows(a.view(), b.view(), &FlowThresholds::default())?;
/// let found: Vec<_> = flows.iter().map(|flow| (flow.a, flow.b, flow.count)).collect();
/// assert_eq!(found, [(0, 7, 4), (1, 8, 2), (1, 9, 1)]);
/// assert_eq!(flows[0].change, Change::Kept);
/// assert_eq!((flows[1].change, flows[2].change), (Change::Split, Change::Split));
/// assert_eq!((flows[1].share_of_a, flows[1].share_of_b), (2.0 / 3.0, 1.0));
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn flows(
    a: ArrayView1<'_, u32>,
    b: ArrayView1<'_, u32>,
    thresholds: &FlowThresholds,
) -> Result<Vec<Flow>> {
    Contingency::new(a, b)?.flows(thresholds)
}

impl Contingency {
    /// All flows from the rows to the columns, the largest first: see [`flows()`].
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`].
    pub fn flows(&self, thresholds: &FlowThresholds) -> Result<Vec<Flow>> {
        thresholds.check()?;
        let of_cells = self.cells().iter().map(|cell| {
            let share_of_a = cell.count as f64 / self.cluster_sizes()[cell.cluster] as f64;
            let share_of_b = cell.count as f64 / self.class_sizes()[cell.class] as f64;
            Flow {
                a: self.cluster_ids()[cell.cluster],
                b: self.class_ids()[cell.class],
                count: cell.count,
                share_of_a,
                share_of_b,
                change: thresholds.change(share_of_a, share_of_b),
            }
        });
        let mut flows: Vec<Flow> = of_cells.collect();
        flows.sort_unstable_by_key(|flow| (Reverse(flow.count), flow.a, flow.b));
        Ok(flows)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};
    use proptest::prelude::*;

    use super::*;

    fn default_flows(a: &Array1<u32>, b: &Array1<u32>) -> Vec<Flow> {
        flows(a.view(), b.view(), &FlowThresholds::default()).expect("valid")
    }

    proptest! {
        #[test]
        fn agrees_with_counting(points in prop::collection::vec((0_u32..5, 0_u32..4), 1..60)) {
            let (a, b): (Vec<u32>, Vec<u32>) = points.iter().copied().unzip();
            let got = default_flows(&a.clone().into(), &b.clone().into());
            prop_assert_eq!(got.iter().map(|flow| flow.count).sum::<u64>(), points.len() as u64);
            let keys: Vec<_> = got.iter().map(|flow| (Reverse(flow.count), flow.a, flow.b)).collect();
            prop_assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
            for flow in &got {
                let count = points.iter().filter(|&&point| point == (flow.a, flow.b)).count() as f64;
                let of_a = count / a.iter().filter(|&&cluster| cluster == flow.a).count() as f64;
                let of_b = count / b.iter().filter(|&&cluster| cluster == flow.b).count() as f64;
                prop_assert_eq!((flow.count as f64, flow.share_of_a, flow.share_of_b), (count, of_a, of_b));
            }
            // The other way round splits are mergers.
            let back = default_flows(&b.into(), &a.into());
            let of = |flows: &[Flow], change| flows.iter().filter(|flow| flow.change == change).count();
            prop_assert_eq!(of(&got, Change::Kept), of(&back, Change::Kept));
            prop_assert_eq!(of(&got, Change::Split), of(&back, Change::Merged));
            prop_assert_eq!(of(&got, Change::Mixed), of(&back, Change::Mixed));
        }
    }

    #[test]
    fn clusters_merge() {
        let got = default_flows(&array![4, 4, 4, 6, 6], &array![1, 1, 1, 1, 1]);
        assert!(got.iter().all(|flow| flow.change == Change::Merged && flow.share_of_a == 1.0));
        assert_eq!(got.iter().map(|flow| flow.share_of_b).collect::<Vec<_>>(), [0.6, 0.4]);
    }

    #[test]
    fn thresholds_decide() {
        // Shares of the largest flow: 3/4 of a, 3/4 of b.
        let (a, b) = (array![0, 0, 0, 0, 1, 1], array![0, 0, 0, 1, 0, 1]);
        let first =
            |kept, part| flows(a.view(), b.view(), &FlowThresholds { kept, part }).map(|f| f[0].change);
        assert_eq!(first(0.75, 1.0), Ok(Change::Kept));
        assert_eq!(first(0.76, 1.0), Ok(Change::Mixed));
        for (kept, part) in [(0.5, 0.8), (1.1, 1.1), (f64::NAN, 0.8), (0.8, 0.7), (0.8, 1.1), (0.8, f64::NAN)]
        {
            assert!(matches!(first(kept, part), Err(Error::OutOfRange { .. })), "{kept} {part}");
        }
    }

    #[test]
    fn trivial_partitions() {
        let one = default_flows(&array![3], &array![8]);
        assert_eq!((one.len(), one[0].change), (1, Change::Kept));
        let each = Array1::from_iter(0..1000_u32);
        let got = default_flows(&each, &Array1::zeros(1000));
        assert!(got.len() == 1000 && got.iter().all(|flow| flow.change == Change::Merged));
        let none = Array1::<u32>::zeros(0);
        assert!(flows(none.view(), none.view(), &FlowThresholds::default()).is_err());
    }
}
