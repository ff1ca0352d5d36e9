//! Whether columns whose spreads differ have one unit or several: what the neighbour graph says.
//!
//! In one unit a narrow column says less than a wide one, and one width for all columns keeps that.
//! In several units one width hides the groups of the narrow columns behind the noise of the wide
//! ones. The spreads alone do not tell which it is, but the groups may: widths of their own are
//! taken where groups are clearer with them.

use super::described::scaled;
use super::scale::ScaleKind;
use crate::Result;
use ndarray::{ArrayView1, Axis};
use vae_core::Features;
use vae_core::identity::{Revisions, revisions};
use vae_core::phase::FitContext;
use vae_core::random::{Streams, sorted_sample};
use vae_graph::Distinct;
use vae_graph::partition::{Clarity, NumberOfClusters, PartitionConfig, number};

/// Rows and columns that are looked at, at most, for the sake of cost.
const MOST_ROWS: usize = 1000;
/// See [`MOST_ROWS`].
const MOST_COLUMNS: usize = 200;

/// Fewer different rows say nothing.
const LEAST_ROWS: usize = 50;

/// A value that a larger share of the rows has is a level: codes, counts and columns that are
/// mostly 0 fall apart into their levels where each has a width of its own, and levels are no
/// groups of rows.
const SHARE_OF_A_LEVEL: f64 = 0.1;

/// What the graph says.
pub(super) struct Answer {
    /// Whether groups are clearer with a width for each column: the estimate of the number of
    /// clusters is more certain, or both are clear and only its clusters stand apart.
    pub own_widths_are_clearer: bool,
    /// What the answer depends on.
    pub revisions: Revisions,
}

/// Asks the graph of the table `x`; `None` where there are too few rows, or no two columns that
/// vary from row to row. Categories are left out: their columns keep their values whatever the
/// scaling.
///
/// # Errors
/// What searching and libtorch can return.
pub(super) fn ask(x: &Features) -> Result<Option<Answer>> {
    let Some(sample) = sample(x)? else { return Ok(None) };
    let one_width = estimate(&scaled(ScaleKind::Shared, &sample)?)?;
    let own_widths = estimate(&scaled(ScaleKind::Power, &sample)?)?;
    let of_partitions = PartitionConfig::default().revisions(sample.n());
    Ok(Some(Answer {
        own_widths_are_clearer: is_clearer(&own_widths, &one_width),
        revisions: revisions(&[number::REVISIONS, of_partitions]),
    }))
}

/// Some of the different rows, and of their columns some of the numbers.
fn sample(x: &Features) -> Result<Option<Features>> {
    let Some(dense) = x.as_dense() else { return Ok(None) };
    let rows = sorted_sample(&mut Streams::new(0, "one-unit").rng("rows", 0, 0), x.n(), MOST_ROWS);
    let (numbers, _) = x.numbers_and_categories();
    let step = numbers.len().div_ceil(MOST_COLUMNS).max(1);
    let numbers: Vec<usize> = numbers.into_iter().step_by(step).collect();
    let all = dense.select(Axis(0), &rows).select(Axis(1), &numbers);
    let varying: Vec<usize> = (0..numbers.len()).filter(|&i| !has_levels(all.column(i))).collect();
    if varying.len() < 2 {
        return Ok(None);
    }
    let all = Features::table(all.select(Axis(1), &varying), None)?;
    let different = match Distinct::of(&all) {
        Some(distinct) => all.select(distinct.rows())?,
        None => all,
    };
    Ok(Some(different).filter(|rows| rows.n() >= LEAST_ROWS))
}

/// Whether many rows have the same value.
fn has_levels(column: ArrayView1<'_, f32>) -> bool {
    let mut values: Vec<f32> = column.iter().copied().filter(|v| !v.is_nan()).collect();
    values.sort_unstable_by(f32::total_cmp);
    let most = values.chunk_by(|a, b| a == b).map(<[f32]>::len).max().unwrap_or(0);
    most as f64 > SHARE_OF_A_LEVEL * values.len() as f64
}

/// The estimate of the graph alone.
fn estimate(x: &Features) -> Result<NumberOfClusters> {
    let config = PartitionConfig::default();
    let graph = config.mean_graph(&[x], 2, &FitContext::in_memory(0))?;
    Ok(config.number_of_clusters(&graph, |_| Ok(Vec::new()), &Streams::new(0, "one-unit"))?)
}

