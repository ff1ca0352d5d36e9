//! Mini-batch k-means (Sculley, "Web-scale k-means clustering", 2010) for data too large for full
//! passes.
//!
//! Each step draws rows with replacement, assigns them, and moves every centre towards its rows
//! with the rate one over the rows it has seen so far. All restarts see the same batches. A restart
//! stops when the smoothed inertia of its batches has not fallen for [`PATIENCE`] steps, or after
//! `max_iter` passes' worth of rows.

use ndarray::{Array2, ArrayView2};
use rand_chacha::ChaCha12Rng;

use super::assign::{Scorer, own_distances};
use super::lloyd::rows_as_centres;
use super::seeding::plus_plus;
use crate::data::{Data, Rows};
use crate::rng::row;
use crate::{Result, check};

/// Steps without a lower smoothed inertia after which a restart has converged.
const PATIENCE: usize = 10;

/// Batches' worth of rows on which k-means++ runs.
const SEEDING_BATCHES: usize = 3;

/// One restart.
pub(crate) struct MiniBatchLane {
    /// Centres `[k, d]`.
    pub(crate) centres: Array2<f64>,
    /// Steps made.
    pub(crate) steps: usize,
    /// Whether the smoothed inertia stopped falling.
    pub(crate) converged: bool,
    seen: Vec<usize>,
    smoothed: f64,
    lowest: f64,
    idle: usize,
}

/// Draws rows into a new array.
fn draw(x: Rows<'_>, rows: usize, rng: &mut ChaCha12Rng) -> Array2<f32> {
    let (n, d) = x.dim();
    let mut out = Array2::zeros((rows, d));
    for mut drawn in out.outer_iter_mut() {
        x.copy(row(rng, n), drawn.as_slice_mut().expect("a row of a fresh array is contiguous"));
    }
    out
}

/// Seeds one lane per generator and runs them all.
///
/// # Errors
///
/// [`crate::Error::TooFewDistinctRows`] when the rows drawn for seeding hold fewer than `k`
/// different ones.
pub(crate) fn run(
    x: Rows<'_>,
    k: usize,
    batch_size: usize,
    max_iter: usize,
    seeding: Vec<ChaCha12Rng>,
    mut batches: ChaCha12Rng,
) -> Result<Vec<MiniBatchLane>> {
    let n = x.dim().0;
    let sample = draw(x, (SEEDING_BATCHES * batch_size.max(k)).min(n), &mut batches);
    check::clusters(sample.nrows(), k)?;
    let sample = Data::new(sample.view());
    let chosen = plus_plus(&sample, k, seeding)?;
    let mut lanes: Vec<MiniBatchLane> =
        chosen.iter().map(|rows| MiniBatchLane::new(rows_as_centres(&sample, rows))).collect();
    // the weight with which a batch enters the smoothed inertia: its share of the data, twice
    let weight = (2.0 * batch_size as f64 / (n as f64 + 1.0)).min(1.0);
    let most_steps = max_iter.saturating_mul(n.div_ceil(batch_size));
    for _ in 0..most_steps {
        let active: Vec<usize> = (0..lanes.len()).filter(|&i| !lanes[i].converged).collect();
        if active.is_empty() {
            break;
        }
        let batch = draw(x, batch_size, &mut batches);
        let batch = Data::new(batch.view());
        let found =
            Scorer::new(&batch, active.iter().map(|&i| lanes[i].centres.view()).collect()).assign(&batch);
        for (i, found) in active.into_iter().zip(found) {
            let inertia = own_distances(&batch, lanes[i].centres.view(), &found.labels).iter().sum::<f64>();
            lanes[i].track(inertia / batch.n() as f64, weight);
            lanes[i].update(found.sums.view(), &found.counts);
        }
    }
    Ok(lanes)
}

impl MiniBatchLane {
    fn new(centres: Array2<f64>) -> Self {
        let seen = vec![0; centres.nrows()];
        Self { centres, steps: 0, converged: false, seen, smoothed: 0.0, lowest: f64::INFINITY, idle: 0 }
    }

    fn track(&mut self, inertia: f64, weight: f64) {
        self.smoothed =
            if self.steps == 0 { inertia } else { self.smoothed + weight * (inertia - self.smoothed) };
        self.idle = if self.smoothed < self.lowest { 0 } else { self.idle + 1 };
        self.lowest = self.lowest.min(self.smoothed);
        self.converged = self.idle >= PATIENCE;
    }

    fn update(&mut self, sums: ArrayView2<'_, f64>, counts: &[usize]) {
        let rows = self.centres.outer_iter_mut().zip(sums.outer_iter()).zip(counts).zip(&mut self.seen);
        for (((mut centre, sum), &count), seen) in rows {
            *seen += count;
            if count == 0 {
                continue;
            }
            for (c, &s) in centre.iter_mut().zip(sum) {
                *c += (s - count as f64 * *c) / *seen as f64;
            }
        }
        self.steps += 1;
    }
}
