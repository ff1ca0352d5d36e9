//! `cargo xtask test`: the tests of the workspace, doctests included.

mod real_data;
mod slurm;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;

use crate::libtorch::{self, Libtorch};
use crate::program;
use crate::project::{self, WITHOUT_TORCH};
use crate::step::{self, Step};

/// Run `cargo test` with libtorch in place.
#[derive(clap::Args)]
pub struct Args {
    /// The tests on a real Slurm instead, which is started for them on this machine: the arguments
    /// are parts of their names. Only root can do that; Debian's packages are installed where they
    /// are not there
    #[arg(long)]
    slurm: bool,
    /// This binary for the tests on Slurm instead of one built now
    #[arg(long, hide = true, requires = "slurm")]
    vae: Option<PathBuf>,
    /// Arguments for `cargo test`, for example `-p vae-gmm em`; without `-p` the whole workspace is
    /// tested
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// The command.
pub fn run(args: &Args) -> Result<ExitCode> {
    if !args.slurm {
        test(&args.rest)?;
        return Ok(ExitCode::SUCCESS);
    }
    slurm::install()?;
    match &args.vae {
        Some(vae) => slurm::test(&slurm::Programs { vae, libtorch: None }, &args.rest)?,
        None => {
            let libtorch = libtorch::ensure()?;
            let vae = program::build(&libtorch)?;
            slurm::test(&slurm::Programs { vae: &vae, libtorch: Some(&libtorch) }, &args.rest)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The tests on a real Slurm, with `vae`, where one can be started; a line says where not.
pub fn on_slurm(vae: &Path, libtorch: Option<&Libtorch>) -> Result<()> {
    match slurm::problem() {
        Some(problem) => eprintln!("SKIPPED: tests on a real Slurm: {problem}"),
        None => slurm::test(&slurm::Programs { vae, libtorch }, &[])?,
    }
    Ok(())
}

/// Tests with `words` after `cargo test`.
pub fn test(words: &[String]) -> Result<()> {
    let packages = packages(words);
    let places = real_data::Places {
        data_dir: env::var_os("VAE_DATA_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from),
        cache: project::cache_dir().ok().map(|folder| folder.join("datasets")),
    };
    real_data::missing(&project::root(), &packages, &places)?.iter().for_each(|line| eprintln!("{line}"));
    let mut command = project::cargo(&["test"]);
    if packages.is_empty() {
        command.arg("--workspace");
        // One failure must not hide the others: a run takes long enough.
        if !words.iter().any(|word| word == "--no-fail-fast") {
            command.arg("--no-fail-fast");
        }
    }
    command.args(words);
    let mut expected = "half a minute from nothing on two cores, seconds when built";
    if needs_torch(&packages, words) {
        libtorch::ensure()?.apply(&mut command);
        expected = "6 to 10 minutes from nothing on two cores, 2 minutes when built";
    }
    let step = Step::start(&step::line(&command), expected);
    step::run(&mut command)?;
    step.done();
    Ok(())
}

/// The packages that `words` choose with `-p`, `--package` and their forms with `=`.
fn packages(words: &[String]) -> Vec<&str> {
    let mut packages = Vec::new();
    let mut words = words.iter().map(String::as_str).take_while(|&word| word != "--");
    while let Some(word) = words.next() {
        match word {
            "-p" | "--package" => packages.extend(words.next()),
            _ => packages.extend(word.strip_prefix("--package=").or_else(|| word.strip_prefix("-p"))),
        }
    }
    packages
}

/// Whether torch is built; any feature may ask for it.
fn needs_torch(packages: &[&str], words: &[String]) -> bool {
    let is_feature =
        |word: &String| word.starts_with("--features") || word.starts_with("-F") || word == "--all-features";
    packages.is_empty()
        || packages.iter().any(|package| !WITHOUT_TORCH.contains(package))
        || words.iter().take_while(|&word| word != "--").any(is_feature)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn packages_are_read_in_every_spelling() {
        assert_eq!(packages(&words("-p a --package b --package=c -pd name -- -p e")), ["a", "b", "c", "d"]);
        assert!(packages(&words("some_test")).is_empty());
    }

    #[test]
    fn only_packages_without_torch_do_without_libtorch() {
        assert!(!needs_torch(&["vae-metrics", "xtask", "vae-gmm"], &words("-- --features")));
        assert!(needs_torch(&["vae-metrics", "vae-core"], &[]));
        assert!(needs_torch(&["vae-gmm"], &words("-p vae-gmm --features torch")));
        assert!(needs_torch(&["vae-gmm"], &words("-p vae-gmm -Ftorch")));
        assert!(needs_torch(&[], &[]));
    }
}
