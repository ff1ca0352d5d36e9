//! Documents of one's own: a folder of text files, or a column of a CSV or TSV.

use std::path::Path;

use vae_array::Csr;

use crate::error::{Error, Result, TableProblem};
use crate::ids::Ids;
use crate::labels::RawLabels;
use crate::memory::{self, Interner};
use crate::note::Note;
use crate::read::content::Content;
use crate::read::folder::{Classed, classes, ending_of, list, names};
use crate::read::input::Input;
use crate::read::lines::Lines;
use crate::read::pictures::is_picture_ending;
use crate::read::table::{DocumentTable, Records, TableText};
use crate::source::LoadOptions;
use crate::text::{Columns, Corpus, TextSet, Vocabulary, Wordless};

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

/// Reads one column of a table as documents, another as labels if it is named, and one as names of
/// the rows as a table of numbers has them. Quoted fields may have several lines.
pub(crate) fn read_column(
    content: &Content,
    text_column: &str,
    options: &LoadOptions,
    columns: &Columns,
) -> Result<TextSet> {
    let path = content.path();
    let table = DocumentTable::of(content, text_column, options, MAX_DOCUMENT_BYTES)?;
    let mut records = table.layout.records(content, MAX_DOCUMENT_BYTES)?;
    let mut corpus = columns.corpus().with_beginnings();
    let (mut labels, mut texts) = (Vec::new(), Interner::default());
    let mut ids = table.id_name().map(Ids::new);
    while let Some(record) = records.next()? {
        corpus
            .text(record.get(table.text))
            .and_then(|()| corpus.end_document())
            .map_err(|problem| problem.at_line(path, record.line))?;
        if let (Some(id), Some(ids)) = (table.id, &mut ids) {
            ids.push(record.get(id)).map_err(|short| short.at(path))?;
        }
        if let Some(label) = table.label {
            let label = record.get(label);
            let label = if table.layout.cells.missing.is(label) { "" } else { label };
            let label = texts.get(label).map_err(|short| short.at(path))?;
            memory::push(&mut labels, label).map_err(|short| short.at(path))?;
        }
    }
    records.finish()?;
    if let Some(label) = table.label.filter(|_| labels.iter().all(|label| label.is_empty())) {
        let column = table.layout.names[label].clone();
        return Err(Error::table(path, TableProblem::NoLabels { column }));
    }
    let set = columns.weigh(corpus, path, table.label.map(|_| RawLabels::Texts(labels)))?;
    Ok(TextSet { ids, notes: table.notes, ..set })
}

/// The documents of a column in blocks, with the terms and weights of a vocabulary.
pub(crate) struct ColumnBlocks {
    content: Content,
    table: DocumentTable,
    records: Option<Records<'static>>,
    vocabulary: Vocabulary,
    wordless: Wordless,
    at: usize,
    keeps_text: bool,
}

/// Some documents of a column, in their order.
pub(crate) struct ColumnBlock {
    pub x: Csr,
    pub ids: Option<Ids>,
    /// The rows as the file has them, where [`ColumnBlocks::keep_text`] asked for them.
    pub text: Option<Vec<String>>,
}

impl ColumnBlocks {
    /// Opens a table of documents: passes over it once.
    pub fn open(
        content: Content,
        column: &str,
        options: &LoadOptions,
        vocabulary: Vocabulary,
    ) -> Result<Self> {
        let table = DocumentTable::of(&content, column, options, MAX_DOCUMENT_BYTES)?;
        let records = Some(table.layout.records(&content, MAX_DOCUMENT_BYTES)?);
        let wordless = Wordless::default();
        Ok(Self { content, table, records, vocabulary, wordless, at: 0, keeps_text: false })
    }

    /// Has the blocks from here on hold the rows as the file has them; says how it is written.
    pub fn keep_text(&mut self) -> Result<TableText> {
        self.keeps_text = true;
        self.table.layout.text(&self.content, self.table.decimal_comma)
    }

    /// Name of the column that names the rows.
    pub fn id_name(&self) -> Option<&str> {
        self.table.id_name()
    }

    /// What was decided and seen since the last call.
    pub fn notes(&mut self) -> Vec<Note> {
        let mut notes = std::mem::take(&mut self.table.notes);
        notes.extend(self.wordless.take_note(true));
        notes
    }

    /// Number of terms.
    pub fn dim(&self) -> usize {
        self.vocabulary.terms.len()
    }

    /// Number of documents.
    pub fn n(&self) -> usize {
        self.table.n
    }

    /// The next `rows` documents, fewer at the end and none behind it.
    pub fn next(&mut self, rows: usize) -> Result<ColumnBlock> {
        let path = self.content.path();
        let mut corpus = Corpus::of_terms(&self.vocabulary);
        let mut ids = self.table.id_name().map(Ids::new);
        let mut text = self.keeps_text.then(Vec::new);
        while let Some(records) = self.records.as_mut().filter(|_| corpus.n() < rows) {
            let Some(record) = records.next()? else {
                self.records = None;
                break;
            };
            corpus
                .text(record.get(self.table.text))
                .and_then(|()| corpus.end_document())
                .map_err(|problem| problem.at_line(path, record.line))?;
            if let (Some(id), Some(ids)) = (self.table.id, &mut ids) {
                ids.push(record.get(id)).map_err(|short| short.at(path))?;
            }
            if let Some(text) = &mut text {
                let pushed = memory::copy_of(record.text()).and_then(|row| memory::push(text, row));
                pushed.map_err(|short| short.at(path))?;
            }
        }
        let x = corpus.weigh_as(&self.vocabulary);
        self.wordless.look(&x, ids.as_ref(), self.at);
        self.at += x.n();
        Ok(ColumnBlock { x, ids, text })
    }
}

/// The documents of a folder in blocks, with the terms and weights of a vocabulary.
pub(crate) struct FolderBlocks {
    all: Vec<Classed>,
    ids: Ids,
    vocabulary: Vocabulary,
    wordless: Wordless,
    at: usize,
}

impl FolderBlocks {
    /// Lists a folder.
    pub fn open(folder: &Path, vocabulary: Vocabulary) -> Result<Self> {
        let (all, _) = classes(folder, "texts", |path| Ok(ending_of(path) == "txt"))?;
        let ids = names(folder, &all)?;
        Ok(Self { all, ids, vocabulary, wordless: Wordless::default(), at: 0 })
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
        let (x, ids) = (corpus.weigh_as(&self.vocabulary), self.ids.slice(self.at, end));
        self.wordless.look(&x, Some(&ids), self.at);
        self.at = end;
        Ok((x, ids))
    }

    /// What was seen since the last call.
    pub fn notes(&mut self) -> Vec<Note> {
        self.wordless.take_note(true).into_iter().collect()
    }
}
