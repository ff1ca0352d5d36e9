//! `cargo xtask bench [name]`: criterion benches, compiled in the profile that everything else
//! uses.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::libtorch;
use crate::project::{self, WITHOUT_TORCH};
use crate::step::{self, Step};

/// Run benches.
#[derive(clap::Args)]
pub struct Args {
    /// The bench target; all of them without it
    name: Option<String>,
    /// Show the bench targets there are
    #[arg(long)]
    list: bool,
    /// Arguments for criterion, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

/// A `[[bench]]` target and its package.
#[derive(Debug, PartialEq, Eq)]
struct Bench {
    package: String,
    name: String,
}

/// The command.
pub fn run(args: &Args) -> Result<ExitCode> {
    let all = benches(&project::metadata()?);
    if args.list {
        for bench in &all {
            println!("{} ({})", bench.name, bench.package);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = choose(&all, args.name.as_deref())?;

    // One profile for all: a bench build of torch would take minutes and differ in nothing.
    let mut command = project::cargo(&["bench", "--profile", "dev"]);
    for bench in &chosen {
        command.args(["--package", &bench.package, "--bench", &bench.name]);
    }
    command.arg("--").args(&args.rest);
    if chosen.iter().any(|bench| !WITHOUT_TORCH.contains(&bench.package.as_str())) {
        libtorch::ensure()?.apply(&mut command);
    }
    let step = Step::start(&step::line(&command), "a minute or two a bench, and the build");
    step::run(&mut command)?;
    step.done();
    Ok(ExitCode::SUCCESS)
}

fn benches(metadata: &Value) -> Vec<Bench> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for package in list(&metadata["packages"]) {
        for target in list(&package["targets"]) {
            if list(&target["kind"]).contains(&Value::from("bench")) {
                found.push(Bench { package: text(&package["name"]), name: text(&target["name"]) });
            }
        }
    }
    found
}

fn choose<'a>(all: &'a [Bench], name: Option<&str>) -> Result<Vec<&'a Bench>> {
    let chosen: Vec<_> = all.iter().filter(|bench| name.is_none_or(|name| bench.name == name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = all.iter().map(|bench| bench.name.as_str()).collect();
        bail!("there is no bench {}; there are: {}", name.unwrap_or_default(), names.join(", "));
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bench_targets_are_found_and_chosen() {
        let metadata = serde_json::json!({"packages": [
            {"name": "a", "targets": [{"kind": ["lib"], "name": "a"}, {"kind": ["bench"], "name": "one"}]},
            {"name": "b", "targets": [{"kind": ["bench"], "name": "two"}]},
        ]});
        let all = benches(&metadata);
        assert_eq!(all[0], Bench { package: "a".into(), name: "one".into() });
        assert_eq!(choose(&all, None).unwrap().len(), 2);
        assert_eq!(choose(&all, Some("two")).unwrap(), [&all[1]]);
        assert!(choose(&all, Some("three")).unwrap_err().to_string().contains("there are: one, two"));
    }
}
