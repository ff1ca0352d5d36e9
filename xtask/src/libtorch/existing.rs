//! A libtorch that is there already: named by the environment, or put into the clone by hand.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::pins::VERSION;
use crate::step;

/// What the environment says, in the order in which the build script of torch-sys asks.
#[derive(Debug, PartialEq, Eq)]
pub enum Named {
    /// `LIBTORCH_USE_PYTORCH` is set: the torch of the active Python.
    Python,
    /// `LIBTORCH` is set to a folder other than the clone's own `./libtorch`.
    Folder(PathBuf),
    /// Nothing is said.
    Nothing,
}

/// Reads the environment through `var`. cargo itself sets `LIBTORCH` to `own` (`[env]` in
/// .cargo/config.toml), so that value says nothing.
pub fn named(var: &dyn Fn(&str) -> Option<OsString>, own: &Path) -> Result<Named> {
    if var("LIBTORCH_USE_PYTORCH").is_some() {
        return Ok(Named::Python);
    }
    match var("LIBTORCH") {
        Some(folder) if !folder.is_empty() => {
            let folder = absolute(&folder).context("LIBTORCH is not a usable path")?;
            Ok(if folder == own { Named::Nothing } else { Named::Folder(folder) })
        }
        _ => Ok(Named::Nothing),
    }
}

/// Checks that the libtorch in `folder` has the version the bindings were made for.
pub fn check_version(folder: &Path) -> Result<()> {
    if env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some() {
        return Ok(());
    }
    let found = version_of(folder).with_context(|| {
        format!(
            "no libtorch in {}: neither `build-version` nor `version.py` tells a version. Unset LIBTORCH to have {VERSION} provided, \
             or set LIBTORCH_BYPASS_VERSION_CHECK=1 if you know that it fits",
            folder.display()
        )
    })?;
    matches_pinned(&found, &folder.display().to_string())
}

/// The folder with the libraries of the active Python's torch, after the version check.
pub fn python_library_folder() -> Result<PathBuf> {
    // torch-sys asks the same program.
    let program = if env::var_os("VIRTUAL_ENV").is_some() { "python" } else { "python3" };
    let script = "import os, torch; print(torch.__version__); print(os.path.dirname(torch.__file__))";
    let text = step::stdout(Command::new(program).args(["-c", script])).with_context(|| {
        format!("LIBTORCH_USE_PYTORCH is set, but {program} has no usable torch: `pip install torch=={VERSION}` there, or unset the variable")
    })?;
    let (version, folder) = text.split_once('\n').context("Python said nothing about its torch")?;
    matches_pinned(version, &format!("the torch of {program}"))?;
    Ok(Path::new(folder).join("lib"))
}

fn matches_pinned(found: &str, place: &str) -> Result<()> {
    if found.split('+').next() != Some(VERSION) {
        bail!(
            "{place} has version {found}, and tch needs libtorch {VERSION}: unset LIBTORCH to have it provided, or name a folder with {VERSION}"
        );
    }
    Ok(())
}

/// `build-version` of a libtorch archive, or `__version__` in `version.py` of an installed Python
/// package.
fn version_of(folder: &Path) -> Option<String> {
    if let Ok(text) = fs::read_to_string(folder.join("build-version")) {
        return Some(text.trim().to_owned());
    }
    let text = fs::read_to_string(folder.join("version.py")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
    Some(line.trim_matches(['\'', '"']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    }

    #[test]
    fn the_environment_is_read_in_the_order_of_torch_sys() {
        let own = Path::new("/clone/libtorch");
        let read = |pairs| named(&environment(pairs), own).unwrap();
        assert_eq!(read(&[]), Named::Nothing);
        assert_eq!(read(&[("LIBTORCH", "")]), Named::Nothing);
        assert_eq!(read(&[("LIBTORCH", "/clone/libtorch")]), Named::Nothing);
        assert_eq!(read(&[("LIBTORCH", "/opt/libtorch")]), Named::Folder("/opt/libtorch".into()));
        assert_eq!(read(&[("LIBTORCH", "/opt/libtorch"), ("LIBTORCH_USE_PYTORCH", "1")]), Named::Python);
    }

    #[test]
    fn another_version_and_a_folder_without_one_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let text = format!("{:#}", check_version(dir.path()).unwrap_err());
        assert!(
            text.contains("no libtorch in")
                && text.contains("unset LIBTORCH") | text.contains("Unset LIBTORCH"),
            "{text}"
        );
        fs::write(dir.path().join("version.py"), "x = 1\n__version__ = '2.9.1+cu130'\n").unwrap();
        let text = check_version(dir.path()).unwrap_err().to_string();
        assert!(text.contains("2.9.1+cu130") && text.contains("needs libtorch 2.11.0"), "{text}");
        fs::write(dir.path().join("build-version"), "2.11.0+cpu\n").unwrap();
        assert!(check_version(dir.path()).is_ok());
    }
}
