//! Which published data sets the tests look for, and which of these are not there: tests without
//! their data pass without testing anything, and nobody reads what a passing test prints.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::sets::Sets;

/// The sets, each with the packages whose tests read it. A test compares this with the tests
/// themselves.
const READ_BY: [(&str, &[&str]); 4] = [
    ("mnist", &["vae-data", "vae-models"]),
    ("fashion-mnist", &["vae-data"]),
    ("hhar", &["vae-data"]),
    ("reuters21578", &["vae-data"]),
];

/// Where sets are looked for.
pub struct Places {
    /// `VAE_DATA_DIR`: the tests look nowhere else.
    pub data_dir: Option<PathBuf>,
    /// Where `vae data fetch` puts sets: what is there needs no download, only to be named.
    pub cache: Option<PathBuf>,
}

/// A line for each set that tests of `packages` (all, if empty) look for and do not find.
pub fn missing(root: &Path, packages: &[&str], places: &Places) -> Result<Vec<String>> {
    let sets = Sets::read(root)?;
    let mut lines = Vec::new();
    for (name, readers) in READ_BY {
        let set = sets.get(name)?;
        let is_in = |dir: &Path| sets.find(set, dir).is_some();
        let left_out: Vec<&str> = readers
            .iter()
            .copied()
            .filter(|reader| packages.is_empty() || packages.contains(reader))
            // A test runs in the folder of its package: that is what a relative folder is relative
            // to.
            .filter(|reader| {
                !places
                    .data_dir
                    .as_ref()
                    .is_some_and(|dir| is_in(&root.join("crates").join(reader).join(dir)))
            })
            .collect();
        if left_out.is_empty() {
            continue;
        }
        let remedy = match &places.cache {
            Some(cache) if is_in(cache) => {
                format!("and only in the cache: set VAE_DATA_DIR={}", cache.display())
            }
            _ => format!("nor in the cache: `cargo xtask data fetch {name}`"),
        };
        lines.push(format!(
            "SKIPPED: tests of {} on {name}, not in VAE_DATA_DIR {remedy}",
            left_out.join(", ")
        ));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::project;

    fn put(folder: &Path, files: &[&str], ending: &str) {
        for file in files {
            let path = folder.join(format!("{file}{ending}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
    }

    #[test]
    fn sets_are_looked_for_as_the_tests_and_the_program_do() {
        let root = project::root();
        let sets = Sets::read(&root).unwrap();
        let files = |name: &str| sets.files(sets.get(name).unwrap());
        let (data, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let lines = |packages: &[&str]| {
            let places =
                Places { data_dir: Some(data.path().to_owned()), cache: Some(cache.path().to_owned()) };
            missing(&root, packages, &places).unwrap()
        };
        assert_eq!(lines(&[]).len(), 4);
        assert_eq!(
            lines(&["vae-models", "xtask"]),
            [
                "SKIPPED: tests of vae-models on mnist, not in VAE_DATA_DIR nor in the cache: `cargo xtask data fetch mnist`"
            ]
        );
        assert!(lines(&["vae-metrics"]).is_empty());

        put(&data.path().join("MNIST/raw"), &files("mnist"), ".gz");
        put(&cache.path().join("uci-har"), &files("hhar"), "");
        put(&data.path().join("reuters21578"), &files("reuters21578"), "");
        fs::remove_file(data.path().join("reuters21578/reut2-001.sgm")).unwrap();
        let hhar = format!(
            "SKIPPED: tests of vae-data on hhar, not in VAE_DATA_DIR and only in the cache: set VAE_DATA_DIR={}",
            cache.path().display()
        );
        let all = lines(&[]);
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(
            all[0].contains("on fashion-mnist,") && all[1] == hhar && all[2].contains("on reuters21578,")
        );
        assert_eq!(missing(&root, &[], &Places { data_dir: None, cache: None }).unwrap().len(), 4);
    }

    #[test]
    fn the_list_is_that_of_the_tests() {
        let mut found = BTreeSet::new();
        for package in fs::read_dir(project::root().join("crates")).unwrap() {
            let package = package.unwrap();
            let Ok(tests) = fs::read_dir(package.path().join("tests")) else { continue };
            for test in tests.map(|test| test.unwrap().path()).filter(|path| path.is_file()) {
                let text = fs::read_to_string(&test).unwrap_or_default();
                if !text.contains("SKIPPED: ") {
                    continue;
                }
                for opening in ["load_or_skip(\"", "Source::Known(\""] {
                    let names = text.split(opening).skip(1).filter_map(|rest| rest.split('"').next());
                    found.extend(
                        names.map(|name| (name.to_owned(), package.file_name().into_string().unwrap())),
                    );
                }
            }
        }
        let listed = |(name, readers): &(&str, &[&str])| {
            readers.iter().map(|reader| ((*name).to_owned(), (*reader).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(found, READ_BY.iter().flat_map(listed).collect::<BTreeSet<_>>());
    }
}
