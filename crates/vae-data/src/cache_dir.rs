//! The user's cache folder.
//!
//! `xtask` must agree on it, and links no crate of the workspace: it is what a newcomer compiles
//! first. So it compiles this file too, by its path, and the file uses nothing but the standard
//! library. A crate for twenty lines would be one more to publish.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The cache folder of this project: `VAE_CACHE_DIR`, else `$XDG_CACHE_HOME/vae`, else
/// `~/.cache/vae`; `None` where there is not even a home.
pub fn cache_dir() -> Option<PathBuf> {
    of(|name| env::var_os(name), env::home_dir)
}

fn of(var: impl Fn(&str) -> Option<OsString>, home: impl FnOnce() -> Option<PathBuf>) -> Option<PathBuf> {
    let set = |name| var(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The XDG specification: a relative path counts as none.
    set("VAE_CACHE_DIR")
        .or_else(|| set("XDG_CACHE_HOME").filter(|dir| dir.is_absolute()).map(|dir| dir.join("vae")))
        .or_else(|| home().map(|home| home.join(".cache").join("vae")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_that_is_named_wins() {
        let found = |set: &[(&str, &str)], home: Option<&str>| {
            let var = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
            of(var, || home.map(PathBuf::from))
        };
        let (own, xdg) = (("VAE_CACHE_DIR", "own"), ("XDG_CACHE_HOME", "/xdg"));
        for (set, home, expected) in [
            (&[own, xdg][..], Some("/me"), Some("own")),
            (&[xdg], Some("/me"), Some("/xdg/vae")),
            (&[("VAE_CACHE_DIR", ""), xdg], None, Some("/xdg/vae")),
            (&[("XDG_CACHE_HOME", "relative")], Some("/me"), Some("/me/.cache/vae")),
            (&[("XDG_CACHE_HOME", "")], Some("/me"), Some("/me/.cache/vae")),
            (&[], None, None),
        ] {
            assert_eq!(found(set, home), expected.map(PathBuf::from), "{set:?}");
        }
    }
}
