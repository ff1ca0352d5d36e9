//! What the program is built from. Reads what cargo and the publisher of libtorch write; a test
//! includes this file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Git's state of the code.
#[derive(Debug, PartialEq, Eq)]
pub struct Commit {
    /// 40 hex digits.
    pub hash: String,
    /// Whether the code differs from the commit.
    pub dirty: bool,
    /// Files that change with either.
    pub watched: Vec<PathBuf>,
}

/// What the program is made of besides its dependencies' code, relative to the root of the
/// repository.
const CODE: [&str; 5] =
    ["crates", "datasets/registry.toml", "Cargo.toml", "Cargo.lock", ".cargo/config.toml"];

/// The commit of the repository whose `crates/vae-cli` is `package`. A package from a registry, or
/// a copy in a repository of something else, has none, though a `.git` may lie above it.
pub fn commit(package: &Path) -> Option<Commit> {
    if git(package, &["rev-parse", "--show-prefix"])? != "crates/vae-cli/" {
        return None;
    }
    git(package, &["ls-files", "--error-unmatch", "Cargo.toml"])?;
    let hash = git(package, &["rev-parse", "HEAD"])?;
    let root = package.join("../..");
    let changes =
        git(&root, &[&["status", "--porcelain", "--untracked-files=no", "--"][..], &CODE].concat())?;
    Some(Commit { hash, dirty: !changes.is_empty(), watched: watched(package, &root) })
}

/// What is there of the files by which git names the commit, and of those that make it dirty. In a
/// worktree the first lie in two folders, and neither is `.git`.
fn watched(package: &Path, root: &Path) -> Vec<PathBuf> {
    let folder = |which| git(package, &["rev-parse", "--path-format=absolute", which]).map(PathBuf::from);
    let (own, shared) = (folder("--git-dir"), folder("--git-common-dir"));
    let reference = git(package, &["symbolic-ref", "--quiet", "HEAD"]);
    // The log changes with every commit, also with the first after git packed the branch into one
    // file with the others.
    let mut files: Vec<PathBuf> =
        own.iter().flat_map(|own| [own.join("HEAD"), own.join("logs/HEAD")]).collect();
    if let Some(shared) = shared {
        files.extend(reference.map(|name| shared.join(name)));
        files.push(shared.join("packed-refs"));
    }
    // Tests and benches are no part of the program: a change of theirs does not build it again.
    for package in fs::read_dir(root.join("crates")).into_iter().flatten().flatten() {
        files.extend(
            ["src", "presets", "build", "build.rs", "Cargo.toml"].map(|name| package.path().join(name)),
        );
    }
    files.extend(CODE[1..].iter().map(|name| root.join(name)));
    files.sort();
    files.retain(|path| path.exists());
    files
}

/// The answer of git in `folder`; `None` where it has none, or is not installed.
fn git(folder: &Path, words: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(words);
    // A hook of git sets them, for a repository that need not be this one.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    // Looking must not write: another git may hold the lock of the index.
    let output = command.env("GIT_OPTIONAL_LOCKS", "0").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The version of tch: the requirement `=x.y.z` of a packaged manifest, else what the workspace's
/// Cargo.lock resolved. Second, the lock file that was read.
pub fn tch(package: &Path) -> (Option<String>, Option<PathBuf>) {
    let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap_or_default();
    if let Some(version) = exact_requirement(&manifest) {
        return (Some(version), None);
    }
    let lock = package.ancestors().map(|folder| folder.join("Cargo.lock")).find(|path| path.exists());
    let text = lock.as_ref().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    (locked(&text, "tch"), lock)
}

/// What a packaged manifest requires exactly of torch-sys, which is released with tch, under the
/// same number. In the workspace the manifest names no version.
pub fn exact_requirement(manifest: &str) -> Option<String> {
    let table = manifest.split("\n[").find(|table| table.starts_with("dependencies.torch-sys]"))?;
    value_of(table, "version")?.strip_prefix('=').map(|version| version.trim().to_owned())
}

/// The version of a package in a Cargo.lock.
pub fn locked(lock: &str, name: &str) -> Option<String> {
    let package = lock.split("[[package]]").find(|package| value_of(package, "name") == Some(name))?;
    value_of(package, "version").map(str::to_owned)
}

/// `key = "value"` among the lines of a table.
fn value_of<'a>(table: &'a str, key: &str) -> Option<&'a str> {
    table.lines().find_map(|line| {
        let rest = line.strip_prefix(key)?.trim_start().strip_prefix('=')?;
        rest.trim().strip_prefix('"')?.strip_suffix('"')
    })
}

/// The version of the libtorch whose libraries lie in `lib`: the file `build-version` of the
/// publisher's archive, else what the Python package says. Second, the file.
pub fn libtorch(lib: &Path) -> Option<(String, PathBuf)> {
    let folder = lib.parent()?;
    let (archive, python) = (folder.join("build-version"), folder.join("version.py"));
    if let Ok(text) = fs::read_to_string(&archive) {
        return first_word(&text).map(|version| (version, archive));
    }
    let text = fs::read_to_string(&python).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
    first_word(line.trim_matches(['\'', '"'])).map(|version| (version, python))
}

fn first_word(text: &str) -> Option<String> {
    text.split_whitespace().next().map(str::to_owned)
}
