//! Runs `vae fit` on this machine: several processes at once, stopped together, each result written
//! at once.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

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
}

/// How many runs ended how.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub finished: usize,
    pub failed: Vec<String>,
    /// Interrupted by a signal; the same command continues them.
    pub stopped: bool,
}

enum End {
    Finished,
    Failed(String),
    Stopped,
}

impl Launch<'_> {
    /// Makes the runs, `self.jobs` at a time.
    pub fn run(&self, missing: &[Job]) -> Result<Tally> {
        let signals = Signals::register()?;
        let queue = Mutex::new(missing.iter().enumerate().collect::<VecDeque<_>>());
        let tally = Mutex::new(Tally::default());
        let broken = Mutex::new(None);
        thread::scope(|scope| {
            for _ in 0..self.jobs.min(missing.len()) {
                scope.spawn(|| {
                    while !signals.received() && lock(&broken).is_none() {
                        // The guard must go before the run starts.
                        let Some((i, job)) = lock(&queue).pop_front() else { break };
                        eprintln!("==> run {} of {}: {}", i + 1, missing.len(), job.key.name());
                        match self.one(job, &signals) {
                            Ok(End::Finished) => lock(&tally).finished += 1,
                            Ok(End::Failed(why)) => {
                                eprintln!("    {} failed: {why}", job.key.name());
                                lock(&tally).failed.push(job.key.name());
                            }
                            Ok(End::Stopped) => lock(&tally).stopped = true,
                            Err(error) => drop(lock(&broken).get_or_insert(error)),
                        }
                    }
                });
            }
        });
        let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.stopped |= signals.received();
        match broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(tally),
        }
    }

    fn one(&self, job: &Job, signals: &Signals) -> Result<End> {
        let parent = job.out.parent().unwrap_or(&job.out);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let mut words = vec!["fit".to_owned()];
        words.extend_from_slice(&job.selection);
        words.extend(["--threads".to_owned(), self.threads.to_string(), "--out".to_owned()]);
        let mut command = self.vae.command(&words);
        command.arg(&job.out).stdin(Stdio::null());
        // Ctrl-C reaches the terminal's process group; ours passes it on once, so nobody stops
        // twice.
        command.process_group(0);
        // One process may draw its bar on a terminal; several would draw over each other.
        let prefix = (self.jobs > 1 || !std::io::stderr().is_terminal()).then(|| job.key.name());

        let started = Instant::now();
        let run_json = job.out.join("run.json");
        let older = modified(&run_json);
        let (status, last_words) = watch(&mut command, prefix, signals)?;
        let plan = Plan { recipe: self.recipe, key: &job.key, method: &job.method, identity: &job.identity };
        if status.success() {
            let value = runfile::finished(&plan, &run_json, self.provenance)?;
            self.record(job, &value)?;
            eprintln!("    {}: done in {}", job.key.name(), human_seconds(started.elapsed().as_secs_f64()));
            return Ok(End::Finished);
        }
        if was_stopped(status) {
            return Ok(End::Stopped);
        }
        // A fit that fails says so in its run.json; one that crashes has no time to. Anything else
        // did not begin, such as a folder of another run or a full disk, and says nothing about the
        // method.
        let crashed = status.signal().is_some() || status.code() == Some(PANIC);
        if !crashed && modified(&run_json) == older {
            bail!("`{}` could not begin: {last_words}", step::line(&command));
        }
        let why = format!("{status}: {last_words}");
        let value = runfile::failed(&plan, &run_json, &why, self.provenance);
        self.record(job, &value)?;
        Ok(End::Failed(value["error"].as_str().unwrap_or(&why).to_owned()))
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

/// The exit code of a Rust program that panicked.
const PANIC: i32 = 101;

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

/// Starts `command`, passes signals on, returns how it ended and its last words on the standard
/// error (of which nothing is known where it had the terminal for itself).
fn watch(command: &mut Command, prefix: Option<String>, signals: &Signals) -> Result<(ExitStatus, String)> {
    if prefix.is_some() {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    let mut child = command.spawn().with_context(|| format!("cannot start `{}`", step::line(command)))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let prefix = prefix.unwrap_or_default();
    thread::scope(|scope| {
        scope.spawn(|| stdout.map(|stream| relay(stream, &prefix)));
        let errors = scope.spawn(|| stderr.map(|stream| relay(stream, &prefix)));
        let status = wait(&mut child, signals)?;
        let last = match errors.join().ok().flatten() {
            Some(lines) => step::last_words(&lines),
            None => "its message is above".to_owned(),
        };
        Ok((status, last))
    })
}

/// Prints every line of `stream` after `prefix`; returns the last few.
fn relay(stream: impl Read, prefix: &str) -> String {
    let mut last = VecDeque::new();
    let mut reader = BufReader::new(stream);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end();
        eprintln!("[{prefix}] {line}");
        last.push_back(line.to_owned());
        if last.len() > 20 {
            last.pop_front();
        }
        bytes.clear();
    }
    last.make_contiguous().join("\n")
}

fn wait(child: &mut Child, signals: &Signals) -> Result<ExitStatus> {
    let mut passed_on = 0;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for vae")? {
            return Ok(status);
        }
        let count = signals.count();
        if count > passed_on {
            passed_on = count;
            eprintln!("stopping after a checkpoint; the same command continues");
            // POSIX; a second signal is passed on as well, and what it means is the program's
            // business.
            drop(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status());
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Whether the process ended because it was asked to: by a signal, or by its own exit code for one.
fn was_stopped(status: ExitStatus) -> bool {
    let signal = status.signal().or_else(|| status.code().filter(|&code| code > 128).map(|code| code - 128));
    signal.is_some_and(|signal| [SIGHUP, SIGINT, SIGTERM].contains(&signal))
}

/// How often this process was asked to stop.
struct Signals {
    count: Arc<AtomicUsize>,
    handle: signal_hook::iterator::Handle,
}

impl Signals {
    fn register() -> Result<Self> {
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])
            .context("cannot watch for signals")?;
        let (count, handle) = (Arc::new(AtomicUsize::new(0)), signals.handle());
        let counter = Arc::clone(&count);
        thread::spawn(move || {
            signals.forever().for_each(|_| {
                counter.fetch_add(1, Ordering::SeqCst);
            });
        });
        Ok(Self { count, handle })
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    fn received(&self) -> bool {
        self.count() > 0
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What the mutexes hold is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
