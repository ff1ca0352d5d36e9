//! Documents of one's own: a folder of text files, or a column of a CSV or TSV.

use std::path::Path;

use crate::error::{Error, Result, TableProblem};
use crate::ids::Ids;
use crate::labels::RawLabels;
use crate::memory::{self, Interner};
use crate::read::content::Content;
use crate::read::folder::{classes, ending_of, list, names};
use crate::read::input::Input;
use crate::read::lines::Lines;
use crate::read::pictures::is_picture_ending;
use crate::read::table::Layout;
use crate::source::LoadOptions;
use crate::text::{Columns, Corpus, TextSet};

/// One text is no longer; a file that is no text at all ends here and not in memory.
const MAX_DOCUMENT_BYTES: usize = 16 << 20;

/// Whether a folder holds text files, itself, in its sub-folders or in theirs, and more of them
/// than pictures.
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
    let count = |is: fn(&str) -> bool| all.iter().filter(|path| is(&ending_of(path))).count();
    Ok(count(|ending| ending == "txt") > count(is_picture_ending))
}

/// Reads all `.txt` files of a folder as documents, in the order of their paths; sub-folders are
/// classes, and paths below the folder are the names of the rows.
pub(crate) fn read_folder(folder: &Path, columns: &Columns) -> Result<(TextSet, Ids)> {
    let (all, has_classes) = classes(folder, "texts", |path| Ok(ending_of(path) == "txt"))?;
    let ids = names(folder, &all)?;
    let mut corpus = columns.corpus();
    let mut labels = Vec::new();
    for (path, class) in all {
        add_file(&mut corpus, &path)?;
        labels.push(class);
    }
    Ok((columns.weigh(corpus, folder, has_classes.then_some(RawLabels::Texts(labels)))?, ids))
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

/// Reads one column of a table as documents, and another as labels if it is named. Quoted fields
/// may have several lines. The first record is a header unless the options say that it is not.
pub(crate) fn read_column(
    content: &Content,
    text_column: &str,
    options: &LoadOptions,
    columns: &Columns,
) -> Result<TextSet> {
    let path = content.path();
    let layout = Layout::of(content, options, Some(options.header.unwrap_or(true)))?;
    let text = layout.find(path, text_column)?;
    let label = options.label_column.as_deref().map(|name| layout.find(path, name)).transpose()?;
    let mut records = layout.records(content, MAX_DOCUMENT_BYTES)?;
    let mut corpus = columns.corpus();
    let (mut labels, mut texts) = (Vec::new(), Interner::default());
    while let Some(record) = records.next()? {
        corpus
            .text(record.get(text))
            .and_then(|()| corpus.end_document())
            .map_err(|problem| problem.at_line(path, record.line))?;
        if let Some(label) = label {
            let label = record.get(label);
            let label = if layout.cells.missing.is(label) { "" } else { label };
            let label = texts.get(label).map_err(|short| short.at(path))?;
            memory::push(&mut labels, label).map_err(|short| short.at(path))?;
        }
    }
    records.finish()?;
    if let Some(label) = label.filter(|_| labels.iter().all(|label| label.is_empty())) {
        let column = layout.names[label].clone();
        return Err(Error::table(path, TableProblem::NoLabels { column }));
    }
    columns.weigh(corpus, path, label.map(|_| RawLabels::Texts(labels)))
}
