//! `--launcher slurm`: the missing runs as job arrays on the user's Slurm.
//!
//! Every task starts this program again for a single run, so run files are made in one place only.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use vae_jobs::{Needs, Slurm, State, Submission};

use super::args::{Args, Launcher};
use super::launch;
use super::plan::Job;
use super::recipe::{Profile, Recipe};
use super::vae::Vae;
use crate::project;

/// What submits the runs that are made below `out`.
pub fn launcher(args: &Args, out: &Path) -> Slurm {
    Slurm {
        folder: out.to_owned(),
        name: "vae-reproduce".to_owned(),
        at_once: args.jobs,
        options: args.sbatch.clone(),
        programs: None,
    }
}

/// What Slurm's queue and earlier submissions tell of `jobs`. Without submissions nobody is asked.
pub fn states(args: &Args, jobs: &[Job], out: &Path) -> Result<Vec<State>> {
    let none: Vec<vae_jobs::Job> = jobs
        .iter()
        .map(|job| vae_jobs::Job::new(&id(job), &Command::new("vae")).log(launch::log(job)))
        .collect();
    match launcher(args, out).states(&none) {
        // Should a task run after all, the lock of its folder keeps a second process out.
        Err(error) if args.launcher == Launcher::Local => {
            eprintln!("    {error}: earlier job arrays are taken for ended");
            Ok(vec![State::New; jobs.len()])
        }
        states => Ok(states?),
    }
}

/// The name of a run in the queue: that of its folder, as another configuration is another job.
fn id(job: &Job) -> String {
    job.out.file_name().map_or_else(|| job.key.name(), |name| name.to_string_lossy().into_owned())
}

/// Submits the runs that `args` chose and the table lacks.
pub fn submit_missing(
    recipe: &Recipe,
    args: &Args,
    profile: Profile,
    vae: &Vae,
    missing: &[Job],
    out: &Path,
) -> Result<Submission> {
    let words = words(recipe, args, profile, vae, missing);
    let xtask = env::current_exe().context("cannot tell where this program lies")?;
    let root = project::root();
    let tasks: Vec<vae_jobs::Job> = missing
        .iter()
        .map(|job| {
            // A node finds the libraries of the program where this machine does.
            let mut command = vae.around(&xtask);
            command.args(&words).args(["--only", &job.key.name()]);
            command.current_dir(&root).env("CARGO_MANIFEST_DIR", root.join("xtask"));
            let needs = Needs { threads: args.threads, ..Needs::default() };
            vae_jobs::Job::new(&id(job), &command).log(launch::log(job)).needs(needs)
        })
        .collect();
    Ok(launcher(args, out).submit(&tasks)?)
}

/// The arguments of all tasks but `--only`.
fn words(recipe: &Recipe, args: &Args, profile: Profile, vae: &Vae, missing: &[Job]) -> Vec<String> {
    let seeds: BTreeSet<u64> = missing.iter().map(|job| job.key.seed).collect();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let mut words: Vec<String> = ["reproduce", &recipe.name, "--offline"].map(str::to_owned).to_vec();
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    option("--profile", profile.to_string());
    option("--seeds", seeds.join(",") + ",");
    option("--threads", args.threads.to_string());
    option("--vae", vae.program.to_string_lossy().into_owned());
    args.set.iter().for_each(|set| option("--set", set.clone()));
    args.device.iter().for_each(|device| option("--device", device.clone()));
    args.matmul.iter().for_each(|matmul| option("--matmul", matmul.clone()));
    words.extend(args.retry_failed.then(|| "--retry-failed".to_owned()));
    words
}
