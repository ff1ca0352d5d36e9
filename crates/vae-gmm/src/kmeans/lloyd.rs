//! Lloyd's iterations (Lloyd, "Least squares quantization in PCM", 1982) for several restarts in
//! lockstep: one pass over the data serves all of them, so the matrix product stays wide and the
//! data are read once.

use ndarray::{Array2, ArrayView2, Axis};

use super::assign::{Assignment, Scorer, own_distances};
use crate::data::Data;
use crate::vector::square;
use crate::{Error, Result};

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    /// Most updates of the centres.
    pub(crate) max_iter: usize,
    /// Largest sum of squared centre movements that counts as none, in the data's units.
    pub(crate) movement: f64,
}

/// The state of one restart.
pub(crate) struct Lane {
    /// Centres `[k, d]`.
    pub(crate) centres: Array2<f64>,
    /// Nearest centre of each row; empty before the first pass.
    pub(crate) labels: Vec<u32>,
    /// Updates made.
    pub(crate) n_iter: usize,
    /// Whether the centres converged before `max_iter`.
    pub(crate) converged: bool,
    done: bool,
}

impl Lane {
    /// Starts from centres `[k, d]`.
    pub(crate) fn new(centres: Array2<f64>) -> Self {
        let centres = centres.as_standard_layout().into_owned();
        Self { centres, labels: Vec::new(), n_iter: 0, converged: false, done: false }
    }

    /// Takes the outcome of a pass: stops, or moves the centres to the means of their rows.
    ///
    /// The labels always belong to the present centres when the lane is done.
    fn step(&mut self, data: &Data<'_>, mut found: Assignment, stop: Stop) -> Result<()> {
        let fixed_point = self.labels == found.labels;
        let has_empty = found.counts.contains(&0);
        if self.n_iter >= stop.max_iter || (!has_empty && (self.converged || fixed_point)) {
            self.converged |= fixed_point;
            self.labels = found.labels;
            self.done = true;
            return Ok(());
        }
        if has_empty {
            relocate_empty(data, self.centres.view(), &mut found)?;
        }
        let mut movement = 0.0;
        for ((mut c, sum), &count) in
            self.centres.outer_iter_mut().zip(found.sums.outer_iter()).zip(&found.counts)
        {
            for (old, total) in c.iter_mut().zip(sum) {
                let new = total / count as f64;
                movement += square(new - *old);
                *old = new;
            }
        }
        self.converged = movement <= stop.movement;
        self.labels = found.labels;
        self.n_iter += 1;
        Ok(())
    }
}

/// Runs all lanes to their ends.
///
/// # Errors
///
/// [`Error::TooFewDistinctRows`] when a cluster is empty and every row lies on its centre.
pub(crate) fn run(data: &Data<'_>, lanes: &mut [Lane], stop: Stop) -> Result<()> {
    loop {
        let active: Vec<usize> = (0..lanes.len()).filter(|&i| !lanes[i].done).collect();
        if active.is_empty() {
            return Ok(());
        }
        let found = Scorer::new(data, active.iter().map(|&i| lanes[i].centres.view()).collect()).assign(data);
        for (i, found) in active.into_iter().zip(found) {
            lanes[i].step(data, found, stop)?;
        }
    }
}

/// Gives every empty cluster the row farthest from its own centre (lowest row first among equals),
/// taken from a cluster that keeps at least one other row.
fn relocate_empty(data: &Data<'_>, centres: ArrayView2<'_, f64>, found: &mut Assignment) -> Result<()> {
    let dist = own_distances(data, centres, &found.labels);
    let mut farthest: Vec<usize> = (0..data.n()).filter(|&i| dist[i] > 0.0).collect();
    farthest.sort_by(|&a, &b| dist[b].total_cmp(&dist[a]).then(a.cmp(&b)));
    let mut farthest = farthest.into_iter();
    for empty in 0..found.counts.len() {
        if found.counts[empty] > 0 {
            continue;
        }
        let Some(i) = farthest.find(|&i| found.counts[found.labels[i] as usize] > 1) else {
            let distinct = found.counts.iter().filter(|&&c| c > 0).count();
            return Err(Error::TooFewDistinctRows { distinct, k: found.counts.len() });
        };
        let donor = found.labels[i] as usize;
        for (col, &v) in data.row(i).iter().enumerate() {
            found.sums[[donor, col]] -= f64::from(v);
            found.sums[[empty, col]] = f64::from(v);
        }
        found.counts[donor] -= 1;
        found.counts[empty] = 1;
        found.labels[i] = empty as u32;
    }
    Ok(())
}

/// Rows of the data as centres `[k, d]`.
pub(crate) fn rows_as_centres(data: &Data<'_>, rows: &[usize]) -> Array2<f64> {
    let mut centres = Array2::zeros((rows.len(), data.d()));
    for (mut c, &i) in centres.axis_iter_mut(Axis(0)).zip(rows) {
        c.iter_mut().zip(data.row(i).iter()).for_each(|(c, &v)| *c = f64::from(v));
    }
    centres
}
