//! The command as one line of words, as a bundle's list of runs has it.

use std::iter;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;

use super::args::Args;
use super::plan::{self, Choice};
use super::{pages, recipe};
use crate::project;

#[derive(Parser)]
#[command(name = "reproduce")]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Words with white space between; there are no quotes.
fn parse(words: &str) -> Result<Args> {
    let line = Line::try_parse_from(iter::once("reproduce").chain(words.split_whitespace()));
    line.map(|line| line.args).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        anyhow::anyhow!("{}", first.trim_start_matches("error: "))
    })
}

/// Checks that a line names a recipe of this clone, and rows and data sets that it has; returns the
/// data sets of its runs.
pub fn check_words(words: &str) -> Result<Vec<String>> {
    let args = parse(words)?;
    let name = args.recipe.context("no recipe is named: begin with a folder of results/, such as demo")?;
    let recipe = pages::read_recipe(&project::root().join("results"), &name)?;
    let choice = Choice { methods: args.methods, datasets: args.datasets, ..Choice::default() };
    plan::check_names(&recipe, &choice)?;
    let profile = args.profile.unwrap_or(recipe.profile);
    let is_made = |dataset: &&recipe::Dataset| {
        let id = dataset.id.as_ref();
        dataset.unavailable.is_none()
            && (choice.datasets.is_empty() || choice.datasets.contains(id))
            && recipe.rows.iter().any(|row| row.is_in(dataset, profile))
    };
    let made: Vec<String> =
        recipe.datasets.iter().filter(is_made).map(|dataset| dataset.id.as_ref().clone()).collect();
    if made.is_empty() {
        bail!("the recipe {name} has no runs of these data sets");
    }
    Ok(made)
}

/// Runs a line, with the program `vae` or one built now.
pub fn run_words(words: &str, vae: Option<PathBuf>) -> Result<ExitCode> {
    super::run(&Args { vae, ..parse(words)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_checked_against_the_recipes() {
        assert_eq!(check_words("demo --seeds 1").unwrap(), ["strokes"]);
        assert_eq!(check_words("table1 --datasets mnist --profile paper").unwrap(), ["mnist"]);
        assert!(check_words("table1").unwrap().contains(&"hhar".to_owned()));
        for (words, said) in [
            ("", "no recipe is named"),
            ("moon", "there is no recipe moon"),
            ("demo --methods vde", "no row or method vde"),
            ("demo --sede 1", "unexpected argument '--sede'"),
        ] {
            let text = format!("{:#}", check_words(words).unwrap_err());
            assert!(text.contains(said), "{words}: {text}");
        }
    }
}
