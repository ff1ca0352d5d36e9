//! `cargo xtask examples`: packages that depend on one crate, as anybody's would, built and run.
//!
//! They stand outside the workspace, so nothing of it reaches them but the crate that they name.
//! Lock file, profile and target folder are lent to them, which saves building torch's bindings
//! again.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use toml::Value;

use crate::step::{self, Step};
use crate::{libtorch, project};

/// Build and run the packages of examples/.
#[derive(clap::Args)]
pub struct Args {}

/// The command.
pub fn run(_: &Args) -> Result<ExitCode> {
    check(&libtorch::ensure()?)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds and runs every package of `examples/`.
pub fn check(libtorch: &libtorch::Libtorch) -> Result<()> {
    let target = project::target_dir(&project::metadata()?)?;
    let profiles =
        project::manifest()?.remove("profile").map_or_else(Vec::new, |table| settings("profile", &table));
    for folder in folders()? {
        project::copy_lock(&folder)?;
        let mut command = project::cargo(&["run", "--quiet", "--manifest-path"]);
        command.arg(folder.join("Cargo.toml")).arg("--target-dir").arg(&target);
        profiles.iter().for_each(|setting| {
            command.args(["--config", setting]);
        });
        libtorch.apply(&mut command);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let step = Step::start(&format!("example {name}"), "half a minute");
        step::run(&mut command)?;
        step.done();
    }
    Ok(())
}

/// The packages, by name.
fn folders() -> Result<Vec<PathBuf>> {
    let examples = project::root().join("examples");
    let entries = fs::read_dir(&examples).with_context(|| format!("cannot read {}", examples.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let mut folders: Vec<PathBuf> =
        paths.into_iter().filter(|path| path.join("Cargo.toml").is_file()).collect();
    folders.sort();
    if folders.is_empty() {
        bail!("there is no package in {}", examples.display());
    }
    Ok(folders)
}

/// `value` as arguments of cargo's `--config`: `profile.dev.opt-level=3`.
fn settings(key: &str, value: &Value) -> Vec<String> {
    match value.as_table() {
        Some(table) => {
            table.iter().flat_map(|(name, value)| settings(&format!("{key}.{name}"), value)).collect()
        }
        None => vec![format!("{key}={value}")],
    }
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::*;

    #[test]
    fn profiles_become_arguments() {
        let root: Table =
            "[profile.dev]\ndebug = \"full\"\n[profile.dev.package.a-b]\nopt-level = 1\n".parse().unwrap();
        let expected = ["profile.dev.debug=\"full\"", "profile.dev.package.a-b.opt-level=1"];
        assert_eq!(settings("profile", &root["profile"]), expected);
    }

    #[test]
    fn examples_name_one_crate_and_stand_outside_the_workspace() {
        for folder in folders().unwrap() {
            let manifest: Table = fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
            assert!(manifest.get("workspace").is_none());
        }
        let root = project::manifest().unwrap();
        assert_eq!(root["workspace"]["exclude"], Value::from(vec!["examples"]));
    }
}
