//! `vae man`: the manual pages.

use crate::args::{Cli, ManArgs};
use crate::output::say;
use anyhow::{Context, Result};
use clap::CommandFactory;
use std::fs;

/// Writes a page for the program and one for each command.
///
/// # Errors
/// A folder that cannot be written to.
pub fn run(args: &ManArgs) -> Result<()> {
    let dir = &args.dir;
    let cannot = || format!("cannot write manual pages into {}", dir.display());
    fs::create_dir_all(dir).with_context(cannot)?;
    // The pages name the version alone; `vae --version` says what the program was built of, too.
    let command = Cli::command().version(env!("CARGO_PKG_VERSION"));
    clap_mangen::generate_to(command, dir).with_context(cannot)?;
    say(&format!("{} and a page for each command; read it with: man {0}\n", dir.join("vae.1").display()))
}
