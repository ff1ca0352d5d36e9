//! What a fit, without labels, gives reason to doubt; each with advice.

mod values;

use crate::output::{counted, percent};
use crate::results;
use vae_core::Features;
use vae_graph::partition::Clarity;
use vae_models::FitSummary;
use vae_models::pretrained::{
    are_latent_classes, is_confirmed, number_of_clusters, numbers_like_normal_rows,
};

/// All warnings on a fit of `features` whose clusters have these sizes.
pub fn of(features: &Features, summary: &FitSummary, sizes: &[usize]) -> Vec<String> {
    let mut all = of_summary(summary, sizes);
    all.extend(values::warning(features, &summary.assignments));
    all
}

fn of_summary(summary: &FitSummary, sizes: &[usize]) -> Vec<String> {
    let all = [unclear_number(summary), small_clusters(summary, sizes), worse_than_the_start(summary)];
    all.into_iter().flatten().collect()
}

/// An estimate of the number of clusters that is not clear.
fn unclear_number(summary: &FitSummary) -> Option<String> {
    let (phase, number) =
        summary.phases.iter().find_map(|phase| Some((phase, number_of_clusters(phase)?)))?;
    let (k, alike) = (number.n_clusters, numbers_like_normal_rows(phase));
    let advice = "`vae sweep` compares several, and --clusters K says it if you know it";
    match (number.clarity, number.runner_up) {
        (Clarity::Clear, _) => None,
        (Clarity::Contested, _) if summary.phases.iter().any(is_confirmed) => None,
        (Clarity::NoGroups, _) if alike.contains(&k) => Some(format!(
            "the data may have no groups: normal rows with the same correlations come apart into {k} as much; {advice}"
        )),
        (Clarity::Contested, Some(other)) if alike.contains(&other) => Some(format!(
            "{k} clusters are an estimate that is not clear: there may be {other}, but normal rows with the same \
             correlations come apart into {other} as much; {advice}"
        )),
        (Clarity::NoGroups, _) if are_latent_classes(phase) => Some(format!(
            "the data may have no groups: one class describes the categories as well as {k} do; {advice}"
        )),
        (Clarity::NoGroups, _) => Some(format!(
            "the data may have no groups: {k} clusters cut through something dense already; {advice}"
        )),
        (Clarity::Contested, Some(other)) => {
            Some(format!("{k} clusters are an estimate that is not clear: {other} come near; {advice}"))
        }
        (Clarity::Contested, None) if are_latent_classes(phase) => Some(format!(
            "{k} clusters are an estimate that is not clear: halves of the rows do not confirm them; {advice}"
        )),
        (Clarity::Contested, None) => {
            Some(format!("{k} clusters are an estimate that is not clear; {advice}"))
        }
    }
}

/// Clusters that hold almost nothing.
fn small_clusters(summary: &FitSummary, sizes: &[usize]) -> Option<String> {
    let small: Vec<String> = results::nearly_empty(sizes).iter().map(usize::to_string).collect();
    let which = match small.as_slice() {
        [] => return None,
        [one] => format!("cluster {one} holds"),
        several => format!("clusters {} hold", several.join(", ")),
    };
    // Where the noise is wider than the gaps, merging clusters raises the bound.
    let is_gaussian = summary.resolved.iter().any(|choice| choice.starts_with("likelihood = gaussian"));
    let advice = match is_gaussian {
        true => "try another seed, fewer clusters or a smaller likelihood_variance",
        false => "try another seed or fewer clusters",
    };
    Some(format!("{which} less than 2 % of the mean cluster size: the fit may have collapsed; {advice}"))
}

