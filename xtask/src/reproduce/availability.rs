//! Why cells are empty: methods that are not in this version, data that is not on the machine.
//!
//! Kept in `results/<recipe>/availability.json`, so that a table is rendered from committed files
//! alone and says the same everywhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::files;

/// Reasons by name; what is not listed is available or was never asked for.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Availability {
    #[serde(default)]
    pub methods: BTreeMap<String, String>,
    #[serde(default)]
    pub datasets: BTreeMap<String, String>,
}

impl Availability {
    /// Reads the file of a recipe; no file means that nothing is known.
    pub fn read(path: &Path) -> Result<Self> {
        match fs::read(path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes the file, if it says something new; removes it when there is nothing left to say.
    pub fn write(&self, path: &Path) -> Result<()> {
        if *self == Self::default() {
            return files::remove_if_there(path).with_context(|| format!("cannot remove {}", path.display()));
        }
        if Self::read(path)? == *self {
            return Ok(());
        }
        let text = serde_json::to_string_pretty(self).context("cannot write JSON")? + "\n";
        files::write_atomic(path, text.as_bytes())
    }
}

/// Notes `problem` under `name`, or that there is none.
pub fn note(map: &mut BTreeMap<String, String>, name: &str, problem: Option<String>) {
    match problem {
        Some(problem) => drop(map.insert(name.to_owned(), problem)),
        None => drop(map.remove(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_goes_with_its_last_reason() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("availability.json");
        let mut known = Availability::default();
        known.write(&path).expect("nothing to write");
        assert!(!path.exists());
        note(&mut known.datasets, "stl10", Some("not on this machine".into()));
        known.write(&path).expect("written");
        assert_eq!(Availability::read(&path).expect("intact"), known);
        note(&mut known.datasets, "stl10", None);
        known.write(&path).expect("removed");
        assert!(!path.exists());
        assert_eq!(Availability::read(&path).expect("nothing known"), Availability::default());
    }
}
