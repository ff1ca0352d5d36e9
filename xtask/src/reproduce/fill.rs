//! Filling a table: what is missing, making it, rendering what there is.

use std::path::PathBuf;
use std::process::ExitCode;
use std::slice;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use vae_jobs::Tally;

use super::args::{Args, Launcher};
use super::availability::Availability;
use super::launch::{self, Launch};
use super::plan::{self, Choice, Job, State};
use super::recipe::{Profile, Recipe};
use super::render::Sheet;
use super::runfile::{self, Plan, RunFile};
use super::vae::Vae;
use super::{pages, slurm};
use crate::project::{self, Provenance};
use crate::step::human_seconds;

/// The folders one command works in.
pub struct Folders {
    /// The clone: its README.md is spliced; `None` leaves it alone.
    pub root: Option<PathBuf>,
    /// `results/<recipe>`, or its stand-in.
    pub results: PathBuf,
    /// Where `vae fit` works.
    pub out: PathBuf,
}

/// What a command found out before it runs anything.
struct Work {
    profile: Profile,
    /// All runs of the choice.
    jobs: Vec<Job>,
    /// Those to make.
    missing: Vec<Job>,
    /// How many more wait or run in Slurm's queue.
    queued: usize,
    recorded: Vec<RunFile>,
    availability: Availability,
    /// How many run at once.
    at_once: usize,
}

fn prepare(recipe: &Recipe, args: &Args, vae: &Vae, folders: &Folders) -> Result<Work> {
    ensure!(args.threads > 0 && args.jobs != Some(0), "--threads and --jobs are at least 1");
    let profile = args.profile.unwrap_or(recipe.profile);
    let (recorded, mut availability) = pages::read_results(&folders.results)?;
    let choice = Choice {
        methods: args.methods.clone(),
        datasets: args.datasets.clone(),
        seeds: args.seeds.clone().map_or_else(|| recipe.seeds().collect(), |seeds| seeds.0),
        set: args.set.clone(),
        device: args.device.clone(),
        matmul: args.matmul.clone(),
        threads: args.threads,
        only: args.only.clone(),
        limit: args.limit,
        offline: args.offline || args.dry_run,
    };
    let mut jobs = plan::plan(recipe, profile, &choice, vae, &recorded, &folders.out, &mut availability)?;
    if args.retry_failed {
        let failed = |job: &Job| recorded.iter().any(|run| run.key() == job.key && run.error.is_some());
        jobs.iter_mut().filter(|job| failed(job)).for_each(|job| job.state = State::Missing);
    }
    if let Some(only) = &args.only {
        ensure!(!jobs.is_empty(), "the recipe {} has no run {only} that is possible here", recipe.name);
    }
    let to_make =
        |job: &&Job| job.state == State::Missing || (recipe.run_here && !job.out.join("DONE").exists());
    let missing = jobs.iter().filter(to_make).cloned().collect();
    let (missing, queued) = leave_to_slurm(missing, args, folders)?;
    let at_once = args.jobs.unwrap_or_else(|| (project::cores() / args.threads).clamp(1, 2));
    Ok(Work { profile, jobs, missing, queued, recorded, availability, at_once })
}

/// Which of the `missing` runs are to be made, and how many are in Slurm's queue already.
fn leave_to_slurm(missing: Vec<Job>, args: &Args, folders: &Folders) -> Result<(Vec<Job>, usize)> {
    // A task of a job array is in the queue itself.
    if args.only.is_some() {
        return Ok((missing, 0));
    }
    let states = slurm::states(args, &missing, &folders.out)?;
    let queued = states.iter().filter(|state| **state == vae_jobs::State::Queued).count();
    let mut left = Vec::new();
    for (job, state) in missing.into_iter().zip(states) {
        match state {
            vae_jobs::State::Queued => continue,
            vae_jobs::State::Failed { log: Some(log), .. } => {
                eprintln!("    {}: its last task failed; its log: {}", job.key.name(), log.display());
            }
            _ => {}
        }
        left.push(job);
    }
    Ok((left, queued))
}