fn is_clearer(own: &NumberOfClusters, one: &NumberOfClusters) -> bool {
    let rank = |found: &NumberOfClusters| match found.clarity {
        Clarity::NoGroups => 0,
        Clarity::Contested => 1,
        Clarity::Clear => 2,
    };
    let both_clear = own.clarity == Clarity::Clear && one.clarity == Clarity::Clear;
    rank(own) > rank(one) || (both_clear && own.stands_apart() && !one.stands_apart())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use tch::Device;
    use vae_core::features::to_array2;
    use vae_core::random::normal;

    /// 300 rows of three groups in two of four columns, whose spreads are `[d]`.
    fn table(spreads: [f32; 4], of_groups: [usize; 2]) -> Features {
        let mut rng = Streams::new(3, "test").rng("noise", 0, 0);
        let mut x: Array2<f32> = to_array2(&normal(&mut rng, &[300, 4], Device::Cpu)).expect("an array");
        for (i, mut row) in x.rows_mut().into_iter().enumerate() {
            let centre = [[-4.0, 0.0], [4.0, 0.0], [0.0, 7.0]][i % 3];
            of_groups.iter().zip(centre).for_each(|(&j, c)| row[j] = 0.3 * (row[j] + c));
        }
        for mut row in x.rows_mut() {
            row.iter_mut().zip(spreads).for_each(|(v, spread)| *v *= spread);
        }
        Features::table(x, None).expect("finite")
    }

    fn asked(x: &Features) -> Option<bool> {
        ask(x).expect("estimates").map(|answer| answer.own_widths_are_clearer)
    }

    #[test]
    fn groups_of_narrow_columns_need_widths_of_their_own() {
        let behind_noise = table([1.0, 1.0, 6.0, 6.0], [0, 1]);
        assert_eq!(asked(&behind_noise), Some(true));
        assert_eq!(asked(&table([1.0, 1.0, 6.0, 6.0], [2, 3])), Some(false), "one width shows them as well");
        let few: Vec<usize> = (0..40).collect();
        assert_eq!(asked(&behind_noise.select(&few).expect("rows")), None, "too few rows");
        let of = |n: usize| ask(&behind_noise.select(&(0..n).collect::<Vec<_>>()).expect("rows"));
        let names = |n: usize| of(n).expect("estimates").expect("asked").revisions;
        assert!(names(240).contains_key("small-clusters-of-few-points"));
        assert!(!names(300).contains_key("small-clusters-of-few-points"));
    }

    #[test]
    fn levels_of_a_narrow_column_are_no_groups() {
        // Three wide columns without groups and a code of 1 or 2.
        let mut rng = Streams::new(5, "test").rng("noise", 0, 0);
        let mut x: Array2<f32> = to_array2(&normal(&mut rng, &[500, 4], Device::Cpu)).expect("an array");
        x.column_mut(3).iter_mut().enumerate().for_each(|(i, v)| *v = (i % 2) as f32 * 0.4);
        assert_eq!(asked(&Features::table(x, None).expect("finite")), Some(false));
        assert!(has_levels(ndarray::aview1(&[0.0, 0.0, 1.0, f32::NAN])));
        let all: Vec<f32> = (0..20).map(|i| i as f32).collect();
        assert!(!has_levels(ndarray::aview1(&all)));
    }

    #[test]
    fn which_of_two_estimates_is_clearer() {
        let of = |clarity, ratio| NumberOfClusters {
            n_clusters: 2,
            runner_up: None,
            clarity,
            relative_conductances: vec![ratio],
        };
        use Clarity::{Clear, Contested, NoGroups};
        assert!(is_clearer(&of(Contested, 0.3), &of(NoGroups, 0.5)));
        assert!(is_clearer(&of(Clear, 0.2), &of(Contested, 0.01)));
        assert!(!is_clearer(&of(Contested, 0.05), &of(Contested, 0.3)), "iris");
        assert!(is_clearer(&of(Clear, 0.05), &of(Clear, 0.2)));
        assert!(!is_clearer(&of(Clear, 0.05), &of(Clear, 0.08)), "both stand apart");
        assert!(!is_clearer(&of(NoGroups, 0.5), &of(NoGroups, 0.9)));
    }
}
