//! From a recipe and its run files to Markdown: published values beside ours, nothing guessed,
//! nothing hidden.

mod cell;
mod notes;
mod origin;
mod verdict;

use std::collections::BTreeSet;

use self::cell::published;
use self::notes::Notes;
use self::verdict::verdict;
use super::availability::Availability;
use super::recipe::{Dataset, Metric, Profile, Recipe};
use super::runfile::RunFile;
use super::stats::summary;
use super::table::Table;
use crate::step::human_seconds;

/// All that a table is made of.
pub struct Sheet<'a> {
    pub recipe: &'a Recipe,
    pub runs: &'a [RunFile],
    pub availability: &'a Availability,
}

impl Sheet<'_> {
    /// The whole page of the recipe, `results/<recipe>/README.md`.
    pub fn page(&self) -> String {
        let recipe = self.recipe;
        let mut text = format!("# {}\n\n{}\n\n", recipe.title, recipe.text.trim());
        text += &format!(
            "Written by `cargo xtask reproduce {}` from `recipe.toml` and `runs/*.json`: do not edit.\n\n",
            recipe.name
        );
        text += LEGEND;
        for profile in self.profiles() {
            text += &format!("\n## Profile `{profile}`\n\n");
            let several = recipe.datasets.len() > 1;
            if several {
                text += &self.overview(profile);
            }
            for dataset in &recipe.datasets {
                if several {
                    text += &format!("\n### {}\n\n", dataset.title);
                }
                text += &self.detail(dataset, profile);
            }
            text += &self.machines(profile);
        }
        if !recipe.notes.is_empty() {
            text += "\n## What to know\n\n";
            text.extend(recipe.notes.iter().map(|note| format!("* {note}\n")));
        }
        text
    }

    /// The one table for the repository's README.
    pub fn short(&self) -> String {
        let profile = self.recipe.profile;
        let table = match self.recipe.datasets.as_slice() {
            [only] => self.detail(only, profile),
            _ => self.overview(profile),
        };
        format!(
            "{table}\nProfile `{profile}`, {} in per cent, mean ± sample standard deviation over n seeds; \
             [how it was made](results/{}/README.md).\n",
            self.recipe.metric, self.recipe.name
        )
    }

    /// Every cell with a published value and runs: the lines of [`verdicts_table`].
    pub fn verdicts(&self, table: &mut Table) {
        for dataset in &self.recipe.datasets {
            for row in self.recipe.rows.iter().filter(|row| row.is_in(dataset, self.recipe.profile)) {
                let filled = self.fill(row, dataset, self.recipe.profile);
                let published = filled.cell.and_then(|cell| cell.published.as_ref());
                let (Some(published), Some(ours)) = (published, filled.summary(filled.metric)) else {
                    continue;
                };
                let metric =
                    if filled.metric == Metric::Acc { String::new() } else { format!(" {}", filled.metric) };
                table.push(vec![
                    format!("[{0}]({0}/README.md)", self.recipe.name),
                    row.title.clone(),
                    dataset.title.clone(),
                    published.as_ref().clone(),
                    format!("{}{metric} ({})", ours.percent(), filled.count(ours.n)),
                    ours.percent_range(),
                    verdict(&filled).map_or("–".to_owned(), |v| v.to_string()),
                ]);
            }
        }
    }

    /// The recipe's own profile, and those others that have runs.
    fn profiles(&self) -> Vec<Profile> {
        let has_runs: BTreeSet<Profile> = self.runs.iter().map(|run| run.profile).collect();
        let mut profiles = vec![self.recipe.profile];
        profiles
            .extend(Profile::ALL.into_iter().filter(|p| has_runs.contains(p) && *p != self.recipe.profile));
        profiles
    }

    /// Methods against data sets, published beside ours.
    fn overview(&self, profile: Profile) -> String {
        let datasets = &self.recipe.datasets;
        let mut header = vec!["method".to_owned()];
        for dataset in datasets {
            header.extend([format!("{}, published", dataset.title), "ours (n)".to_owned()]);
        }
        let mut notes = Notes::default();
        let mut table = Table::new(&header.iter().map(String::as_str).collect::<Vec<_>>());
        for row in &self.recipe.rows {
            if !datasets.iter().any(|dataset| row.is_in(dataset, profile)) {
                continue;
            }
            let mut cells = vec![row.title.clone()];
            for dataset in datasets {
                if !row.is_in(dataset, profile) {
                    cells.extend(["–".to_owned(), "–".to_owned()]);
                    continue;
                }
                let filled = self.fill(row, dataset, profile);
                cells.push(published(&filled, &mut notes));
                let count = filled.summary(filled.metric).map(|s| format!(" ({})", s.n)).unwrap_or_default();
                let verdict = verdict(&filled).map(|v| format!(" {v}")).unwrap_or_default();
                cells.push(self.ours(&filled, &mut notes) + &count + &verdict);
            }
            table.push(cells);
        }
        table.markdown() + &notes.markdown()
    }

    /// Methods on one data set, with everything.
    fn detail(&self, dataset: &Dataset, profile: Profile) -> String {
        let (table, notes) = self.detail_table(dataset, profile);
        table.markdown() + &notes.markdown()
    }

    fn detail_table(&self, dataset: &Dataset, profile: Profile) -> (Table, Notes) {
        let rows = self.recipe.rows.iter().filter(|row| row.is_in(dataset, profile));
        let filled: Vec<_> = rows.map(|row| self.fill(row, dataset, profile)).collect();
        let any_published = filled.iter().any(|f| f.cell.is_some_and(|cell| cell.published.is_some()));
        let metric = format!("{} %", self.recipe.metric);
        let mut header = vec!["method"];
        if any_published {
            header.push("published");
        }
        let others = [Metric::Acc, Metric::Nmi, Metric::Ari, Metric::Purity]
            .into_iter()
            .filter(|metric| *metric != self.recipe.metric);
        let names: Vec<String> = others.clone().map(|metric| metric.to_string()).collect();
        header.extend([metric.as_str(), "n", "min–max"]);
        if any_published {
            header.push("verdict");
        }
        header.extend(names.iter().map(String::as_str));
        header.extend(["time a run", "peak MiB"]);
        let (mut notes, mut table) = (Notes::default(), Table::new(&header));
        for filled in &filled {
            let mut cells = vec![filled.row.title.clone()];
            if any_published {
                cells.push(published(filled, &mut notes));
            }
            cells.push(self.ours(filled, &mut notes));
            let main = filled.summary(filled.metric);
            cells.push(main.map(|s| s.n.to_string()).unwrap_or_default());
            cells.push(main.map(|s| s.percent_range()).unwrap_or_default());
            if any_published {
                cells.push(verdict(filled).map(|v| v.to_string()).unwrap_or_default());
            }
            for metric in others.clone() {
                cells.push(filled.summary(metric).map(|s| s.percent()).unwrap_or_default());
            }
            let of = |value: &dyn Fn(&RunFile) -> Option<f64>| {
                summary(
                    &filled
                        .runs
                        .iter()
                        .filter(|r| r.error.is_none())
                        .filter_map(|r| value(r))
                        .collect::<Vec<_>>(),
                )
            };
            cells.push(of(&|run| run.wall_s).map(|s| human_seconds(s.mean)).unwrap_or_default());
            cells.push(of(&|run| run.peak_rss_mib).map(|s| format!("{:.0}", s.max)).unwrap_or_default());
            table.push(cells);
        }
        (table, notes)
    }

    /// The tables for a terminal, each after the title of its data set.
    pub fn terminal(&self, profile: Profile) -> String {
        let of = |dataset: &Dataset| {
            let (table, notes) = self.detail_table(dataset, profile);
            format!("\n{}, profile {profile}\n\n{}{}", dataset.title, table.terminal(), notes.markdown())
        };
        self.recipe.datasets.iter().map(of).collect()
    }
}

/// The table that [`Sheet::verdicts`] fills, for `results/README.md`.
pub fn verdicts_table() -> Table {
    Table::new(&["table", "method", "data", "published", "ours (n)", "worst–best seed", "verdict"])
}

const LEGEND: &str = "Scores are per cent: mean ± sample standard deviation (divisor n − 1) over n seeds, and their range. ACC is the accuracy \
under the best one-to-one matching of clusters and classes; labels are used for nothing else. Purity names each cluster after its most frequent class, AAE after the class of its \
highest-probability point; both may give several clusters one name. A score in another metric than the column's is named. \
The verdict is ours against the published value, from three seeds on ([how](../../METHODOLOGY.md#verdicts)). \
Time is the wall time of one run; peak MiB is the largest of the runs.\n";

#[cfg(test)]
mod tests;
