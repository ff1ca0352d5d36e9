//! Launches of small shell scripts.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::*;

/// Remembers what it is told; a job named `refused` is an error.
#[derive(Default)]
struct Memory(Mutex<Vec<String>>);

impl Memory {
    fn say(&self, what: String) {
        lock(&self.0).push(what);
    }

    fn said(&self) -> Vec<String> {
        lock(&self.0).clone()
    }
}

impl Events for Memory {
    type Error = Error;

    fn starting(&self, job: &Job, number: usize, of: usize) {
        self.say(format!("start {number}/{of} {}", job.id));
    }

    fn printed(&self, job: &Job, line: &str) {
        self.say(format!("{} says {line}", job.id));
    }

    fn ended(&self, job: &Job, outcome: &Outcome, _: Duration) -> Result<(), Error> {
        let how = match outcome {
            Outcome::Done => "is done".to_owned(),
            Outcome::Failed { status, said, .. } => format!("failed, {status}, {said}"),
            Outcome::Interrupted => "was stopped".to_owned(),
        };
        self.say(format!("{} {how}", job.id));
        if job.id == "refused" { Err(Error::BadId(job.id.clone())) } else { Ok(()) }
    }
}

fn job(id: &str, script: &str) -> Job {
    Job::new(id, Command::new("sh").args(["-c", script]))
}

fn run(at_once: usize, jobs: &[Job]) -> (Result<Tally, Error>, Vec<String>) {
    let memory = Memory::default();
    let tally = Local { at_once }.run(jobs, &memory);
    (tally, memory.said())
}

#[test]
fn jobs_run_in_their_order_and_tell_how_they_ended() {
    // Two at once need a turn each, so that nobody has the terminal.
    let jobs = [job("a", "echo one"), job("b", "echo x; echo 'error: no b' >&2; exit 3")];
    let (tally, said) = run(1, &jobs[..1]);
    assert_eq!(tally.unwrap(), Tally { done: 1, ..Tally::default() });
    assert_eq!(said.first().map(String::as_str), Some("start 1/1 a"));
    let (tally, said) = run(2, &jobs);
    assert_eq!(tally.unwrap(), Tally { done: 1, failed: vec!["b".to_owned()], ..Tally::default() });
    for line in ["a says one", "a is done", "b failed, exit status: 3, no b"] {
        assert!(said.iter().any(|said| said == line), "{line}: {said:?}");
    }
}

#[test]
fn variables_folder_and_log_are_the_job_s() {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("logs/a.log");
    let mut command = Command::new("sh");
    command.args(["-c", "echo $A; echo in $(basename \"$PWD\") >&2; cat"]).env("A", "1 2");
    command.current_dir(folder.path());
    let job = Job::new("a", &command).log(&log);
    for _ in 0..2 {
        assert_eq!(run(2, std::slice::from_ref(&job)).0.unwrap().done, 1);
    }
    let text = fs::read_to_string(&log).unwrap();
    let count = |line: &str| text.lines().filter(|found| *found == line).count();
    let here = folder.path().file_name().unwrap().to_str().unwrap();
    assert_eq!((count("1 2"), count(&format!("in {here}"))), (2, 2), "{text}");
}

#[test]
fn what_has_finished_is_not_started() {
    let folder = TempDir::new().unwrap();
    let done = folder.path().join("DONE");
    let job = job("a", &format!("echo started; : > '{}'", done.display())).done(&done);
    let jobs = [job];
    assert_eq!(run(2, &jobs).0.unwrap().done, 1);
    let (tally, said) = run(2, &jobs);
    assert_eq!(tally.unwrap(), Tally { done_before: 1, ..Tally::default() });
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn a_job_that_ends_by_a_signal_to_stop_was_interrupted() {
    let jobs = [job("own", "kill -s TERM $$"), job("code", "exit 130"), job("killed", "kill -s KILL $$")];
    let (tally, said) = run(2, &jobs);
    let tally = tally.unwrap();
    assert!(tally.interrupted && tally.failed == ["killed"], "{tally:?}");
    assert!(said.iter().any(|line| line == "own was stopped"), "{said:?}");
    assert!(said.iter().any(|line| line == "code was stopped"), "{said:?}");
}

#[test]
fn an_error_starts_no_further_job() {
    let (tally, said) = run(1, &[job("refused", "exit 0"), job("b", "exit 0")]);
    assert!(matches!(tally, Err(Error::BadId(id)) if id == "refused"));
    assert!(!said.iter().any(|line| line.contains(" b")), "{said:?}");
    let missing = Job::new("a", &Command::new("no-such-program-here"));
    let error = run(2, &[missing]).0.unwrap_err();
    assert_eq!(error.to_string(), "cannot start `no-such-program-here`");
    assert!(matches!(run(2, &[job("a", ""), job("a", "")]).0, Err(Error::SameId(_))));
}

#[test]
fn a_log_that_cannot_be_opened_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = run(2, &[job("a", "exit 0").log(file.join("a.log"))]).0.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot make the folder {}", file.display()));
}
