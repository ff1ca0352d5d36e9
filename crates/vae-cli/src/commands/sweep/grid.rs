//! The fits of a sweep.

use crate::args::{SelectionArgs, SweepArgs};
use crate::input::About;
use crate::run_folder::is_finished;
use crate::selection::choose;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use vae_core::Features;

/// The folder of the runs.
pub const RUNS: &str = "runs";

/// One fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Its name, that of its folder.
    pub id: String,
    pub method: String,
    pub n_clusters: usize,
    pub seed: u64,
}

impl Cell {
    /// Its run folder.
    pub fn folder(&self, sweep: &Path) -> PathBuf {
        sweep.join(RUNS).join(&self.id)
    }

    /// Where all that it prints goes, beside its folder, which is the fit's own.
    pub fn log(&self, sweep: &Path) -> PathBuf {
        sweep.join(RUNS).join(format!("{}.log", self.id))
    }

    /// Whether its run has finished.
    pub fn is_done(&self, sweep: &Path) -> bool {
        is_finished(&self.folder(sweep))
    }
}

/// The methods, each once, in their order.
pub fn methods(args: &SweepArgs) -> Vec<String> {
    let mut methods: Vec<String> = Vec::new();
    for method in args.methods.iter().map(|method| method.trim()) {
        if !methods.iter().any(|other| other == method) {
            methods.push(method.to_owned());
        }
    }
    methods
}

/// All fits: by number of clusters, then method, then seed, so that fits that run at the same time
/// seldom wait for each other's pretraining. Each method is asked for each number, so that what is
/// wrong is said before anything runs.
///
/// # Errors
/// Unknown methods, settings and profiles, a number of clusters in `--set`.
pub fn cells(args: &SweepArgs) -> Result<Vec<Cell>> {
    if let Some((setting, _)) = crate::selection::clusters_set(&args.set) {
        bail!("--set {setting} is for one fit; a sweep takes numbers of clusters from --clusters");
    }
    let mut cells = Vec::new();
    for &k in &args.clusters.0 {
        for method in methods(args) {
            let selection = SelectionArgs {
                method: Some(method.clone()),
                preset: None,
                data: Some(args.data.clone()),
                clusters: Some(usize::try_from(k)?),
                profile: args.profile.clone(),
                config: None,
                set: args.set.clone(),
            };
            let chosen = choose(&selection)?;
            chosen.resolved.build().with_context(|| format!("{method} cannot be fitted with k = {k}"))?;
            for &seed in &args.seeds.0 {
                let id = format!("{method}-k{k}-s{seed}");
                cells.push(Cell { id, method: method.clone(), n_clusters: k as usize, seed });
            }
        }
    }
    Ok(cells)
}

/// Refuses numbers of clusters that no fit can have.
///
/// # Errors
/// More clusters than rows, or than different ones.
pub fn check_rows(args: &SweepArgs, features: &Features, about: &About) -> Result<()> {
    let Some(&most) = args.clusters.0.last() else { return Ok(()) };
    let name = &about.name;
    if most > about.n as u64 {
        bail!("--clusters goes to {most}, but {name} has {} samples: ask for fewer clusters", about.n);
    }
    match features.distinct_rows_up_to(most as usize) {
        1 => bail!("all rows of {name} are equal: there is nothing to cluster"),
        distinct if (distinct as u64) < most => {
            bail!(
                "--clusters goes to {most}, but {name} has {distinct} different rows: ask for fewer clusters"
            )
        }
        _ => Ok(()),
    }
}
