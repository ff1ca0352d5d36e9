//! Where known data sets are looked for: `--data-dir`, then `VAE_DATA_DIR`, then the user's cache
//! folder.

use std::env;
use std::path::{Path, PathBuf};

use crate::cache_dir::cache_dir;
use crate::error::{Error, Looked, Result};
use crate::registry::Entry;

/// Data directories in the order they are searched. Each holds one folder per set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    places: Vec<(PathBuf, &'static str)>,
}

/// Where fetched data sets are kept: `datasets` in the [`cache_dir`].
pub(crate) fn download_dir() -> Option<PathBuf> {
    cache_dir().map(|dir| dir.join("datasets"))
}

impl Places {
    /// The places of this process: what is given, the environment, the cache folder.
    pub fn from_env(data_dir: Option<&Path>) -> Self {
        let env_dir = env::var_os("VAE_DATA_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
        Self::new(data_dir.map(Path::to_owned), env_dir, download_dir())
    }

    /// Places said one by one; none of them need exist.
    pub fn new(data_dir: Option<PathBuf>, env_dir: Option<PathBuf>, cache: Option<PathBuf>) -> Self {
        let places = [(data_dir, "--data-dir"), (env_dir, "VAE_DATA_DIR"), (cache, "cache")];
        Self { places: places.into_iter().filter_map(|(dir, origin)| Some((dir?, origin))).collect() }
    }

    /// The folders in the order they are searched, each with the place that names it.
    pub fn dirs(&self) -> impl Iterator<Item = (&Path, &'static str)> {
        self.places.iter().map(|(dir, origin)| (dir.as_path(), *origin))
    }

    /// Looks for a set; the first folder with all its files wins.
    ///
    /// Returns that folder, if any, and the folders looked at before it.
    pub fn find(&self, entry: &Entry) -> (Option<PathBuf>, Vec<Looked>) {
        let mut looked = Vec::new();
        for (dir, origin) in &self.places {
            for (i, name) in entry.folders.iter().enumerate() {
                let folder = dir.join(name);
                if !folder.is_dir() {
                    // Other people's folder names are worth a line only where such a folder is.
                    if i == 0 {
                        looked.push(Looked { folder, origin, missing: None });
                    }
                    continue;
                }
                let missing = missing_files(&folder, entry);
                if missing.is_empty() {
                    return (Some(folder), looked);
                }
                looked.push(Looked { folder, origin, missing: Some(missing) });
            }
        }
        (None, looked)
    }

    /// The folder of a set.
    ///
    /// # Errors
    /// [`Error::DataSetNotFound`] with all places and how to get the set.
    pub fn require(&self, entry: &Entry) -> Result<PathBuf> {
        let (found, looked) = self.find(entry);
        found.ok_or_else(|| {
            let remedy = remedy(entry, &looked);
            Error::DataSetNotFound { name: entry.name.clone(), looked, remedy }
        })
    }
}

fn missing_files(folder: &Path, entry: &Entry) -> Vec<String> {
    entry
        .files
        .iter()
        .filter(|file| resolve(folder, &file.name).is_none())
        .map(|file| file.name.clone())
        .collect()
}

/// The file of that name in a folder, or its gzip-compressed copy; the plain one wins.
pub(crate) fn resolve(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
}

/// What to do about a set that was not found: fetch it, make the file that is made of the others,
/// or both.
fn remedy(entry: &Entry, looked: &[Looked]) -> String {
    let made = entry.files.iter().find_map(|file| Some((&file.name, file.made_with.as_ref()?)));
    let fetch = format!("get it with: vae data fetch {}", entry.name);
    match made {
        None => fetch,
        Some((name, command))
            if looked.iter().any(|place| place.missing.as_deref() == Some(std::slice::from_ref(name))) =>
        {
            format!("make the file with: {command}")
        }
        Some((_, command)) => format!("{fetch}\nand then: {command}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::registry::registry;

    fn put(folder: &Path, entry: &Entry, suffix: &str) {
        fs::create_dir_all(folder).expect("folder");
        for file in &entry.files {
            fs::write(folder.join(format!("{}{suffix}", file.name)), b"x").expect("file");
        }
    }

    #[test]
    fn order_is_option_then_variable_then_cache() {
        let mnist = registry().get("mnist").expect("known");
        let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().expect("folder")).collect();
        let [a, b, c] = [0, 1, 2].map(|i| dirs[i].path().to_owned());
        let places = Places::new(Some(a.clone()), Some(b.clone()), Some(c.clone()));
        assert_eq!(places.find(mnist).0, None);
        put(&c.join("mnist"), mnist, ".gz");
        assert_eq!(places.find(mnist).0, Some(c.join("mnist")));
        fs::create_dir_all(b.join("MNIST")).expect("folder");
        put(&b.join("MNIST/raw"), mnist, "");
        assert_eq!(places.find(mnist).0, Some(b.join("MNIST/raw")));
        put(&a.join("mnist"), mnist, "");
        assert_eq!(places.find(mnist).0, Some(a.join("mnist")));
    }

    #[test]
    fn a_set_in_no_place_is_an_error_with_all_places_and_the_command() {
        let mnist = registry().get("mnist").expect("known");
        let dir = tempfile::tempdir().expect("folder");
        let partial = dir.path().join("mnist");
        fs::create_dir(&partial).expect("folder");
        fs::write(partial.join("train-images-idx3-ubyte.gz"), b"x").expect("file");
        let other = dir.path().join("nowhere");
        let places = Places::new(Some(dir.path().to_owned()), Some(other.clone()), None);
        let message = places.require(mnist).expect_err("incomplete").to_string();
        assert!(
            message.contains(&format!("{} (--data-dir): missing there: train-labels", partial.display()))
        );
        assert!(
            message.contains(&format!("{} (VAE_DATA_DIR): no such folder", other.join("mnist").display()))
        );
        assert!(message.ends_with("vae data fetch mnist"), "{message}");
    }
}
