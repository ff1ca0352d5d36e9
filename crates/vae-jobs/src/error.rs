//! What can go wrong outside the jobs themselves.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why jobs could not be launched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot {what} {}", path.display())]
    File {
        /// What was tried: `read`, `write`, …
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start `{line}`")]
    Start {
        /// The command as one would type it.
        line: String,
        /// What the system says.
        source: io::Error,
    },
    /// A program that serves the launcher, such as `sbatch`, did not succeed.
    #[error("`{line}` failed ({status}): {said}")]
    Program {
        /// The command as one would type it.
        line: String,
        /// How it ended.
        status: ExitStatus,
        /// Its last words.
        said: String,
    },
    /// Whether a job still runs cannot be told.
    #[error("cannot wait for `{line}`")]
    Wait {
        /// The command as one would type it.
        line: String,
        /// What the system says.
        source: io::Error,
    },
    /// Signals cannot be watched for.
    #[error("cannot watch for signals")]
    Signals(#[source] io::Error),
    /// Two jobs of one list have the same name.
    #[error("two jobs have the name {0}: give each its own")]
    SameId(String),
    /// A name that cannot stand in a line of a list.
    #[error("{0:?} is no name for a job: it is empty or has a line break")]
    BadId(String),
    /// Part of a job is not UTF-8 and cannot stand in a script.
    #[error("{} of the job {id} is not UTF-8, so it cannot stand in a script for sbatch", text.display())]
    NotUtf8 {
        /// The job.
        id: String,
        /// The word or path.
        text: PathBuf,
    },
    /// A variable that no shell can set.
    #[error("the job {id} wants the variable {name:?}, whose name is no word of letters, digits and _")]
    BadVariable {
        /// The job.
        id: String,
        /// The name.
        name: OsString,
    },
    /// The site has switched job arrays off.
    #[error("this Slurm takes no job arrays (its MaxArraySize is {0}): ask for 2 or more")]
    NoArrays(usize),
    /// A script was not taken.
    #[error("cannot submit {}: is this a machine of a Slurm cluster?", script.display())]
    Submit {
        /// The script that was handed to `sbatch`.
        script: PathBuf,
        /// What went wrong.
        source: Box<Error>,
    },
}

impl Error {
    /// For `map_err` of what was tried with `path`.
    pub(crate) fn file(what: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { what, path, source }
    }
}
