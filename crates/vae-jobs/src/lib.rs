//! Runs many command lines: side by side on this machine ([`Local`]), or as job arrays of the
//! user's Slurm ([`Slurm`]). No libtorch.
//!
//! A [`Job`] is a name, a command, a log, and wishes for threads, memory and time. The crate
//! expects of the command what a training that writes checkpoints does:
//!
//! * at SIGTERM it saves its state and ends, by that signal or with the exit code 128 + signal;
//! * started again, it continues from there;
//! * 0 is the exit code of success.
//!
//! Then the same list of jobs can be launched again at any moment. What is done ([`Job::done`]) is
//! left out, what waits or runs in Slurm's queue is left out ([`Slurm::queued`]), and the rest
//! begins or continues.

#![cfg_attr(
    test,
    expect(clippy::unwrap_used, reason = "a test that cannot set itself up should stop at once")
)]

#[cfg(not(unix))]
compile_error!("vae-jobs uses POSIX signals: run it on Linux or macOS");

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod error;
mod job;
mod local;
mod program;
mod signals;
mod slurm;

pub use error::Error;
pub use job::{Job, Needs};
pub use local::{Events, Local, Outcome, Tally};
pub use program::{last_words, line};
pub use slurm::{Slurm, State, Submission};