/// Plans, runs, renders.
pub fn fill(recipe: &Recipe, args: &Args, vae: &Vae, folders: &Folders) -> Result<ExitCode> {
    let work = prepare(recipe, args, vae, folders)?;
    announce(recipe, &work, args.threads);
    if args.dry_run {
        work.missing
            .iter()
            .for_each(|job| println!("{}  vae fit {}", job.key.name(), job.selection.join(" ")));
        return Ok(ExitCode::SUCCESS);
    }
    work.availability.write(&folders.results.join("availability.json"))?;
    if args.launcher == Launcher::Slurm && !work.missing.is_empty() {
        let submission = slurm::submit_missing(recipe, args, work.profile, vae, &work.missing, &folders.out)?;
        submission.said.iter().for_each(|said| println!("{said}"));
        println!("when the array has ended, `cargo xtask reproduce {}` renders the table", recipe.name);
        return Ok(ExitCode::SUCCESS);
    }
    let provenance = project::provenance();
    let launch = Launch {
        recipe: &recipe.name,
        vae,
        runs: &folders.results.join("runs"),
        provenance: &provenance,
        jobs: work.at_once,
        threads: args.threads,
        logs: args.only.is_none(),
    };
    let started = Instant::now();
    let outcome = launch.run(&work.missing);
    if !work.missing.is_empty() {
        eprintln!("runs of {}: {} in all", recipe.name, human_seconds(started.elapsed().as_secs_f64()));
    }
    if args.only.is_none() {
        // Also after an error: what finished before it is in the table.
        show(recipe, work.profile, &work.jobs, folders, &provenance)?;
    }
    finish(recipe, &outcome?)
}

fn announce(recipe: &Recipe, work: &Work, threads: usize) {
    let Work { profile, jobs, missing, queued, recorded, at_once, .. } = work;
    let done = jobs.len() - missing.len() - queued;
    eprintln!("{}, profile {profile}: {} runs, {done} of them done", recipe.name, jobs.len());
    if *queued > 0 {
        eprintln!("{queued} of them wait or run in Slurm's queue and are left to it");
    }
    if missing.is_empty() {
        return;
    }
    let (seconds, unknown) = plan::expected_seconds(missing.iter(), recorded);
    let time = match missing.len() - unknown {
        0 => "no recorded run tells how long".to_owned(),
        known => {
            let rest = if unknown > 0 { format!(" for {known} of them") } else { String::new() };
            format!("about {} by the recorded runs{rest}", human_seconds(seconds / *at_once as f64))
        }
    };
    eprintln!("{} to make, {at_once} at a time with {threads} thread(s) each: {time}", missing.len());
}

/// Renders the recipe's page and the README, and prints the table and where the reports are.
fn show(
    recipe: &Recipe,
    profile: Profile,
    jobs: &[Job],
    folders: &Folders,
    provenance: &Provenance,
) -> Result<()> {
    let (runs, availability) = pages::read_results(&folders.results)?;
    let sheet = Sheet { recipe, runs: &runs, availability: &availability };
    let page = folders.results.join("README.md");
    match &folders.root {
        Some(root) => pages::write(&pages::pages(root, slice::from_ref(&recipe.name))?)?,
        None => pages::write(&[(page.clone(), sheet.page())])?,
    }
    let here = made_here(recipe, jobs, provenance);
    if recipe.run_here && !here.is_empty() {
        println!("\nOn this machine:");
        print!("{}", Sheet { recipe, runs: &here, availability: &availability }.terminal(profile));
        println!("\nRecorded:");
    }
    print!("{}", sheet.terminal(profile));
    println!("\nthe table with its notes: {}", page.display());
    for job in jobs.iter().filter(|job| job.out.join("report.html").exists()) {
        println!("report of {}: {}", job.key.name(), job.out.join("report.html").display());
    }
    let failed = |job: &&Job| runs.iter().any(|run| run.key() == job.key && run.error.is_some());
    for job in jobs.iter().filter(failed).filter(|job| launch::log(job).exists()) {
        println!("log of {}, which failed: {}", job.key.name(), launch::log(job).display());
    }
    Ok(())
}

/// The finished runs in the folders of `jobs`.
fn made_here(recipe: &Recipe, jobs: &[Job], provenance: &Provenance) -> Vec<RunFile> {
    jobs.iter()
        .filter(|job| job.out.join("DONE").exists())
        .filter_map(|job| {
            let plan =
                Plan { recipe: &recipe.name, key: &job.key, method: &job.method, identity: &job.identity };
            let value = runfile::finished(&plan, &job.out.join("run.json"), provenance).ok()?;
            serde_json::from_value(value).ok()
        })
        .collect()
}

fn finish(recipe: &Recipe, tally: &Tally) -> Result<ExitCode> {
    if tally.interrupted {
        eprintln!("stopped; the same command continues");
        return Ok(ExitCode::from(130));
    }
    if !tally.failed.is_empty() {
        bail!(
            "{} run(s) failed and are in the table as such: {}; `cargo xtask reproduce {} --retry-failed` makes them again",
            tally.failed.len(),
            tally.failed.join(", "),
            recipe.name
        );
    }
    Ok(ExitCode::SUCCESS)
}
