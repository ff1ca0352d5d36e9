//! Folders of files: all in the folder itself, or one sub-folder a class. What lies deeper is
//! refused and not left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::ids::Ids;
use crate::read::compressed::uncompressed_name;

/// A file and its class.
pub(crate) type Classed = (PathBuf, Arc<str>);

/// The name of a file in lower case, without what says how it is compressed.
pub(crate) fn lower_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    uncompressed_name(&name).to_owned()
}

/// `txt` of `a.txt` and of `a.TXT.gz`.
pub(crate) fn ending_of(path: &Path) -> String {
    lower_name(path).rsplit_once('.').map(|(_, ending)| ending.to_owned()).unwrap_or_default()
}

/// Files and sub-folders, sorted by name; hidden ones are left out.
pub(crate) fn list(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let path = entry.map_err(Error::io("list", folder))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() { folders.push(path) } else { files.push(path) }
    }
    files.sort();
    folders.sort();
    Ok((files, folders))
}

/// The files that `is_one` wants, in the order of their paths, each with its class; whether they
/// have classes. `what` says what they are.
pub(crate) fn classes(
    folder: &Path,
    what: &'static str,
    mut is_one: impl FnMut(&Path) -> Result<bool>,
) -> Result<(Vec<Classed>, bool)> {
    let (files, folders) = list(folder)?;
    let mut all = Vec::new();
    let mut add = |files: Vec<PathBuf>, class: &Arc<str>| -> Result<usize> {
        let before = all.len();
        for path in files {
            if is_one(&path)? {
                all.push((path, Arc::clone(class)));
            }
        }
        Ok(all.len() - before)
    };
    let loose = add(files, &"".into())?;
    for class in folders {
        let (files, nested) = list(&class)?;
        if let Some(nested) = nested.first() {
            let problem = format!(
                "one level of sub-folders, the classes, is read; move the {what} in it up, or it away"
            );
            return Err(Error::format(nested, problem));
        }
        add(files, &class.file_name().unwrap_or_default().to_string_lossy().into())?;
    }
    if loose > 0 && loose < all.len() {
        let problem =
            format!("{loose} {what} lie beside the sub-folders, so their class is not known; move them");
        return Err(Error::format(folder, problem));
    }
    Ok((all, loose == 0))
}

/// The paths of files below `folder` as names of rows.
pub(crate) fn names(folder: &Path, files: &[Classed]) -> Result<Ids> {
    let mut ids = Ids::new("file");
    ids.reserve(files.len()).map_err(|short| short.at(folder))?;
    for (path, _) in files {
        ids.push(&name_below(folder, path)).map_err(|short| short.at(folder))?;
    }
    Ok(ids)
}

/// The path of a file below `folder`, with `/` on every system.
pub(crate) fn name_below(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
