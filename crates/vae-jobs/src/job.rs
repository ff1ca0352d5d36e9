//! One command to run, and what it wishes for.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::Error;

/// One process to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name, one line, another than those of all other jobs of a list.
    pub id: String,
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// Variables set in its environment, or removed where there is no value.
    pub env: Vec<(OsString, Option<OsString>)>,
    /// The folder it runs in; `None` is that of the launcher.
    pub folder: Option<PathBuf>,
    /// A file that all it prints is appended to. `None` keeps no log here, because the program
    /// keeps its own or is looked at while it runs.
    pub log: Option<PathBuf>,
    /// A file that is there once the job has finished; such a job is not started any more.
    pub done: Option<PathBuf>,
    /// What it wishes for.
    pub needs: Needs,
}

/// What a job wishes for, to be told to a queueing system. [`Local`](crate::Local) asks nobody and
/// starts as many jobs at once as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Needs {
    /// Threads that run at once, at least 1.
    pub threads: usize,
    /// Memory in MiB; `None` takes what the site gives.
    pub memory_mib: Option<u64>,
    /// The longest time of one try; `None` takes what the site gives. A job that needs more is
    /// continued by the next try.
    pub time: Option<Duration>,
}

impl Default for Needs {
    fn default() -> Self {
        Self { threads: 1, memory_mib: None, time: None }
    }
}

impl Job {
    /// A job of this name that runs `command`: its program, arguments, variables and folder are
    /// taken over, its streams are not.
    pub fn new(id: &str, command: &Command) -> Self {
        let owned = |word: &OsStr| word.to_owned();
        let words = std::iter::once(command.get_program()).chain(command.get_args()).map(owned).collect();
        let env = command.get_envs().map(|(name, value)| (owned(name), value.map(owned))).collect();
        Self {
            id: id.to_owned(),
            words,
            env,
            folder: command.get_current_dir().map(Path::to_owned),
            log: None,
            done: None,
            needs: Needs::default(),
        }
    }

    /// With this log.
    #[must_use]
    pub fn log(mut self, log: impl Into<PathBuf>) -> Self {
        self.log = Some(log.into());
        self
    }

    /// With this sign of having finished.
    #[must_use]
    pub fn done(mut self, done: impl Into<PathBuf>) -> Self {
        self.done = Some(done.into());
        self
    }

    /// With these wishes.
    #[must_use]
    pub fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    /// Whether its sign of having finished is there.
    pub fn is_done(&self) -> bool {
        self.done.as_ref().is_some_and(|done| done.exists())
    }

    /// The command, to be started.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(self.words.first().map_or(OsStr::new(""), OsString::as_os_str));
        command.args(self.words.iter().skip(1));
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}

/// Refuses names that are no names, or are those of two jobs.
pub(crate) fn check_ids(jobs: &[Job]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for Job { id, .. } in jobs {
        if id.is_empty() || id.contains(['\n', '\r']) {
            return Err(Error::BadId(id.clone()));
        }
        if !seen.insert(id) {
            return Err(Error::SameId(id.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_starts_what_the_command_would() {
        let mut command = Command::new("vae");
        command.args(["fit", "--seed", "1"]).env("A", "b").env_remove("C").current_dir("/tmp");
        let again = Job::new("one", &command).command();
        assert_eq!(format!("{again:?}"), format!("{command:?}"));
        assert_eq!(again.get_current_dir(), command.get_current_dir());
    }

    #[test]
    fn names_are_lines_of_their_own() {
        let job = |id: &str| Job::new(id, &Command::new("true"));
        assert!(check_ids(&[job("a"), job("b c")]).is_ok());
        assert!(matches!(check_ids(&[job("a"), job("a")]), Err(Error::SameId(id)) if id == "a"));
        for bad in ["", "a\nb", "\r"] {
            assert!(matches!(check_ids(&[job(bad)]), Err(Error::BadId(id)) if id == bad));
        }
    }
}
