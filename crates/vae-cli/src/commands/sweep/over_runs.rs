//! What is known of each run of a sweep, and of the runs of each method and number of clusters.

use super::grid::Cell;
use crate::criteria::{self, Sample};
use crate::runs::{Run, n_used};
use anyhow::Result;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use std::collections::BTreeMap;
use vae_graph::Graph;
use vae_models::pretrained::ClassLikelihood;
use vae_report::sweep::{OverSeeds, Run as Record, Spread};

/// Latent spaces that silhouettes are pooled over, at most, beside the features.
const SPACES: usize = 6;

/// The criterion of clusters that are latent classes.
pub const CLASS_LIKELIHOOD: &str = "class_likelihood";

/// The records of the runs of `cells`, in their order. `are_classes` are data whose clusters are
/// latent classes.
///
/// # Errors
/// Codes that cannot be read.
pub fn records(
    cells: &[&Cell],
    runs: &[Run],
    (sample, graph): (&Sample, &Graph),
    are_classes: bool,
) -> Result<Vec<Record>> {
    let x = sample.matrix();
    let latent = latent_spaces(runs, sample)?;
    let spaces: Vec<ArrayView2<'_, f32>> =
        [x.view()].into_iter().chain(latent.iter().map(|z| z.view())).collect();
    let likelihood = if are_classes { ClassLikelihood::of(&sample.x)? } else { None };
    let record = |(cell, run): (&&Cell, &Run)| {
        let of_rows = sample.clusters(&run.clusters);
        let mut all = criteria::of(x.view(), graph, &spaces, of_rows.view())?;
        all.extend(criteria::of_sizes(run.clusters.view(), cell.n_clusters));
        if let Some(likelihood) = &likelihood {
            let most = of_rows.iter().max().map_or(0, |most| *most as usize + 1);
            let value = likelihood.of_clusters(of_rows.view(), most.max(cell.n_clusters))?;
            all.extend(criteria::finite([(CLASS_LIKELIHOOD, Some(value))]));
        }
        all.extend(criteria::finite([
            ("mean_confidence", run.record["confidence"]["mean"].as_f64()),
            ("mean_entropy", run.record["criteria"]["mean_entropy"].as_f64()),
        ]));
        Ok(Record {
            id: cell.id.clone(),
            method: cell.method.clone(),
            n_clusters: cell.n_clusters,
            n_used: n_used(&run.clusters),
            seed: cell.seed,
            criteria: all,
        })
    };
    cells.iter().zip(runs).map(record).collect()
}

/// The sample's rows in the latent spaces of some of the runs, evenly chosen among those that have
/// one.
fn latent_spaces(runs: &[Run], sample: &Sample) -> Result<Vec<Array2<f32>>> {
    let have: Vec<&Run> = runs.iter().filter(|run| run.has_embedding()).collect();
    let n = have.len().min(SPACES);
    let mut spaces = Vec::new();
    for i in 0..n {
        let codes = have[i * have.len() / n].embedding()?;
        let codes = codes.map(|z| z.select(Axis(0), &sample.rows));
        spaces.extend(codes.filter(|z| z.iter().all(|v| v.is_finite())));
    }
    Ok(spaces)
}

/// Each criterion over the seeds, and the agreement of the seeds with each other. `records` are in
/// the order of `runs`.
///
/// # Errors
/// None that runs on the same rows can have.
pub fn over_seeds(records: &[Record], runs: &[Run]) -> Result<Vec<OverSeeds>> {
    let mut groups: Vec<(usize, &str, Vec<usize>)> = Vec::new();
    for (at, record) in records.iter().enumerate() {
        let is_its = |(k, method, _): &&mut (usize, &str, Vec<usize>)| {
            *k == record.n_clusters && *method == record.method
        };
        match groups.iter_mut().find(is_its) {
            Some((.., members)) => members.push(at),
            None => groups.push((record.n_clusters, &record.method, vec![at])),
        }
    }
    let of_group = |(n_clusters, method, members): (usize, &str, Vec<usize>)| {
        let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (key, value) in members.iter().flat_map(|&at| &records[at].criteria) {
            values.entry(key.clone()).or_default().push(*value);
        }
        let mut criteria: BTreeMap<String, Spread> =
            values.iter().filter_map(|(key, values)| Some((key.clone(), Spread::of(values)?))).collect();
        if members.len() > 1 {
            let views: Vec<ArrayView1<'_, u32>> =
                members.iter().map(|&at| runs[at].clusters.view()).collect();
            let agreement = vae_metrics::agreement(&views)?;
            let to_others = agreement.mean_ari_to_others();
            let spread = Spread::of(&to_others.to_vec());
            criteria.extend(spread.map(|spread| ("stability".to_owned(), spread)));
        }
        Ok(OverSeeds { method: method.to_owned(), n_clusters, n_runs: members.len(), criteria })
    };
    groups.into_iter().map(of_group).collect()
}

/// The adjusted Rand index of each pair of runs.
///
/// # Errors
/// None that runs on the same rows can have.
pub fn agreement(runs: &[Run]) -> Result<Vec<Vec<f64>>> {
    if runs.len() < 2 {
        return Ok(runs.iter().map(|_| vec![1.0]).collect());
    }
    let views: Vec<ArrayView1<'_, u32>> = runs.iter().map(|run| run.clusters.view()).collect();
    let agreement = vae_metrics::agreement(&views)?;
    Ok(agreement.ari().rows().into_iter().map(|row| row.to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, array};
    use serde_json::Value;

    fn run(clusters: Array1<u32>) -> Run {
        Run { path: "run".into(), clusters, record: Value::Null, row_names: None }
    }

    fn record(method: &str, seed: u64, value: f64) -> Record {
        let criteria = BTreeMap::from([("modularity".to_owned(), value)]);
        let (id, method) = (format!("{method}-{seed}"), method.to_owned());
        Record { id, method, n_clusters: 2, n_used: 2, seed, criteria }
    }

    #[test]
    fn seeds_are_gathered_and_compared() {
        let runs = [run(array![0, 0, 1, 1]), run(array![1, 1, 0, 0]), run(array![0, 1, 0, 1])];
        let records = [record("a", 0, 0.25), record("a", 1, 0.75), record("b", 0, 0.5)];
        let of = over_seeds(&records, &runs).expect("same rows");
        assert_eq!((of.len(), of[0].n_runs, of[1].n_runs), (2, 2, 1));
        assert_eq!(of[0].criteria["modularity"], Spread { mean: 0.5, low: 0.25, high: 0.75 });
        assert_eq!(of[0].criteria["stability"].mean, 1.0);
        assert!(!of[1].criteria.contains_key("stability"), "one run agrees with nobody");
        let ari = agreement(&runs).expect("same rows");
        assert_eq!((ari[0][1], ari[0][2], ari[2][2]), (1.0, -0.5, 1.0));
    }
}
