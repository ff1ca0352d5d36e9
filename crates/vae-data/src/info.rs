//! What is known about a data set, where it was found, and whether its files are right.

use std::path::PathBuf;
use vae_array::ImageShape;

use crate::error::{Looked, Result};
use crate::fetch::{FileState, file_state, read_pins};
use crate::load::load_from;
use crate::note::Note;
use crate::places::{Places, resolve};
use crate::read::content::Content;
use crate::read::folder::ending_of;
use crate::read::table::{TableInfo, describe};
use crate::registry::{Entry, Reader, registry};
use crate::source::{LoadOptions, Source};

/// What `vae data info` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Name in the registry, or the path.
    pub name: String,
    /// One line for people; empty for one's own data.
    pub title: String,
    /// Rows.
    pub n: usize,
    /// Columns.
    pub dim: usize,
    /// Shape of a row, where rows are pictures.
    pub image: Option<ImageShape>,
    /// Rows `0..n_train` are the training split.
    pub n_train: usize,
    /// Number of classes; `None` where there are no labels.
    pub n_classes: Option<usize>,
    /// Names of the classes, where they are known.
    pub class_names: Vec<String>,
    /// Terms of use; empty for one's own data.
    pub licence: String,
    /// The publisher's page.
    pub homepage: String,
    /// What to cite.
    pub citation: String,
    /// What is done to the values on loading.
    pub preprocessing: String,
    /// Whether this version can load it.
    pub readable: bool,
    /// The folder it was found in, or the path; `None` for sets that are generated or not there.
    pub found: Option<PathBuf>,
    /// The folders that were looked at before.
    pub looked: Vec<Looked>,
    /// The files of a known set, each checked against its checksum.
    pub files: Vec<FileInfo>,
    /// What was decided while loading one's own data.
    pub notes: Vec<Note>,
}

/// One file of a known set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Path below the set's folder.
    pub name: String,
    /// Where it is.
    pub path: Option<PathBuf>,
    /// Whether it is right.
    pub state: FileState,
}

/// Tells about a data set: of a known one what the registry says and the state of its files (all of
/// which are read and hashed), of one's own what loading it gives.
///
/// # Errors
/// Those of [`load`](crate::load) for one's own data; for a known set that is not there none.
pub fn info(source: &Source, options: &LoadOptions) -> Result<Info> {
    let places = Places::from_env(options.data_dir.as_deref());
    match source {
        Source::Known(name) => known(registry().require(name)?, &places),
        Source::Path(path) => own(source, Some(path.clone()), options, &places),
        Source::StandardInput => own(source, None, options, &places),
    }
}

/// What each column of a table holds, in one pass and without its rows in memory. Columns that
/// loading would refuse are described as well. `None` for what is no table: a known set, a folder,
/// an array, pictures.
///
/// # Errors
/// A file that cannot be read or taken apart, or an option that names a column it does not have.
pub fn table_info(source: &Source, options: &LoadOptions) -> Result<Option<TableInfo>> {
    let content = match source {
        Source::Known(_) => return Ok(None),
        Source::Path(path) if path.is_dir() => return Ok(None),
        Source::Path(path) => Content::of_path(path)?,
        Source::StandardInput => Content::of_standard_input()?,
    };
    if !is_table(&content)? {
        return Ok(None);
    }
    describe(&content, options).map(Some)
}

/// Whether a file begins as text does; all other formats have bytes that text has not.
fn is_table(content: &Content) -> Result<bool> {
    const LOOKED_AT: u64 = 512;
    let start = content.open()?.peek(LOOKED_AT)?;
    let is_of_text = |byte: &u8| *byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r');
    Ok(ending_of(content.path()) != "mat" && start.iter().all(is_of_text))
}

fn known(entry: &Entry, places: &Places) -> Result<Info> {
    let (found, looked) = places.find(entry);
    // Files of an incomplete folder are worth telling as well.
    let partial = looked.iter().find(|place| place.missing.is_some()).map(|place| place.folder.clone());
    let files = match found.as_ref().or(partial.as_ref()) {
        Some(folder) => {
            let pins = read_pins(folder)?;
            let tell = |file: &crate::registry::File| FileInfo {
                name: file.name.clone(),
                path: resolve(folder, &file.name),
                state: file_state(folder, file, &pins),
            };
            entry.files.iter().map(tell).collect()
        }
        None => {
            let tell = |file: &crate::registry::File| FileInfo {
                name: file.name.clone(),
                path: None,
                state: FileState::Missing,
            };
            entry.files.iter().map(tell).collect()
        }
    };
    Ok(Info {
        name: entry.name.clone(),
        title: entry.title.clone(),
        n: entry.rows,
        dim: entry.dim,
        image: entry.image,
        n_train: entry.train_rows,
        n_classes: Some(entry.classes),
        class_names: entry.class_names.clone(),
        licence: entry.licence.clone(),
        homepage: entry.homepage.clone(),
        citation: entry.citation.clone(),
        preprocessing: entry.preprocessing.clone(),
        readable: entry.reader != Reader::Unsupported,
        found,
        looked,
        files,
        notes: Vec::new(),
    })
}

fn own(source: &Source, path: Option<PathBuf>, options: &LoadOptions, places: &Places) -> Result<Info> {
    let (data, labels) = load_from(source, options, places)?;
    let preprocessing = if data.vocabulary.is_some() {
        "tf-idf of the most frequent terms; rows of length sqrt(terms)"
    } else if data.image.is_some() {
        "intensities as fractions of their maximum, where they are bytes"
    } else {
        "none"
    };
    Ok(Info {
        name: data.name,
        title: String::new(),
        n: data.x.n(),
        dim: data.x.dim().1,
        image: data.image,
        n_train: data.n_train,
        n_classes: labels.as_ref().map(|labels| labels.n_classes()),
        class_names: labels.map(|labels| labels.class_names).unwrap_or_default(),
        licence: String::new(),
        homepage: String::new(),
        citation: String::new(),
        preprocessing: preprocessing.to_owned(),
        readable: true,
        found: path,
        looked: Vec::new(),
        files: Vec::new(),
        notes: data.notes,
    })
}
