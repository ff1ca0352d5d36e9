//! `--smoke`: the small form of a recipe, in a temporary folder.

use std::env;

use anyhow::{Result, ensure};

use super::args::{Args, Seeds};
use super::fill::{Folders, fill};
use super::recipe::{Recipe, Smoke};
use super::runfile;
use super::vae::Vae;
use crate::files;
use crate::step::Step;

/// Makes every cell of the small form `smoke`; each must run; then their folder is removed.
pub fn run(recipe: &Recipe, smoke: &Smoke, args: &Args, vae: Vae) -> Result<()> {
    let folder = env::temp_dir().join(format!("vae-smoke-{}-{}", recipe.name, std::process::id()));
    files::remove_dir_if_there(&folder)?;
    let vae = Vae { cache: Some(folder.join("cache")), ..vae };
    let step = Step::start(&format!("{} in a small form, in {}", recipe.name, folder.display()), "2 minutes");
    let mut args = args.clone();
    args.profile = Some(smoke.profile);
    args.seeds = Some(Seeds(vec![0]));
    args.set = smoke.set.clone();
    args.limit = smoke.limit;
    let folders = Folders { root: None, results: folder.join("results"), out: folder.join("out") };
    fill(recipe, &args, &vae, &folders)?;
    let runs = runfile::read_all(&folders.results.join("runs"))?;
    let failed = runs.iter().filter(|run| run.error.is_some()).count();
    let of = |dataset| recipe.rows.iter().filter(|row| row.is_in(dataset, smoke.profile)).count();
    let wanted: usize = recipe.datasets.iter().map(of).sum();
    ensure!(
        runs.len() == wanted && failed == 0,
        "{} of {wanted} cells of {} ran and {failed} of them failed; their folders are in {}",
        runs.len(),
        recipe.name,
        folder.display()
    );
    files::remove_dir_if_there(&folder)?;
    step.done();
    Ok(())
}
