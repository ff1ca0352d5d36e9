//! Recorded runs that do not belong to the present settings: the recipe, a preset or the code of a
//! method changed after they were made, or the recipe has no place for them any more.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::{Context, Result, ensure};

use super::identity::Identity;
use super::plan;
use super::recipe::{Dataset, Profile, Recipe, Row};
use super::runfile::{Key, RunFile};
use super::vae::Vae;

/// What is found among recorded runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// For each run that does not belong to the recipe as it is now why, and the command that mends
    /// it.
    pub stale: Vec<String>,
    /// Runs by data set whose data could not be verified: the registry does not know their content.
    pub unverified: BTreeMap<String, usize>,
}

/// Compares `runs` with `recipe` as it is now.
///
/// No data set needs to be there: configurations are resolved without the data, whose content is
/// known by the registry.
pub fn compare_with_present(recipe: &Recipe, runs: &[RunFile], vae: &Vae) -> Result<Compared> {
    compare(recipe, runs, &|row, dataset, profile| {
        let words = plan::selection(row, dataset, profile, &plan::Choice::default());
        let resolved = vae.resolve(&words, recipe.fit_split)?;
        ensure!(
            recipe.measures_defaults || resolved.defaults.is_empty(),
            "a change of the defaults would change this row: write them into its preset or its recipe: {}",
            resolved.defaults.join(", ")
        );
        Ok(Identity { precision: row.precision, ..resolved.identity })
    })
}

/// Fails if there is one in `stale`, with the whole list.
pub fn refuse(stale: &[String]) -> Result<()> {
    ensure!(
        stale.is_empty(),
        "{} recorded run(s) do not belong to the present settings:\n{}",
        stale.len(),
        stale.join("\n")
    );
    Ok(())
}

/// [`compare_with_present`], with the present identity of a cell from `now`. It is asked once a
/// cell, not once a seed.
fn compare(
    recipe: &Recipe,
    runs: &[RunFile],
    now: &dyn Fn(&Row, &Dataset, Profile) -> Result<Identity>,
) -> Result<Compared> {
    let mut known = BTreeMap::new();
    let Compared { mut stale, mut unverified } = Compared::default();
    for run in runs {
        let key = run.key();
        let file = format!("results/{}/runs/{}.json", recipe.name, key.name());
        let (row, dataset) = match cell(recipe, &key) {
            Ok(cell) => cell,
            Err(why) => {
                stale.push(format!("  {file}: {why}\n    git rm {file}"));
                continue;
            }
        };
        let now = match known.entry((&run.row, &run.dataset, run.profile)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(now(row, dataset, run.profile).with_context(|| {
                format!("cannot tell the present settings of {} on {}", run.row, run.dataset)
            })?),
        };
        let why = run.identity.differences(now);
        if !why.is_empty() {
            stale.push(format!("  {file}: {}\n    {}", why.join("; "), command(recipe, &key)));
        } else if now.data_sha256.is_none() {
            *unverified.entry(key.dataset).or_insert(0) += 1;
        }
    }
    Ok(Compared { stale, unverified })
}

/// The row and the data set of a run, or why the recipe has no cell for it.
fn cell<'a>(recipe: &'a Recipe, key: &Key) -> Result<(&'a Row, &'a Dataset), String> {
    let row = recipe.rows.iter().find(|row| *row.id.as_ref() == key.row);
    let dataset = recipe.datasets.iter().find(|dataset| *dataset.id.as_ref() == key.dataset);
    match (row, dataset) {
        (None, _) => Err(format!("the recipe has no row {}", key.row)),
        (_, None) => Err(format!("the recipe has no data set {}", key.dataset)),
        (Some(row), Some(dataset)) if row.is_in(dataset, key.profile) => Ok((row, dataset)),
        _ => Err(format!("row {} is not for {} in profile {}", key.row, key.dataset, key.profile)),
    }
}

