//! What the template is filled with.

use super::charts::{Chart, charts};
use super::heat::{Heat, heat};
use super::{CRITERIA, Clarity, Sweep};
use crate::text::{counted, number, percent, thousands};
use serde::Serialize;

/// Runs of the table, at most.
const ROWS: usize = 500;

/// The page.
#[derive(Debug, Serialize)]
pub struct View {
    title: String,
    about: String,
    answer: String,
    clarity: &'static str,
    sentence: String,
    reasons: Vec<String>,
    votes: Vec<VoteView>,
    recommended: Option<(String, String)>,
    consensus: Option<Vec<(&'static str, String)>>,
    charts: Vec<Chart>,
    heat: Option<Heat>,
    columns: Vec<&'static str>,
    rows: Vec<Row>,
    more_rows: usize,
    failed: Vec<String>,
    facts: Vec<(&'static str, String)>,
}

#[derive(Debug, Serialize)]
struct VoteView {
    name: &'static str,
    what: &'static str,
    k: String,
    decides: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    cells: Vec<String>,
    is_recommended: bool,
}

/// The page of a sweep.
pub fn of(sweep: &Sweep) -> View {
    let keys: Vec<&str> = CRITERIA.iter().map(|c| c.key).collect();
    let used = |key: &&str| sweep.runs.iter().any(|run| run.criteria.contains_key(*key));
    let keys: Vec<&str> = keys.into_iter().filter(used).collect();
    let name = |key: &&str| super::criterion(key).map_or("", |criterion| criterion.name);
    let number_of = &sweep.number;
    View {
        title: format!("Sweep of {}", sweep.dataset),
        about: format!(
            "{} of {} with {}",
            counted(sweep.runs.len(), "run"),
            counted(sweep.n, "sample"),
            counted(sweep.dim, "feature")
        ),
        answer: number_of.recommended.map_or_else(|| "no clear k".into(), |k| format!("k = {k}")),
        clarity: match number_of.clarity {
            Clarity::Clear => "clear",
            Clarity::Likely => "likely",
            Clarity::None => "none",
        },
        sentence: number_of.sentence.clone(),
        reasons: number_of.reasons.clone(),
        votes: votes(sweep),
        recommended: sweep.recommended.as_ref().map(|run| (run.id.clone(), run.why.clone())),
        consensus: consensus(sweep),
        charts: charts(sweep),
        heat: heat(sweep),
        columns: keys.iter().map(name).collect(),
        rows: sweep.runs.iter().take(ROWS).map(|run| row(sweep, run, &keys)).collect(),
        more_rows: sweep.runs.len().saturating_sub(ROWS),
        failed: sweep.failed.clone(),
        facts: facts(sweep),
    }
}

fn votes(sweep: &Sweep) -> Vec<VoteView> {
    let vote = |vote: &super::Vote| {
        let criterion = super::criterion(&vote.criterion)?;
        let k = vote.n_clusters.map_or_else(|| "none".into(), |k| k.to_string());
        Some(VoteView { name: criterion.name, what: criterion.what, k, decides: vote.decides })
    };
    sweep.number.votes.iter().filter_map(vote).collect()
}

fn row(sweep: &Sweep, run: &super::Run, keys: &[&str]) -> Row {
    let value = |key: &&str| run.criteria.get(*key).map_or_else(String::new, |v| number(*v));
    let empty = run.n_clusters.saturating_sub(run.n_used);
    let name = match empty {
        0 => run.id.clone(),
        _ => format!("{} ({} empty)", run.id, counted(empty, "cluster")),
    };
    Row {
        cells: keys.iter().map(value).collect(),
        is_recommended: sweep.recommended.as_ref().is_some_and(|best| best.id == run.id),
        id: name,
    }
}

fn consensus(sweep: &Sweep) -> Option<Vec<(&'static str, String)>> {
    let of = sweep.consensus.as_ref()?;
    let share = |count: usize| format!("{} ({})", thousands(count), percent(count as f64 / sweep.n as f64));
    let sizes: Vec<String> = of.sizes.iter().map(|&size| thousands(size)).collect();
    Some(vec![
        ("clusters", of.n_clusters.to_string()),
        ("runs", thousands(of.runs.len())),
        ("sizes", sizes.join(" ")),
        ("mean confidence", format!("{:.3}", of.mean_confidence)),
        ("all runs agree", share(of.n_unanimous)),
        ("half or fewer agree", share(of.n_doubtful)),
        ("mean agreement (ARI)", format!("{:.3}", of.mean_ari)),
    ])
}

fn facts(sweep: &Sweep) -> Vec<(&'static str, String)> {
    let list = |numbers: Vec<String>| numbers.join(", ");
    let set = if sweep.set.is_empty() { "none".into() } else { sweep.set.join(", ") };
    vec![
        (
            "data",
            format!("{}: {}, {}", sweep.dataset, counted(sweep.n, "sample"), counted(sweep.dim, "feature")),
        ),
        ("methods", sweep.grid.methods.join(", ")),
        ("numbers of clusters", list(sweep.grid.clusters.iter().map(usize::to_string).collect())),
        ("seeds", list(sweep.grid.seeds.iter().map(u64::to_string).collect())),
        ("profile", sweep.profile.clone()),
        ("settings", set),
        ("rows looked at", thousands(sweep.data.n_rows)),
        ("content of the data", sweep.data_sha256.chars().take(16).collect()),
    ]
}
