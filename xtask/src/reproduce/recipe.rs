//! `results/<recipe>/recipe.toml`: what a table consists of and what was published.
//!
//! Committed before the reported runs start. Unknown keys and impossible values are refused with their line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// Which settings a run uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Minutes, for looking.
    Quick,
    /// Our settings, feasible on two cores; claims refer to it.
    Standard,
    /// The published schedule.
    Paper,
}

impl Profile {
    /// All profiles, in the order in which their tables appear.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Paper, Self::Quick];
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quick => "quick",
            Self::Standard => "standard",
            Self::Paper => "paper",
        })
    }
}

/// A score of a run file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Accuracy under the best one-to-one matching of clusters and classes.
    Acc,
    /// Normalised mutual information.
    Nmi,
    /// Adjusted Rand index.
    Ari,
    /// Share of the largest class in each cluster.
    Purity,
    /// Accuracy when each cluster takes the class of its highest-probability point.
    Aae,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acc => "ACC",
            Self::Nmi => "NMI",
            Self::Ari => "ARI",
            Self::Purity => "purity",
            Self::Aae => "AAE",
        })
    }
}

/// Which rows of the data a score is computed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// What was fitted.
    #[default]
    Fit,
    /// The publisher's test split.
    Test,
}

/// Which rows the runs of a recipe fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum FitSplit {
    /// All.
    #[default]
    All,
    /// The publisher's training split.
    Train,
}

impl fmt::Display for FitSplit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all rows",
            Self::Train => "the training split",
        })
    }
}

/// A table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The folder's name; not in the file.
    #[serde(skip)]
    pub name: String,
    pub title: String,
    /// What the table is, and where its published numbers come from: Markdown under the title.
    pub text: String,
    /// The score that is compared, unless a cell names another.
    pub metric: Metric,
    pub profile: Profile,
    /// Which rows are fitted; a score on `split = "test"` needs `train`.
    #[serde(default)]
    pub fit_split: FitSplit,
    /// How many seeds (0, 1, ...) unless the command says otherwise.
    pub seeds: u64,
    /// Make the runs on this machine even where recorded ones exist, because people want to see them happen.
    #[serde(default)]
    pub run_here: bool,
    /// What a reader of the numbers must know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The small form for continuous integration.
    pub smoke: Option<Smoke>,
    #[serde(rename = "dataset")]
    pub datasets: Vec<Dataset>,
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
}

/// What `--smoke` changes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smoke {
    pub profile: Profile,
    /// `key=value` for `vae --set`, after those of the cell.
    #[serde(default)]
    pub set: Vec<String>,
    /// `vae fit --limit`: the first rows only.
    pub limit: Option<u64>,
}

/// A column.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// The name `vae --data` knows.
    pub id: Spanned<String>,
    pub title: String,
    /// Why no run is possible, for every row.
    pub unavailable: Option<String>,
}

/// A line: a method, or a method with options.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub id: Spanned<String>,
    pub title: String,
    /// The name `vae --method` knows.
    pub method: String,
    /// `key=value` for `vae --set`, in every cell.
    #[serde(default)]
    pub set: Vec<String>,
    /// Data sets of this row; empty means all.
    #[serde(default)]
    pub only: Vec<String>,
    /// Profiles of this row; empty means all.
    #[serde(default)]
    pub profiles: Vec<Profile>,
    #[serde(default, rename = "cell")]
    pub cells: Vec<Cell>,
}

impl Row {
    /// Whether the table of `profile` has a cell for this row and `dataset`.
    pub fn is_in(&self, dataset: &Dataset, profile: Profile) -> bool {
        (self.only.is_empty() || self.only.contains(dataset.id.as_ref()))
            && (self.profiles.is_empty() || self.profiles.contains(&profile))
    }
}

