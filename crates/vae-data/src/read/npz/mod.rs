//! NPZ: a ZIP archive of NPY arrays, as `numpy.savez` and `numpy.savez_compressed` write it.

mod sparse;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use zip::ZipArchive;

use crate::error::{Error, Result};
use crate::note::{Note, listed};
use crate::read::compressed::MAX_DEFLATE_RATIO;
use crate::read::input::Input;
use crate::read::precision::{Offsets, centred};
use crate::read::{FEATURE_KEYS, Keys, LABEL_KEYS, Raw, npy};

type Archive = ZipArchive<BufReader<File>>;

/// Reads features from the key `x`, `X`, `data`, `features`, `images` or `arr_0`, or from the only
/// array that is not labels; labels from the key `y`, `Y`, `labels`, `label` or `target` if there
/// is one. Keys said by the user come first. What `scipy.sparse.save_npz` writes is read as a
/// sparse matrix.
pub(crate) fn read(path: &Path, said: &Keys, offsets: Offsets<'_>) -> Result<Raw> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| broken(path, &e))?;
    let keys: Vec<String> =
        archive.file_names().filter_map(|name| Some(name.strip_suffix(".npy")?.to_owned())).collect();
    if keys.is_empty() {
        return Err(Error::format(path, foreign_archive(&archive)));
    }
    let there = |key: &str| keys.iter().any(|k| k == key);
    if let Some(key) = [&said.x, &said.y].into_iter().flatten().find(|key| !there(key)) {
        return Err(Error::format(path, format!("has no array `{key}`; it has [{}]", keys.join(", "))));
    }
    let labels = said
        .y
        .as_deref()
        .or_else(|| LABEL_KEYS.into_iter().find(|key| there(key)))
        .filter(|key| said.x.as_deref() != Some(*key));
    let mut raw = if said.x.is_none() && sparse::PARTS.into_iter().all(there) {
        sparse::read(path, |key, read| with_member(&mut archive, path, key, read))?
    } else {
        let features = features(path, &keys, said)?;
        let unused = unused(&keys, &[Some(features), labels]);
        let mut raw = centred(offsets, |narrow| {
            with_member(&mut archive, path, features, |input| npy::read(input, narrow))
        })?;
        raw.notes.extend(unused);
        raw
    };
    let Some(key) = labels else { return Ok(raw) };
    let n = raw.n;
    match with_member(&mut archive, path, key, |input| npy::read_labels(input, n)) {
        Ok(labels) => raw.labels = Some(labels),
        // Something else may be called so, and then nobody can say that there are no labels.
        Err(Error::Format { problem, .. }) if said.y.is_none() => {
            raw.notes.push(Note::warning(format!("`{key}` is not taken as labels: {problem}")));
        }
        Err(error) => return Err(error),
    }
    Ok(raw)
}

/// The array that holds the features.
fn features<'a>(path: &Path, keys: &'a [String], said: &'a Keys) -> Result<&'a str> {
    let others: Vec<&String> = keys.iter().filter(|key| !LABEL_KEYS.contains(&key.as_str())).collect();
    let known = FEATURE_KEYS.into_iter().find(|key| keys.iter().any(|k| k == key));
    match (said.x.as_deref().or(known), others.as_slice()) {
        (Some(key), _) => Ok(key),
        (None, [only]) => Ok(only),
        _ => {
            let problem = format!(
                "which array holds the features is not clear; it has [{}]: call it `x`, and the labels `y`, or say \
                 --x-key and --y-key",
                keys.join(", ")
            );
            Err(Error::format(path, problem))
        }
    }
}

/// Says which arrays are left out.
fn unused(keys: &[String], used: &[Option<&str>]) -> Option<Note> {
    let unused: Vec<&String> = keys.iter().filter(|key| !used.contains(&Some(key.as_str()))).collect();
    let text = || {
        let used: Vec<&str> = used.iter().flatten().copied().collect();
        format!("{} read; not used: {} (--x-key and --y-key choose)", listed(used), listed(unused.iter()))
    };
    (!unused.is_empty()).then(|| Note::info(text()))
}

/// What is wrong with an archive that holds no arrays.
fn foreign_archive(archive: &Archive) -> &'static str {
    let has = |part: &str| archive.file_names().any(|name| name.starts_with(part));
    if has("xl/") {
        "is a workbook of Excel (xlsx), which is not read; save the sheet as CSV (in Excel: CSV UTF-8)"
    } else if has("content.xml") {
        "is a spreadsheet (ods), which is not read; save the sheet as CSV"
    } else {
        "is a ZIP archive without NPY arrays; unpack it and give what it holds"
    }
}

fn with_member<T>(
    archive: &mut Archive,
    path: &Path,
    key: &str,
    read: impl FnOnce(Input<'_>) -> Result<T>,
) -> Result<T> {
    let member = archive.by_name(&format!("{key}.npy")).map_err(|e| broken(path, &e))?;
    let bound = member.size().min(member.compressed_size().saturating_mul(MAX_DEFLATE_RATIO));
    read(Input::new(&path.join(format!("{key}.npy")), member, bound))
}

fn broken(path: &Path, error: &zip::result::ZipError) -> Error {
    Error::format(
        path,
        format!(
            "cannot be read as an NPZ archive ({error}); copy or save it again, and unpack it if it is compressed once more"
        ),
    )
}

#[cfg(test)]
mod sparse_tests;
#[cfg(test)]
mod tests;
