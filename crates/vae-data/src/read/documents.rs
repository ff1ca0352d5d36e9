//! Documents of one's own: a folder of text files, or a column of a CSV or TSV.

use std::path::Path;

use vae_array::Csr;

use crate::error::{Error, Result, TableProblem};
use crate::ids::Ids;
use crate::labels::RawLabels;
use crate::memory::{self, Interner};
use crate::read::content::Content;
use crate::read::folder::{Classed, classes, ending_of, list, names};
use crate::read::input::Input;
use crate::read::lines::Lines;
use crate::read::pictures::is_picture_ending;
use crate::read::table::{Layout, Records};
use crate::source::LoadOptions;
use crate::text::{Columns, Corpus, TextSet, Vocabulary};

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
    let mut corpus = columns.corpus().with_beginnings();
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
    let mut corpus = columns.corpus().with_beginnings();
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

/// The documents of a column in blocks, with the terms and weights of a vocabulary.
pub(crate) struct ColumnBlocks {
    content: Content,
    records: Option<Records<'static>>,
    column: usize,
    vocabulary: Vocabulary,
    n: usize,
}

impl ColumnBlocks {
    /// Opens a table of documents: passes over it once.
    pub fn open(
        content: Content,
        column: &str,
        options: &LoadOptions,
        vocabulary: Vocabulary,
    ) -> Result<Self> {
        let layout = Layout::of(&content, options, Some(options.header.unwrap_or(true)))?;
        let column = layout.find(content.path(), column)?;
        if let Some(label) = &options.label_column {
            layout.find(content.path(), label)?;
        }
        let mut records = layout.records(&content, MAX_DOCUMENT_BYTES)?;
        let mut n = 0;
        while records.next()?.is_some() {
            n += 1;
        }
        records.finish()?;
        if n == 0 {
            let path = content.path().to_owned();
            return Err(Error::Empty { path, expected: "at least one document" });
        }
        let records = Some(layout.records(&content, MAX_DOCUMENT_BYTES)?);
        Ok(Self { content, records, column, vocabulary, n })
    }

    /// Number of terms.
    pub fn dim(&self) -> usize {
        self.vocabulary.terms.len()
    }

    /// Number of documents.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The next `rows` documents, fewer at the end and none behind it.
    pub fn next(&mut self, rows: usize) -> Result<Csr> {
        let mut corpus = Corpus::of_terms(&self.vocabulary);
        while let Some(records) = self.records.as_mut().filter(|_| corpus.n() < rows) {
            let Some(record) = records.next()? else {
                self.records = None;
                break;
            };
            corpus
                .text(record.get(self.column))
                .and_then(|()| corpus.end_document())
                .map_err(|problem| problem.at_line(self.content.path(), record.line))?;
        }
        Ok(corpus.weigh_as(&self.vocabulary))
    }
}

/// The documents of a folder in blocks, with the terms and weights of a vocabulary.
pub(crate) struct FolderBlocks {
    all: Vec<Classed>,
    ids: Ids,
    vocabulary: Vocabulary,
    at: usize,
}

impl FolderBlocks {
    /// Lists a folder.
    pub fn open(folder: &Path, vocabulary: Vocabulary) -> Result<Self> {
        let (all, _) = classes(folder, "texts", |path| Ok(ending_of(path) == "txt"))?;
        let ids = names(folder, &all)?;
        Ok(Self { all, ids, vocabulary, at: 0 })
    }

    /// Number of terms.
    pub fn dim(&self) -> usize {
        self.vocabulary.terms.len()
    }

    /// Number of documents.
    pub fn n(&self) -> usize {
        self.all.len()
    }

    /// The next `rows` documents with their names, fewer at the end and none behind it.
    pub fn next(&mut self, rows: usize) -> Result<(Csr, Ids)> {
        let end = self.all.len().min(self.at + rows);
        let mut corpus = Corpus::of_terms(&self.vocabulary);
        for (path, _) in &self.all[self.at..end] {
            add_file(&mut corpus, path)?;
        }
        let ids = self.ids.slice(self.at, end);
        self.at = end;
        Ok((corpus.weigh_as(&self.vocabulary), ids))
    }
}
