//! `vae compare`: how far runs on the same data agree, and which clusters split or merge between
//! them. No labels.

use crate::args::CompareArgs;
use crate::output::{percent, say, say_json, table, thousands};
use crate::run_folder::is_of_a_fit;
use crate::runs::{Run, n_used};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::fmt::Write as _;
use vae_core::fsio::write_bytes;
use vae_metrics::{Average, Change, Contingency, Flow, FlowThresholds};

/// Version of the keys.
const SCHEMA: u32 = 1;

/// Lines about one pair of runs, at most.
const LINES: usize = 40;

/// What `--json` prints.
#[derive(Serialize)]
struct Comparison {
    schema: u32,
    n: usize,
    runs: Vec<Compared>,
    /// Of each pair, in the order of the runs: adjusted Rand index, normalised mutual information,
    /// and the share of the samples in the same cluster after the best one-to-one matching.
    ari: Vec<Vec<f64>>,
    nmi: Vec<Vec<f64>>,
    acc: Vec<Vec<f64>>,
    /// Each run with each later one.
    pairs: Vec<Pair>,
}

#[derive(Serialize)]
struct Compared {
    run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// Clusters that have a sample.
    n_clusters: usize,
}

/// What happens to the clusters of the run `a` in the run `b`.
#[derive(Serialize)]
struct Pair {
    a: usize,
    b: usize,
    ari: f64,
    nmi: f64,
    acc: f64,
    /// Clusters of `a` that are clusters of `b`.
    kept: Vec<[u32; 2]>,
    /// Clusters of `a` that two or more of `b` are parts of.
    split: Vec<Parts>,
    /// Clusters of `b` that two or more of `a` are parts of.
    merged: Vec<Parts>,
    /// All samples by their cluster in `a` and in `b`, the largest first.
    flows: Vec<Flow>,
}

/// A cluster of one run and its parts in the other.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Parts {
    cluster: u32,
    parts: Vec<u32>,
}

/// Prints the agreement of all pairs, and what happens to the clusters from each run to the next.
///
/// # Errors
/// Runs that are not finished or not on the same data, files that cannot be read or written.
pub fn run(args: &CompareArgs) -> Result<()> {
    if let Some(out) = &args.out {
        check_out(out)?;
    }
    let runs = args.runs.iter().map(|path| Run::read(path)).collect::<Result<Vec<Run>>>()?;
    for run in &runs[1..] {
        runs[0].check_same_data(run)?;
    }
    let comparison = compare(&runs)?;
    if let Some(out) = &args.out {
        let text = serde_json::to_string_pretty(&comparison)? + "\n";
        write_bytes(out, text.as_bytes())?;
    }
    if args.json { say_json(&comparison) } else { say(&text(&comparison)) }
}

fn check_out(out: &std::path::Path) -> Result<()> {
    if is_of_a_fit(out) {
        bail!("{} is a file of a run; choose another --out", out.display());
    }
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => bail!("the folder {} does not exist", folder.display()),
        _ if out.is_dir() => bail!("{} is a folder; name a file", out.display()),
        _ => Ok(()),
    }
}

fn compare(runs: &[Run]) -> Result<Comparison> {
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
    let compared = |run: &Run| Compared {
        run: run.path.display().to_string(),
        method: run.text("method").map(str::to_owned),
        seed: run.record["seed"].as_u64(),
        n_clusters: n_used(&run.clusters),
    };
    let n = runs[0].clusters.len();
    Ok(Comparison { schema: SCHEMA, n, runs: runs.iter().map(compared).collect(), ari, nmi, acc, pairs })
}

