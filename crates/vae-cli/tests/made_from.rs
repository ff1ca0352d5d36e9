//! What the program says it was built from.

mod common;
#[path = "../build/versions.rs"]
#[allow(dead_code, clippy::allow_attributes, reason = "the build script uses the rest")]
mod versions;

use common::Place;
use std::fs;
use std::path::Path;
use std::process::Command;

fn git(folder: &Path, words: &[&str]) -> String {
    let out = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=trunk"])
        .args(words)
        .output()
        .expect("git starts");
    assert!(out.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

fn has_git() -> bool {
    let found = Command::new("git").arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no git");
    }
    found
}

/// A repository with the package in its place and in a wrong one.
fn repository(root: &Path) {
    for folder in ["crates/vae-cli/src", "crates/vae-cli/tests", "vendor/vae-cli"] {
        fs::create_dir_all(root.join(folder)).expect("folder");
    }
    for name in
        ["crates/vae-cli/Cargo.toml", "crates/vae-cli/src/main.rs", "vendor/vae-cli/Cargo.toml", "notes.md"]
    {
        fs::write(root.join(name), "one\n").expect("file");
    }
    git(root, &["init", "-q"]);
    git(root, &["add", "."]);
    git(root, &["commit", "-q", "-m", "one"]);
}

#[test]
fn the_commit_is_that_of_the_checkout() {
    if !has_git() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("clone");
    repository(&root);
    let package = root.join("crates/vae-cli");
    let look = |package: &Path| versions::commit(package).expect("a commit");
    let clean = look(&package);
    assert_eq!((clean.hash.as_str(), clean.dirty), (git(&root, &["rev-parse", "HEAD"]).as_str(), false));
    assert!(clean.watched.iter().all(|path| path.exists()), "{:?}", clean.watched);
    for name in ["HEAD", "logs/HEAD", "refs/heads/trunk", "src"] {
        assert!(clean.watched.iter().any(|path| path.ends_with(name)), "{name}: {:?}", clean.watched);
    }
    fs::write(root.join("notes.md"), "two\n").expect("file");
    fs::write(package.join("src/new.rs"), "not tracked\n").expect("file");
    assert!(!look(&package).dirty, "no tracked code");
    fs::write(package.join("src/main.rs"), "two\n").expect("file");
    assert!(look(&package).dirty);

    git(&root, &["worktree", "add", "-q", "-b", "side", "../side"]);
    let side = dir.path().join("side");
    git(&side, &["commit", "-q", "--allow-empty", "-m", "two"]);
    let there = look(&side.join("crates/vae-cli"));
    assert_eq!((there.hash.as_str(), there.dirty), (git(&side, &["rev-parse", "HEAD"]).as_str(), false));
    assert_ne!(there.hash, clean.hash);
    for name in ["worktrees/side/HEAD", "worktrees/side/logs/HEAD", "refs/heads/side"] {
        assert!(there.watched.iter().any(|path| path.ends_with(name)), "{name}: {:?}", there.watched);
    }
}

#[test]
fn a_copy_in_another_repository_has_no_commit() {
    if !has_git() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path();
    repository(root);
    assert_eq!(versions::commit(&root.join("vendor/vae-cli")), None);
    git(root, &["rm", "-q", "--cached", "-r", "crates"]);
    assert_eq!(versions::commit(&root.join("crates/vae-cli")), None, "not tracked");
    fs::remove_dir_all(root.join(".git")).expect("removed");
    assert_eq!(versions::commit(&root.join("crates/vae-cli")), None, "no repository");
}

#[test]
fn versions_are_those_that_were_resolved() {
    let lock = "version = 4\n\n[[package]]\nname = \"tch\"\nversion = \"9.8.7\"\ndependencies = [\n \"torch-sys\",\n]\n\n\
                [[package]]\nname = \"torch-sys\"\nversion = \"9.8.8\"\n";
    assert_eq!(versions::locked(lock, "tch").as_deref(), Some("9.8.7"));
    assert_eq!(versions::locked(lock, "torch"), None);
    let packaged = "[package]\nversion = \"0.1.0\"\n\n[dependencies.toml]\nversion = \"1\"\n\n[dependencies.torch-sys]\nversion = \"=0.24.0\"\n";
    assert_eq!(versions::exact_requirement(packaged).as_deref(), Some("0.24.0"));
    assert_eq!(versions::exact_requirement("[dependencies]\ntorch-sys.workspace = true\n"), None);

    let dir = tempfile::tempdir().expect("temporary folder");
    let package = dir.path().join("crates/vae-cli");
    fs::create_dir_all(&package).expect("folder");
    fs::write(package.join("Cargo.toml"), "[dependencies]\ntorch-sys.workspace = true\n").expect("file");
    fs::write(dir.path().join("Cargo.lock"), lock).expect("file");
    assert_eq!(versions::tch(&package), (Some("9.8.7".into()), Some(dir.path().join("Cargo.lock"))));
    fs::write(package.join("Cargo.toml"), packaged).expect("file");
    assert_eq!(versions::tch(&package), (Some("0.24.0".into()), None));
}

#[test]
fn libtorch_says_its_version_in_one_of_two_files() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let lib = dir.path().join("lib");
    assert_eq!(versions::libtorch(&lib), None);
    fs::write(dir.path().join("version.py"), "from typing import Optional\n__version__ = '2.11.0+cu130'\n")
        .expect("file");
    let found = |name: &str, version: &str| Some((version.to_owned(), dir.path().join(name)));
    assert_eq!(versions::libtorch(&lib), found("version.py", "2.11.0+cu130"));
    fs::write(dir.path().join("build-version"), "2.11.0+cpu\n").expect("file");
    assert_eq!(versions::libtorch(&lib), found("build-version", "2.11.0+cpu"));
}

#[test]
fn the_program_says_what_it_was_built_from() {
    let place = Place::new();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tch = versions::tch(package).0.expect("resolved");
    let long = place.ok(&["--version"]);
    let lines: Vec<&str> = long.lines().collect();
    assert_eq!((lines.len(), lines[0]), (5, concat!("vae ", env!("CARGO_PKG_VERSION"))), "{long}");
    assert!(lines[2].starts_with("libtorch 2.") && lines[4].starts_with("rustc 1."), "{long}");
    assert_eq!(lines[3], format!("tch {tch}"));
    let short = place.ok(&["-V"]);
    assert_eq!(short.lines().count(), 1, "{short}");
    assert!(short.contains(lines[2]), "{short}");
    let commit = versions::commit(package);
    assert_eq!(lines[1].starts_with("commit "), commit.is_some(), "{long}");
    if let Some(commit) = commit {
        assert!(lines[1].contains(&commit.hash) && short.contains(&commit.hash[..10]), "{long}{short}");
    }
}
