//! The graph of the data's own neighbours, in which clusterings of the same rows are compared.

use crate::Result;
use ndarray::{Array1, Array2, Axis};
use vae_core::Features;
use vae_core::phase::FitContext;
use vae_graph::partition::PartitionConfig;
use vae_graph::{Distinct, Graph};

/// Most rows whose neighbours are looked at, for the sake of cost: every so many-th row of the
/// data.
const MOST_ROWS: usize = 5000;

/// The graph of a sample of the rows, with self-tuning weights.
pub(crate) struct OwnGraph {
    rows: Vec<usize>,
    graph: Graph,
}

impl OwnGraph {
    /// Of the scaled features `x`; `None` for fewer than three rows, which have no graph worth the
    /// name.
    ///
    /// # Errors
    /// What searching the neighbours can return.
    pub fn new(x: &Features, cx: &FitContext) -> Result<Option<Self>> {
        if x.n() < 3 {
            return Ok(None);
        }
        let step = x.n().div_ceil(MOST_ROWS);
        let mut rows: Vec<usize> = (0..x.n()).step_by(step).collect();
        let mut sample = match x.as_dense() {
            // With its missing cells.
            Some(_) => x.select(&rows)?,
            None => dense_sample(x, &rows)?,
        };
        // Of rows that repeat each other one.
        if let Some(distinct) = Distinct::of(&sample).filter(|distinct| distinct.n() >= 3) {
            sample = sample.select(distinct.rows())?;
            rows = distinct.rows().iter().map(|&row| rows[row]).collect();
        }
        let graph = PartitionConfig::default().neighbour_graph(&sample, cx)?;
        Ok(Some(Self { rows, graph }))
    }

    /// Newman's modularity of `clusters`, `[n]`.
    ///
    /// # Errors
    /// None in practice.
    pub fn modularity(&self, clusters: &Array1<u32>) -> Result<f64> {
        Ok(self.graph.modularity(clusters.select(Axis(0), &self.rows).view())?)
    }

    /// Share of the weight of the edges within one of `clusters`, `[n]`.
    pub fn agreement(&self, clusters: &Array1<u32>) -> f64 {
        self.graph.agreement(clusters.select(Axis(0), &self.rows).view())
    }
}

/// The rows of sparse features, or of those on disk.
fn dense_sample(x: &Features, rows: &[usize]) -> Result<Features> {
    let mut sample = Array2::zeros((rows.len(), x.dim()));
    for (mut to, &row) in sample.axis_iter_mut(Axis(0)).zip(rows) {
        to.assign(&x.dense_rows(row, row + 1).row(0));
    }
    Ok(Features::table(sample, x.schema().cloned())?)
}
