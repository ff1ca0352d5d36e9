//! What is known of several runs on the same rows: computed here alone, printed by `vae compare`
//! and shown by `vae report`. No labels: scores are those that a run recorded.

use crate::output::remark;
use crate::predictions::{Predictions, begins_with_ids, head_of, is_own};
use crate::report::{self, names};
use crate::row_names::{self, RowNames};
use crate::run_folder::id_column;
use crate::runs::Run;
use anyhow::{Context, Result};
use ndarray::Axis;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use vae_metrics::{Average, Contingency, FlowThresholds};
use vae_report::comparison::{Change, Comparison, Flow, Pair, Parts, Run as Compared, SCHEMA};

/// Columns of a table that may name its rows, at most, for the sake of cost.
const MOST_COLUMNS: usize = 20;

/// Reads runs, or files of assignments, and compares each pair.
///
/// # Errors
/// Runs that are not finished or not on the same rows, files that cannot be read.
pub fn of_paths(paths: &[PathBuf]) -> Result<Comparison> {
    let id_column = match paths.iter().find_map(|path| id_column(path)) {
        None => common_names(paths)?,
        known => known,
    };
    let read = |path: &PathBuf| Run::read(path, id_column.as_deref());
    let mut runs = paths.iter().map(read).collect::<Result<Vec<Run>>>()?;
    for (at, run) in runs.iter().enumerate() {
        // Each with each: of a file it is not known which data it is of.
        runs[..at].iter().try_for_each(|former| former.check_same_data(run))?;
    }
    in_one_order(&mut runs)?;
    of(&runs)
}

/// The column by which rows of files can be matched: one that a file of the program's own begins
/// with, or else the first that all have, with other names in each row and the same names in all.
///
/// # Errors
/// Files that cannot be read.
fn common_names(paths: &[PathBuf]) -> Result<Option<String>> {
    let files: Vec<&PathBuf> = paths.iter().filter(|path| path.is_file()).collect();
    let heads: Vec<Vec<String>> = files.iter().map(|path| head_of(path)).collect();
    if let Some(head) = heads.iter().find(|head| begins_with_ids(head)) {
        return Ok(Some(head[0].clone()));
    }
    let [first, rest @ ..] = &heads[..] else { return Ok(None) };
    let is_common = |column: &&String| {
        !rest.is_empty() && !is_own(column) && rest.iter().all(|head| head.contains(column))
    };
    for column in first.iter().filter(is_common).take(MOST_COLUMNS) {
        let names = |path: &&PathBuf| -> Result<Option<BTreeSet<String>>> {
            let Some((_, names)) = Predictions::read_beside(path, Some(column))?.ids else {
                return Ok(None);
            };
            let n = names.len();
            let names: BTreeSet<String> = names.into_iter().collect();
            Ok((names.len() == n).then_some(names))
        };
        let all = files.iter().map(names).collect::<Result<Option<Vec<BTreeSet<String>>>>>()?;
        if all.is_some_and(|all| all.windows(2).all(|pair| pair[0] == pair[1])) {
            return Ok(Some(column.clone()));
        }
    }
    Ok(None)
}

/// Puts the rows of files in the order of the first run whose rows have names, where they have the
/// same names. Runs on the same data are in one order.
///
/// # Errors
/// Rows of one that another one does not have.
fn in_one_order(runs: &mut [Run]) -> Result<()> {
    if runs.iter().all(|run| run.row_names.is_none()) {
        return Ok(());
    }
    let mut base: Option<(String, RowNames)> = None;
    for run in runs {
        let Some(names) = run.row_names()? else { continue };
        let path = run.path.display().to_string();
        match &base {
            None => base = Some((path, names)),
            Some((first, of_first)) => {
                if let Some(places) = row_names::places(of_first, &names, [first, &path])? {
                    remark(format_args!(
                        "note: the rows of {path} are matched with those of {first} by `{}`",
                        names.0
                    ));
                    run.clusters = run.clusters.select(Axis(0), &places);
                }
            }
        }
    }
    Ok(())
}

