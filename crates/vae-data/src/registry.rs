//! The registry of public data sets: `datasets/registry.toml`, embedded in the program.

use std::sync::LazyLock;

use serde::Deserialize;
use vae_array::ImageShape;

use crate::error::{Error, Result};

/// The file as committed: `registry.toml` of the crate is a link to `datasets/registry.toml`, which
/// packaging follows.
const TEXT: &str = include_str!("../registry.toml");

/// All known data sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Version of the file's layout.
    pub schema: u32,
    /// The sets, in the order of the file.
    #[serde(rename = "set")]
    pub sets: Vec<Entry>,
    /// Files of trained weights that others publish.
    #[serde(default)]
    pub weights: Vec<Weights>,
}

/// A file of trained weights that is known; it is named by the user and never fetched.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Name of the network.
    pub model: String,
    /// The publisher's file name.
    pub file: String,
    /// How the SHA-256 of the file begins, as the publisher says.
    pub sha256_begins: String,
    /// What they are.
    pub title: String,
}

/// One public data set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What `--data` calls it.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// How it is read.
    pub reader: Reader,
    /// Names of its folder inside a data directory; a fetch writes to the first.
    pub folders: Vec<String>,
    /// Rows of the features, training and test together.
    pub rows: usize,
    /// Rows of the publisher's training split, which come first; equals `rows` where there is none.
    pub train_rows: usize,
    /// Columns of the features.
    pub dim: usize,
    /// Shape of a row, where rows are pictures.
    pub image: Option<ImageShape>,
    /// [`content_sha256`](vae_array::content_sha256) of the features as this version reads them,
    /// where that is known.
    pub content_sha256: Option<String>,
    /// The same of the publisher's training split, where there is a test split.
    pub train_content_sha256: Option<String>,
    /// Number of classes.
    pub classes: usize,
    /// Names of the classes; empty where the publisher has none.
    #[serde(default)]
    pub class_names: Vec<String>,
    /// Terms of use.
    pub licence: String,
    /// The publisher's page.
    #[serde(default)]
    pub homepage: String,
    /// What to cite.
    #[serde(default)]
    pub citation: String,
    /// What is done to the published values on loading.
    pub preprocessing: String,
    /// The set has the files and downloads of this one, besides its own.
    pub files_of: Option<String>,
    /// Only some of the rows.
    pub sample: Option<Sample>,
    /// Files a reader needs.
    #[serde(default, rename = "file")]
    pub files: Vec<File>,
    /// Where the files come from.
    #[serde(default, rename = "download")]
    pub downloads: Vec<Download>,
}

/// How a set is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reader {
    /// Four IDX files named as MNIST's.
    Idx,
    /// Folders `train` and `test` with text matrices.
    UciHar,
    /// Generated in memory.
    Strokes,
    /// A MATLAB file with the keys `X` and `Y`.
    Reuters10k,
    /// Token files and topic judgements of RCV1.
    Rcv1,
    /// The SGML files of Reuters-21578.
    Reuters21578,
    /// The binary pictures of STL-10.
    Stl10,
    /// Features of STL-10's pictures.
    Stl10Features,
    /// One table with a header, labels in the column `class`.
    Table,
    /// Known, fetched and checked, but not read by this version.
    Unsupported,
}

/// Rows taken of a larger set: the first so many of NumPy's `permutation` with this seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// How many.
    pub rows: usize,
    /// Of `numpy.random.seed`.
    pub seed: u32,
}

/// A file of a set, in its folder, as it is or gzip-compressed with `.gz` appended.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Path below the set's folder, with `/`.
    pub name: String,
    /// Size of the uncompressed content in bytes.
    pub bytes: Option<u64>,
    /// SHA-256 of the uncompressed content, lower-case hexadecimal.
    pub sha256: Option<String>,
    /// The command that makes the file out of the others; it is not fetched.
    pub made_with: Option<String>,
}

/// One thing to download and the files it gives.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// Name of the file while it is downloaded, and afterwards where nothing is unpacked.
    pub name: String,
    /// Addresses, tried in order.
    pub urls: Vec<String>,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// MD5 as published.
    pub md5: Option<String>,
    /// SHA-256 as published.
    pub sha256: Option<String>,
    /// How the files are taken out; `None` keeps the download as it is.
    pub unpack: Option<Unpack>,
    /// With [`Unpack::Zip`]: the archive that holds the files is inside the downloaded one.
    pub inner: Option<Inner>,
    /// Names of the [`File`]s this gives.
    pub gives: Vec<String>,
}

/// Kind of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Unpack {
    /// ZIP.
    #[serde(rename = "zip")]
    Zip,
    /// TAR in gzip.
    #[serde(rename = "tar.gz")]
    TarGz,
}

/// An archive in an archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inner {
    /// Its name in the outer archive.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// The embedded registry.
pub fn registry() -> &'static Registry {
    static REGISTRY: LazyLock<Registry> =
        LazyLock::new(|| parse(TEXT).expect("the embedded registry is parsed by a test"));
    &REGISTRY
}

