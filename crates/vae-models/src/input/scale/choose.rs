//! What `scale = "auto"` decides for a table.

use super::ScaleKind;
use super::columns::Column;
use ndarray::{ArrayView2, Axis};

/// Columns of one unit: their largest spread is at most so many times the lower quartile of the spreads.
const SPREAD_RATIO: f64 = 8.0;

/// No heavy tail: the farthest 1 % of the rows have at most this share of the squared distances to the mean. 1 % of a normal
/// distribution in one dimension have 8 %.
const TAIL_SHARE: f64 = 0.2;

/// The rows that count as the tail.
const TAIL: f64 = 0.01;

/// `shared` or `power`, or `none` where all values are 0 or 1, and why. The measures do not depend on units, nor on the numbers of rows and columns.
pub(super) fn choose(x: ArrayView2<'_, f32>) -> (ScaleKind, String) {
    choose_by(x, SPREAD_RATIO, TAIL_SHARE)
}

fn choose_by(x: ArrayView2<'_, f32>, most_ratio: f64, most_tail: f64) -> (ScaleKind, String) {
    if x.iter().all(|v| *v == 0.0 || *v == 1.0 || v.is_nan()) {
        return (ScaleKind::None, "all values are 0 or 1".into());
    }
    let ratio = spread_ratio(x);
    if ratio > most_ratio {
        return (ScaleKind::Power, format!("spreads of the columns differ {ratio:.3}-fold: different units"));
    }
    let tail = tail_share(x);
    if tail > most_tail {
        let reason = format!("heavy tails: 1 % of the rows have {:.0} % of the variance", 100.0 * tail);
        return (ScaleKind::Power, reason);
    }
    (ScaleKind::Shared, "columns of comparable spread: one unit".into())
}

/// The largest robust spread of a column by the lower quartile of them, among the columns that have one; 1 where none has.
fn spread_ratio(x: ArrayView2<'_, f32>) -> f64 {
    let columns = x.axis_iter(Axis(1)).map(Column::of).filter(|column| !column.is_binary());
    let spreads = columns.map(|column| column.robust().1);
    let mut spreads: Vec<f64> = spreads.filter(|spread| *spread > 0.0).collect();
    spreads.sort_unstable_by(f64::total_cmp);
    // Rounded down: of up to four columns the smallest counts.
    let quartile = spreads.get(spreads.len().saturating_sub(1) / 4);
    spreads.last().zip(quartile).map_or(1.0, |(high, low)| high / low)
}

/// Share of the farthest rows in the sum of all squared distances to the mean row.
fn tail_share(x: ArrayView2<'_, f32>) -> f64 {
    let mut distances = vec![0.0; x.nrows()];
    for column in x.axis_iter(Axis(1)) {
        let (mean, _) = Column::of(column).moments();
        let there = distances.iter_mut().zip(column).filter(|(_, v)| !v.is_nan());
        there.for_each(|(d, &v)| *d += (f64::from(v) - mean).powi(2));
    }
    distances.sort_unstable_by(|a, b| b.total_cmp(a));
    let all: f64 = distances.iter().sum();
    let n = (TAIL * distances.len() as f64).ceil() as usize;
    if all > 0.0 { distances[..n].iter().sum::<f64>() / all } else { 0.0 }
}
