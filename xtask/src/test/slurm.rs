//! `cargo xtask test --slurm`: the tests that need a real Slurm, and that Slurm.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::step::{self, Step};
use crate::{files, project};

/// Starts and stops the cluster; tells what it needs.
const SCRIPT: &str = "xtask/tests/site/cluster.sh";

/// What the tests run.
pub struct Programs<'a> {
    pub vae: &'a Path,
    /// `None` where the program needs no help to find its libraries.
    pub libtorch: Option<&'a crate::libtorch::Libtorch>,
}

/// Installs Slurm where that is possible and not done.
pub fn install() -> Result<()> {
    step::stdout(script().arg("install")).map(drop).context("there is no Slurm to test on")
}

/// Why no Slurm can be started here, if so.
pub fn problem() -> Option<String> {
    step::stdout(script().arg("check")).err().map(|error| format!("{error:#}"))
}

/// Starts a Slurm, runs the tests whose names hold one of `names` (all, if there are none), and
/// stops it.
pub fn test(programs: &Programs<'_>, names: &[String]) -> Result<()> {
    let folder = env::temp_dir().join(format!("vae-slurm-{}", std::process::id()));
    files::remove_dir_if_there(&folder)?;
    let cluster = Cluster { folder };
    step::run(script().arg("start").arg(&cluster.folder))?;

    let mut command = project::cargo(&["test", "--package", "xtask", "--test", "slurm", "--no-fail-fast"]);
    // They wait for Slurm most of their time.
    command.args(["--", "--ignored", "--test-threads=8"]).args(names);
    if let Some(libtorch) = programs.libtorch {
        libtorch.apply(&mut command);
    }
    command.env("VAE_TEST_PROGRAM", programs.vae).env("SLURM_CONF", cluster.folder.join("slurm.conf"));
    let step = Step::start(&step::line(&command), "2 minutes");
    step::run(&mut command)?;
    step.done();
    files::remove_dir_if_there(&cluster.stop())
}

fn script() -> Command {
    Command::new(project::root().join(SCRIPT))
}

/// A Slurm that ends with this value. Its files stay where something failed: they hold its logs.
struct Cluster {
    folder: PathBuf,
}

impl Cluster {
    /// Ends it; returns the folder of its files.
    fn stop(self) -> PathBuf {
        self.folder.clone()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = step::run(script().arg("stop").arg(&self.folder)) {
            eprintln!("    the Slurm in {} may still run: {error:#}", self.folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_there_and_says_how_it_is_called() {
        let error = step::stdout(script().arg("begin")).unwrap_err().to_string();
        assert!(error.contains("usage: cluster.sh check|install|start DIR|stop DIR"), "{error}");
    }
}
