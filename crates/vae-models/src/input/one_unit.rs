//! Whether columns whose spreads differ have one unit or several: what the neighbour graph says.
//!
//! In one unit a narrow column says less than a wide one, and one width for all columns keeps that.
//! In several units one width hides the groups of the narrow columns behind the noise of the wide
//! ones. The spreads alone do not tell which it is, but the groups may: widths of their own are
//! taken where groups are clearer with them.

use super::described::scaled;
use super::scale::ScaleKind;
use crate::{Error, Result};
use vae_core::Features;
use vae_core::identity::Revision;
use vae_core::phase::FitContext;
use vae_core::random::{Streams, permutation};
use vae_graph::Distinct;
use vae_graph::partition::{Clarity, NumberOfClusters, PartitionConfig, REVISIONS_BY_CONDUCTANCE, number};

/// What the answer depends on, by group.
pub(crate) const REVISIONS: [&[Revision]; 2] = [number::REVISIONS, REVISIONS_BY_CONDUCTANCE];

/// Rows that are looked at, at most.
const MOST_ROWS: usize = 1000;

/// Fewer different rows say nothing.
const LEAST_ROWS: usize = 50;

/// Whether the groups of the table `x` are clearer with a width for each column: its estimate of
/// the number of clusters is more certain, or both are clear and only its clusters stand apart.
/// Categories are left out: their columns keep their values whatever the scaling.
///
/// # Errors
/// What searching and libtorch can return.
pub(super) fn own_widths_are_clearer(x: &Features) -> Result<bool> {
    let (numbers, _) = x.numbers_and_categories();
    let Some(sample) = sample(x, &numbers)? else { return Ok(false) };
    let one_width = estimate(&scaled(ScaleKind::Shared, &sample)?)?;
    let own_widths = estimate(&scaled(ScaleKind::Power, &sample)?)?;
    Ok(one_width.zip(own_widths).is_some_and(|(one, own)| is_clearer(&own, &one)))
}

/// Some of the different rows, and of their columns those of `numbers`; `None` of too few.
fn sample(x: &Features, numbers: &[usize]) -> Result<Option<Features>> {
    let Some(dense) = x.as_dense() else { return Ok(None) };
    let of = |rows: &[usize]| -> Result<Features> {
        let rows = dense.select(ndarray::Axis(0), rows).select(ndarray::Axis(1), numbers);
        Ok(Features::table(rows, None)?)
    };
    let mut rows: Vec<usize> = (0..x.n()).collect();
    if x.n() > MOST_ROWS {
        let mut rng = Streams::new(0, "one-unit").rng("rows", 0, 0);
        let order = permutation(&mut rng, x.n());
        rows = order[..MOST_ROWS].iter().map(|row| *row as usize).collect();
        rows.sort_unstable();
    }
    let all = of(&rows)?;
    let different = match Distinct::of(&all) {
        Some(distinct) => all.select(distinct.rows())?,
        None => all,
    };
    Ok(Some(different).filter(|rows| rows.n() >= LEAST_ROWS))
}

/// The estimate of the graph alone; `None` where the rows cannot be cut in two.
fn estimate(x: &Features) -> Result<Option<NumberOfClusters>> {
    let config = PartitionConfig::default();
    let graph = config.mean_graph(&[x], 2, &FitContext::in_memory(0))?;
    match config.number_of_clusters(&graph, |_| Ok(Vec::new()), &Streams::new(0, "one-unit")) {
        Ok(found) => Ok(Some(found)),
        Err(vae_graph::Error::NoPartition { .. }) => Ok(None),
        Err(e) => Err(Error::from(e)),
    }
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

    #[test]
    fn groups_of_narrow_columns_need_widths_of_their_own() {
        let of = |x: &Features| own_widths_are_clearer(x).expect("estimates");
        assert!(of(&table([1.0, 1.0, 6.0, 6.0], [0, 1])), "behind wide noise");
        assert!(!of(&table([1.0, 1.0, 6.0, 6.0], [2, 3])), "one width shows them as well");
        let without = table([1.0, 1.0, 6.0, 6.0], [0, 1]);
        let few: Vec<usize> = (0..40).collect();
        assert!(!of(&without.select(&few).expect("rows")), "too few rows");
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
