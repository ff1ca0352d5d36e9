//! What xtask needs of `datasets/registry.toml`: which files a data set has, and where they lie.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// The sets, by name.
pub struct Sets(BTreeMap<String, Set>);

/// A set.
#[derive(Deserialize)]
pub struct Set {
    pub name: String,
    pub title: String,
    /// The terms of its use, in words.
    #[serde(default)]
    pub licence: String,
    #[serde(default)]
    pub homepage: String,
    /// Names of its folder in a data directory.
    folders: Vec<String>,
    /// The set whose files these are, where they are not its own.
    files_of: Option<String>,
    #[serde(default, rename = "file")]
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    name: String,
}

#[derive(Deserialize)]
struct Registry {
    #[serde(rename = "set")]
    sets: Vec<Set>,
}

/// The files of a set in one data directory.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Its folder, relative to that directory.
    pub folder: String,
    /// Relative to the folder, as they are there: `.gz` appended where they are compressed.
    pub files: Vec<String>,
}

impl Sets {
    /// Reads the registry of the clone `root`.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join("datasets/registry.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let registry: Registry =
            toml::from_str(&text).with_context(|| format!("{} is no list of data sets", path.display()))?;
        Ok(Self(registry.sets.into_iter().map(|set| (set.name.clone(), set)).collect()))
    }

    /// The set `name`.
    pub fn get(&self, name: &str) -> Result<&Set> {
        self.0.get(name).with_context(|| {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            format!("datasets/registry.toml has no set {name}; it has {}", known.join(", "))
        })
    }

    /// The names of the files of `set`; none where it is not read from disk.
    pub fn files<'a>(&'a self, set: &'a Set) -> Vec<&'a str> {
        let own = set.files_of.as_deref().and_then(|name| self.0.get(name)).unwrap_or(set);
        own.files.iter().map(|file| file.name.as_str()).collect()
    }

    /// Where `dir` holds all files of `set` in one of its folders, as they are or compressed.
    pub fn find(&self, set: &Set, dir: &Path) -> Option<Found> {
        set.folders.iter().find_map(|folder| {
            let as_there = |name: &&str| {
                let gz = format!("{name}.gz");
                [(*name).to_owned(), gz].into_iter().find(|file| dir.join(folder).join(file).is_file())
            };
            let files: Option<Vec<String>> = self.files(set).iter().map(as_there).collect();
            files.map(|files| Found { folder: folder.clone(), files })
        })
    }
}

/// The data directories of this user, in the order in which `vae` looks into them.
pub fn places() -> Vec<PathBuf> {
    let named = std::env::var_os("VAE_DATA_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let cache = crate::project::cache_dir().ok().map(|folder| folder.join("datasets"));
    named.into_iter().chain(cache).collect()
}
