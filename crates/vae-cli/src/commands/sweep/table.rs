//! What `vae sweep` says at the end.

use super::grid::RUNS;
use super::over_runs::CLASS_LIKELIHOOD;
use super::{CONSENSUS, PAGE, RECORD};
use crate::output::{self, shell_word, thousands};
use std::path::Path;
use vae_report::sweep::{CRITERIA, Criterion, Good, Sweep};

/// The table, the answer, the files and the next command, to which `new_data` gives data of the
/// same kind.
pub fn text(sweep: &Sweep, dir: &Path, new_data: &str) -> String {
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
        text += &format!("next: vae predict --model {} {new_data} --out labels.csv\n", shell_word(&run));
    }
    text
}

/// Two lines of names, and a line for each method and number of clusters. All criteria are shown
/// that prefer a number, since the reasons name them.
fn rows(sweep: &Sweep) -> Vec<Vec<String>> {
    // Data whose clusters are latent classes have criteria of their own, and no cuts of a graph.
    let are_classes = sweep.data.are_latent_classes();
    let is_shown = |criterion: &&Criterion| match criterion.key {
        "relative_conductance" => !are_classes,
        "bic" | CLASS_LIKELIHOOD => are_classes,
        _ => criterion.good != Good::Neither,
    };
    let shown: Vec<&Criterion> = CRITERIA.iter().filter(is_shown).collect();
    let names: Vec<(&str, &str)> = shown.iter().map(|criterion| two_lines(criterion.name)).collect();
    let head = |before: [&str; 4], of: fn(&(&str, &str)) -> String| -> Vec<String> {
        before.map(String::from).into_iter().chain(names.iter().map(of)).collect()
    };
    let heads = [head(["", "", "", ""], |n| n.0.into()), head(["", "k", "method", "runs"], |n| n.1.into())];
    let line = |cell: &vae_report::sweep::OverSeeds| {
        let k = cell.n_clusters;
        let mark = match sweep.number.recommended == Some(k) {
            true => "*",
            false => "",
        };
        let mut line = vec![mark.to_owned(), k.to_string(), cell.method.clone(), cell.n_runs.to_string()];
        line.extend(shown.iter().map(|criterion| match criterion.key {
            "relative_conductance" => value(sweep.data.relative_conductance.get(&k).copied()),
            "bic" => value(sweep.data.bic.get(&k).copied()),
            "prediction_strength" => value(sweep.data.prediction_strength.get(&k).map(|s| s.mean)),
            key => value(cell.criteria.get(key).map(|s| s.mean)),
        }));
        line
    };
    heads.into_iter().chain(sweep.over_seeds.iter().map(line)).collect()
}

/// The words of a name above each other, so that columns stay narrow.
fn two_lines(name: &str) -> (&str, &str) {
    match name.find([' ', '-']) {
        Some(at) => (name[..=at].trim_end(), &name[at + 1..]),
        None => ("", name),
    }
}

/// A value with as many digits as say something; some criteria have no bound.
fn value(v: Option<f64>) -> String {
    match v {
        None => "-".into(),
        Some(v) if v.abs() < 100.0 => format!("{v:.3}"),
        Some(v) => format!("{v:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_narrow_names_and_values() {
        assert_eq!(two_lines("pooled silhouette"), ("pooled", "silhouette"));
        assert_eq!(two_lines("Davies-Bouldin"), ("Davies-", "Bouldin"));
        assert_eq!(two_lines("entropy"), ("", "entropy"));
        assert_eq!([None, Some(0.12345), Some(1234.56)].map(value), ["-", "0.123", "1234.6"]);
    }
}
