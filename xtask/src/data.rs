//! `cargo xtask data ...`: `vae data ...` of this clone.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::{libtorch, program, step};

/// Pass the rest to `vae data`.
#[derive(clap::Args)]
pub struct Args {
    /// For example `list`, `fetch mnist`, `info mnist`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// The command. The exit code is that of `vae`.
pub fn run(args: &Args) -> Result<ExitCode> {
    let libtorch = libtorch::ensure()?;
    let mut command = Command::new(program::build(&libtorch)?);
    command.arg("data").args(&args.rest);
    libtorch.apply(&mut command);
    let status = step::status(&mut command)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
