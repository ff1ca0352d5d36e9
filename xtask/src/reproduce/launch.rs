//! Runs `vae fit` on this machine and records each result at once. `vae-jobs` starts and stops the
//! processes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use vae_jobs::{Events, Local, Outcome, Tally};

use super::plan::{Job, State};
use super::runfile::{self, Plan};
use super::vae::Vae;
use crate::project::Provenance;
use crate::step::{self, human_seconds};

/// Everything the runs of one command share.
pub struct Launch<'a> {
    pub recipe: &'a str,
    pub vae: &'a Vae,
    /// Where run files go.
    pub runs: &'a Path,
    pub provenance: &'a Provenance,
    pub jobs: usize,
    pub threads: usize,
    /// Whether each run has a log: a task of a job array has its own already.
    pub logs: bool,
}

/// A run and what its folder held before it.
struct Made<'a> {
    job: &'a Job,
    command: String,
    older: Option<SystemTime>,
}

impl Launch<'_> {
    /// Makes the runs, `self.jobs` at a time.
    pub fn run(&self, missing: &[Job]) -> Result<Tally> {
        let mut made = BTreeMap::new();
        let mut queue = Vec::new();
        for job in missing {
            let parent = job.out.parent().unwrap_or(&job.out);
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            let command = self.command(job);
            let line = step::line(&command);
            made.insert(job.key.name(), Made { job, command: line, older: modified(&run_json(job)) });
            let queued = vae_jobs::Job::new(&job.key.name(), &command);
            queue.push(if self.logs { queued.log(log(job)) } else { queued });
        }
        Local { at_once: self.jobs }.run(&queue, &Recorder { launch: self, made })
    }

    fn command(&self, job: &Job) -> Command {
        let mut words = vec!["fit".to_owned()];
        words.extend_from_slice(&job.selection);
        // The runs of a table are many, and their maps are looked at by nobody.
        words.extend(["--map".to_owned(), "pca".to_owned()]);
        words.extend(["--threads".to_owned(), self.threads.to_string(), "--out".to_owned()]);
        let mut command = self.vae.command(&words);
        command.arg(&job.out);
        command
    }

    fn record(&self, job: &Job, value: &serde_json::Value) -> Result<()> {
        // A recorded run that is made once more, to be looked at, leaves its record alone.
        if job.state == State::Recorded {
            return Ok(());
        }
        if let Some(told) = runfile::other_commit(value, self.provenance) {
            eprintln!("    {}: {told}", job.key.name());
        }
        runfile::write(self.runs, &job.key, value)
    }
}

/// Writes the run file of each run that ends.
struct Recorder<'a> {
    launch: &'a Launch<'a>,
    made: BTreeMap<String, Made<'a>>,
}

impl Events for Recorder<'_> {
    type Error = anyhow::Error;

    fn ended(&self, job: &vae_jobs::Job, outcome: &Outcome, elapsed: Duration) -> Result<()> {
        let Made { job, command, older } = &self.made[&job.id];
        let (name, run_json) = (job.key.name(), run_json(job));
        let Launch { recipe, provenance, .. } = *self.launch;
        let plan = Plan { recipe, key: &job.key, method: &job.method, identity: &job.identity };
        match outcome {
            Outcome::Done => {
                let value = runfile::finished(&plan, &run_json, provenance)?;
                self.launch.record(job, &value)?;
                eprintln!("    {name}: done in {}", human_seconds(elapsed.as_secs_f64()));
            }
            Outcome::Failed { status, said, .. } => {
                // A fit that fails says so in its run.json; one that crashes has no time to.
                // Anything else did not begin, such as a folder of another run or a full disk, and
                // says nothing about the method.
                let crashed = status.signal().is_some() || status.code() == Some(PANIC);
                // What is there may be of an attempt before.
                let wrote = modified(&run_json) != *older;
                if !crashed && !wrote {
                    bail!("`{command}` could not begin: {said}");
                }
                let why = format!("{status}: {said}");
                let value = runfile::failed(&plan, wrote.then_some(run_json.as_path()), &why, provenance);
                self.launch.record(job, &value)?;
                eprintln!("    {name} failed: {}", value["error"].as_str().unwrap_or(&why));
            }
            Outcome::Interrupted => {}
        }
        Ok(())
    }
}

/// The exit code of a Rust program that panicked.
const PANIC: i32 = 101;

/// Where all that a run prints is kept, beside its folder, which is the program's own.
pub fn log(job: &Job) -> PathBuf {
    job.out.with_added_extension("log")
}

fn run_json(job: &Job) -> PathBuf {
    job.out.join("run.json")
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}
