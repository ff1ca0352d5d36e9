//! What the data alone say of the number of clusters, whatever the methods: the partition of the
//! neighbour graph, and prediction strength over halves.

use crate::criteria::{PHASE, Sample, rows, select};
use anyhow::Result;
use ndarray::Axis;
use std::collections::BTreeMap;
use vae_core::Features;
use vae_core::phase::FitContext;
use vae_core::random::{Streams, permutation};
use vae_graph::partition::NumberOfClusters;
use vae_models::ScaleKind;
use vae_models::pretrained::{bic_of_classes, number_without_halves, numbers_like_normal_rows};
use vae_models::registry::{Selection, resolve};
use vae_report::sweep::{OfData, Spread};

/// Cuts the neighbour graph; has no training.
const METHOD: &str = "spectral";
/// Pairs of halves.
const SPLITS: usize = 5;
/// Rows of both halves together, at most.
const HALVED: usize = 2000;
/// Rows of both halves together, at least: fewer say nothing.
const LEAST: usize = 20;
/// The largest number of clusters whose prediction strength is computed, for the sake of cost.
const MOST: usize = 20;
/// Restarts of k-means per candidate partition of a half: as many as the estimate of a number has.
const N_INIT: usize = 3;

/// The partition and the prediction strengths of `features`; `sample` are the rows
/// in the common space. No estimate where the graph cannot be cut in two.
///
/// # Errors
/// What searching and libtorch can return.
pub fn of(
    (features, sample): (&Features, &Sample),
    clusters: &[usize],
    context: &FitContext,
) -> Result<(OfData, Option<NumberOfClusters>)> {
    let (estimate, others) = estimate(&sample.x, context).unzip();
    let (like_normal_rows, bic) = others.unwrap_or_default();
    let by_k = |found: &NumberOfClusters| -> BTreeMap<usize, f64> {
        (2..).zip(found.relative_conductances.iter().copied()).collect()
    };
    let of_data = OfData {
        n_rows: sample.rows.len(),
        relative_conductance: estimate.as_ref().map(by_k).unwrap_or_default(),
        prediction_strength: prediction_strength(features, (clusters, sample.scale), context)?,
        like_normal_rows,
        bic,
    };
    Ok((of_data, estimate))
}

fn spreads(values: &BTreeMap<usize, Vec<f64>>) -> BTreeMap<usize, Spread> {
    values.iter().filter_map(|(&k, values)| Some((k, Spread::of(values)?))).collect()
}

/// What is known beside an estimate.
type Others = (Vec<usize>, BTreeMap<usize, f64>);

/// The graph's estimate of `spectral` on scaled features, that of a fit without a number of
/// clusters; the numbers into which normal rows come apart as much; and BIC, where it is the
/// estimate of latent classes. `None` where the graph cannot be cut in two.
fn estimate(x: &Features, context: &FitContext) -> Option<(NumberOfClusters, Others)> {
    let set = vec!["scale=\"none\"".to_owned()];
    let selection = Selection { method: Some(METHOD.into()), set, ..Selection::default() };
    let summary = resolve(&selection).ok()?.build().ok()?.fit(x, context).ok()?;
    let found = |phase| {
        let others = (numbers_like_normal_rows(phase), bic_of_classes(phase).unwrap_or_default());
        Some((number_without_halves(phase)?, others))
    };
    summary.phases.iter().find_map(found)
}

