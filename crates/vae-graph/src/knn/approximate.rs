//! Candidates from an approximate index (HNSW, arXiv 1603.09320), for more rows than can all be
//! compared with each other.
//!
//! The index is built by one thread with a fixed seed, so that equal rows have equal neighbours. It
//! borrows the rows. How many of the true neighbours are among those it finds is measured on a
//! sample of the rows.

use super::{Pace, Task, product};
use crate::{Error, Result};
use instant_distance::{Builder, Hnsw, Point, PointId, Search};
use ndarray::ArrayView2;
use rand::RngExt;
use rayon::prelude::*;
use serde_json::json;
use vae_core::interrupt::Interrupt;
use vae_core::phase::FitContext;
use vae_core::random::Streams;

/// Rows above which the index is used.
pub(super) const ROWS: usize = 1_000_000;

/// Rows whose candidates the index weighs when it takes in a row.
const WIDTH_OF_BUILD: usize = 24;

/// Least number of candidates of a search, and their number for each neighbour that is wanted.
const WIDTH_OF_SEARCH: (usize, usize) = (40, 2);

/// Rows whose neighbours are searched exactly too.
const SAMPLE: usize = 1000;

/// Rows between two looks at the interrupt flag.
const BLOCK: usize = 4096;

/// A row of the index.
#[derive(Clone)]
struct Place<'a> {
    row: &'a [f32],
    interrupt: &'a Interrupt,
}

impl Point for Place<'_> {
    fn distance(&self, other: &Self) -> f32 {
        // The index cannot be told to stop while it is built. Where all distances are equal it is
        // done soon.
        if self.interrupt.get().is_some() {
            return 0.0;
        }
        sq_distance(self.row, other.row)
    }
}

/// In f32, with lanes that the compiler can vectorise: the same value on every processor.
fn sq_distance(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += (a - b) * (a - b);
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
}

/// The neighbours of all rows of `x` among the others.
pub(super) fn search(
    task: &Task<'_>,
    x: ArrayView2<'_, f32>,
    cx: &FitContext,
) -> Result<Vec<Vec<(f64, u32)>>> {
    let x = x.as_standard_layout();
    let d = x.ncols();
    let values = x.as_slice().ok_or_else(|| Error::Malformed("the rows are not contiguous".into()))?;
    let places: Vec<Place<'_>> =
        values.chunks_exact(d).map(|row| Place { row, interrupt: &cx.interrupt }).collect();
    let n = places.len();
    cx.progress.note(&format!(
        "nearest neighbours of {n} rows, which are too many for an exact search: building an approximate index"
    ));
    let (mut found, short) = with_index(task, &places, cx)?;
    // Groups of equal rows can hide the others from the index.
    for (i, exact) in short.iter().zip(exactly(task, &short, cx)?) {
        found[*i] = exact;
    }
    let recall = recall(task, &found, cx)?;
    cx.facts.state("approximate_neighbors", json!({ "rows": n, "k": task.k, "recall": recall }));
    cx.progress.note(&format!(
        "nearest neighbours: {:.1} % of the true {} were found (measured on {} rows)",
        100.0 * recall,
        task.k,
        SAMPLE.min(n)
    ));
    Ok(found)
}

/// What the index finds, nearest first, and the rows of which it found too few.
type Found = (Vec<Vec<(f64, u32)>>, Vec<usize>);

