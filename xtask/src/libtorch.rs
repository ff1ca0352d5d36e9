//! `cargo xtask libtorch`, and what every other command calls first: a libtorch 2.11.0 that builds
//! and runs.
//!
//! In this order: `LIBTORCH_USE_PYTORCH`, `LIBTORCH`, a `./libtorch` in the clone, the folder in
//! the user's cache. What is in the cache is linked as `./libtorch`, where `.cargo/config.toml`
//! points plain cargo commands to.

mod existing;
mod pins;
mod pip;
mod provision;
mod wheel;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use self::existing::Named;
use crate::{files, project};

/// Provide libtorch 2.11.0.
#[derive(clap::Args)]
pub struct Args {
    /// The full set with CUDA libraries (x86-64 Linux, about 2.5 GB to download; never tried with a
    /// GPU)
    #[arg(long)]
    cuda: bool,
    /// Make the folder in the cache again and replace ./libtorch, even if both look fine
    #[arg(long)]
    force: bool,
}

/// A usable libtorch.
pub struct Libtorch {
    /// The value of `LIBTORCH` for child processes; `None` where none is needed.
    folder: Option<PathBuf>,
    /// The folder with the shared libraries.
    lib: PathBuf,
}

impl Libtorch {
    /// The folder around that of the libraries, without links: what `LIBTORCH` can be everywhere.
    pub fn folder(&self) -> Result<PathBuf> {
        let lib = fs::canonicalize(&self.lib)
            .with_context(|| format!("there is no folder {}", self.lib.display()))?;
        Ok(lib.parent().map_or_else(|| lib.clone(), Path::to_path_buf))
    }

    /// Sets what a cargo command or a built program needs to find libtorch: `LIBTORCH` for the
    /// build, and the library path, without which doctests and programs in unusual target folders
    /// do not start.
    pub fn apply(&self, command: &mut Command) {
        if let Some(folder) = &self.folder {
            command.env("LIBTORCH", folder);
        }
        let name = library_path_variable();
        let mut folders = vec![self.lib.clone()];
        folders.extend(
            env::split_paths(&env::var_os(name).unwrap_or_default())
                .filter(|part| !part.as_os_str().is_empty()),
        );
        // A folder with a colon in its name cannot stand in the variable; the run path still
        // serves.
        if let Ok(joined) = env::join_paths(folders) {
            command.env(name, joined);
        }
    }
}

/// The version that the bindings go with.
pub use self::pins::VERSION;

/// The words that start Python's pip.
pub fn pip() -> Result<Vec<String>> {
    pip::find(&pip::CANDIDATES)
}

fn library_path_variable() -> &'static str {
    if cfg!(target_os = "macos") { "DYLD_FALLBACK_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" }
}

