//! The two programs of a bundle, optimised and linked: on this machine, or in an old Debian root,
//! so that they run on machines with an older glibc.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::root::Root;
use crate::libtorch::Libtorch;
use crate::project;
use crate::step::{self, Step};

/// Where the programs look for libtorch, relative to themselves.
const RUN_PATH: &str = "$ORIGIN/../libtorch/lib";

/// The built programs.
pub struct Programs {
    pub vae: PathBuf,
    pub xtask: PathBuf,
}

/// Builds both with the profile `release`; in `root`, if there is one.
pub fn build(libtorch: &Libtorch, root: Option<&Root>) -> Result<Programs> {
    let metadata = project::metadata()?;
    let place = match root {
        Some(root) => format!("bundle-{}", root.release()?),
        None => "bundle".to_owned(),
    };
    let target = project::target_dir(&metadata)?.join(place);
    let words = ["build", "--release", "--locked", "--package", "vae-cli", "--package", "xtask"];
    let mut command = match root {
        Some(root) => inside(root, &words, libtorch, &target)?,
        None => {
            let mut command = project::cargo(&words);
            for (name, value) in settings(libtorch, &target)? {
                command.env(name, value);
            }
            command
        }
    };
    let where_to = root.map_or_else(|| "here".to_owned(), |root| format!("in {}", root.path().display()));
    let step = Step::start(
        &format!("build vae and xtask, profile release, {where_to}"),
        "15 minutes the first time on two cores, then seconds",
    );
    step::run(&mut command)?;
    step.done();
    let programs = target.join("release");
    Ok(Programs { vae: programs.join("vae"), xtask: programs.join("xtask") })
}

/// Variables of the build. Paths of this machine do not get into the programs.
fn settings(libtorch: &Libtorch, target: &Path) -> Result<Vec<(&'static str, String)>> {
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
    };
    // In the place of the flags in .cargo/config.toml, whose run paths are those of a clone.
    let flags = [
        format!("--remap-path-prefix={}=cargo", text(&cargo_home()?)?),
        format!("--remap-path-prefix={}=vae", text(&project::root())?),
    ];
    Ok(vec![
        ("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")),
        ("CARGO_TARGET_DIR", text(target)?),
        ("LIBTORCH", text(&libtorch.folder()?)?),
        ("VAE_RUN_PATH", RUN_PATH.to_owned()),
    ])
}

/// `cargo <words>` in `root`, with the toolchain, the downloaded crates, libtorch and the clone of
/// this machine under their own paths. Without network there, so crates are fetched before.
fn inside(root: &Root, words: &[&str], libtorch: &Libtorch, target: &Path) -> Result<Command> {
    step::run(&mut project::cargo(&["fetch", "--locked"]))?;
    fs::create_dir_all(target).with_context(|| format!("cannot make {}", target.display()))?;
    let sysroot = PathBuf::from(step::stdout(Command::new("rustc").args(["--print", "sysroot"]))?);
    let git = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
    let git =
        step::stdout(Command::new("git").current_dir(project::root()).args(git)).ok().map(PathBuf::from);
    let (clone, home, libtorch_folder) = (project::root(), cargo_home()?, libtorch.folder()?);
    let mut folders = vec![clone.clone(), home.clone(), sysroot.clone(), libtorch_folder, target.to_owned()];
    folders.extend(git.filter(|git| !git.starts_with(&clone)));

    let mut inner = Command::new("env");
    inner.args(["-i", "HOME=/tmp"]);
    let mut set = |name: &str, value: &str| {
        inner.arg(format!("{name}={value}"));
    };
    set("PATH", &format!("{}:/usr/bin:/bin", sysroot.join("bin").display()));
    set("CARGO_HOME", &home.display().to_string());
    set("CARGO_NET_OFFLINE", "true");
    // Who runs this need not own the clone: git would not tell its commit.
    [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "safe.directory"), ("GIT_CONFIG_VALUE_0", "*")]
        .iter()
        .for_each(|(name, value)| set(name, value));
    settings(libtorch, target)?.iter().for_each(|(name, value)| set(name, value));
    inner.arg("cargo").args(words).arg("--manifest-path").arg(clone.join("Cargo.toml"));
    Ok(root.command(&folders, &inner))
}

/// Where cargo keeps the sources of crates.
fn cargo_home() -> Result<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    named
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .context("there is neither CARGO_HOME nor a home: set CARGO_HOME to cargo's folder")
}
