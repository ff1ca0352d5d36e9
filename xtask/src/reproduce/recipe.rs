//! `results/<recipe>/recipe.toml`: what a table consists of and what was published.
//!
//! Committed before the reported runs start. Unknown keys and impossible values are refused with
//! their line.

mod check;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// Which settings a run uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Minutes, for a first look.
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

/// Number format of the large matrix products in the training steps of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// bfloat16; such runs can only be made where the processor has the instructions.
    Bf16,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
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
    /// How many seeds unless the command says otherwise.
    pub seeds: u64,
    /// The first of them; seeds from 100 up are those of tuning and trials.
    #[serde(default)]
    pub first_seed: u64,
    /// Make the runs on this machine even where recorded ones exist, because people want to see
    /// them happen.
    #[serde(default)]
    pub run_here: bool,
    /// The rows measure the defaults, so they name few settings: a change of the
    /// defaults makes the recorded runs stale. Without it, a row that a change of the defaults
    /// would change is refused.
    #[serde(default)]
    pub measures_defaults: bool,
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
    /// `vae --precision`, one for all runs of the row.
    #[serde(default)]
    pub precision: Precision,
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

/// What is special about one row on one data set. A pair without a cell is run and has nothing
/// published.
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
    /// How many runs the published mean and spread are of, where that is known.
    pub published_runs: Option<u32>,
    /// What to know when comparing with the published number.
    pub note: Option<String>,
    /// Why no run is possible.
    pub unavailable: Option<String>,
}

fn no_dataset() -> Option<Spanned<String>> {
    None
}

impl Recipe {
    /// The seeds, unless the command says otherwise.
    pub fn seeds(&self) -> std::ops::Range<u64> {
        self.first_seed..self.first_seed + self.seeds
    }

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
    fn every_recipe_of_the_repository_is_read() {
        let results = crate::project::root().join("results");
        let names = names(&results).unwrap();
        assert!(names.contains(&"demo".to_owned()) && names.contains(&"table1".to_owned()), "{names:?}");
        for name in names {
            Recipe::read(&results.join(name)).unwrap();
        }
    }
}
