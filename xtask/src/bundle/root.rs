//! Debian roots in folders, through `root.sh`: an old one to link in, and an empty one to try a
//! bundle in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::project;
use crate::step::{self, Step};

const SCRIPT: &str = "xtask/src/bundle/root.sh";

/// The oldest suite that debootstrap can make from Debian's present mirror (2026-11; Debian 11,
/// glibc 2.31). The older ones are in the archive of old releases only.
pub const OLDEST: &str = "bullseye";

/// What compiling and linking needs besides Rust's own toolchain.
pub const TO_LINK: [&str; 2] = ["g++", "git"];

/// A Debian root.
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// The root in `path`, made of `suite` and `packages` where it is not there.
    pub fn provide(path: &Path, suite: &str, packages: &[&str]) -> Result<Self> {
        let path =
            std::path::absolute(path).with_context(|| format!("{} is no usable path", path.display()))?;
        let root = Self { path };
        if root.path.join("etc/debian_version").is_file() {
            return Ok(root);
        }
        let what = format!("make a root of Debian's {suite} in {}", root.path.display());
        let step = Step::start(&what, "1 to 2 minutes");
        step::stdout(script().arg("make").arg(&root.path).arg(suite).args(packages))?;
        step.done();
        Ok(root)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Debian's number of the release, such as 11.
    pub fn release(&self) -> Result<String> {
        let file = self.path.join("etc/debian_version");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(text.trim().split('.').next().unwrap_or_default().to_owned())
    }

    /// `command` in the root, without network; `folders` have their own paths there.
    pub fn command(&self, folders: &[PathBuf], command: &Command) -> Command {
        let mut outer = script();
        outer.arg("in").arg(&self.path);
        for folder in folders {
            outer.arg("--bind").arg(folder);
        }
        outer.arg("--").arg(command.get_program()).args(command.get_args());
        outer
    }
}

fn script() -> Command {
    Command::new(project::root().join(SCRIPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why no root can be made or entered here, if so.
    fn problem() -> Option<String> {
        step::stdout(script().arg("check")).err().map(|error| format!("{error:#}"))
    }

    #[test]
    fn the_script_is_there_and_says_how_it_is_called() {
        let error = step::stdout(script().arg("begin")).unwrap_err().to_string();
        assert!(error.contains("usage: root.sh check|make DIR SUITE"), "{error}");
        if let Some(problem) = problem() {
            assert!(problem.contains("only root") || problem.contains("not installed"), "{problem}");
        }
    }

    #[test]
    fn a_folder_that_holds_something_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine"), "text").unwrap();
        let Err(error) = Root::provide(dir.path(), OLDEST, &[]) else { panic!("it was taken") };
        let said = error.to_string();
        assert!(said.contains("holds something already") || problem().is_some(), "{said}");
        assert_eq!(fs::read(dir.path().join("mine")).unwrap(), b"text");
    }

    #[test]
    fn commands_are_wrapped_with_the_folders_that_they_see() {
        let root = Root { path: "/old".into() };
        let mut inner = Command::new("env");
        inner.args(["-i", "cargo"]);
        let line = step::line(&root.command(&["/clone".into()], &inner));
        assert!(line.ends_with("root.sh in /old --bind /clone -- env -i cargo"), "{line}");
    }
}