/// What is special about one row on one data set. A pair without a cell is run and has nothing published.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    #[serde(default = "no_dataset")]
    pub dataset: Option<Spanned<String>>,
    /// `vae --preset`, where the method's own choice for the data set is not the one.
    pub preset: Option<String>,
    #[serde(default)]
    pub set: Vec<String>,
    /// More of `set`, for one profile.
    #[serde(default)]
    pub set_in: BTreeMap<Profile, Vec<String>>,
    pub metric: Option<Metric>,
    #[serde(default)]
    pub split: Split,
    /// Per cent, as printed: `94.46` or `97.58 ± 0.1`.
    pub published: Option<Spanned<String>>,
    /// What to know when comparing with the published number.
    pub note: Option<String>,
    /// Why no run is possible.
    pub unavailable: Option<String>,
}

fn no_dataset() -> Option<Spanned<String>> {
    None
}

impl Recipe {
    /// Reads and checks `folder/recipe.toml`.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("recipe.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self::parse(&name, &text).with_context(|| format!("in {}", path.display()))
    }

    /// Parses and checks the text of a recipe called `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut recipe: Self = toml::from_str(text)?;
        name.clone_into(&mut recipe.name);
        recipe.check(text)?;
        Ok(recipe)
    }

    fn check(&self, text: &str) -> Result<()> {
        let datasets = unique(text, "data set", self.datasets.iter().map(|dataset| &dataset.id))?;
        unique(text, "row", self.rows.iter().map(|row| &row.id))?;
        if self.seeds == 0 || datasets.is_empty() || self.rows.is_empty() {
            bail!("a recipe needs at least one seed, one [[dataset]] and one [[row]]");
        }
        for row in &self.rows {
            let named = row.cells.iter().filter_map(|cell| cell.dataset.as_ref());
            if named.clone().count() != row.cells.len() {
                bail!(
                    "line {}: a [[row.cell]] of row {} names no dataset",
                    line(text, row.id.span()),
                    row.id.as_ref()
                );
            }
            if let Some(name) = row.only.iter().find(|name| !datasets.contains(name.as_str())) {
                bail!(
                    "line {}: row {} is only for {name}, and there is no such [[dataset]]",
                    line(text, row.id.span()),
                    row.id.as_ref()
                );
            }
            for dataset in unique(text, "cell", named.clone())? {
                if !datasets.contains(dataset) {
                    let at = named.clone().find(|name| name.as_ref() == dataset).map_or(0..0, Spanned::span);
                    bail!("line {}: there is no [[dataset]] with the id {dataset}", line(text, at));
                }
            }
            if self.fit_split == FitSplit::All && row.cells.iter().any(|cell| cell.split == Split::Test) {
                bail!(
                    "line {}: a cell of row {} is scored on the test split, which needs fit_split = \"train\" at the top",
                    line(text, row.id.span()),
                    row.id.as_ref()
                );
            }
            for published in row.cells.iter().filter_map(|cell| cell.published.as_ref()) {
                if !is_percent(published.as_ref()) {
                    bail!(
                        "line {}: published is per cent like \"94.46\" or \"97.58 ± 0.1\", not {:?}",
                        line(text, published.span()),
                        published.as_ref()
                    );
                }
            }
        }
        Ok(())
    }

    /// The small form; an error if the recipe has none.
    pub fn small(&self) -> Result<&Smoke> {
        self.smoke.as_ref().with_context(|| format!("the recipe {} has no [smoke]", self.name))
    }

    /// The cell of `row` on `dataset`, if the recipe has one.
    pub fn cell<'a>(row: &'a Row, dataset: &Dataset) -> Option<&'a Cell> {
        row.cells.iter().find(|cell| cell.dataset.as_ref().map(Spanned::as_ref) == Some(dataset.id.as_ref()))
    }
}