/// A training that fits the data's own neighbours less well than its initial clusters.
fn worse_than_the_start(summary: &FitSummary) -> Option<String> {
    let watch = summary.watch.filter(vae_models::Watch::got_worse)?;
    let (before, after) = (watch.before, watch.after);
    let mut signs = vec![format!("moved {} of the rows to another cluster", percent(watch.changed))];
    if after.empty > before.empty {
        signs.push(format!("emptied {}", counted(after.empty - before.empty, "cluster")));
    }
    if after.modularity < before.modularity {
        signs.push(format!(
            "lowered the modularity of the clusters in the data's neighbour graph from {:.3} to {:.3}",
            before.modularity, after.modularity
        ));
    }
    Some(format!(
        "training made the clusters worse: it {}; try --method auto, which keeps the better of the two, or --method \
         spectral, which has no training, or another seed",
        signs.join(", and ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vae_core::phase::PhaseRecord;
    use vae_models::{Quality, Watch};

    fn summary(after: f64, empty: usize) -> FitSummary {
        let quality = |modularity, empty| Quality { edges_cut: 0.1, modularity, empty };
        let watch = Watch { changed: 0.25, before: quality(0.8, 0), after: quality(after, empty) };
        FitSummary { watch: Some(watch), ..FitSummary::default() }
    }

    #[test]
    fn a_training_that_spoils_its_start_is_told() {
        let sizes = [50, 50];
        assert!(of_summary(&summary(0.81, 0), &sizes).is_empty());
        assert!(of_summary(&FitSummary::default(), &sizes).is_empty());
        let [worse] = &of_summary(&summary(0.7, 0), &sizes)[..] else { panic!("one warning") };
        assert!(worse.contains("25.00 % of the rows"), "{worse}");
        assert!(worse.contains("from 0.800 to 0.700;") && worse.contains("--method spectral"), "{worse}");
        let both = of_summary(&summary(0.8, 1), &[100, 0]);
        assert!(both.len() == 2 && both[1].contains("emptied 1 cluster;"), "{both:?}");
        assert!(!both[1].contains("modularity"), "it is the same: {both:?}");
    }

    #[test]
    fn an_unclear_number_of_clusters_is_told() {
        let of_number = |clarity: &str, runner_up: Option<usize>| {
            let number = serde_json::json!({
                "n_clusters": 2, "runner_up": runner_up, "clarity": clarity, "relative_conductances": [0.5],
            });
            let notes = serde_json::json!({ "number_of_clusters": number });
            let phases = vec![PhaseRecord { notes, ..PhaseRecord::default() }];
            of_summary(&FitSummary { phases, ..FitSummary::default() }, &[50, 50])
        };
        assert!(of_number("clear", Some(3)).is_empty());
        assert!(of_number("no-groups", None)[0].starts_with("the data may have no groups: 2 clusters"));
        assert!(of_number("contested", Some(3))[0].contains("not clear: 3 come near; `vae sweep`"));
        assert!(of_number("contested", None)[0].contains("not clear; `vae sweep`"));
        let of_halves = |strength: f64| {
            let number = serde_json::json!({
                "n_clusters": 11, "runner_up": 9, "clarity": "contested", "relative_conductances": [0.5],
            });
            let halves =
                serde_json::json!({ "n_clusters": 9, "prediction_strength": { "9": strength, "11": 0.5 } });
            let notes = serde_json::json!({ "number_of_clusters": number, "halves": halves });
            let phases = vec![PhaseRecord { notes, ..PhaseRecord::default() }];
            of_summary(&FitSummary { phases, ..FitSummary::default() }, &[50, 50])
        };
        assert!(of_halves(1.0).is_empty(), "halves of the rows confirm nine");
        assert!(of_halves(0.7)[0].contains("9 clusters are an estimate that is not clear: 11 come near"));
        let of_normal_rows = |ratio: f64| {
            let number = serde_json::json!({
                "n_clusters": 4, "runner_up": null, "clarity": "clear", "relative_conductances": [0.0, 0.2, 0.25],
            });
            let rows = serde_json::json!({
                "draws": 19, "ratios": { "2": ratio, "3": 0.9, "4": 0.8 }, "least_of_normal": 0.7,
            });
            let notes = serde_json::json!({ "number_of_clusters": number, "normal_rows": rows });
            let phases = vec![PhaseRecord { notes, ..PhaseRecord::default() }];
            of_summary(&FitSummary { phases, ..FitSummary::default() }, &[50, 50])
        };
        let [fewer] = &of_normal_rows(0.1)[..] else { panic!("one warning") };
        assert!(fewer.starts_with("2 clusters are an estimate that is not clear: there may be 4"), "{fewer}");
        let [none] = &of_normal_rows(0.9)[..] else { panic!("one warning") };
        assert!(none.starts_with("the data may have no groups: normal rows"), "{none}");
        let given = serde_json::json!({ "number_of_clusters": null });
        let phases = vec![PhaseRecord { notes: given, ..PhaseRecord::default() }];
        assert!(of_summary(&FitSummary { phases, ..FitSummary::default() }, &[50, 50]).is_empty());
    }

    #[test]
    fn advice_on_small_clusters_fits_the_likelihood() {
        let resolved = vec!["likelihood = gaussian, variance 0.1".to_string()];
        let gaussian = FitSummary { resolved, ..FitSummary::default() };
        assert!(of_summary(&gaussian, &[500, 499, 1])[0].contains("smaller likelihood_variance"));
        let other = &of_summary(&FitSummary::default(), &[500, 499, 1, 0])[0];
        assert!(other.starts_with("clusters 2, 3 hold") && !other.contains("variance"), "{other}");
    }
}
