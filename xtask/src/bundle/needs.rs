//! What the files of a bundle need of a machine: read from them, and said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::elf::{Needs, Version};

/// Distributions by their glibc, the oldest first; each has all before it.
const DISTRIBUTIONS: [(&str, &str); 7] = [
    ("2.17", "CentOS 7"),
    ("2.28", "Debian 10, RHEL 8"),
    ("2.31", "Debian 11, Ubuntu 20.04"),
    ("2.34", "RHEL 9"),
    ("2.35", "Ubuntu 22.04"),
    ("2.36", "Debian 12"),
    ("2.41", "Debian 13"),
];

/// What each file of a bundle needs.
pub struct AllNeeds(BTreeMap<String, Needs>);

impl AllNeeds {
    /// Reads `program`, and from the folder `lib` all libraries that it loads, directly or through
    /// another one. Libraries that are not in `lib` are the machine's. `others` are programs
    /// without libraries of their own.
    pub fn read(program: &Path, lib: Option<&Path>, others: &[&Path]) -> Result<Self> {
        let mut all = BTreeMap::new();
        for path in others.iter().copied().chain([program]) {
            all.insert(name_of(path)?, Needs::of(path)?);
        }
        let mut left: Vec<String> = all.values().flat_map(|needs| needs.libraries.clone()).collect();
        while let Some(name) = left.pop() {
            let path = lib.map(|lib| lib.join(&name)).filter(|path| path.is_file());
            let Some(path) = path.filter(|_| !all.contains_key(&name)) else { continue };
            let needs = Needs::of(&path)?;
            left.extend(needs.libraries.clone());
            all.insert(name, needs);
        }
        Ok(Self(all))
    }

    /// The libraries of `lib` that were read, which are those that must travel.
    pub fn libraries(&self, lib: &Path) -> Vec<PathBuf> {
        self.0.keys().map(|name| lib.join(name)).filter(|path| path.is_file()).collect()
    }

    /// The oldest glibc that has all symbols.
    pub fn glibc(&self) -> Option<&Version> {
        Needs::newest(self.0.values(), "GLIBC")
    }

    /// The oldest version of libstdc++'s symbols that does.
    pub fn libstdcxx(&self) -> Option<&Version> {
        Needs::newest(self.0.values(), "GLIBCXX")
    }

    /// What the machine needs, in a sentence.
    pub fn sentence(&self) -> String {
        let version =
            |version: Option<&Version>| version.map_or_else(|| "none".to_owned(), Version::to_string);
        format!(
            "needed: glibc {} or newer ({}), libstdc++ with GLIBCXX_{}",
            version(self.glibc()),
            self.distributions(),
            version(self.libstdcxx())
        )
    }

    /// The first distributions with that glibc, in words.
    pub fn distributions(&self) -> String {
        let Some(needed) = self.glibc() else { return "any".to_owned() };
        let has = |(glibc, _): &&(&str, &str)| Version::parse(glibc).is_some_and(|glibc| glibc >= *needed);
        DISTRIBUTIONS
            .iter()
            .find(has)
            .map_or_else(|| "newer than all known here".to_owned(), |(_, names)| format!("{names} and later"))
    }

    /// A line for each file: a Markdown table.
    pub fn table(&self) -> String {
        let mut table = String::from(
            "| file | glibc | GLIBCXX | libraries of the machine |\n| --- | --- | --- | --- |\n",
        );
        for (name, needs) in &self.0 {
            let version = |kind| needs.versions.get(kind).map_or_else(String::new, Version::to_string);
            let own = |library: &&String| !self.0.contains_key(*library);
            let libraries: BTreeSet<&String> = needs.libraries.iter().filter(own).collect();
            let libraries: Vec<&str> = libraries.into_iter().map(String::as_str).collect();
            table += &format!(
                "| `{name}` | {} | {} | {} |\n",
                version("GLIBC"),
                version("GLIBCXX"),
                libraries.join(", ")
            );
        }
        table
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let of = |needs: &Needs| -> BTreeMap<String, String> {
            needs.versions.iter().map(|(kind, version)| (kind.clone(), version.to_string())).collect()
        };
        let files: BTreeMap<&String, Value> =
            self.0.iter().map(|(name, needs)| (name, json!(of(needs)))).collect();
        json!({"glibc": self.glibc().map(Version::to_string), "glibcxx": self.libstdcxx().map(Version::to_string), "files": files})
    }
}

fn name_of(path: &Path) -> Result<String> {
    let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
    Ok(name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(libraries: &[&str], versions: &[(&str, &str)]) -> Needs {
        let versions =
            versions.iter().map(|(kind, text)| ((*kind).to_owned(), Version::parse(text).unwrap())).collect();
        Needs { libraries: libraries.iter().map(|&name| name.to_owned()).collect(), versions }
    }

    #[test]
    fn the_newest_of_all_files_is_what_the_machine_needs() {
        let all = AllNeeds(
            [
                ("vae".to_owned(), needs(&["libc10.so", "libc.so.6"], &[("GLIBC", "2.30")])),
                (
                    "libc10.so".to_owned(),
                    needs(&["libstdc++.so.6"], &[("GLIBC", "2.17"), ("GLIBCXX", "3.4.22")]),
                ),
            ]
            .into(),
        );
        assert_eq!(
            all.sentence(),
            "needed: glibc 2.30 or newer (Debian 11, Ubuntu 20.04 and later), libstdc++ with GLIBCXX_3.4.22"
        );
        let table = all.table();
        assert!(table.contains("| `vae` | 2.30 |  | libc.so.6 |\n"), "{table}");
        assert!(table.contains("| `libc10.so` | 2.17 | 3.4.22 | libstdc++.so.6 |\n"), "{table}");
        assert_eq!(all.json()["glibc"], "2.30");
        let newer = AllNeeds([("vae".to_owned(), needs(&[], &[("GLIBC", "9.1")]))].into());
        assert!(newer.sentence().contains("newer than all known here"), "{}", newer.sentence());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn libraries_are_followed_into_the_folder_and_no_further() {
        let program = std::env::current_exe().unwrap();
        let all = AllNeeds::read(&program, Some(Path::new("nowhere")), &[]).unwrap();
        assert_eq!(all.0.len(), 1);
        assert!(all.libraries(Path::new("nowhere")).is_empty());
        assert!(all.glibc().is_some());
    }
}
