//! One cell of a table: its score, or why there is none.

use std::collections::BTreeSet;

use super::Sheet;
use super::notes::Notes;
use crate::reproduce::recipe::{Cell, Dataset, Metric, Profile, Recipe, Row, Split};
use crate::reproduce::runfile::RunFile;
use crate::reproduce::stats::{Summary, summary};

/// One cell with its runs of one profile.
pub(super) struct Filled<'a> {
    pub row: &'a Row,
    pub dataset: &'a Dataset,
    pub cell: Option<&'a Cell>,
    pub metric: Metric,
    pub split: Split,
    pub runs: Vec<&'a RunFile>,
}

impl Filled<'_> {
    pub fn summary(&self, metric: Metric) -> Option<Summary> {
        let values: Vec<f64> = self.runs.iter().filter_map(|run| run.score(metric, self.split)).collect();
        summary(&values)
    }

    /// How many of the runs have the score, as in `3`, or `3 of 5` where some failed.
    pub fn count(&self, scored: usize) -> String {
        match self.failed().len() {
            0 => scored.to_string(),
            failed => format!("{scored} of {}", scored + failed),
        }
    }

    fn failed(&self) -> Vec<&RunFile> {
        self.runs.iter().copied().filter(|run| run.error.is_some()).collect()
    }
}

impl Sheet<'_> {
    pub(super) fn fill<'a>(&'a self, row: &'a Row, dataset: &'a Dataset, profile: Profile) -> Filled<'a> {
        let cell = Recipe::cell(row, dataset);
        let here = |run: &&RunFile| {
            run.row == *row.id.as_ref() && run.dataset == *dataset.id.as_ref() && run.profile == profile
        };
        Filled {
            row,
            dataset,
            cell,
            metric: cell.and_then(|cell| cell.metric).unwrap_or(self.recipe.metric),
            split: cell.map(|cell| cell.split).unwrap_or_default(),
            runs: self.runs.iter().filter(here).collect(),
        }
    }

    /// What stands in our column: the score, or why there is none.
    pub(super) fn ours(&self, filled: &Filled<'_>, notes: &mut Notes) -> String {
        let mut text = match filled.summary(filled.metric) {
            Some(score) => format!("**{}**{}", score.percent(), self.other_metric(filled)),
            None if !filled.failed().is_empty() => "failed".to_owned(),
            None if !filled.runs.is_empty() => format!("no {}", filled.metric),
            None => return self.why_empty(filled, notes),
        };
        for run in filled.failed() {
            let error = run.error.as_deref().unwrap_or_default();
            text += &notes.mark(format!("{}, seed {}: failed: {error}", filled.row.title, run.seed));
        }
        let finished = filled.runs.iter().filter(|run| run.error.is_none());
        let identities: BTreeSet<_> = finished.map(|run| &run.identity).collect();
        if identities.len() > 1 {
            let what = format!("{} on {}", filled.row.title, filled.dataset.title);
            text += &notes.mark(format!(
                "{what}: runs of {} configurations, data or revisions are mixed; `cargo xtask reproduce {}` renews the old ones.",
                identities.len(),
                self.recipe.name
            ));
        }
        text
    }

    /// Named where it is not the table's own.
    fn other_metric(&self, filled: &Filled<'_>) -> String {
        let metric =
            if filled.metric == self.recipe.metric { String::new() } else { filled.metric.to_string() };
        let split = if filled.split == Split::Test { "test" } else { "" };
        let words = [split, metric.as_str()].join(" ");
        if words.trim().is_empty() { String::new() } else { format!(" {}", words.trim()) }
    }

    fn why_empty(&self, filled: &Filled<'_>, notes: &mut Notes) -> String {
        let of_recipe =
            filled.cell.and_then(|cell| cell.unavailable.as_ref()).or(filled.dataset.unavailable.as_ref());
        if let Some(why) = self.availability.methods.get(&filled.row.method) {
            return why.clone();
        }
        if let Some(why) = of_recipe {
            return "not available ".to_owned() + &notes.mark(format!("{}: {why}", filled.dataset.title));
        }
        match self.availability.datasets.get(filled.dataset.id.as_ref()) {
            Some(why) => {
                let note = format!("{}: data not available here: {why}", filled.dataset.title);
                "data not available ".to_owned() + &notes.mark(note)
            }
            None => "not run yet".to_owned(),
        }
    }
}

/// What stands in the column of published values.
pub(super) fn published(filled: &Filled<'_>, notes: &mut Notes) -> String {
    let Some(cell) = filled.cell else { return "–".to_owned() };
    let value = cell.published.as_ref().map_or("–", |text| text.as_ref());
    let mark = cell.note.as_ref().map(|note| {
        " ".to_owned() + &notes.mark(format!("{} on {}: {note}", filled.row.title, filled.dataset.title))
    });
    value.to_owned() + &mark.unwrap_or_default()
}
