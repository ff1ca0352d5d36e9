//! The missing fits of a sweep: processes side by side, or tasks of the user's Slurm. `vae-jobs`
//! starts and stops them.

use super::grid::{Cell, RUNS};
use crate::args::{Launcher, SweepArgs};
use crate::hardware::physical_cores;
use crate::output::{counted, duration, remark};
use crate::run_folder::{DONE, is_locked};
use crate::run_record::{RUN_FILE, revisions_in};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;
use vae_jobs::{Events, Job, Local, Needs, Outcome, Slurm, State};
use vae_models::registry::outdated;

/// The signal that a sweep ends as if by whose fits were stopped, and not it.
const INTERRUPT: i32 = 2;

/// What became of the fits.
#[derive(Debug, Default)]
pub struct Launched {
    failed: Vec<String>,
    /// How many wait or run in Slurm's queue.
    queued: usize,
    /// What sbatch said.
    said: Vec<String>,
}

impl Launched {
    /// Whether fits are made elsewhere and there is nothing to evaluate yet.
    pub fn is_left_to_slurm(&self) -> bool {
        self.queued > 0
    }

    /// What is left to Slurm, and what to do when it has ended.
    pub fn about_slurm(&self) -> String {
        let said: String = self.said.iter().map(|said| format!("{said}\n")).collect();
        format!(
            "{said}{} in Slurm's queue; when they have ended, the same command evaluates the runs\n",
            counted(self.queued, "fit")
        )
    }

    /// An error that names the fits that failed.
    ///
    /// # Errors
    /// If there are any.
    pub fn check_failures(&self, dir: &Path) -> Result<()> {
        if self.failed.is_empty() {
            return Ok(());
        }
        bail!(
            "{} failed and {} left out: {}; the logs are in {}, and the same command tries again",
            counted(self.failed.len(), "fit"),
            if self.failed.len() == 1 { "is" } else { "are" },
            self.failed.join(", "),
            dir.join(RUNS).display()
        )
    }
}

/// Makes the fits that are not there, and waits for them; on Slurm it submits them.
///
/// # Errors
/// A finished fit of another version, processes or arrays that cannot be started, an interruption.
pub fn launch(args: &SweepArgs, cells: &[Cell], dir: &Path) -> Result<Launched> {
    for cell in cells.iter().filter(|cell| cell.is_done(dir)) {
        check_current(&cell.folder(dir))?;
    }
    let jobs = cells.iter().map(|cell| job(args, cell, dir)).collect::<Result<Vec<Job>>>()?;
    let done = jobs.iter().filter(|job| job.is_done()).count();
    if done > 0 {
        remark(format_args!("{done} of {} are finished and kept", counted(jobs.len(), "fit")));
    }
    if done == jobs.len() {
        return Ok(Launched::default());
    }
    let slurm = Slurm {
        folder: dir.join("slurm"),
        name: "vae-sweep".into(),
        at_once: args.jobs.map(usize::from),
        options: args.sbatch.clone(),
        programs: None,
    };
    if args.launcher == Launcher::Slurm {
        let submission = slurm.submit(&jobs)?;
        let queued = submission.submitted.len() + submission.queued_before.len();
        return Ok(Launched { queued, said: submission.said, failed: Vec::new() });
    }
    let queued = queued(&slurm, &jobs);
    if queued > 0 {
        return Ok(Launched { queued, ..Launched::default() });
    }
    jobs.iter().zip(cells).filter(|(job, _)| !job.is_done()).try_for_each(|(_, cell)| wait_for(cell, dir))?;
    let cores = (physical_cores() / usize::from(args.threads)).max(1);
    let at_once = args.jobs.map_or(cores, usize::from);
    let tally = Local { at_once }.run(&jobs, &Told)?;
    if tally.interrupted {
        return Err(vae_core::Error::Interrupted { signal: tally.signal.unwrap_or(INTERRUPT) }.into());
    }
    let mut failed = tally.failed;
    failed.sort();
    Ok(Launched { failed, ..Launched::default() })
}

/// Waits until no other process works on a fit: one that was started by a sweep that was killed
/// goes on to its next message or its end.
fn wait_for(cell: &Cell, dir: &Path) -> Result<()> {
    let mut is_told = false;
    while is_locked(&cell.folder(dir))
        .with_context(|| format!("cannot look into {}", cell.folder(dir).display()))?
    {
        if !is_told {
            remark(format_args!("waiting for another process, which works on {}", cell.id));
            is_told = true;
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// How many of the jobs wait or run in Slurm's queue. Without submissions nobody is asked.
fn queued(slurm: &Slurm, jobs: &[Job]) -> usize {
    match slurm.states(jobs) {
        Ok(states) => states.iter().filter(|state| **state == State::Queued).count(),
        // Should a task run after all, the lock of its folder keeps a second process out.
        Err(error) => {
            eprintln!("{error}: earlier job arrays are taken for ended");
            0
        }
    }
}

/// Refuses a finished fit that this version would not give.
fn check_current(folder: &Path) -> Result<()> {
    match outdated(&revisions_in(&folder.join(RUN_FILE))?) {
        None => Ok(()),
        Some(why) => bail!(
            "{} was finished by another version of the program: {why}; choose another --out, or delete that folder",
            folder.display()
        ),
    }
}

fn job(args: &SweepArgs, cell: &Cell, dir: &Path) -> Result<Job> {
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    let mut command = Command::new(program);
    // A node of a cluster has another folder to begin with.
    command.current_dir(std::env::current_dir().context("cannot tell the present folder")?);
    command.arg("fit").args(words(args, cell)).args(args.read.words());
    command.arg("--out").arg(std::path::absolute(cell.folder(dir))?);
    let done = cell.folder(dir).join(DONE);
    let needs = Needs { threads: usize::from(args.threads), ..Needs::default() };
    Ok(Job::new(&cell.id, &command).log(cell.log(dir)).done(done).needs(needs))
}

/// The options of a fit but for data that are read, and the folder.
fn words(args: &SweepArgs, cell: &Cell) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    let mut option = |name: &str, value: String| words.extend([name.into(), value.into()]);
    option("--method", cell.method.clone());
    option("--data", args.data.clone());
    option("--clusters", cell.n_clusters.to_string());
    option("--seed", cell.seed.to_string());
    option("--profile", args.profile.clone());
    option("--threads", args.threads.to_string());
    option("--device", args.device.to_string());
    option("--matmul", args.matmul.to_string());
    option("--precision", args.precision.to_string());
    option("--map", args.map.name().into());
    args.set.iter().for_each(|set| option("--set", set.clone()));
    let flags = [("--no-cache", args.no_cache), ("--no-samples", args.no_samples)];
    words.extend(flags.into_iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| flag.into()));
    words
}

/// Says which fit begins and how it ended; what it prints itself goes to its log.
struct Told;

impl Events for Told {
    type Error = anyhow::Error;

    fn starting(&self, job: &Job, number: usize, of: usize) {
        remark(format_args!("fit {number} of {of}: {}", job.id));
    }

    fn may_have_terminal(&self) -> bool {
        false
    }

    fn printed(&self, _job: &Job, _line: &str) {}

    fn ended(&self, job: &Job, outcome: &Outcome, elapsed: Duration) -> Result<()> {
        let took = duration(elapsed.as_secs_f64());
        match outcome {
            Outcome::Done => remark(format_args!("{}: done in {took}", job.id)),
            Outcome::Failed { status, said, .. } => {
                eprintln!("{} failed after {took} ({status}): {said}", job.id);
            }
            Outcome::Interrupted => remark(format_args!("{}: stopped", job.id)),
        }
        Ok(())
    }
}