/// Compares each pair of runs, which are on the same rows.
fn of(runs: &[Run]) -> Result<Comparison> {
    let r = runs.len();
    let ones = || -> Vec<Vec<f64>> {
        (0..r).map(|i| (0..r).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect()
    };
    let (mut ari, mut nmi, mut acc) = (ones(), ones(), ones());
    let mut pairs = Vec::new();
    for a in 0..r {
        for b in a + 1..r {
            let pair = pair((a, b), runs).with_context(|| {
                format!("cannot compare {} with {}", runs[a].path.display(), runs[b].path.display())
            })?;
            for (matrix, value) in [(&mut ari, pair.ari), (&mut nmi, pair.nmi), (&mut acc, pair.acc)] {
                matrix[a][b] = value;
                matrix[b][a] = value;
            }
            pairs.push(pair);
        }
    }
    Ok(Comparison {
        schema: SCHEMA,
        dataset: runs.iter().find_map(|run| run.text("dataset")).map(str::to_owned),
        n: runs.first().map_or(0, |run| run.clusters.len()),
        runs: runs.iter().map(compared).collect::<Result<_>>()?,
        ari,
        nmi,
        acc,
        pairs,
    })
}

/// What a run says of itself.
fn compared(run: &Run) -> Result<Compared> {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    run.clusters.iter().for_each(|&cluster| *sizes.entry(cluster).or_insert(0) += 1);
    let record = &run.record;
    let names = if run.path.is_dir() { names::read(&run.path)? } else { BTreeMap::new() };
    let phases = record["phases"].as_array().into_iter().flatten();
    Ok(Compared {
        run: run.path.display().to_string(),
        method: run.text("method").map(str::to_owned),
        seed: record["seed"].as_u64(),
        n_clusters: sizes.len(),
        sizes,
        names,
        loss_nats: phases.filter_map(|phase| phase["final_loss_nats"].as_f64()).next_back(),
        criteria: criteria(record),
        scores: report::scores(record),
    })
}

/// The criteria without labels that a run file has.
fn criteria(record: &Value) -> BTreeMap<String, f64> {
    let own = record["criteria"].as_object().into_iter().flatten();
    let own = own.filter_map(|(key, value)| Some((key.clone(), value.as_f64()?)));
    let confidence = record["confidence"]["mean"].as_f64();
    let modularity = record["watch"]["after"]["modularity"].as_f64();
    let further = [("mean_confidence", confidence), ("modularity", modularity)];
    own.chain(further.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)))).collect()
}

fn pair((a, b): (usize, usize), runs: &[Run]) -> Result<Pair> {
    let table = Contingency::new(runs[a].clusters.view(), runs[b].clusters.view())?;
    let flows: Vec<Flow> = table.flows(&FlowThresholds::default())?.iter().map(flow).collect();
    let kept = flows.iter().filter(|flow| flow.change == Change::Kept).map(|flow| [flow.a, flow.b]);
    let mut kept: Vec<[u32; 2]> = kept.collect();
    kept.sort_unstable();
    Ok(Pair {
        a,
        b,
        ari: table.ari(),
        nmi: table.nmi(Average::Arithmetic),
        acc: table.acc()?,
        kept,
        split: parts(&flows, Change::Split, |flow| (flow.a, flow.b)),
        merged: parts(&flows, Change::Merged, |flow| (flow.b, flow.a)),
        flows,
    })
}

fn flow(flow: &vae_metrics::Flow) -> Flow {
    let vae_metrics::Flow { a, b, count, share_of_a, share_of_b, change, .. } = *flow;
    let change = match change {
        vae_metrics::Change::Kept => Change::Kept,
        vae_metrics::Change::Split => Change::Split,
        vae_metrics::Change::Merged => Change::Merged,
        vae_metrics::Change::Mixed => Change::Mixed,
    };
    Flow { a, b, count, share_of_a, share_of_b, change }
}

