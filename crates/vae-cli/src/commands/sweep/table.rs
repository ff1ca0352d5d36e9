//! What `vae sweep` says at the end.

use super::grid::RUNS;
use super::{CONSENSUS, PAGE, RECORD};
use crate::output::{self, shell_word, thousands};
use std::path::Path;
use vae_report::sweep::{CRITERIA, Sweep};

/// Criteria of the table, beside those of the data.
const SHOWN: [&str; 5] =
    ["stability", "pooled_silhouette", "modularity", "largest_conductance", "mean_confidence"];

/// The table, the answer and the files.
pub fn text(sweep: &Sweep, dir: &Path) -> String {
    let mut text = output::table(&rows(sweep));
    text += &format!("\n{}\n", sweep.number.sentence);
    sweep.number.reasons.iter().for_each(|reason| text += &format!("  {reason}\n"));
    if let Some(best) = &sweep.recommended {
        text += &format!("run to keep: {}\n  {}\n", dir.join(RUNS).join(&best.id).display(), best.why);
    }
    if let Some(of) = &sweep.consensus {
        text += &format!(
            "consensus of {} runs: confidence {:.3} on average; all agree on {} samples, half or fewer on {}\n",
            of.runs.len(),
            of.mean_confidence,
            thousands(of.n_unanimous),
            thousands(of.n_doubtful)
        );
    }
    let row = |(name, what): (&str, &str)| vec![format!("  {}", dir.join(name).display()), what.to_owned()];
    let mut files = vec![
        row((PAGE, "everything on one page")),
        row((RECORD, "the same for programs")),
        row((RUNS, "the runs, a folder each")),
    ];
    if sweep.consensus.is_some() {
        files.push(row((CONSENSUS, "the consensus of every sample, with its confidence")));
    }
    text += &output::table(&files);
    if let Some(best) = &sweep.recommended {
        let run = dir.join(RUNS).join(&best.id).display().to_string();
        text += &format!("next: vae predict --model {} --data NEW\n", shell_word(&run));
    }
    text
}

/// A line for each method and number of clusters.
fn rows(sweep: &Sweep) -> Vec<Vec<String>> {
    let name = |key: &&str| CRITERIA.iter().find(|c| c.key == *key).map_or("", |c| c.name).to_owned();
    let mut head: Vec<String> =
        ["", "k", "method", "runs", "relative conductance", "prediction strength"].map(String::from).to_vec();
    head.extend(SHOWN.iter().map(name));
    let value = |v: Option<f64>| v.map_or_else(|| "-".into(), |v| format!("{v:.3}"));
    let line = |cell: &vae_report::sweep::OverSeeds| {
        let k = cell.n_clusters;
        let mark = match sweep.number.recommended == Some(k) {
            true => "*",
            false => "",
        };
        let mut line = vec![mark.to_owned(), k.to_string(), cell.method.clone(), cell.n_runs.to_string()];
        line.push(value(sweep.data.relative_conductance.get(&k).copied()));
        line.push(value(sweep.data.prediction_strength.get(&k).map(|s| s.mean)));
        line.extend(SHOWN.iter().map(|key| value(cell.criteria.get(*key).map(|s| s.mean))));
        line
    };
    std::iter::once(head).chain(sweep.over_seeds.iter().map(line)).collect()
}
