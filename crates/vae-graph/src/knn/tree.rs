//! Candidates from a kd-tree: for few columns.

use super::{Pace, Task, row};
use crate::{Error, Result};
use kdtree::KdTree;
use kdtree::distance::squared_euclidean;
use ndarray::ArrayView2;
use rayon::prelude::*;
use std::collections::HashMap;
use vae_core::phase::FitContext;

/// Points per leaf.
const LEAF: usize = 32;

/// Queries between two checks of the interrupt flag.
const BLOCK: usize = 4096;

pub(super) fn search(
    task: &Task<'_>,
    x: ArrayView2<'_, f32>,
    cx: &FitContext,
) -> Result<Vec<Vec<(f64, u32)>>> {
    let failed = |e: kdtree::ErrorKind| Error::Malformed(format!("the kd-tree refused a point: {e}"));
    // Equal rows are one point of the tree, which cannot split them.
    let mut duplicates: Vec<Vec<u32>> = Vec::new();
    let mut seen: HashMap<Vec<u32>, usize> = HashMap::with_capacity(x.nrows());
    let mut tree = KdTree::with_capacity(x.ncols(), LEAF);
    for i in 0..x.nrows() {
        let point = row(task.x, i);
        let bits = point.iter().map(|v| (v + 0.0).to_bits()).collect();
        let slot = *seen.entry(bits).or_insert(duplicates.len());
        if slot < duplicates.len() {
            duplicates[slot].push(i as u32);
            continue;
        }
        duplicates.push(vec![i as u32]);
        let point: Vec<f64> = point.iter().map(|&v| f64::from(v)).collect();
        tree.add(point, slot).map_err(failed)?;
    }
    let wanted = task.k + usize::from(task.skip_own);
    let one = |i: usize| -> Result<Vec<(f64, u32)>> {
        let query: Vec<f64> = row(task.queries, i).iter().map(|&v| f64::from(v)).collect();
        // One more than needed shows whether the last one is tied with others.
        let mut near = tree.nearest(&query, wanted + 1, &squared_euclidean).map_err(failed)?;
        if near.len() > wanted && near[wanted].0 <= near[wanted - 1].0 {
            let radius = near[wanted - 1].0 * (1.0 + 1e-12) + f64::MIN_POSITIVE;
            near = tree.within(&query, radius, &squared_euclidean).map_err(failed)?;
        }
        Ok(task.nearest(i, near.into_iter().flat_map(|(_, slot)| duplicates[*slot].iter().copied())))
    };
    let n = task.queries.n();
    let mut rows = Vec::with_capacity(n);
    let mut pace = Pace::new(n, cx);
    for start in (0..n).step_by(BLOCK) {
        pace.at(start);
        cx.interrupt.check()?;
        let block: Result<Vec<_>> = (start..(start + BLOCK).min(n)).into_par_iter().map(one).collect();
        rows.extend(block?);
    }
    Ok(rows)
}