/// All recipes under `results`, by name.
pub fn names(results: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(results).with_context(|| format!("cannot read {}", results.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("recipe.toml").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

fn unique<'a>(
    text: &str,
    what: &str,
    ids: impl Iterator<Item = &'a Spanned<String>>,
) -> Result<BTreeSet<&'a str>> {
    let mut seen = BTreeSet::new();
    for id in ids {
        let name: &str = id.as_ref();
        let good = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !good {
            bail!("line {}: {what} {name:?}: an id is made of a-z, 0-9 and -", line(text, id.span()));
        }
        if !seen.insert(name) {
            bail!("line {}: {what} {name} appears twice", line(text, id.span()));
        }
    }
    Ok(seen)
}

fn line(text: &str, span: Range<usize>) -> usize {
    text.as_bytes()[..span.start.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

fn is_percent(text: &str) -> bool {
    text.split(" ± ").all(|part| part.parse::<f64>().is_ok_and(|value| (0.0..=100.0).contains(&value)))
        && text.split(" ± ").count() <= 2
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Two rows, two columns, every kind of cell.
    pub const SMALL: &str = r#"title = "Small"
text = "A table for tests."
metric = "acc"
profile = "standard"
seeds = 2
notes = ["One note."]

[smoke]
profile = "quick"
set = ["train.epochs=1"]
limit = 500

[[dataset]]
id = "strokes"
title = "strokes"

[[dataset]]
id = "moon"
title = "Moon"
unavailable = "nobody was there"

[[row]]
id = "vade"
title = "VaDE"
method = "vade"
set = ["a=1"]

[[row.cell]]
dataset = "strokes"
preset = "vade/strokes"
set = ["b=2"]
set_in.quick = ["c=3"]
published = "94.46"
note = "best of runs"

[[row]]
id = "dec"
title = "DEC"
method = "dec"

[[row.cell]]
dataset = "moon"
metric = "purity"
published = "84.3 ± 0.1"
"#;

    #[test]
    fn a_recipe_is_read() {
        let recipe = Recipe::parse("small", SMALL).unwrap();
        assert_eq!((recipe.name.as_str(), recipe.rows.len(), recipe.datasets.len()), ("small", 2, 2));
        let cell = Recipe::cell(&recipe.rows[0], &recipe.datasets[0]).unwrap();
        assert_eq!(cell.set_in[&Profile::Quick], ["c=3"]);
        assert!(Recipe::cell(&recipe.rows[0], &recipe.datasets[1]).is_none());
        assert_eq!(Recipe::cell(&recipe.rows[1], &recipe.datasets[1]).unwrap().metric, Some(Metric::Purity));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let wrong = |from: &str, to: &str| {
            assert!(SMALL.contains(from));
            format!("{:#}", Recipe::parse("small", &SMALL.replacen(from, to, 1)).unwrap_err())
        };
        let text = wrong("seeds = 2", "sedes = 2");
        assert!(text.contains("line 5, column 1") && text.contains("sedes"), "{text}");
        let text = wrong("metric = \"acc\"", "metric = \"accuracy\"");
        assert!(text.contains("line 3") && text.contains("accuracy"), "{text}");
        let text = wrong("set_in.quick", "set_in.fast");
        assert!(text.contains("line 32") && text.contains("fast"), "{text}");
        assert_eq!(wrong("id = \"dec\"", "id = \"vade\""), "line 37: row vade appears twice");
        assert_eq!(
            wrong("id = \"dec\"", "id = \"a/b\""),
            "line 37: row \"a/b\": an id is made of a-z, 0-9 and -"
        );
        assert_eq!(
            wrong("dataset = \"moon\"", "dataset = \"sun\""),
            "line 42: there is no [[dataset]] with the id sun"
        );
        assert!(wrong("\"94.46\"", "\"0.94.46\"").starts_with("line 33: published is per cent"));
        assert!(wrong("\"94.46\"", "\"194.46\"").starts_with("line 33"));
        let text = wrong("method = \"dec\"", "method = \"dec\"\nonly = [\"sun\"]");
        assert_eq!(text, "line 37: row dec is only for sun, and there is no such [[dataset]]");
        assert!(wrong("metric = \"purity\"\n", "split = \"test\"\n").contains("fit_split = \"train\""));
        assert!(wrong("seeds = 2", "seeds = 0").contains("at least one seed"));
        assert!(wrong("dataset = \"moon\"\n", "").contains("names no dataset"));
    }

    #[test]
    fn every_recipe_of_the_repository_is_read() {
        let results = crate::project::root().join("results");
        let names = names(&results).unwrap();
        assert!(names.contains(&"demo".to_owned()) && names.contains(&"table1".to_owned()), "{names:?}");
        for name in names {
            Recipe::read(&results.join(name)).unwrap();
        }
    }
}
