//! From a recipe and its run files to Markdown: published values beside ours, nothing guessed, nothing hidden.

use std::collections::{BTreeMap, BTreeSet};

use super::availability::Availability;
use super::recipe::{Cell, Dataset, Metric, Profile, Recipe, Row, Split};
use super::runfile::RunFile;
use super::stats::{Summary, summary};
use super::table::Table;
use crate::step::human_seconds;

/// All that a table is made of.
pub struct Sheet<'a> {
    pub recipe: &'a Recipe,
    pub runs: &'a [RunFile],
    pub availability: &'a Availability,
}

/// Numbered remarks under a table; the same text gets the same number.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn mark(&mut self, text: String) -> String {
        let at = self.0.iter().position(|note| *note == text).unwrap_or_else(|| {
            self.0.push(text);
            self.0.len() - 1
        });
        format!("[{}]", at + 1)
    }

    /// A paragraph after an empty line, or nothing.
    fn markdown(&self) -> String {
        let lines = self.0.iter().enumerate().map(|(i, note)| format!("[{}] {note}  \n", i + 1));
        if self.0.is_empty() { String::new() } else { "\n".to_owned() + &lines.collect::<String>() }
    }
}

/// One cell with its runs of one profile.
struct Filled<'a> {
    row: &'a Row,
    dataset: &'a Dataset,
    cell: Option<&'a Cell>,
    metric: Metric,
    split: Split,
    runs: Vec<&'a RunFile>,
}

impl Filled<'_> {
    fn summary(&self, metric: Metric) -> Option<Summary> {
        let values: Vec<f64> = self.runs.iter().filter_map(|run| run.score(metric, self.split)).collect();
        summary(&values)
    }

    fn failed(&self) -> Vec<&RunFile> {
        self.runs.iter().copied().filter(|run| run.error.is_some()).collect()
    }
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
                cells.push(self.ours(&filled, &mut notes) + &count);
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

    fn fill<'a>(&'a self, row: &'a Row, dataset: &'a Dataset, profile: Profile) -> Filled<'a> {
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
    fn ours(&self, filled: &Filled<'_>, notes: &mut Notes) -> String {
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

    /// On what and with which code the runs of a profile were made.
    fn machines(&self, profile: Profile) -> String {
        let mut machines: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| run.profile == profile) {
            *machines.entry(machine(run)).or_default().entry(commit(run)).or_default() += 1;
        }
        if machines.is_empty() {
            return String::new();
        }
        let lines = machines.iter().map(|(machine, commits)| {
            let n: usize = commits.values().sum();
            let commits: Vec<String> = commits.iter().map(|(commit, n)| format!("{commit} ({n})")).collect();
            format!("* {machine}: {n} run{} at {}\n", if n == 1 { "" } else { "s" }, commits.join(", "))
        });
        "\nMade on (commits with their number of runs):\n\n".to_owned() + &lines.collect::<String>()
    }
}

const LEGEND: &str = "Scores are per cent: mean ± sample standard deviation (divisor n − 1) over n seeds, and their range. ACC is the accuracy \
under the best one-to-one matching of clusters and classes; labels are used for nothing else. Purity names each cluster after its most frequent class, AAE after the class of its \
highest-probability point; both may give several clusters one name. A score in another metric than the column's is named. \
Time is the wall time of one run; peak MiB is the largest of the runs.\n";

fn published(filled: &Filled<'_>, notes: &mut Notes) -> String {
    let Some(cell) = filled.cell else { return "–".to_owned() };
    let value = cell.published.as_ref().map_or("–", |text| text.as_ref());
    let mark = cell.note.as_ref().map(|note| {
        " ".to_owned() + &notes.mark(format!("{} on {}: {note}", filled.row.title, filled.dataset.title))
    });
    value.to_owned() + &mark.unwrap_or_default()
}

fn machine(run: &RunFile) -> String {
    let hardware = &run.hardware;
    let mut text = hardware.cpu.clone().unwrap_or_else(|| "unknown processor".to_owned());
    if let Some(cores) = hardware.cores {
        text += &format!(", {cores} cores");
    }
    if let Some(gpu) = &hardware.gpu {
        text += &format!(", {gpu}");
    }
    if let (Some(device), Some(threads)) = (&run.device, run.threads) {
        let library = run.matmul.as_ref().map_or_else(String::new, |library| format!(" ({library})"));
        let s = if threads == 1 { "" } else { "s" };
        text += &format!("; device {device}{library}, {threads} thread{s} a run");
    }
    text
}

