//! `cargo xtask package`: the crates as a registry would get them.
//!
//! cargo can verify a package by building it, but it builds one after the other, without the
//! workspace's profile, and torch's bindings with each kind of features: minutes even where all
//! dependencies are built. Here the packages are unpacked beside each other into a workspace with
//! the clone's lock file, profiles and target folder, and checked together. What they depend on has
//! then been checked by the lints already, and what a package leaves out is still an error of the
//! compiler.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::step::{self, Step};
use crate::{libtorch, project};

/// Package every crate as for publishing, and check what is in the packages.
#[derive(clap::Args)]
pub struct Args {}

/// The command.
pub fn run(_: &Args) -> Result<ExitCode> {
    check(&libtorch::ensure()?)?;
    Ok(ExitCode::SUCCESS)
}

/// A crate that can be published.
struct Crate {
    name: String,
    version: String,
}

/// Packages all crates and checks the packages.
pub fn check(libtorch: &libtorch::Libtorch) -> Result<()> {
    // What is not committed yet may be looked at; a real publication refuses it.
    let words = ["--workspace", "--no-verify", "--allow-dirty", "--locked"];
    for command in [&["publish", "--dry-run"][..], &["package"]] {
        let mut command = project::cargo(&[command, &words].concat());
        let step = Step::start(&step::line(&command), "10 seconds");
        step::run(&mut command)?;
        step.done();
    }

    let metadata = project::metadata()?;
    let target = project::target_dir(&metadata)?;
    let folder = target.join("package/check");
    let crates = publishable(&metadata);
    unpack(&crates, &target.join("package"), &folder)?;
    let manifest = folder.join("Cargo.toml");
    fs::write(&manifest, manifest_of(&crates, &project::manifest()?)?)
        .with_context(|| format!("cannot write {}", manifest.display()))?;
    project::copy_lock(&folder)?;

    let mut command = project::cargo(&["check", "--workspace", "--offline", "--manifest-path"]);
    command.arg(&manifest).arg("--target-dir").arg(&target);
    libtorch.apply(&mut command);
    let step = Step::start("what is in the packages compiles", "1 minute");
    step::run(&mut command)?;
    step.done();
    Ok(())
}

fn publishable(metadata: &serde_json::Value) -> Vec<Crate> {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    packages
        .iter()
        .filter(|package| package["publish"] != serde_json::json!([]))
        .map(|package| Crate { name: text(&package["name"]), version: text(&package["version"]) })
        .collect()
}

/// Unpacks the archives of `from` into a new `folder`.
fn unpack(crates: &[Crate], from: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for package in crates {
        let archive = from.join(format!("{}.crate", folder_of(package)));
        // As of now (m): files of an archive all have one old time, by which cargo would take
        // changed sources for those of its last check.
        step::run(Command::new("tar").arg("-xmzf").arg(archive).arg("-C").arg(folder))?;
    }
    Ok(())
}

/// The workspace of the unpacked `crates`, which find each other in place of a registry; profiles
/// are those of `root`.
fn manifest_of(crates: &[Crate], root: &Table) -> Result<String> {
    let path =
        |package| Value::from(Table::from_iter([("path".to_owned(), Value::from(folder_of(package)))]));
    let members: Vec<String> = crates.iter().map(folder_of).collect();
    let patch: Table = crates.iter().map(|package| (package.name.clone(), path(package))).collect();
    let mut manifest = toml::toml! {
        [workspace]
        resolver = "3"
    };
    if let Some(workspace) = manifest.get_mut("workspace").and_then(Value::as_table_mut) {
        workspace.insert("members".to_owned(), members.into());
    }
    manifest.insert("patch".to_owned(), Table::from_iter([("crates-io".to_owned(), patch.into())]).into());
    manifest.extend(root.get("profile").map(|profile| ("profile".to_owned(), profile.clone())));
    toml::to_string(&manifest).context("cannot write a manifest as TOML")
}

fn folder_of(package: &Crate) -> String {
    format!("{}-{}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_workspace_of_packages_has_the_crates_to_publish_and_the_profiles() {
        let metadata = serde_json::json!({"packages": [
            {"name": "a", "version": "0.1.0", "publish": null},
            {"name": "xtask", "version": "0.1.0", "publish": []},
        ]});
        let root: Table = "[profile.dev]\nopt-level = 3\n".parse().unwrap();
        let manifest: Table = manifest_of(&publishable(&metadata), &root).unwrap().parse().unwrap();
        assert_eq!(manifest["workspace"]["members"], Value::from(vec!["a-0.1.0"]));
        assert_eq!(manifest["patch"]["crates-io"]["a"]["path"].as_str(), Some("a-0.1.0"));
        assert_eq!(manifest["profile"], root["profile"]);
    }

    /// What a registry wants of each crate; only its own folder goes into the package.
    #[test]
    fn every_crate_says_what_it_is() {
        let root = project::root();
        let crates: Vec<PathBuf> =
            fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(crates.len() >= 7);
        for folder in crates {
            let manifest: Table = fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
            for key in ["description", "keywords", "categories", "documentation", "readme", "license"] {
                assert!(manifest["package"].get(key).is_some(), "{} has no {key}", folder.display());
            }
            for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
                assert!(folder.join(file).is_file(), "{} has no {file}", folder.display());
            }
            let readme = fs::read_to_string(folder.join("README.md")).unwrap();
            assert!(!readme.contains("](.."), "{}: a link of the README leaves the crate", folder.display());
        }
    }
}
