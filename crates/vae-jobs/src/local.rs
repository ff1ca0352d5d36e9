//! Jobs on this machine: several processes at once, stopped together.

mod child;

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::signals::Signals;
use crate::{Error, Job, job};

/// Launches jobs on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// How many run at once, at least 1.
    pub at_once: usize,
}

/// How one job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With success.
    Done,
    /// Without.
    Failed {
        /// Its exit code, or the signal that ended it.
        status: ExitStatus,
        /// Its last words on the standard error.
        said: String,
        /// Where all it printed is, if it was kept.
        log: Option<PathBuf>,
    },
    /// It was asked to stop; launched again, it continues.
    Interrupted,
}

/// How the jobs of one launch ended.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// How many were left out, because they had finished before.
    pub done_before: usize,
    /// How many finished.
    pub done: usize,
    /// The names of those that failed.
    pub failed: Vec<String>,
    /// Whether the launch was asked to stop before the end; the same launch continues.
    pub interrupted: bool,
    /// The signal that asked this process to stop.
    pub signal: Option<i32>,
}

/// What happens during a launch. The methods are called from several threads; those that are given
/// print on the standard error.
pub trait Events: Sync {
    /// What [`ended`](Self::ended) may fail with.
    type Error: From<Error> + Send;

    /// The `number`th of `of` jobs is about to start; numbers begin with 1.
    fn starting(&self, job: &Job, number: usize, of: usize) {
        eprintln!("==> run {number} of {of}: {}", job.id);
    }

    /// Whether a single job at a time may have the terminal for itself, if there is one.
    fn may_have_terminal(&self) -> bool {
        true
    }

    /// The job printed a line. It is not told of a job that has the terminal for itself.
    fn printed(&self, job: &Job, line: &str) {
        eprintln!("[{}] {line}", job.id);
    }

    /// The job is asked to stop, because this process was.
    fn stopping(&self, _job: &Job) {
        eprintln!("stopping after a checkpoint; the same command continues");
    }

    /// The job ended after this time.
    ///
    /// # Errors
    /// Any error ends the launch: jobs that run are waited for, no other is started.
    fn ended(&self, job: &Job, outcome: &Outcome, elapsed: Duration) -> Result<(), Self::Error>;
}

impl Local {
    /// Runs `jobs` in their order, as many at once as was asked for, and waits for all.
    ///
    /// SIGINT, SIGTERM and SIGHUP of this process are passed on to the jobs as SIGTERM, each once,
    /// and no further job is started. A single job at a time has the terminal for itself, if there
    /// is one and [`Events::may_have_terminal`]: then nothing goes to its log.
    ///
    /// # Errors
    /// A job cannot be started, two have the same name, a log cannot be written, or
    /// [`Events::ended`] failed. A job that fails is no error: see [`Tally::failed`].
    pub fn run<E: Events>(&self, jobs: &[Job], events: &E) -> Result<Tally, E::Error> {
        job::check_ids(jobs)?;
        let open: Vec<&Job> = jobs.iter().filter(|job| !job.is_done()).collect();
        let of = open.len();
        let signals = Signals::register()?;
        let queue = Mutex::new((1..).zip(open).collect::<VecDeque<_>>());
        let tally = Mutex::new(Tally { done_before: jobs.len() - of, ..Tally::default() });
        let broken = Mutex::new(None);
        thread::scope(|scope| {
            for _ in 0..self.at_once.max(1).min(of) {
                scope.spawn(|| {
                    while !signals.received() && lock(&broken).is_none() {
                        // The guard must go before the job starts.
                        let Some((number, job)) = lock(&queue).pop_front() else { break };
                        events.starting(job, number, of);
                        match self.one(job, &signals, events) {
                            Ok(Outcome::Done) => lock(&tally).done += 1,
                            Ok(Outcome::Failed { .. }) => lock(&tally).failed.push(job.id.clone()),
                            Ok(Outcome::Interrupted) => lock(&tally).interrupted = true,
                            Err(error) => drop(lock(&broken).get_or_insert(error)),
                        }
                    }
                });
            }
        });
        let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.interrupted |= signals.received();
        tally.signal = signals.first();
        match broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(tally),
        }
    }

    fn one<E: Events>(&self, job: &Job, signals: &Signals, events: &E) -> Result<Outcome, E::Error> {
        // One process may draw its bar on a terminal; several would draw over each other.
        let has_terminal = self.at_once == 1 && events.may_have_terminal() && std::io::stderr().is_terminal();
        let started = Instant::now();
        let outcome = match has_terminal {
            true => child::in_terminal(job, signals, events)?,
            false => child::relayed(job, signals, events)?,
        };
        events.ended(job, &outcome, started.elapsed())?;
        Ok(outcome)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the mutexes hold is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