fn commit(run: &RunFile) -> String {
    let commit = run.versions.commit.as_deref().unwrap_or("unknown");
    let short: String = commit.chars().take(10).collect();
    short + if run.versions.dirty { " with changes" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::recipe::tests::SMALL;
    use serde_json::json;

    fn run(seed: u64, acc: f64) -> RunFile {
        serde_json::from_value(json!({
            "row": "vade", "dataset": "strokes", "profile": "standard", "seed": seed, "config_sha256": "ab", "revisions": {"k-means": 1},
            "metrics": {"fit": {"acc": acc, "nmi": 0.9, "ari": 0.8, "purity": acc}},
            "wall_s": 42.0, "peak_rss_mib": 512.4, "threads": 1, "device": "cpu",
            "hardware": {"cpu": "Abacus 3000", "cores": 2, "gpu": null}, "versions": {"commit": "0123456789abcdef"},
        }))
        .unwrap()
    }

    fn short(runs: &[RunFile], availability: &Availability) -> String {
        let recipe = Recipe::parse("small", SMALL).unwrap();
        Sheet { recipe: &recipe, runs, availability }.overview(Profile::Standard)
    }

    #[test]
    fn overview_golden() {
        let mut availability = Availability::default();
        availability.methods.insert("dec".into(), "method not in this version yet".into());
        let expected = "\
| method | strokes, published | ours (n) | Moon, published | ours (n) |
| --- | ---: | ---: | ---: | ---: |
| VaDE | 94.46 [1] | **94.10 ± 0.28** (2) | – | not available [2] |
| DEC | – | method not in this version yet | 84.3 ± 0.1 | method not in this version yet |

[1] VaDE on strokes: best of runs  \n[2] Moon: nobody was there  \n";
        assert_eq!(short(&[run(0, 0.939), run(1, 0.943)], &availability), expected);
    }

    #[test]
    fn a_row_stands_only_where_it_belongs() {
        let one = SMALL.replacen(
            "set = [\"a=1\"]",
            "set = [\"a=1\"]\nonly = [\"moon\"]\nprofiles = [\"quick\"]",
            1,
        );
        let recipe = Recipe::parse("small", &one).unwrap();
        let availability = Availability::default();
        let sheet = Sheet { recipe: &recipe, runs: &[], availability: &availability };
        assert!(!sheet.overview(Profile::Standard).contains("VaDE"));
        assert!(sheet.overview(Profile::Quick).contains("| VaDE | – | – | – | not available [1] |"));
        assert!(!sheet.detail(&recipe.datasets[0], Profile::Quick).contains("VaDE"));
        assert!(sheet.detail(&recipe.datasets[1], Profile::Quick).contains("VaDE"));
    }

    #[test]
    fn a_table_of_another_metric_prints_the_accuracy_too() {
        let aae = SMALL.replacen("metric = \"acc\"", "metric = \"aae\"\nfit_split = \"train\"", 1).replacen(
            "published = \"94.46\"",
            "split = \"test\"\npublished = \"94.46\"",
            1,
        );
        let recipe = Recipe::parse("small", &aae).unwrap();
        let mut run = run(0, 0.5);
        run.metrics.test.aae = Some(0.75);
        run.metrics.test.acc = Some(0.625);
        let sheet = Sheet { recipe: &recipe, runs: &[run], availability: &Availability::default() };
        let text = sheet.detail(&recipe.datasets[0], Profile::Standard);
        assert!(text.contains("| AAE % | n | min–max | ACC | NMI | ARI | purity |"), "{text}");
        assert!(text.contains("**75.00** test | 1 | 75.00–75.00 | 62.50 |"), "{text}");
    }

    #[test]
    fn detail_golden() {
        let recipe = Recipe::parse("small", SMALL).unwrap();
        let runs = [run(0, 0.939), run(1, 0.943)];
        let mut availability = Availability::default();
        availability.datasets.insert("strokes".into(), "no disk".into());
        let sheet = Sheet { recipe: &recipe, runs: &runs, availability: &availability };
        let expected = "\
| method | published | ACC % | n | min–max | NMI | ARI | purity | time a run | peak MiB |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| VaDE | 94.46 [1] | **94.10 ± 0.28** | 2 | 93.90–94.30 | 90.00 ± 0.00 | 80.00 ± 0.00 | 94.10 ± 0.28 | 42 s | 512 |
| DEC | – | data not available [2] |  |  |  |  |  |  |  |

[1] VaDE on strokes: best of runs  \n[2] strokes: data not available here: no disk  \n";
        assert_eq!(sheet.detail(&recipe.datasets[0], Profile::Standard), expected);
        let page = sheet.page();
        assert!(
            page.contains("* Abacus 3000, 2 cores; device cpu, 1 thread a run: 2 runs at 0123456789 (2)\n"),
            "{page}"
        );
        assert!(page.contains("## Profile `standard`") && !page.contains("Profile `quick`"), "{page}");
        assert!(page.contains("* One note."), "{page}");
    }

    #[test]
    fn failures_and_mixed_configurations_show() {
        let mut failed = run(1, 0.5);
        failed.error = Some("NaN in step 3".into());
        let mut other = run(2, 0.9);
        other.identity.revisions.insert("k-means".to_owned(), 2);
        let text = short(&[run(0, 0.94), failed.clone(), other], &Availability::default());
        assert!(text.contains("**92.00 ± 2.83**[2][3] (2)"), "{text}");
        assert!(text.contains("[2] VaDE, seed 1: failed: NaN in step 3"), "{text}");
        assert!(text.contains("[3] VaDE on strokes: runs of 2 configurations"), "{text}");
        let text = short(&[failed], &Availability::default());
        assert!(text.contains("| failed[2] |") && text.contains("| not run yet |"), "{text}");
    }

    #[test]
    fn another_metric_is_named_and_compared() {
        let recipe = Recipe::parse("small", SMALL).unwrap();
        let mut purity = run(0, 0.9);
        (purity.row, purity.dataset) = ("dec".into(), "moon".into());
        purity.metrics.fit.purity = Some(0.95);
        let availability = Availability::default();
        let text = Sheet { recipe: &recipe, runs: &[purity], availability: &availability }
            .overview(Profile::Standard);
        assert!(text.contains("| 84.3 ± 0.1 | **95.00** purity (1) |"), "{text}");
    }
}
