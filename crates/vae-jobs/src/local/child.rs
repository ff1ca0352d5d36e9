//! One process: started, listened to, waited for.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::{Events, Outcome, lock};
use crate::signals::{STOP, Signals};
use crate::{Error, Job, last_words, line};

/// How many of the last lines are kept to tell why a job failed.
const LAST_LINES: usize = 20;

/// Runs a job that draws on the terminal itself.
pub fn in_terminal<E: Events>(job: &Job, signals: &Signals, events: &E) -> Result<Outcome, Error> {
    let mut child = start(&mut command(job))?;
    let status = wait(&mut child, job, signals, events)?;
    Ok(outcome(status, "its message is above".to_owned(), None))
}

/// Runs a job whose lines are told, and appended to its log.
pub fn relayed<E: Events>(job: &Job, signals: &Signals, events: &E) -> Result<Outcome, Error> {
    let log = job.log.as_deref().map(open).transpose()?.map(Mutex::new);
    let mut command = command(job);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = start(&mut command)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(|| stdout.map(|stream| relay(stream, job, log.as_ref(), events)));
        let errors = scope.spawn(|| stderr.map(|stream| relay(stream, job, log.as_ref(), events)));
        let status = wait(&mut child, job, signals, events)?;
        let said = errors.join().ok().flatten().unwrap_or_default();
        Ok(outcome(status, last_words(&said), job.log.clone()))
    })
}

fn command(job: &Job) -> Command {
    let mut command = job.command();
    // Ctrl-C reaches the terminal's process group; ours passes it on once, so nobody stops twice.
    command.stdin(Stdio::null()).process_group(0);
    command
}

fn start(command: &mut Command) -> Result<Child, Error> {
    command.spawn().map_err(|source| Error::Start { line: line(command), source })
}

fn open(log: &Path) -> Result<File, Error> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).map_err(Error::file("make the folder", folder))?;
    }
    OpenOptions::new().create(true).append(true).open(log).map_err(Error::file("open the log", log))
}

/// Tells every line of `stream`; returns the last few.
fn relay<E: Events>(stream: impl Read, job: &Job, log: Option<&Mutex<File>>, events: &E) -> String {
    let mut last = VecDeque::new();
    let mut reader = BufReader::new(stream);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end();
        events.printed(job, line);
        if let Some(log) = log {
            // A log that cannot be written any more is no reason to lose the job.
            drop(writeln!(lock(log), "{line}"));
        }
        last.push_back(line.to_owned());
        if last.len() > LAST_LINES {
            last.pop_front();
        }
        bytes.clear();
    }
    last.make_contiguous().join("\n")
}

fn wait<E: Events>(child: &mut Child, job: &Job, signals: &Signals, events: &E) -> Result<ExitStatus, Error> {
    let mut passed_on = 0;
    loop {
        let ended = child.try_wait().map_err(|source| Error::Wait { line: line(&job.command()), source })?;
        if let Some(status) = ended {
            return Ok(status);
        }
        let count = signals.count();
        if count > passed_on {
            passed_on = count;
            events.stopping(job);
            // POSIX; a second signal is passed on as well, and what it means is the program's
            // business.
            drop(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status());
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn outcome(status: ExitStatus, said: String, log: Option<PathBuf>) -> Outcome {
    if status.success() {
        Outcome::Done
    } else if was_stopped(status) {
        Outcome::Interrupted
    } else {
        Outcome::Failed { status, said, log }
    }
}

/// Whether the process ended because it was asked to: by a signal, or by its own exit code for one.
fn was_stopped(status: ExitStatus) -> bool {
    let signal = status.signal().or_else(|| status.code().filter(|&code| code > 128).map(|code| code - 128));
    signal.is_some_and(|signal| STOP.contains(&signal))
}