fn with_index(task: &Task<'_>, places: &[Place<'_>], cx: &FitContext) -> Result<Found> {
    let width = WIDTH_OF_SEARCH.0.max(WIDTH_OF_SEARCH.1 * task.k);
    let one_thread = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .map_err(|e| Error::Malformed(format!("no thread for the neighbours' index: {e}")))?;
    let build = || {
        let builder = Builder::default().ef_construction(WIDTH_OF_BUILD).ef_search(width).seed(1);
        builder.build_hnsw(places.to_vec())
    };
    let (index, ids): (Hnsw<Place<'_>>, Vec<PointId>) = one_thread.install(build);
    cx.interrupt.check()?;
    let n = places.len();
    let mut row_of = vec![0u32; n];
    for (i, id) in ids.iter().enumerate() {
        row_of[id.into_inner() as usize] = i as u32;
    }
    let mut found = Vec::with_capacity(n);
    let mut pace = Pace::new(n, cx);
    for start in (0..n).step_by(BLOCK) {
        pace.at(start);
        cx.interrupt.check()?;
        let block = (start..(start + BLOCK).min(n)).into_par_iter().map_init(Search::default, |search, i| {
            let near = index.search(&places[i], search).map(|item| row_of[item.pid.into_inner() as usize]);
            task.nearest(i, near)
        });
        found.par_extend(block);
    }
    cx.interrupt.check()?;
    let short = (0..n).filter(|&i| found[i].len() < task.k).collect();
    Ok((found, short))
}

/// The exact neighbours of some rows.
fn exactly(task: &Task<'_>, rows: &[usize], cx: &FitContext) -> Result<Vec<Vec<(f64, u32)>>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let queries = task.x.select(rows)?;
    let (k, metric) = (task.k + 1, task.metric);
    let found = product::search(&Task { x: task.x, queries: &queries, k, skip_own: false, metric }, cx)?;
    let without_own = |(own, near): (&usize, Vec<(f64, u32)>)| {
        near.into_iter().filter(|(_, j)| *j as usize != *own).take(task.k).collect()
    };
    Ok(rows.iter().zip(found).map(without_own).collect())
}

/// The share of the true neighbours that were found, on a sample of rows. Any row that is as near
/// as the last true neighbour is one.
fn recall(task: &Task<'_>, found: &[Vec<(f64, u32)>], cx: &FitContext) -> Result<f64> {
    let mut rng = Streams::new(0, "neighbours").rng("sample", 0, 0);
    let mut rows: Vec<usize> = (0..SAMPLE).map(|_| rng.random_range(0..found.len())).collect();
    rows.sort_unstable();
    rows.dedup();
    let exact = exactly(task, &rows, cx)?;
    let hits = rows.iter().zip(&exact).map(|(&i, exact)| {
        let last = exact.last().map_or(f64::INFINITY, |(distance, _)| *distance);
        found[i].iter().filter(|(distance, _)| *distance <= last).count()
    });
    Ok(hits.sum::<usize>() as f64 / (rows.len() * task.k) as f64)
}

#[cfg(test)]
mod tests {
    use super::super::{Metric, Neighbours};
    use super::*;
    use ndarray::Array2;
    use vae_core::Features;

    /// Ten groups in 20 columns, of a few factors each.
    fn groups(n: usize) -> Array2<f32> {
        let mut rng = Streams::new(3, "test").rng("x", 0, 0);
        let mut draw = move || rng.random::<f32>() + rng.random::<f32>() - 1.0;
        let mix = Array2::from_shape_simple_fn((4, 20), &mut draw);
        Array2::from_shape_simple_fn((n, 4), &mut draw).dot(&mix)
            + Array2::from_shape_fn((n, 20), |(i, j)| if j % 10 == i % 10 { 3.0 } else { 0.1 * draw() })
    }

    fn of(x: &Features, k: usize, metric: Metric, cx: &FitContext) -> Result<Vec<Vec<(f64, u32)>>> {
        let task = Task { x, queries: x, k, skip_own: true, metric };
        search(&task, x.as_dense().expect("dense"), cx)
    }

    #[test]
    fn nearly_all_neighbours_are_found_and_the_share_is_known() {
        let x = Features::dense(groups(6000)).expect("finite");
        let cx = FitContext::in_memory(0);
        let found = of(&x, 10, Metric::Euclidean, &cx).expect("found");
        let task = Task { x: &x, queries: &x, k: 10, skip_own: true, metric: Metric::Euclidean };
        let exact = product::search(&task, &cx).expect("exact");
        let hits: usize =
            found.iter().zip(&exact).map(|(f, e)| f.iter().filter(|near| e.contains(near)).count()).sum();
        let share = hits as f64 / 60_000.0;
        assert!(share > 0.97, "{share}");
        for (i, near) in found.iter().enumerate() {
            assert_eq!(near.len(), 10);
            assert!(near.iter().all(|(_, j)| *j as usize != i));
            assert!(near.is_sorted_by(|a, b| a.0 < b.0 || (a.0 == b.0 && a.1 < b.1)));
        }
        let stated = &cx.facts.take()["approximate_neighbors"][0];
        assert_eq!((stated["rows"].as_u64(), stated["k"].as_u64()), (Some(6000), Some(10)));
        // Within five standard deviations of a sample of 10,000 with this share.
        assert!((stated["recall"].as_f64().expect("a share") - share).abs() < 5.0 * 0.003);
        // The same again, and with several threads.
        let threads = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads");
        assert!(threads.install(|| of(&x, 10, Metric::Euclidean, &cx)).expect("found") == found);
    }

    #[test]
    fn equal_rows_leave_no_row_without_neighbours() {
        let mut x = groups(1500);
        for i in 0..1200 {
            let first = x.row(0).to_owned();
            x.row_mut(i).assign(&first);
        }
        let x = Features::dense(x).expect("finite");
        let found = of(&x, 12, Metric::Euclidean, &FitContext::in_memory(0)).expect("found");
        assert!(found.iter().all(|near| near.len() == 12));
        assert!(found[5].iter().all(|near| near.0 == 0.0));
        Neighbours::from_rows(found, 12).expect("a full table");
    }

    #[test]
    fn a_wrong_neighbour_lowers_the_recall() {
        let x = Features::dense(groups(400)).expect("finite");
        let cx = FitContext::in_memory(0);
        let task = Task { x: &x, queries: &x, k: 4, skip_own: true, metric: Metric::Euclidean };
        let mut found = product::search(&task, &cx).expect("exact");
        assert_eq!(recall(&task, &found, &cx).expect("a share"), 1.0);
        for near in &mut found {
            near[3] = (1e3, 0);
        }
        assert_eq!(recall(&task, &found, &cx).expect("a share"), 0.75);
    }

    #[test]
    fn an_interruption_ends_it() {
        let x = Features::dense(groups(3000)).expect("finite");
        let cx = FitContext::in_memory(0);
        cx.interrupt.set(15);
        let e = of(&x, 5, Metric::Cosine, &cx).expect_err("stopped");
        assert!(matches!(e, Error::Core(vae_core::Error::Interrupted { signal: 15 })), "{e:?}");
    }
}
