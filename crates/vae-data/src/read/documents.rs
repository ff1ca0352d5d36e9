//! Documents of one's own: a folder of text files, or a column of a CSV or TSV.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dataset::RawLabels;
use crate::error::{Error, Result};
use crate::memory::{self, Interner};
use crate::read::input::Input;
use crate::read::records::{Record, Records};
use crate::read::table::{Lines, TableOptions};
use crate::text::{Columns, Corpus, TextSet};

/// One text is no longer; a file that is no text at all ends here and not in memory.
const MAX_DOCUMENT_BYTES: usize = 16 << 20;

/// Whether a folder holds text files, itself or in its sub-folders, and no PNG pictures.
pub(crate) fn is_text_folder(folder: &Path) -> Result<bool> {
    let (files, folders) = list(folder)?;
    let mut all = files;
    for sub in folders {
        all.extend(list(&sub)?.0);
    }
    let has = |ending: &str| all.iter().any(|path| ending_of(path) == ending);
    Ok(has("txt") && !has("png"))
}

/// Reads all `.txt` files of a folder as documents, in the order of their paths; sub-folders are classes.
pub(crate) fn read_folder(folder: &Path, columns: &Columns) -> Result<TextSet> {
    let (files, folders) = list(folder)?;
    let texts = |files: Vec<PathBuf>| files.into_iter().filter(|path| ending_of(path) == "txt");
    let mut all: Vec<(PathBuf, Option<Arc<str>>)> = texts(files).map(|path| (path, None)).collect();
    let loose = all.len();
    for class in folders {
        let name: Arc<str> = class.file_name().unwrap_or_default().to_string_lossy().into();
        all.extend(texts(list(&class)?.0).map(|path| (path, Some(name.clone()))));
    }
    if loose > 0 && loose < all.len() {
        let problem =
            format!("{loose} texts lie beside the sub-folders, so their class is not known; move them");
        return Err(Error::format(folder, problem));
    }
    let mut corpus = columns.corpus();
    let mut labels = Vec::new();
    for (path, class) in all {
        add_file(&mut corpus, &path)?;
        labels.extend(class);
    }
    columns.weigh(corpus, folder, (loose == 0).then_some(RawLabels::Texts(labels)))
}

fn add_file(corpus: &mut Corpus, path: &Path) -> Result<()> {
    let mut lines = Lines::new(Input::open(path)?);
    let mut length = 0;
    while let Some((_, line)) = lines.next_line()? {
        length += line.len();
        if length > MAX_DOCUMENT_BYTES {
            return Err(lines.problem("a text is longer than 16 MiB"));
        }
        corpus.text(line).map_err(|problem| lines.stop(problem))?;
    }
    lines.finish()?;
    corpus.end_document().map_err(|problem| problem.at(path))
}

/// Files and sub-folders, sorted by name; hidden ones are left out.
fn list(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
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

/// `txt` of `a.txt` and of `a.TXT.gz`.
fn ending_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map(|(_, ending)| ending.to_owned()).unwrap_or_default()
}

/// Reads one column of a table as documents, and another as labels if it is named. Quoted fields may have several
/// lines.
pub(crate) fn read_column(
    input: Input<'_>,
    text_column: &str,
    options: &TableOptions,
    columns: &Columns,
) -> Result<TextSet> {
    let path = input.path.clone();
    let mut records = Records::new(input, options)?;
    let text = records.column(text_column)?;
    let label = options.label_column.as_deref().map(|name| records.column(name)).transpose()?;
    let mut corpus = columns.corpus();
    let (mut labels, mut texts) = (Vec::new(), Interner::default());
    while let Some(Record { line, fields }) = records.next()? {
        corpus
            .text(&fields[text])
            .and_then(|()| corpus.end_document())
            .map_err(|problem| problem.at_line(&path, line))?;
        if let Some(label) = label {
            let label = texts.get(&fields[label]).map_err(|short| short.at(&path))?;
            memory::push(&mut labels, label).map_err(|short| short.at(&path))?;
        }
    }
    records.finish()?;
    columns.weigh(corpus, &path, label.map(|_| RawLabels::Texts(labels)))
}
