//! The neighbour graph of a table with categories.
//!
//! Two levels of a category are as far apart in one-hot features as any other two, and farther than
//! near rows in their numbers: nearest neighbours share every category, and their graph falls apart
//! into the combinations of levels. So the numbers have a graph of their own, and each category one
//! that links rows of equal level; their mean, in which each column counts alike, is what is cut.

use super::PartitionConfig;
use crate::knn::{Knn, Metric};
use crate::{Graph, Result};
use ndarray::{ArrayView2, Axis, s};
use rand::RngExt as _;
use vae_core::Features;
use vae_core::phase::FitContext;
use vae_core::random::Streams;

/// The mean graph of the columns of `x`, with `k` neighbours; `None` for features without
/// categories.
///
/// # Errors
/// What searching can return.
pub(super) fn graph(
    config: &PartitionConfig,
    x: &Features,
    k: usize,
    cx: &FitContext,
) -> Result<Option<Graph>> {
    let Some(dense) = x.as_dense().filter(|_| x.has_categories()) else { return Ok(None) };
    let (numbers, categories) = x.numbers_and_categories();
    let mut mean = None;
    let mut columns = numbers.len() as f32;
    if !numbers.is_empty() {
        let numbers = Features::dense(dense.select(Axis(1), &numbers))?;
        mean = Some(config.adjacency(&Knn { k, metric: Metric::Euclidean }.of(&numbers, cx)?)?);
    }
    let weight = mean.as_ref().map_or(1.0, mean_weight);
    let streams = Streams::new(cx.seed, "table-graph");
    for (i, features) in categories.into_iter().enumerate() {
        let is_missing = |row: usize| x.gaps().binary_search(&(row * x.dim() + features.start)).is_ok();
        let levels = levels(dense.slice(s![.., features.clone()]), is_missing);
        let graph = same_level(&levels, features.len(), (k, weight), (&streams, i))?;
        columns += 1.0;
        mean = Some(match mean {
            None => graph,
            Some(mean) => mean.mixed(&graph, 1.0 / columns)?,
        });
    }
    Ok(mean)
}

/// The level of each row of one-hot features, `[n]`; `None` where it is missing.
fn levels(one_hot: ArrayView2<'_, f32>, is_missing: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
    let largest = |row: ndarray::ArrayView1<'_, f32>| {
        (1..row.len()).fold(0, |best, level| if row[level] > row[best] { level } else { best })
    };
    let rows = one_hot.rows().into_iter().enumerate();
    rows.map(|(i, row)| (!is_missing(i)).then(|| largest(row))).collect()
}

/// Each row linked to `k` random others of its level, symmetrised.
fn same_level(
    levels: &[Option<usize>],
    n_levels: usize,
    (k, weight): (usize, f32),
    (streams, category): (&Streams, usize),
) -> Result<Graph> {
    let mut members = vec![Vec::new(); n_levels];
    levels.iter().enumerate().for_each(|(i, level)| {
        if let Some(level) = level {
            members[*level].push(i as u32);
        }
    });
    let mut rng = streams.rng("neighbours", category, 0);
    let mut linked = |(i, level): (usize, &Option<usize>)| -> Vec<(u32, f32)> {
        let Some(own) = level.map(|level| &members[level]).filter(|own| own.len() > 1) else {
            return Vec::new();
        };
        let draws = (0..k.min(own.len() - 1)).map(|_| own[rng.random_range(0..own.len())]);
        draws.filter(|&j| j as usize != i).map(|j| (j, weight)).collect()
    };
    let rows = levels.iter().enumerate().map(&mut linked).collect();
    Ok(Graph::from_rows(rows)?.symmetrised())
}

/// The mean weight of an edge; 1 without any.
fn mean_weight(graph: &Graph) -> f32 {
    match graph.n_edges() {
        0 => 1.0,
        n => (graph.row_sums().sum() / n as f64) as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, Array2};
    use vae_core::{Column, Schema};

    /// Two groups of 60 rows by a number; a category of four levels, two a group but for every
    /// sixth row.
    fn mixed() -> (Features, Array<u32, ndarray::Ix1>) {
        let mut x = Array2::<f32>::zeros((120, 5));
        for i in 0..120 {
            let (group, step) = (i / 60, i % 60);
            x[[i, 0]] = group as f32 * 4.0 + step as f32 * 0.02;
            let level = if step % 6 == 0 { step / 6 % 4 } else { 2 * group + step % 2 };
            x[[i, 1 + level]] = 1.0;
        }
        let columns = vec![Column::number("a"), Column::category("b", ["p", "q", "r", "s"])];
        let schema = Schema { named: true, columns };
        (Features::table(x, Some(schema)).expect("valid"), Array::from_shape_fn(120, |i| (i / 60) as u32))
    }

    #[test]
    fn groups_that_categories_blur_are_found() {
        let (x, truth) = mixed();
        let cx = FitContext::in_memory(3);
        let config = PartitionConfig::default();
        let found = config.fit(&[&x], 2, &[], &Streams::new(3, "test"), &cx).expect("cut");
        let same = found.labels.iter().zip(&truth).filter(|(a, b)| a == b).count();
        // Rows of the other group's levels may go with them.
        assert!(same.max(120 - same) >= 114, "{same} of 120");
        let plain = Features::dense(x.as_dense().expect("dense").to_owned()).expect("valid");
        assert!(graph(&config, &plain, 10, &cx).expect("no categories").is_none());
    }

    #[test]
    fn missing_levels_have_no_edges_and_equal_ones_have() {
        let levels = [Some(0), Some(0), None, Some(1), Some(0)];
        let graph = same_level(&levels, 2, (3, 0.5), (&Streams::new(0, "test"), 0)).expect("graph");
        let degree: Vec<bool> = graph.row_sums().iter().map(|sum| *sum > 0.0).collect();
        assert_eq!(degree, [true, true, false, false, true]);
        for i in [0, 1, 4] {
            assert!(graph.row(i).all(|(j, w)| [0, 1, 4].contains(&j) && j as usize != i && w > 0.0));
        }
    }
}
