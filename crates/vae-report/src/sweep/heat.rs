//! Agreement of runs as a heat map.

use super::Sweep;
use serde::Serialize;

/// Runs of a heat map, at most: with more, a cell is smaller than a line is wide.
const RUNS: usize = 150;
/// Width of the drawing.
const SIDE: f64 = 600.0;

/// The map.
#[derive(Debug, Serialize)]
pub struct Heat {
    side: f64,
    cell: f64,
    cells: Vec<Cell>,
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Cell {
    x: f64,
    y: f64,
    /// From 0, no agreement, to 1.
    strength: f64,
    says: String,
}

/// Runs of one number of clusters.
#[derive(Debug, Serialize)]
struct Group {
    k: usize,
    at: f64,
    /// Where its first run begins, and its middle, of the side.
    percent: f64,
}

/// The heat map; `None` for fewer than two runs or too many.
pub fn heat(sweep: &Sweep) -> Option<Heat> {
    let n = sweep.runs.len();
    if !(2..=RUNS).contains(&n) || sweep.agreement.len() != n {
        return None;
    }
    let cell = SIDE / n as f64;
    let place = |i: usize| (100.0 * i as f64 * cell).round() / 100.0;
    let mut cells = Vec::with_capacity(n * n);
    for (i, row) in sweep.agreement.iter().enumerate() {
        for (j, &ari) in row.iter().enumerate() {
            let strength = (100.0 * ari.clamp(0.0, 1.0)).round() / 100.0;
            let says = format!("{} and {}: {ari:.3}", sweep.runs[i].id, sweep.runs[j].id);
            cells.push(Cell { x: place(j), y: place(i), strength, says });
        }
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut first = 0;
    for of_k in sweep.runs.chunk_by(|a, b| a.n_clusters == b.n_clusters) {
        let middle = first as f64 + of_k.len() as f64 / 2.0;
        groups.push(Group { k: of_k[0].n_clusters, at: place(first), percent: 100.0 * middle / n as f64 });
        first += of_k.len();
    }
    Some(Heat { side: SIDE, cell, cells, groups })
}
