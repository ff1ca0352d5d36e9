//! What `scale = "auto"` decides for a table.

use super::columns::Column;
use super::{Choice, ScaleKind};
use ndarray::{ArrayView2, Axis};

/// Columns of one unit: their largest spread is at most so many times the lower quartile of the
/// spreads.
const SPREAD_RATIO: f64 = 8.0;

/// Where the largest spread is so many times the least it is open whether the columns have one
/// unit: a quarter of them may be narrower than what [`SPREAD_RATIO`] looks at.
const DOUBTFUL_FROM: f64 = 2.5;

/// No heavy tail: the farthest 1 % of the rows have at most this share of the squared distances to
/// the mean. 1 % of a normal distribution in one dimension have 8 %.
const TAIL_SHARE: f64 = 0.2;

/// The rows that count as the tail.
const TAIL: f64 = 0.01;

/// `shared` or `power`, or `none` where all values are 0 or 1, and why. The measures do not depend
/// on units, nor on the numbers of rows and columns.
pub(super) fn choose(x: ArrayView2<'_, f32>) -> Choice {
    choose_by(x, SPREAD_RATIO, TAIL_SHARE)
}

fn choose_by(x: ArrayView2<'_, f32>, most_ratio: f64, most_tail: f64) -> Choice {
    if x.iter().all(|v| *v == 0.0 || *v == 1.0 || v.is_nan()) {
        return Choice::of(ScaleKind::None, "all values are 0 or 1");
    }
    let (ratio, to_least) = spread_ratios(x);
    if ratio > most_ratio {
        let reason = format!("spreads of the columns differ {to_least:.1}-fold: different units");
        return Choice::of(ScaleKind::Power, &reason);
    }
    let tail = tail_share(x);
    if tail > most_tail {
        let reason = format!("heavy tails: 1 % of the rows have {:.0} % of the variance", 100.0 * tail);
        return Choice::of(ScaleKind::Power, &reason);
    }
    let in_doubt = Some(to_least).filter(|ratio| *ratio >= DOUBTFUL_FROM);
    Choice { in_doubt, ..Choice::of(ScaleKind::Shared, "columns of comparable spread: one unit") }
}

/// The largest robust spread of a column by the lower quartile of them, and by the least, among the
/// columns that have one and hold more than 0 and 1; 1 where none does.
fn spread_ratios(x: ArrayView2<'_, f32>) -> (f64, f64) {
    let columns = x.axis_iter(Axis(1)).map(Column::of).filter(|column| !column.is_binary());
    let spreads = columns.map(|column| column.robust().1);
    let mut spreads: Vec<f64> = spreads.filter(|spread| *spread > 0.0).collect();
    spreads.sort_unstable_by(f64::total_cmp);
    let (Some(least), Some(most)) = (spreads.first(), spreads.last()) else { return (1.0, 1.0) };
    // Rounded down: of up to four columns the smallest counts.
    let quartile = spreads[(spreads.len() - 1) / 4];
    (most / quartile, most / least)
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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, s};
    use tch::Device;
    use vae_core::features::to_array2;
    use vae_core::random::{Streams, normal};

    /// 600 rows of three groups in `d` columns of one unit: normal deviates around 0 and 5.
    fn groups(d: usize) -> Array2<f32> {
        let noise = normal(&mut Streams::new(7, "test").rng("noise", d, 0), &[600, d as i64], Device::Cpu);
        let centre = |i: usize, j: usize| if (i + j).is_multiple_of(3) { 5.0 } else { 0.0 };
        let centres = Array2::from_shape_fn((600, d), |(i, j)| centre(i, j));
        to_array2(&noise).expect("an array") + centres
    }

    /// Made tables and what is right for them, and whether the share of the tail is near its
    /// threshold.
    fn tables() -> Vec<(&'static str, Array2<f32>, ScaleKind, bool)> {
        let one_unit = groups(6);
        let units = ndarray::arr1(&[1.0f32, 1000.0, 0.01, 40.0, 7.0, 250.0]);
        // Pixels of a border: hardly ever another value than 0.
        let mut constant = groups(8);
        constant.column_mut(0).mapv_inplace(|v| if v > 3.0 { 1.0 } else { 0.0 });
        constant.column_mut(1).fill(4.0);
        let mut wild = groups(6);
        wild[[3, 2]] = 1e6;
        let mut unequal = one_unit.clone();
        unequal.slice_mut(s![582.., ..]).mapv_inplace(|v| v + 12.0);
        vec![
            ("one unit", one_unit.clone(), ScaleKind::Shared, false),
            ("different units", &one_unit * &units, ScaleKind::Power, false),
            ("nearly constant columns", constant, ScaleKind::Shared, false),
            ("a wild cell", wild, ScaleKind::Power, false),
            ("log-normal columns", one_unit.mapv(f32::exp), ScaleKind::Power, true),
            ("a small group far away", unequal, ScaleKind::Shared, true),
            ("flags", one_unit.mapv(|v| if v > 2.0 { 1.0 } else { 0.0 }), ScaleKind::None, false),
        ]
    }

    /// What hangs on a threshold: half the share of the tail calls a small far group a heavy tail,
    /// twice the share calls log-normal columns one unit. Nothing hangs on the ratio of the
    /// spreads.
    #[test]
    fn the_choice_is_right_and_hardly_hangs_on_the_thresholds() {
        for (name, x, want, is_near) in tables() {
            for (ratio, tail) in [(1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (1.0, 0.5), (1.0, 2.0)] {
                if is_near && tail != 1.0 {
                    continue;
                }
                let found = choose_by(x.view(), ratio * SPREAD_RATIO, tail * TAIL_SHARE);
                assert_eq!(found.kind, want, "{name}, thresholds times {ratio} and {tail}: {}", found.reason);
            }
        }
    }

    #[test]
    fn units_and_missing_cells_do_not_change_the_choice() {
        for (name, x, want, is_near) in tables() {
            if is_near || want == ScaleKind::None {
                continue;
            }
            let mut other = x.mapv(|v| v * 1024.0);
            other.iter_mut().step_by(13).for_each(|v| *v = f32::NAN);
            assert_eq!(choose(other.view()).kind, want, "{name}");
        }
    }
}