/// Prediction strength of the partition of the neighbour graph (`spectral`) over random halves of
/// the rows: mean and extremes over the pairs of halves, by number of clusters.
fn prediction_strength(
    features: &Features,
    (clusters, scale): (&[usize], ScaleKind),
    context: &FitContext,
) -> Result<BTreeMap<usize, Spread>> {
    let all = rows(features.n(), HALVED);
    if all.len() < LEAST {
        return Ok(BTreeMap::new());
    }
    let mut found: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for split in 0..SPLITS {
        let mut rng = Streams::new(0, PHASE).rng("halves", split, 0);
        let order = permutation(&mut rng, all.len());
        let half = |part: &[i64]| -> Result<Features> {
            let mut rows: Vec<usize> = part.iter().map(|&i| all[i as usize]).collect();
            rows.sort_unstable();
            select(features, &rows)
        };
        let (train, test) = order.split_at(all.len() / 2);
        let halves = (half(train)?, half(test)?);
        for &k in clusters.iter().filter(|&&k| k <= MOST.min(all.len() / 4)) {
            if let Some(strength) = of_halves((&halves.0, &halves.1), (k, scale), context) {
                found.entry(k).or_default().push(strength);
            }
        }
    }
    Ok(spreads(&found))
}

/// Prediction strength of k clusters of the second half by those of the first; `None` where a half
/// cannot be cut into so many. Both are scaled as all rows are: what `auto` means for a half may
/// differ.
fn of_halves(
    (train, test): (&Features, &Features),
    (k, scale): (usize, ScaleKind),
    context: &FitContext,
) -> Option<f64> {
    let selection = Selection {
        method: Some(METHOD.into()),
        n_clusters: Some(k),
        set: vec![
            format!("partition.n_init={N_INIT}"),
            format!("kmeans.n_init={N_INIT}"),
            format!("scale=\"{}\"", scale.name()),
        ],
        ..Selection::default()
    };
    let fit = |x: &Features| {
        let mut model = resolve(&selection).ok()?.build().ok()?;
        let clusters = model.fit(x, context).ok()?.assignments;
        Some((model, clusters))
    };
    let (model, _) = fit(train)?;
    let (_, clusters) = fit(test)?;
    let predicted = model.predict(test).ok()?;
    debug_assert_eq!(predicted.len_of(Axis(0)), clusters.len());
    vae_metrics::prediction_strength(clusters.view(), predicted.view()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::MOST_ROWS;
    use ndarray::Array2;
    use vae_graph::partition::Clarity;

    /// Normal numbers, `[n, d]`.
    fn noise(n: usize, d: usize, seed: u64) -> Array2<f32> {
        let mut rng = Streams::new(seed, "test").rng("noise", 0, 0);
        let context = FitContext::in_memory(0);
        let drawn = vae_core::random::normal(&mut rng, &[(n * d) as i64], context.device);
        Array2::from_shape_vec((n, d), Vec::<f32>::try_from(drawn).expect("numbers")).expect("as many")
    }

    fn of_rows(x: Array2<f32>) -> (OfData, Option<NumberOfClusters>) {
        let features = Features::dense(x).expect("finite");
        let context = FitContext::in_memory(0);
        let sample = Sample::new(&features, MOST_ROWS, ScaleKind::Auto).expect("scaled");
        of((&features, &sample), &[2, 3, 4, 5], &context).expect("computed")
    }

    #[test]
    fn groups_are_told_from_none() {
        let mut x = noise(300, 4, 1);
        for (i, mut row) in x.rows_mut().into_iter().enumerate() {
            row[i % 3] += 12.0;
        }
        let (of_groups, estimate) = of_rows(x);
        let estimate = estimate.expect("cut");
        assert_eq!((estimate.n_clusters, estimate.clarity), (3, Clarity::Clear));
        let at = |of: &OfData, k: usize| of.prediction_strength[&k].mean;
        assert!(at(&of_groups, 3) > 0.95 && at(&of_groups, 4) < 0.8, "{of_groups:?}");
        assert!(of_groups.relative_conductance[&3] < 0.05, "{of_groups:?}");

        let (of_noise, estimate) = of_rows(noise(300, 4, 2));
        assert_eq!(estimate.map(|e| e.clarity), Some(Clarity::NoGroups), "{of_noise:?}");
        assert!(at(&of_noise, 3) < 0.8, "{of_noise:?}");
    }
}