/// Parses the file; sets that share files get them.
fn parse(text: &str) -> std::result::Result<Registry, toml::de::Error> {
    let mut registry: Registry = toml::from_str(text)?;
    let all = registry.sets.clone();
    for entry in &mut registry.sets {
        let Some(other) = entry.files_of.as_ref().and_then(|name| all.iter().find(|e| e.name == *name))
        else {
            continue;
        };
        entry.files.extend(other.files.iter().filter(|file| file.made_with.is_none()).cloned());
        entry.downloads.extend(other.downloads.iter().cloned());
    }
    Ok(registry)
}

impl Registry {
    /// The entry of that name, if there is one.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.sets.iter().find(|entry| entry.name == name)
    }

    /// The entry of that name.
    ///
    /// # Errors
    /// [`Error::UnknownDataSet`] with the names that come near.
    pub fn require(&self, name: &str) -> Result<&Entry> {
        self.get(name).ok_or_else(|| Error::UnknownDataSet {
            name: name.to_owned(),
            near: self.near(name),
            known: self.names(),
        })
    }

    /// All names, in the order of the file.
    pub fn names(&self) -> Vec<String> {
        self.sets.iter().map(|entry| entry.name.clone()).collect()
    }

    /// Names this version reads.
    pub fn readable(&self) -> Vec<String> {
        self.sets.iter().filter(|e| e.reader != Reader::Unsupported).map(|e| e.name.clone()).collect()
    }

    /// Known names within a third of their length in slips, or that contain or begin the text.
    pub fn near(&self, text: &str) -> Vec<String> {
        let text = text.to_lowercase().replace('_', "-");
        let is_near = |name: &str| {
            strsim::levenshtein(&text, name) <= name.len().div_ceil(3)
                || (text.len() >= 3 && (name.starts_with(&text) || text.contains(name)))
        };
        self.names().into_iter().filter(|name| text.len() < 64 && is_near(name)).collect()
    }
}

impl Entry {
    /// The file of that name.
    pub(crate) fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_hex(text: &str, len: usize) -> bool {
        text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }

    #[test]
    fn embedded_registry_is_sound() {
        let registry = parse(TEXT).expect("datasets/registry.toml parses");
        assert_eq!(registry.schema, 1);
        let mut names = registry.names();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), registry.sets.len(), "names are unique");
        for entry in &registry.sets {
            let name = &entry.name;
            assert!(entry.files_of.as_deref().is_none_or(|other| registry.get(other).is_some()), "{name}");
            assert!(entry.sample.is_none_or(|sample| sample.rows == entry.rows), "{name}");
            assert!(entry.train_rows <= entry.rows && entry.train_rows > 0, "{name}");
            assert!(entry.class_names.is_empty() || entry.class_names.len() == entry.classes, "{name}");
            let is_read = entry.reader != Reader::Unsupported;
            assert!(
                !is_read || entry.class_names.len() == entry.classes,
                "{name}: a set that is read names its classes"
            );
            assert!(entry.image.is_none_or(|shape| shape.dim() == entry.dim), "{name}");
            assert_eq!(entry.folders.is_empty(), entry.reader == Reader::Strokes, "{name}");
            for file in &entry.files {
                assert!(file.sha256.as_ref().is_none_or(|h| is_hex(h, 64)), "{name}/{}", file.name);
                let sources = entry.downloads.iter().filter(|d| d.gives.contains(&file.name)).count();
                let expected = usize::from(file.made_with.is_none());
                assert_eq!(sources, expected, "{name}/{} comes from one download or is made", file.name);
            }
            for download in &entry.downloads {
                assert!(!download.urls.is_empty(), "{name}/{}", download.name);
                assert!(download.md5.as_ref().is_none_or(|h| is_hex(h, 32)), "{name}/{}", download.name);
                assert!(download.sha256.as_ref().is_none_or(|h| is_hex(h, 64)), "{name}/{}", download.name);
                for given in &download.gives {
                    assert!(entry.file(given).is_some(), "{name}: {given} is a file of the set");
                    if download.unpack.is_none() {
                        assert_eq!(
                            download.name.strip_suffix(".gz").unwrap_or(&download.name),
                            given.strip_suffix(".gz").unwrap_or(given)
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_sets_of_the_papers_are_known() {
        for name in
            ["strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "rcv1", "reuters21578", "stl10"]
        {
            assert!(registry().get(name).is_some(), "{name}");
        }
        assert_eq!(registry().readable(), registry().names());
    }

    #[test]
    fn slips_find_their_name() {
        assert_eq!(registry().near("minst"), ["mnist"]);
        assert_eq!(registry().near("fashion_mnist"), ["mnist", "fashion-mnist"]);
        assert_eq!(registry().near("reuters"), ["reuters10k", "reuters21578"]);
        assert!(registry().near("penguins").is_empty());
    }
}