/// What makes a run anew.
fn command(recipe: &Recipe, key: &Key) -> String {
    let Key { dataset, row, profile, seed } = key;
    let profile = if *profile == recipe.profile { String::new() } else { format!(" --profile {profile}") };
    // With the comma it is a list of one seed and not a count.
    format!(
        "cargo xtask reproduce {} --methods {row} --datasets {dataset} --seeds {seed},{profile}",
        recipe.name
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::reproduce::recipe::tests::SMALL;
    use serde_json::json;

    fn run(row: &str, dataset: &str, profile: &str, seed: u64, config: &str, revision: u64) -> RunFile {
        serde_json::from_value(json!({
            "row": row, "dataset": dataset, "profile": profile, "seed": seed, "config_sha256": config,
            "data_sha256": "12", "revisions": {"k-means": revision},
        }))
        .unwrap()
    }

    /// Every cell is at configuration `abababab...`, revision 2 of k-means; counts how often it is
    /// asked.
    fn found(recipe: &str, runs: &[RunFile]) -> (Vec<String>, usize) {
        let recipe = Recipe::parse("small", recipe).unwrap();
        let asked = Cell::new(0);
        let found = compare(&recipe, runs, &|_, _, _| {
            asked.set(asked.get() + 1);
            Ok(Identity {
                config_sha256: "ab".repeat(32),
                data_sha256: Some("12".to_owned()),
                revisions: [("k-means".to_owned(), 2)].into(),
                ..Identity::default()
            })
        });
        let found = found.unwrap();
        assert!(found.unverified.is_empty());
        (found.stale, asked.get())
    }

    #[test]
    fn fresh_runs_pass_and_a_cell_is_asked_once() {
        let fresh = "ab".repeat(32);
        // More seeds than the recipe asks for are no mistake.
        let runs: Vec<_> = (0..5).map(|seed| run("vade", "strokes", "standard", seed, &fresh, 2)).collect();
        assert_eq!(found(SMALL, &runs), (Vec::new(), 1));
        assert!(refuse(&[]).is_ok());
    }

    #[test]
    fn stale_runs_are_told_with_the_command_that_makes_them_anew() {
        let fresh = "ab".repeat(32);
        let runs = [
            run("vade", "strokes", "standard", 3, &"cd".repeat(32), 2),
            run("dec", "strokes", "quick", 0, &fresh, 1),
            run("vade", "strokes", "standard", 4, &fresh, 2),
        ];
        let (stale, asked) = found(SMALL, &runs);
        assert_eq!(
            stale,
            [
                "  results/small/runs/strokes-vade-standard-s3.json: its configuration is cdcdcdcd, now it is abababab\n    \
                 cargo xtask reproduce small --methods vade --datasets strokes --seeds 3,",
                "  results/small/runs/strokes-dec-quick-s0.json: its revision of k-means is 1, now it is 2\n    \
                 cargo xtask reproduce small --methods dec --datasets strokes --seeds 0, --profile quick",
            ]
        );
        assert_eq!(asked, 2);
        let text = refuse(&stale).unwrap_err().to_string();
        assert!(text.starts_with("2 recorded run(s) do not belong") && text.contains(&stale[1]), "{text}");
    }

    #[test]
    fn runs_on_data_of_unknown_content_are_counted_apart() {
        let recipe = Recipe::parse("small", SMALL).unwrap();
        let fresh = "ab".repeat(32);
        let runs = [0, 1].map(|seed| run("vade", "strokes", "standard", seed, &fresh, 2));
        let found = compare(&recipe, &runs, &|_, _, _| {
            let revisions = [("k-means".to_owned(), 2)].into();
            Ok(Identity { config_sha256: fresh.clone(), revisions, ..Identity::default() })
        });
        let unverified = [("strokes".to_owned(), 2)].into();
        assert_eq!(found.unwrap(), Compared { stale: Vec::new(), unverified });
    }

    #[test]
    fn runs_without_a_place_in_the_recipe_are_told() {
        let fresh = "ab".repeat(32);
        let runs = [
            run("idec", "strokes", "standard", 0, &fresh, 2),
            run("vade", "mnist", "standard", 0, &fresh, 2),
            run("dec", "strokes", "paper", 0, &fresh, 2),
        ];
        let narrow = SMALL.replacen("method = \"dec\"", "method = \"dec\"\nprofiles = [\"standard\"]", 1);
        let (stale, asked) = found(&narrow, &runs);
        assert_eq!(
            stale,
            [
                "  results/small/runs/strokes-idec-standard-s0.json: the recipe has no row idec\n    \
                 git rm results/small/runs/strokes-idec-standard-s0.json",
                "  results/small/runs/mnist-vade-standard-s0.json: the recipe has no data set mnist\n    \
                 git rm results/small/runs/mnist-vade-standard-s0.json",
                "  results/small/runs/strokes-dec-paper-s0.json: row dec is not for strokes in profile paper\n    \
                 git rm results/small/runs/strokes-dec-paper-s0.json",
            ]
        );
        assert_eq!(asked, 0);
    }
}
