//! A signal to the launching process, alone in a test program, because all its launches would stop.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should stop at once")]

use std::process::Command;
use std::time::Duration;

use vae_jobs::{Error, Events, Job, Local, Outcome, Tally};

/// Signals its own process once the first job says that it is ready.
struct Impatient;

impl Events for Impatient {
    type Error = Error;

    fn printed(&self, job: &Job, line: &str) {
        if job.id == "first" && line == "ready" {
            let own = std::process::id().to_string();
            assert!(Command::new("kill").args(["-s", "TERM", &own]).status().unwrap().success());
        }
    }

    fn ended(&self, job: &Job, outcome: &Outcome, _: Duration) -> Result<(), Error> {
        assert!(job.id != "third" && *outcome == Outcome::Interrupted, "{}: {outcome:?}", job.id);
        Ok(())
    }
}

#[test]
fn a_signal_is_passed_on_and_no_further_job_starts() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved");
    let script = "trap ': > \"$0\"; exit 143' TERM; echo ready; while :; do sleep 0.02; done";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(&saved);
    let jobs = ["first", "second", "third"].map(|id| Job::new(id, &command));
    let tally = Local { at_once: 2 }.run(&jobs, &Impatient).unwrap();
    assert_eq!(tally, Tally { interrupted: true, signal: Some(15), ..Tally::default() });
    assert!(saved.exists());
}
