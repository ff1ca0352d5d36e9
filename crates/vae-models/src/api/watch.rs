//! What a training did to the clusters that it was given, told without labels.

use super::own_graph::OwnGraph;
use crate::Result;
use ndarray::Array1;
use serde::Serialize;
use vae_core::Features;
use vae_core::phase::FitContext;

/// Losses of modularity up to here are no sign of anything: clusters of equal quality differ so
/// much.
const TOLERANCE: f64 = 0.05;

/// The clusters before and after a training, compared in the graph of the data's own neighbours
/// (the features after the scaling, self-tuning weights).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Watch {
    /// Share of the rows that are in another cluster than at the start.
    pub changed: f64,
    /// The clusters at the start.
    pub before: Quality,
    /// The clusters at the end.
    pub after: Quality,
}

/// How well clusters fit the neighbour graph.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Share of the weight of the edges that leads from one cluster to another.
    pub edges_cut: f64,
    /// Newman's modularity, which is lower for merged clusters and for ragged ones.
    pub modularity: f64,
    /// Clusters without a row.
    pub empty: usize,
}

impl Watch {
    /// Compares `end` with `start`, both `[n]`, on the scaled features `x`.
    ///
    /// `None` for fewer than three rows, which have no graph worth the name.
    ///
    /// # Errors
    /// What searching the neighbours can return.
    pub(crate) fn new(
        x: &Features,
        (start, end): (&Array1<u32>, &Array1<u32>),
        cx: &FitContext,
    ) -> Result<Option<Self>> {
        let Some(graph) = OwnGraph::new(x, cx)? else { return Ok(None) };
        let n_clusters = start.iter().chain(end).max().map_or(0, |&most| most as usize + 1);
        let quality = |clusters: &Array1<u32>| -> Result<Quality> {
            Ok(Quality {
                edges_cut: 1.0 - graph.agreement(clusters),
                modularity: graph.modularity(clusters)?,
                empty: n_clusters - distinct(clusters, n_clusters),
            })
        };
        let changed = start.iter().zip(end).filter(|(a, b)| a != b).count();
        Ok(Some(Self {
            changed: changed as f64 / x.n() as f64,
            before: quality(start)?,
            after: quality(end)?,
        }))
    }

    /// Whether the clusters fit the data worse than those of the start: more clusters are empty, or
    /// the modularity fell by more than 0.05.
    #[must_use]
    pub fn got_worse(&self) -> bool {
        self.after.empty > self.before.empty || self.after.modularity < self.before.modularity - TOLERANCE
    }
}

/// Number of clusters that have a row.
fn distinct(clusters: &Array1<u32>, n_clusters: usize) -> usize {
    let mut has = vec![false; n_clusters];
    clusters.iter().for_each(|&c| has[c as usize] = true);
    has.into_iter().filter(|&has| has).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, Array2};

    /// Three groups of 30 points on a line, far from each other.
    fn groups() -> (Features, Array1<u32>) {
        let x = Array2::from_shape_fn((90, 1), |(i, _)| (i / 30) as f32 * 100.0 + (i % 30) as f32 * 0.1);
        (Features::dense(x).expect("valid"), Array::from_shape_fn(90, |i| (i / 30) as u32))
    }

    fn watch(start: &Array1<u32>, end: &Array1<u32>) -> Watch {
        Watch::new(&groups().0, (start, end), &FitContext::in_memory(0)).expect("searched").expect("90 rows")
    }

    #[test]
    fn groups_that_stay_are_no_reason_to_warn() {
        let (_, truth) = groups();
        let found = watch(&truth, &truth);
        assert_eq!((found.changed, found.before), (0.0, found.after));
        assert_eq!((found.before.edges_cut, found.before.empty), (0.0, 0));
        // Three clusters of equal degree: 1 − 3 · (1/3)².
        assert!((found.before.modularity - 2.0 / 3.0).abs() < 1e-3, "{found:?}");
        assert!(!found.got_worse());
    }

    #[test]
    fn merged_ragged_and_emptied_clusters_are() {
        let (_, truth) = groups();
        // Two of the three in one cluster: nothing is cut, and the modularity is 1 − (2/3)² −
        // (1/3)².
        let merged = watch(&truth, &truth.mapv(|c| c.min(1)));
        assert!((merged.changed - 1.0 / 3.0).abs() < 1e-12);
        assert!((merged.after.modularity - 4.0 / 9.0).abs() < 1e-3, "{merged:?}");
        assert_eq!((merged.after.edges_cut, merged.after.empty), (0.0, 1));
        let ragged = watch(&truth, &Array::from_shape_fn(90, |i| (i % 3) as u32));
        assert!(ragged.after.edges_cut > 0.5 && ragged.after.empty == 0, "{ragged:?}");
        assert!(merged.got_worse() && ragged.got_worse());
        // The way back is an improvement.
        assert!(!watch(&truth.mapv(|c| c.min(1)), &truth).got_worse());
    }
}
