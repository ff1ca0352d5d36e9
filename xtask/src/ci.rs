//! `cargo xtask ci`: everything continuous integration checks, in the order in which mistakes are
//! cheapest to find.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::step::{self, Step, human_seconds};
use crate::{
    book, deny, examples, exported, libtorch, package, program, project, reproduce, test, tidy, workflows,
};

/// Check everything.
#[derive(clap::Args)]
pub struct Args {}

/// The command. The first step that fails ends it.
pub fn run(_: &Args) -> Result<ExitCode> {
    let started = Instant::now();
    cargo_step("format", "a second", &["fmt", "--all", "--", "--check"], None)?;

    tidy::check()?;
    let step = Step::start("rendered tables are up to date", "a second");
    reproduce::check_all().context("rendered tables")?;
    step.done();

    deny::check()?;
    workflows::check()?;
    let libtorch = libtorch::ensure()?;
    let lints = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo_step("lints", "6 minutes from nothing on two cores, seconds when built", &lints, Some(&libtorch))?;
    test::test(&["--locked".to_owned()])?;
    package::check(&libtorch)?;
    examples::check(&libtorch)?;
    let docs = ["doc", "--locked", "--workspace", "--no-deps"];
    cargo_step("docs", "1 minute", &docs, Some(&libtorch))?;

    let vae =
        reproduce::Vae { program: program::of_tests(&libtorch)?, libtorch: Some(libtorch), cache: None };
    book::check(&vae.program, vae.libtorch.as_ref())?;
    let step = Step::start("recorded runs belong to the present settings", "half a minute");
    reproduce::check_runs(&vae)?;
    step.done();
    exported::check(&vae)?;
    test::on_slurm(&vae.program, vae.libtorch.as_ref())?;
    reproduce::smoke("demo", vae)?;
    eprintln!("everything passed in {}", human_seconds(started.elapsed().as_secs_f64()));
    Ok(ExitCode::SUCCESS)
}

fn cargo_step(
    name: &str,
    expected: &str,
    words: &[&str],
    libtorch: Option<&libtorch::Libtorch>,
) -> Result<()> {
    let mut command = project::cargo(words);
    command.env("RUSTDOCFLAGS", "-D warnings");
    if let Some(libtorch) = libtorch {
        libtorch.apply(&mut command);
    }
    let step = Step::start(&format!("{name}: {}", step::line(&command)), expected);
    step::run(&mut command)?;
    step.done();
    Ok(())
}