/// The command.
pub fn run(args: &Args) -> Result<ExitCode> {
    let libtorch = provide(args.cuda, args.force)?;
    eprintln!(
        "plain `cargo build`, `cargo test` and `cargo run` work in this clone now ({})",
        libtorch.lib.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// What commands that need libtorch call first. Says where it is, and provides it if it is nowhere.
pub fn ensure() -> Result<Libtorch> {
    provide(false, false)
}

fn provide(cuda: bool, force: bool) -> Result<Libtorch> {
    note_rustflags(&|name| env::var_os(name));
    let own = project::root().join("libtorch");
    match existing::named(&|name| env::var_os(name), &own)? {
        Named::Python => {
            let lib = existing::python_library_folder()?;
            eprintln!("libtorch: the Python package in {} (LIBTORCH_USE_PYTORCH is set)", lib.display());
            return Ok(Libtorch { folder: None, lib });
        }
        Named::Folder(folder) => {
            existing::check_version(&folder)?;
            eprintln!("libtorch: {} (LIBTORCH is set)", folder.display());
            return Ok(Libtorch { lib: library_folder(&folder), folder: Some(folder) });
        }
        Named::Nothing => {}
    }
    if !force && let Some(place) = in_clone(&own, cuda)? {
        eprintln!("libtorch: {}", place.display());
    } else {
        refuse_real_folder(&own)?;
        let (flavour, cache) = (pins::flavour(cuda)?, project::cache_dir()?);
        eprintln!("{}", announcement(provision::cached(flavour, &cache).as_deref(), force));
        let folder = provision::provide(flavour, &cache, force, &pip::download)?;
        files::link_atomic(&folder, &own)?;
        eprintln!("libtorch: {} -> {}", own.display(), folder.display());
    }
    // `.cargo/config.toml` names the clone's own link. A variable beside it would be news to the
    // build scripts, and every change between `cargo xtask` and plain cargo would build the
    // bindings again.
    let folder = env::var_os("LIBTORCH").map(|_| own.clone());
    Ok(Libtorch { lib: library_folder(&own), folder })
}

/// What is about to be done for a clone without a usable libtorch; `cached` is the whole copy in
/// the user's cache.
fn announcement(cached: Option<&Path>, force: bool) -> String {
    let what = match (force, cached) {
        (true, _) => "downloading it again, as asked".to_owned(),
        (false, Some(copy)) => format!("linking the copy in {}", copy.display()),
        (false, None) => "not on this machine yet: downloading it".to_owned(),
    };
    format!("libtorch {VERSION}: {what}")
}

/// torch-sys lets `LIBTORCH_LIB` name another place for the libraries.
fn library_folder(folder: &Path) -> PathBuf {
    env::var_os("LIBTORCH_LIB").map_or_else(|| folder.to_path_buf(), PathBuf::from).join("lib")
}

/// Where `own`, the clone's `./libtorch`, leads, if it can be used as it is.
fn in_clone(own: &Path, cuda: bool) -> Result<Option<PathBuf>> {
    let Ok(place) = fs::canonicalize(own) else { return Ok(None) };
    if provision::is_ours(&place) {
        if let Some(what) = provision::damage(&place) {
            eprintln!("libtorch: {} is not whole ({what})", place.display());
            return Ok(None);
        }
    } else {
        existing::check_version(&place).with_context(|| {
            format!("{} was put there by hand; `cargo xtask libtorch --force` replaces it", own.display())
        })?;
    }
    let has_cuda = place.join("lib/libtorch_cuda.so").exists();
    Ok((has_cuda || !cuda).then_some(place))
}

fn refuse_real_folder(own: &Path) -> Result<()> {
    match fs::symlink_metadata(own) {
        Ok(meta) if !meta.is_symlink() => {
            bail!("{} is not a link made by this command: move it away first", own.display())
        }
        _ => Ok(()),
    }
}

/// Says what `RUSTFLAGS` in the environment does to the run path of the built programs.
fn note_rustflags(var: &dyn Fn(&str) -> Option<OsString>) {
    if let Some(name) = overriding_flags(var) {
        eprintln!(
            "note: {name} is set and replaces the flags of .cargo/config.toml, among them the run path to ./libtorch. What xtask starts still\n\
             finds libtorch; a program you start yourself needs `export {}=\"$PWD/libtorch/lib\"`",
            library_path_variable()
        );
    }
}

fn overriding_flags(var: &dyn Fn(&str) -> Option<OsString>) -> Option<&'static str> {
    ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"].into_iter().find(|name| var(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rustflags_in_the_environment_are_seen() {
        assert_eq!(overriding_flags(&|_| None), None);
        assert_eq!(overriding_flags(&|name| (name == "RUSTFLAGS").then(|| "-g".into())), Some("RUSTFLAGS"));
    }

    #[test]
    fn only_a_download_is_called_one() {
        let copy = Path::new("/cache/libtorch-2.11.0-cpu");
        let said = announcement(Some(copy), false);
        assert_eq!(said, "libtorch 2.11.0: linking the copy in /cache/libtorch-2.11.0-cpu");
        assert!(announcement(None, false).ends_with("downloading it"));
        assert!(announcement(Some(copy), true).contains("downloading it again"));
    }

    #[test]
    fn what_lies_in_the_clone_is_used_only_if_it_fits() {
        let dir = tempfile::tempdir().unwrap();
        let (own, place) = (dir.path().join("libtorch"), dir.path().join("place"));
        assert_eq!(in_clone(&own, false).unwrap(), None);
        // A link whose folder has gone counts as nothing.
        files::link_atomic(&place, &own).unwrap();
        assert_eq!(in_clone(&own, false).unwrap(), None);
        fs::create_dir_all(place.join("lib")).unwrap();
        fs::write(place.join("build-version"), "2.4.0").unwrap();
        let text = format!("{:#}", in_clone(&own, false).unwrap_err());
        assert!(text.contains("2.4.0") && text.contains("--force"), "{text}");
        fs::write(place.join("build-version"), "2.11.0").unwrap();
        assert_eq!(in_clone(&own, false).unwrap(), Some(fs::canonicalize(&place).unwrap()));
        // The CPU half does not do for CUDA.
        assert_eq!(in_clone(&own, true).unwrap(), None);
    }

    #[test]
    fn a_real_folder_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        assert!(refuse_real_folder(&dir.path().join("none")).is_ok());
        assert!(refuse_real_folder(dir.path()).unwrap_err().to_string().contains("move it away"));
    }

    #[test]
    fn children_get_the_library_path_and_libtorch() {
        let libtorch = Libtorch { folder: Some("/l".into()), lib: "/l/lib".into() };
        let mut command = Command::new("true");
        libtorch.apply(&mut command);
        let value = |name: &str| {
            command.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value).unwrap().to_owned()
        };
        assert_eq!(value("LIBTORCH"), "/l");
        assert!(value(library_path_variable()).to_str().unwrap().starts_with("/l/lib"));
    }
}
