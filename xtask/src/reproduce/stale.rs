//! Recorded runs that do not belong to the present settings: the recipe, a preset or the code of a method changed after
//! they were made, or the recipe has no place for them any more.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::{Context, Result, ensure};

use super::plan;
use super::recipe::{Dataset, Profile, Recipe, Row};
use super::runfile::{Identity, Key, RunFile};
use super::vae::Vae;

/// The files among `runs` that do not belong to `recipe` as it is now: for each why, and the command that mends it.
///
/// No data set needs to be there: a configuration is resolved without the data.
pub fn stale(recipe: &Recipe, runs: &[RunFile], vae: &Vae) -> Result<Vec<String>> {
    compare(recipe, runs, &|row, dataset, profile| {
        let resolved = vae.resolve(&plan::selection(row, dataset, profile, &plan::Choice::default()))?;
        Ok(resolved.identity)
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

/// [`stale`], with the present identity of a cell from `now`. It is asked once a cell, not once a seed.
fn compare(
    recipe: &Recipe,
    runs: &[RunFile],
    now: &dyn Fn(&Row, &Dataset, Profile) -> Result<Identity>,
) -> Result<Vec<String>> {
    let mut known = BTreeMap::new();
    let mut stale = Vec::new();
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
        let why = difference(&run.identity(), now);
        stale.extend(why.map(|why| format!("  {file}: {why}\n    {}", command(recipe, &key))));
    }
    Ok(stale)
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

fn difference(then: &Identity, now: &Identity) -> Option<String> {
    let short = |identity: &Identity| identity.config_sha256.chars().take(8).collect::<String>();
    let mut parts = Vec::new();
    if then.config_sha256 != now.config_sha256 {
        parts.push(format!("its configuration is {}, now it is {}", short(then), short(now)));
    }
    if then.revision != now.revision {
        parts.push(format!("its method's revision is {}, now it is {}", then.revision, now.revision));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
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
            "revision": revision,
        }))
        .unwrap()
    }

    /// Every cell is at configuration `abababab...`, revision 2; counts how often it is asked.
    fn found(recipe: &str, runs: &[RunFile]) -> (Vec<String>, usize) {
        let recipe = Recipe::parse("small", recipe).unwrap();
        let asked = Cell::new(0);
        let stale = compare(&recipe, runs, &|_, _, _| {
            asked.set(asked.get() + 1);
            Ok(Identity { config_sha256: "ab".repeat(32), revision: 2 })
        });
        (stale.unwrap(), asked.get())
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
                "  results/small/runs/strokes-dec-quick-s0.json: its method's revision is 1, now it is 2\n    \
                 cargo xtask reproduce small --methods dec --datasets strokes --seeds 0, --profile quick",
            ]
        );
        assert_eq!(asked, 2);
        let text = refuse(&stale).unwrap_err().to_string();
        assert!(text.starts_with("2 recorded run(s) do not belong") && text.contains(&stale[1]), "{text}");
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
