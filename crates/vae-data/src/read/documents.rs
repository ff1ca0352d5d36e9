//! Documents of one's own: a folder of text files, or a column of a CSV or TSV.

use std::path::Path;

use crate::error::Result;
use crate::labels::RawLabels;
use crate::memory::{self, Interner};
use crate::read::folder::{classes, ending_of, list};
use crate::read::input::Input;
use crate::read::lines::Lines;
use crate::read::records::{Record, Records};
use crate::read::table::TableOptions;
use crate::text::{Columns, Corpus, TextSet};

/// One text is no longer; a file that is no text at all ends here and not in memory.
const MAX_DOCUMENT_BYTES: usize = 16 << 20;

/// Whether a folder holds text files, itself, in its sub-folders or in theirs, and no PNG pictures.
pub(crate) fn is_text_folder(folder: &Path) -> Result<bool> {
    let (mut all, folders) = list(folder)?;
    for sub in folders {
        let (files, nested) = list(&sub)?;
        all.extend(files);
        // Those are refused, with a message about texts or pictures.
        for deep in nested {
            all.extend(list(&deep)?.0);
        }
    }
    let has = |ending: &str| all.iter().any(|path| ending_of(path) == ending);
    Ok(has("txt") && !has("png"))
}

/// Reads all `.txt` files of a folder as documents, in the order of their paths; sub-folders are classes.
pub(crate) fn read_folder(folder: &Path, columns: &Columns) -> Result<TextSet> {
    let (all, has_classes) = classes(folder, "texts", |path| Ok(ending_of(path) == "txt"))?;
    let mut corpus = columns.corpus();
    let mut labels = Vec::new();
    for (path, class) in all {
        add_file(&mut corpus, &path)?;
        labels.push(class);
    }
    columns.weigh(corpus, folder, has_classes.then_some(RawLabels::Texts(labels)))
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