/// Clusters with two or more parts of this kind; `of` gives the cluster and the part.
fn parts(flows: &[Flow], change: Change, of: fn(&Flow) -> (u32, u32)) -> Vec<Parts> {
    let mut all: Vec<(u32, u32)> = flows.iter().filter(|flow| flow.change == change).map(of).collect();
    all.sort_unstable();
    let several = all.chunk_by(|a, b| a.0 == b.0).filter(|parts| parts.len() > 1);
    several.map(|of| Parts { cluster: of[0].0, parts: of.iter().map(|pair| pair.1).collect() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, array};
    use serde_json::json;

    fn runs(all: &[Array1<u32>]) -> Vec<Run> {
        let run = |clusters: &Array1<u32>| Run {
            path: "a".into(),
            clusters: clusters.clone(),
            record: Value::Null,
            row_names: None,
        };
        all.iter().map(run).collect()
    }

    #[test]
    fn splits_and_mergers_are_found() {
        let runs =
            runs(&[array![0, 0, 0, 1, 1, 1, 1], array![5, 5, 5, 2, 2, 3, 3], array![0, 0, 0, 1, 1, 1, 1]]);
        let comparison = of(&runs).expect("same rows");
        assert_eq!(comparison.pairs.len(), 3);
        let [first, whole, second] = &comparison.pairs[..] else { panic!("three pairs") };
        assert_eq!(first.kept, [[0, 5]]);
        assert_eq!(first.split, [Parts { cluster: 1, parts: vec![2, 3] }]);
        assert_eq!(second.merged, [Parts { cluster: 1, parts: vec![2, 3] }]);
        assert_eq!((whole.ari, whole.acc, comparison.ari[0][2]), (1.0, 1.0, 1.0));
        // 3 + 2 of 7 samples.
        assert_eq!(comparison.acc[0][1], 5.0 / 7.0);
        assert_eq!(comparison.runs[1].sizes, BTreeMap::from([(2, 2), (3, 2), (5, 3)]));
        assert!(comparison.changes(first).contains(&"1 splits into 2 and 3".to_owned()));
        assert!(comparison.changes(second).contains(&"2 and 3 merge into 1".to_owned()));
        assert_eq!(comparison.changes(first)[0], "kept: 0 as 5");
    }

    #[test]
    fn no_cluster_is_left_unsaid() {
        let of_rows = |of: fn(usize) -> u32| (0..100).map(of).collect::<Array1<u32>>();
        let runs = runs(&[
            of_rows(|i| u32::from(i >= 50)),
            of_rows(|i| if i < 42 { 0 } else { 1 + u32::from(i < 50) }),
        ]);
        let comparison = of(&runs).expect("same rows");
        let said = comparison.changes(&comparison.pairs[0]);
        assert_eq!(said[0], "kept: 0 as 0, 1 as 1");
        assert_eq!(said[1..], ["0 of 8 samples go to 2 (16 % of the one, 100 % of the other)"]);
    }

    #[test]
    fn a_run_file_says_its_loss_its_criteria_and_its_scores() {
        let record = json!({
            "method": "vade", "seed": 3,
            "criteria": {"smallest_share": 0.25}, "confidence": {"mean": 0.9},
            "watch": {"after": {"modularity": 0.7}},
            "phases": [{"final_loss_nats": 3.5}, {"final_loss_nats": 2.5}, {"final_loss_nats": null}],
            "metrics": {"fit": {"acc": 0.5, "nmi": 0.25, "ari": 0.125, "purity": 0.5}},
        });
        let run = compared(&Run { path: "a".into(), clusters: array![0, 0, 4], record, row_names: None })
            .expect("read");
        assert_eq!((run.n_clusters, run.seed, run.loss_nats), (2, Some(3), Some(2.5)));
        assert_eq!(run.scores.map(|s| (s.acc, s.ari)), Some((0.5, 0.125)));
        let keys: Vec<&str> = run.criteria.keys().map(String::as_str).collect();
        assert_eq!(keys, ["mean_confidence", "modularity", "smallest_share"]);
    }
}
