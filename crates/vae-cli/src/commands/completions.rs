//! `vae completions`: what a shell needs to complete commands and options.

use crate::args::{Cli, CompletionsArgs};
use crate::output::say;
use anyhow::Result;
use clap::CommandFactory;

/// Prints the script of a shell.
///
/// # Errors
/// Stdout.
pub fn run(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "vae", &mut script);
    say(&String::from_utf8(script)?)
}
