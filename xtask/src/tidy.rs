//! `cargo xtask tidy`: sentences about the layout of this repository that no compiler checks.
//!
//! Each part reads files and returns where its sentence is broken; nothing is built for it.

mod crates;
mod imports;
mod length;
mod rooms;
mod words;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::project;
use crate::step::{self, Step};

/// Check the layout: who imports whom, crates without torch, lengths of files, hosts and paths that
/// belong to one machine.
#[derive(clap::Args)]
pub struct Args {}

/// The command.
pub fn run(_: &Args) -> Result<ExitCode> {
    check()?;
    Ok(ExitCode::SUCCESS)
}

/// Checks this clone; every broken sentence is printed with its file and line.
pub fn check() -> Result<()> {
    let step = Step::start("tidy: the layout is as ARCHITECTURE.md says", "a second");
    let root = project::root();
    let mut broken = broken_in(&Tree::of_git(&root)?)?;
    broken.sort();
    for place in &broken {
        eprintln!("{place}");
    }
    if !broken.is_empty() {
        bail!("the layout is broken in {} places (above); each line says what must hold there", broken.len());
    }
    step.done();
    Ok(())
}

fn broken_in(tree: &Tree) -> Result<Vec<Broken>> {
    let mut broken = rooms::broken(tree)?;
    broken.extend(crates::broken(tree)?);
    broken.extend(length::broken(tree, &length::LONGER)?);
    broken.extend(length::wide_comments(tree)?);
    broken.extend(words::broken(tree)?);
    Ok(broken)
}

/// A place where a sentence does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Broken {
    file: String,
    /// Counts from 1.
    line: usize,
    sentence: String,
    what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.sentence, self.what)
    }
}

/// The files of a clone.
struct Tree {
    root: PathBuf,
    /// Below the root, with `/` between the names; sorted.
    files: Vec<String>,
}

impl Tree {
    /// The files that git tracks, and new ones that it does not ignore.
    fn of_git(root: &Path) -> Result<Self> {
        let mut git = Command::new("git");
        git.current_dir(root).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
        let listed = step::stdout(&mut git)?;
        // git lists what was removed until that is committed.
        let mut files: Vec<String> =
            listed.lines().filter(|file| root.join(file).is_file()).map(str::to_owned).collect();
        files.sort();
        files.dedup();
        Ok(Self { root: root.to_owned(), files })
    }

    /// The files whose names end in one of `ends`.
    fn ending_in(&self, ends: &[&str]) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str).filter(|file| ends.iter().any(|end| file.ends_with(end)))
    }

    fn text(&self, file: &str) -> Result<String> {
        fs::read_to_string(self.root.join(file)).with_context(|| format!("tidy cannot read {file}"))
    }
}

#[cfg(test)]
mod fake {
    //! A small tree in a folder of its own.

    use super::Tree;
    use std::fs;
    use tempfile::TempDir;

    /// `files`: path and text.
    pub fn tree(files: &[(&str, &str)]) -> (TempDir, Tree) {
        let folder = tempfile::tempdir().unwrap();
        let mut names = Vec::new();
        for (file, text) in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            names.push((*file).to_owned());
        }
        names.sort();
        let tree = Tree { root: folder.path().to_owned(), files: names };
        (folder, tree)
    }

    /// Where `broken` places are, as `file:line`.
    pub fn places(broken: &[super::Broken]) -> Vec<String> {
        broken.iter().map(|b| format!("{}:{}", b.file, b.line)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_clone_is_tidy() {
        let tree = Tree::of_git(&project::root()).unwrap();
        let broken: Vec<String> = broken_in(&tree).unwrap().iter().map(Broken::to_string).collect();
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }
}
