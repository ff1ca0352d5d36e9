//! Where things are: the clone, cargo, the user's cache folder.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{cache_dir, step};

/// What stands in the place of git at the root of a bundle.
pub const BUNDLE: &str = "bundle.json";

/// Packages that never touch torch: their commands run without libtorch.
///
/// `vae-gmm` does so without its feature `torch` only, which nothing but a word on the command line
/// turns on for it alone.
pub const WITHOUT_TORCH: [&str; 7] =
    ["vae-array", "vae-data", "vae-gmm", "vae-jobs", "vae-metrics", "vae-report", "xtask"];

/// The root of the clone that `cargo xtask` was called in.
pub fn root() -> PathBuf {
    // cargo sets the variable at run time too, and a target folder may be shared between clones.
    let manifest =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The folder for downloads and phase caches, that of the program `vae`, as an absolute path.
pub fn cache_dir() -> Result<PathBuf> {
    let folder = cache_dir::cache_dir().context("no place for the cache: set VAE_CACHE_DIR to a folder")?;
    absolute(&folder).with_context(|| format!("cannot make the path {} absolute", folder.display()))
}

/// `cargo <words>` in the root of the clone, the one that runs xtask.
pub fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root()).args(words);
    // What `cargo run` told this process about xtask itself is not for the child: build scripts
    // that look at it would run again after each change between `cargo xtask` and plain cargo.
    for (name, _) in env::vars_os() {
        let is_about_xtask =
            name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_"));
        if is_about_xtask {
            command.env_remove(name);
        }
    }
    command
}

/// What cargo says about the packages of the workspace.
pub fn metadata() -> Result<Value> {
    let text = step::stdout(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    serde_json::from_str(&text).context("cargo metadata did not print JSON")
}

/// The target folder that `metadata` names.
pub fn target_dir(metadata: &Value) -> Result<PathBuf> {
    metadata["target_directory"].as_str().map(PathBuf::from).context("cargo metadata named no target folder")
}

/// The manifest of the workspace.
pub fn manifest() -> Result<toml::Table> {
    let path = root().join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    text.parse().with_context(|| format!("{} is not TOML", path.display()))
}

/// Gives the package in `folder` the workspace's lock file, so that both have the same
/// dependencies.
pub fn copy_lock(folder: &Path) -> Result<()> {
    let (from, to) = (root().join("Cargo.lock"), folder.join("Cargo.lock"));
    fs::copy(&from, &to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// The state of the clone, for a run file.
pub struct Provenance {
    /// The commit checked out, 40 hex digits, or `unknown` outside git.
    pub commit: String,
    /// Whether tracked files differ from it outside of what `reproduce` writes: results/, the
    /// README and the book's pages of methods.
    pub dirty: bool,
    /// The compiler's version line.
    pub rustc: String,
}

/// Asks git and rustc; in a bundle, the file that says what it was made of.
pub fn provenance() -> Provenance {
    provenance_of_bundle(&root()).unwrap_or_else(provenance_of_clone)
}

fn provenance_of_bundle(root: &Path) -> Option<Provenance> {
    let text = fs::read_to_string(root.join(BUNDLE)).ok()?;
    let about: Value = serde_json::from_str(&text).ok()?;
    let text = |name: &str| about[name].as_str().map(str::to_owned);
    Some(Provenance { commit: text("commit")?, dirty: about["dirty"].as_bool()?, rustc: text("rustc")? })
}

fn provenance_of_clone() -> Provenance {
    let ask = |program: &str, words: &[&str]| {
        step::stdout(Command::new(program).current_dir(root()).args(words)).ok()
    };
    let written = [":!results", ":!README.md", ":!docs/src/methods"];
    let code = [&["status", "--porcelain", "--untracked-files=no", "--", "."][..], &written].concat();
    Provenance {
        commit: ask("git", &["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".to_owned()),
        dirty: ask("git", &code).is_none_or(|changes| !changes.is_empty()),
        rustc: ask("rustc", &["--version"]).unwrap_or_else(|| "unknown".to_owned()),
    }
}

/// How many threads this process may run at once.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_says_what_it_was_made_of() {
        let dir = tempfile::tempdir().unwrap();
        assert!(provenance_of_bundle(dir.path()).is_none());
        fs::write(dir.path().join(BUNDLE), r#"{"commit": "abc", "dirty": true, "rustc": "rustc 1"}"#)
            .unwrap();
        let found = provenance_of_bundle(dir.path()).unwrap();
        assert_eq!((found.commit.as_str(), found.dirty, found.rustc.as_str()), ("abc", true, "rustc 1"));
        fs::write(dir.path().join(BUNDLE), "{}").unwrap();
        assert!(provenance_of_bundle(dir.path()).is_none());
    }
}