fn pair((a, b): (usize, usize), runs: &[Run]) -> Result<Pair> {
    let table = Contingency::new(runs[a].clusters.view(), runs[b].clusters.view())?;
    let flows = table.flows(&FlowThresholds::default())?;
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

/// Clusters with two or more parts of this kind; `of` gives the cluster and the part.
fn parts(flows: &[Flow], change: Change, of: fn(&Flow) -> (u32, u32)) -> Vec<Parts> {
    let mut all: Vec<(u32, u32)> = flows.iter().filter(|flow| flow.change == change).map(of).collect();
    all.sort_unstable();
    let several = all.chunk_by(|a, b| a.0 == b.0).filter(|parts| parts.len() > 1);
    several.map(|of| Parts { cluster: of[0].0, parts: of.iter().map(|pair| pair.1).collect() }).collect()
}

fn text(comparison: &Comparison) -> String {
    let Comparison { runs, pairs, n, .. } = comparison;
    let about = |(i, run): (usize, &Compared)| {
        let method = run.method.clone().unwrap_or_default();
        let seed = run.seed.map_or_else(String::new, |seed| format!("seed {seed}"));
        vec![(i + 1).to_string(), run.run.clone(), method, seed, format!("{} clusters", run.n_clusters)]
    };
    let mut text = format!("{} samples\n", thousands(*n));
    text += &table(&runs.iter().enumerate().map(about).collect::<Vec<_>>());
    let head = ["pair", "ARI", "NMI", "ACC after matching"].map(String::from).to_vec();
    let row = |pair: &Pair| {
        let which = format!("{} {}", pair.a + 1, pair.b + 1);
        vec![which, format!("{:.4}", pair.ari), format!("{:.4}", pair.nmi), percent(pair.acc)]
    };
    text += "\n";
    text += &table(&std::iter::once(head).chain(pairs.iter().map(row)).collect::<Vec<_>>());
    for pair in pairs.iter().filter(|pair| pair.b == pair.a + 1) {
        let _ = write!(text, "\nfrom run {} to run {}:\n{}", pair.a + 1, pair.b + 1, changes(pair));
    }
    text
}

/// What happens to the clusters, a line each.
fn changes(pair: &Pair) -> String {
    let list = |numbers: &[u32]| {
        let words: Vec<String> = numbers.iter().map(u32::to_string).collect();
        match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => words.concat(),
        }
    };
    let mut lines: Vec<String> = Vec::new();
    let kept: Vec<String> = pair.kept.iter().map(|[a, b]| format!("{a} as {b}")).collect();
    if !kept.is_empty() {
        lines.push(format!("kept: {}", kept.join(", ")));
    }
    let split = pair.split.iter().map(|of| format!("{} splits into {}", of.cluster, list(&of.parts)));
    let merged = pair.merged.iter().map(|of| format!("{} merge into {}", list(&of.parts), of.cluster));
    lines.extend(split.chain(merged));
    let told = |flow: &&Flow| flow.change == Change::Mixed && flow.share_of_a.max(flow.share_of_b) >= 0.2;
    lines.extend(pair.flows.iter().filter(told).map(|flow| {
        let (a, b) = (percent(flow.share_of_a), percent(flow.share_of_b));
        format!(
            "{} of {} samples go to {} ({a} of the one, {b} of the other)",
            flow.a,
            thousands(flow.count as usize),
            flow.b
        )
    }));
    let more = lines.len().saturating_sub(LINES);
    lines.truncate(LINES);
    if more > 0 {
        lines.push(format!("{more} more lines; --json has everything"));
    }
    if lines.is_empty() {
        lines.push("no cluster of the one is a cluster of the other, or a part of one".into());
    }
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, array};
    use serde_json::Value;

    fn runs(all: &[Array1<u32>]) -> Vec<Run> {
        let run = |clusters: &Array1<u32>| Run {
            path: "a".into(),
            clusters: clusters.clone(),
            record: Value::Null,
        };
        all.iter().map(run).collect()
    }

    #[test]
    fn splits_and_mergers_are_named() {
        let runs =
            runs(&[array![0, 0, 0, 1, 1, 1, 1], array![5, 5, 5, 2, 2, 3, 3], array![0, 0, 0, 1, 1, 1, 1]]);
        let comparison = compare(&runs).expect("same rows");
        assert_eq!(comparison.pairs.len(), 3);
        let [first, whole, second] = &comparison.pairs[..] else { panic!("three pairs") };
        assert_eq!(first.kept, [[0, 5]]);
        assert_eq!(first.split, [Parts { cluster: 1, parts: vec![2, 3] }]);
        assert_eq!(second.merged, [Parts { cluster: 1, parts: vec![2, 3] }]);
        assert_eq!((whole.ari, whole.acc, comparison.ari[0][2]), (1.0, 1.0, 1.0));
        // 3 + 2 of 7 samples.
        assert_eq!(comparison.acc[0][1], 5.0 / 7.0);
        let text = text(&comparison);
        assert!(text.contains("1 splits into 2 and 3") && text.contains("2 and 3 merge into 1"), "{text}");
        assert!(text.contains("kept: 0 as 5"), "{text}");
    }
}
