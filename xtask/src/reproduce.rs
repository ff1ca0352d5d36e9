//! `cargo xtask reproduce <recipe>`: which runs does the table lack, make them, render it.
//!
//! A run counts as done when `results/<recipe>/runs/` holds its file for exactly the configuration, the data and the revisions
//! of the code that the binary reports now. Stop at any moment and start the same command again.

mod availability;
mod identity;
mod launch;
mod pages;
mod plan;
mod recipe;
mod render;
mod runfile;
mod slurm;
mod splice;
mod stale;
mod stats;
mod table;
mod vae;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use std::{env, slice};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use self::availability::Availability;
use self::launch::{Launch, Tally};
use self::plan::{Choice, Job, State};
use self::recipe::{Profile, Recipe, Smoke};
use self::render::Sheet;
use self::runfile::{Plan, RunFile};
use self::vae::Vae;
use crate::project::Provenance;
use crate::step::{Step, human_seconds};
use crate::{files, libtorch, program, project};

/// Fill and render a table.
#[derive(clap::Args, Clone, Default)]
pub struct Args {
    /// A folder of results/ that holds a recipe.toml; without it the recipes are listed (or all checked with --check, --check-runs)
    recipe: Option<String>,
    /// Settings: quick (minutes, for looking), standard (two cores), paper (the published schedule)
    #[arg(long)]
    profile: Option<Profile>,
    /// Only these rows, or all rows of these methods; a name that is both means the row
    #[arg(long, value_delimiter = ',')]
    methods: Vec<String>,
    /// Only these data sets
    #[arg(long, value_delimiter = ',')]
    datasets: Vec<String>,
    /// A count (3 is seeds 0, 1 and 2) or a list (0,1,2)
    #[arg(long, value_parser = Seeds::parse)]
    seeds: Option<Seeds>,
    /// Threads of one run
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Runs at once [default: 2 where there are the cores for it: two single-thread runs beat one with two threads]
    #[arg(long)]
    jobs: Option<usize>,
    /// `vae fit --device` for every run
    #[arg(long)]
    device: Option<String>,
    /// `vae fit --matmul` for every run
    #[arg(long)]
    matmul: Option<String>,
    /// `vae fit --set`, in every run; it changes the configuration, so recorded runs of the recipe are replaced
    #[arg(long)]
    set: Vec<String>,
    /// Fail if a rendered table is not what the recipe and the run files give; nothing is run or written
    #[arg(long)]
    check: bool,
    /// Render the tables from the run files that are there; nothing is built or run
    #[arg(long, conflicts_with = "check")]
    render: bool,
    /// Fail if a recorded run is of other settings than the present ones; nothing is run or written
    #[arg(long, conflicts_with_all = ["check", "render", "smoke"])]
    check_runs: bool,
    /// Say what would be run, and download nothing for it
    #[arg(long)]
    dry_run: bool,
    /// The small form of the recipe in a temporary folder, as continuous integration runs it
    #[arg(long)]
    smoke: bool,
    /// Make failed runs again
    #[arg(long)]
    retry_failed: bool,
    /// Never try to download a data set
    #[arg(long)]
    offline: bool,
    /// Where the runs are made
    #[arg(long, value_enum, default_value_t)]
    launcher: Launcher,
    /// One more option for sbatch, for example --sbatch=--partition=gpu
    #[arg(long, allow_hyphen_values = true)]
    sbatch: Vec<String>,
    /// This binary instead of one built now
    #[arg(long, hide = true)]
    vae: Option<PathBuf>,
    /// The first rows only: for the small form, which nobody records
    #[arg(skip)]
    limit: Option<u64>,
    /// This run alone, without rendering: what a task of a job array does
    #[arg(long, hide = true)]
    only: Option<String>,
}

/// Where runs are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Launcher {
    /// On this machine
    #[default]
    Local,
    /// As a job array on the user's Slurm
    Slurm,
}

/// Seeds as one argument.
#[derive(Debug, Clone)]
struct Seeds(Vec<u64>);

impl Seeds {
    fn parse(text: &str) -> Result<Self, String> {
        plan::parse_seeds(text).map(Self)
    }
}

/// The folders one command works in.
struct Folders {
    /// The clone: its README.md is spliced; `None` leaves it alone.
    root: Option<PathBuf>,
    /// `results/<recipe>`, or its stand-in.
    results: PathBuf,
    /// Where `vae fit` works.
    out: PathBuf,
}

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
        run_smoke(&recipe, recipe.small()?, args, vae(args)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let vae = vae(args)?;
    let folders =
        Folders { results: results.join(name), out: root.join("out/runs").join(name), root: Some(root) };
    fill(&recipe, args, &vae, &folders)
}

/// Checks all rendered tables: those of the recipes and those in README.md.
pub fn check_all() -> Result<()> {
    let root = project::root();
    pages::check(&pages::pages(&root, &recipe::names(&root.join("results"))?)?)
}

/// Checks that every recorded run of every recipe is one of the present settings, as `vae` tells them.
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
    run_smoke(&recipe, recipe.small()?, &Args { threads: 1, ..Args::default() }, vae)
}

/// The program of this clone, built now.
pub fn build() -> Result<Vae> {
    let libtorch = libtorch::ensure()?;
    Ok(Vae { program: program::build(&libtorch)?, libtorch: Some(libtorch), cache: None })
}

fn vae(args: &Args) -> Result<Vae> {
    let Some(program) = &args.vae else { return build() };
    // Its caller knows where its libraries are: a test, or a task of a job array in this clone.
    let libtorch = args.only.is_some().then(libtorch::ensure).transpose()?;
    Ok(Vae { program: program.clone(), libtorch, cache: None })
}

fn run_smoke(recipe: &Recipe, smoke: &Smoke, args: &Args, vae: Vae) -> Result<()> {
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

/// What a command found out before it runs anything.
struct Work {
    profile: Profile,
    /// All runs of the choice.
    jobs: Vec<Job>,
    /// Those to make.
    missing: Vec<Job>,
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
        seeds: args.seeds.clone().map_or_else(|| (0..recipe.seeds).collect(), |seeds| seeds.0),
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
    let at_once = args.jobs.unwrap_or_else(|| (project::cores() / args.threads).clamp(1, 2));
    Ok(Work { profile, jobs, missing, recorded, availability, at_once })
}

/// Plans, runs, renders.
fn fill(recipe: &Recipe, args: &Args, vae: &Vae, folders: &Folders) -> Result<ExitCode> {
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
        println!("{}", submit(recipe, args, work.profile, vae, &work.missing, &folders.out)?);
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
    let Work { profile, jobs, missing, recorded, at_once, .. } = work;
    let done = jobs.len() - missing.len();
    eprintln!("{}, profile {profile}: {} runs, {done} of them done", recipe.name, jobs.len());
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

fn submit(
    recipe: &Recipe,
    args: &Args,
    profile: Profile,
    vae: &Vae,
    missing: &[Job],
    out: &Path,
) -> Result<String> {
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
    let array = slurm::Array {
        root: &project::root(),
        xtask: &env::current_exe().context("cannot tell where this program lies")?,
        words: &words,
        threads: args.threads,
        jobs: args.jobs.unwrap_or(missing.len()),
        options: &args.sbatch,
    };
    // An array that waits in the queue still reads its list: every submission has its own folder.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs();
    slurm::submit(&array, missing, &out.join(format!("slurm-{now}-{}", std::process::id())))
}

/// Renders the recipe's page and the README, and prints the table and where the pictures are.
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
        println!("pictures of {}: {}", job.key.name(), job.out.join("report.html").display());
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
    if tally.stopped {
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
