//! `cargo xtask reproduce <recipe>`: which runs does the table lack, make them, render it.
//!
//! A run counts as done when `results/<recipe>/runs/` holds its file for exactly the configuration,
//! the data and the revisions of the code that the binary reports now. Stop at any moment and start
//! the same command again.

mod args;
mod availability;
mod fill;
mod identity;
mod launch;
mod pages;
mod plan;
mod reached;
mod recipe;
mod render;
mod runfile;
mod slurm;
mod smoke;
mod splice;
mod stale;
mod stats;
mod table;
mod vae;
mod words;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

pub use self::args::Args;
use self::fill::{Folders, fill};
pub use self::recipe::names as recipe_names;
pub use self::vae::Vae;
pub use self::words::{check_words, run_words};
use crate::{libtorch, program, project};

/// The command.
pub fn run(args: &Args) -> Result<ExitCode> {
    let root = project::root();
    let results = root.join("results");
    if args.check || args.render {
        let names = args.recipe.clone().map_or_else(|| recipe::names(&results), |name| Ok(vec![name]))?;
        let pages = pages::pages(&root, &names)?;
        if args.check {
            pages::check(&pages)?
        } else {
            pages::write(&pages)?
        }
        return Ok(ExitCode::SUCCESS);
    }
    if args.check_runs {
        let names = args.recipe.clone().map_or_else(|| recipe::names(&results), |name| Ok(vec![name]))?;
        check_runs_of(&results, &names, &vae(args)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(name) = &args.recipe else {
        println!("recipes: {}", recipe::names(&results)?.join(", "));
        return Ok(ExitCode::SUCCESS);
    };
    let recipe = pages::read_recipe(&results, name)?;
    if args.smoke {
        smoke::run(&recipe, recipe.small()?, args, vae(args)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let vae = vae(args)?;
    let folders =
        Folders { results: results.join(name), out: root.join("out/runs").join(name), root: Some(root) };
    fill(&recipe, args, &vae, &folders)
}

/// Checks all rendered tables: those of the recipes, those in README.md and in the book.
pub fn check_all() -> Result<()> {
    let root = project::root();
    pages::check(&pages::pages(&root, &recipe::names(&root.join("results"))?)?)
}

/// Checks that every recorded run of every recipe is one of the present settings, as `vae` tells
/// them.
pub fn check_runs(vae: &Vae) -> Result<()> {
    let results = project::root().join("results");
    check_runs_of(&results, &recipe::names(&results)?, vae)
}

fn check_runs_of(results: &Path, names: &[String], vae: &Vae) -> Result<()> {
    let (mut count, mut stale, mut unverified) = (0, Vec::new(), BTreeMap::new());
    for name in names {
        let recipe = pages::read_recipe(results, name)?;
        let runs = runfile::read_all(&results.join(name).join("runs"))?;
        count += runs.len();
        let found = stale::compare_with_present(&recipe, &runs, vae);
        let found = found.with_context(|| format!("in the recipe {name}"))?;
        stale.extend(found.stale);
        for (dataset, runs) in found.unverified {
            *unverified.entry(dataset).or_insert(0) += runs;
        }
    }
    stale::refuse(&stale)?;
    eprintln!("    {count} recorded runs are of the present configurations, code and data");
    for (dataset, runs) in unverified {
        eprintln!(
            "    {runs} of them on {dataset}, whose data are unverified: the registry does not know their content"
        );
    }
    Ok(())
}

/// The small form of a recipe, in a temporary folder; every one of its cells must run.
pub fn smoke(name: &str, vae: Vae) -> Result<()> {
    let recipe = pages::read_recipe(&project::root().join("results"), name)?;
    smoke::run(&recipe, recipe.small()?, &Args { threads: 1, ..Args::default() }, vae)
}

/// The program of this clone, built now.
pub fn build() -> Result<Vae> {
    let libtorch = libtorch::ensure()?;
    Ok(Vae { program: program::build(&libtorch)?, libtorch: Some(libtorch), cache: None })
}

fn vae(args: &Args) -> Result<Vae> {
    let Some(program) = &args.vae else { return build() };
    // Its caller knows where its libraries are: a test, or whoever submitted this task.
    Ok(Vae { program: program.clone(), libtorch: None, cache: None })
}
