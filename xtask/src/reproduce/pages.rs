//! The rendered files: the page of each recipe, and the tables inside the repository's README.md
//! and in the book's pages of methods.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::availability::Availability;
use super::reached;
use super::recipe::{self, Recipe};
use super::render::{Sheet, verdicts_table};
use super::runfile::{self, RunFile};
use super::splice::splice;
use crate::files;

/// What the files of the recipes `names`, README.md and the pages of methods, if there are any,
/// should hold.
pub fn pages(root: &Path, names: &[String]) -> Result<Vec<(PathBuf, String)>> {
    let render = |name: &str, part: fn(&Sheet<'_>) -> String| {
        let recipe = read_recipe(&root.join("results"), name)?;
        let (runs, availability) = read_results(&root.join("results").join(name))?;
        Ok(part(&Sheet { recipe: &recipe, runs: &runs, availability: &availability }))
    };
    let mut pages = Vec::new();
    for name in names {
        pages.push((root.join("results").join(name).join("README.md"), render(name, |sheet| sheet.page())?));
    }
    let overview = root.join("results").join("README.md");
    if overview.exists() {
        let text =
            fs::read_to_string(&overview).with_context(|| format!("cannot read {}", overview.display()))?;
        let text = splice(&text, &|name| verdicts(root, name))
            .with_context(|| format!("in {}", overview.display()))?;
        pages.push((overview, text));
    }
    let readme = root.join("README.md");
    if readme.exists() {
        let text =
            fs::read_to_string(&readme).with_context(|| format!("cannot read {}", readme.display()))?;
        let text = splice(&text, &|name| render(name, |sheet| sheet.short()))
            .with_context(|| format!("in {}", readme.display()))?;
        pages.push((readme, text));
    }
    let of_methods = reached::pages(root, &pages)?;
    pages.extend(of_methods);
    Ok(pages)
}

/// The table `verdicts` of `results/README.md`: every published value with runs of ours, of all
/// recipes.
fn verdicts(root: &Path, name: &str) -> Result<String> {
    ensure!(name == "verdicts", "there is no table {name} for results/README.md, only `verdicts`");
    let results = root.join("results");
    let mut table = verdicts_table();
    for name in recipe::names(&results)? {
        let recipe = read_recipe(&results, &name)?;
        let (runs, availability) = read_results(&results.join(&name))?;
        Sheet { recipe: &recipe, runs: &runs, availability: &availability }.verdicts(&mut table);
    }
    Ok(table.markdown())
}

/// Reads the recipe `name` under `results`; the error for an unknown one names those there are.
pub fn read_recipe(results: &Path, name: &str) -> Result<Recipe> {
    let names = recipe::names(results)?;
    ensure!(
        names.iter().any(|known| known == name),
        "there is no recipe {name}; there are: {}",
        names.join(", ")
    );
    Recipe::read(&results.join(name))
}

/// What a recipe's folder holds besides the recipe.
pub fn read_results(folder: &Path) -> Result<(Vec<RunFile>, Availability)> {
    Ok((runfile::read_all(&folder.join("runs"))?, Availability::read(&folder.join("availability.json"))?))
}

/// Writes those that differ.
pub fn write(pages: &[(PathBuf, String)]) -> Result<()> {
    pages
        .iter()
        .filter(|page| is_stale(page))
        .try_for_each(|(path, text)| files::write_atomic(path, text.as_bytes()))
}

/// Fails if one differs.
pub fn check(pages: &[(PathBuf, String)]) -> Result<()> {
    let stale: Vec<_> =
        pages.iter().filter(|page| is_stale(page)).map(|(path, _)| path.display().to_string()).collect();
    ensure!(
        stale.is_empty(),
        "stale: {}; `cargo xtask reproduce --render` renders again from recipes and run files",
        stale.join(", ")
    );
    eprintln!("    {} rendered files are up to date", pages.len());
    Ok(())
}

fn is_stale((path, text): &(PathBuf, String)) -> bool {
    fs::read_to_string(path).ok().as_ref() != Some(text)
}
