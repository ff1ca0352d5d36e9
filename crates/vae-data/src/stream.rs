//! Data for a fitted model in blocks of rows, so that they need not fit into memory.

use std::path::Path;

use ndarray::Array2;
use vae_array::{ImageShape, Schema};

use crate::assemble::{of_offsets, offsets_for};
use crate::dataset::DataSet;
use crate::error::{Error, Result, TableProblem};
use crate::file_kind::FileKind;
use crate::ids::Ids;
use crate::known::{Folder, is_har_folder, is_idx_folder, is_stl10_folder};
use crate::known_text::{is_rcv1_folder, is_reuters21578_folder};
use crate::load::{load, name_of, terms};
use crate::load_options::{COLUMN_OPTIONS, PICTURE_OPTIONS, TABLE_OPTIONS, TEXT_OPTIONS, only_options};
use crate::matrix::Matrix;
use crate::note::Note;
use crate::read::content::Content;
use crate::read::documents::{self, ColumnBlocks, FolderBlocks};
use crate::read::npy;
use crate::read::pictures::PictureBlocks;
use crate::read::table::{TableReader, TableText};
use crate::source::{LoadOptions, Source};
use crate::text::Columns;

/// Data in blocks of rows: the same rows that [`load`](crate::load) gives all at once.
///
/// Tables, NPY arrays with rows first, and folders of pictures need memory for a block only, and so
/// do documents where [`LoadOptions::vocabulary`] says what their columns are. Everything else, and
/// data beside a file of labels, is loaded whole, and then cut.
///
/// ```
/// use vae_data::{LoadOptions, Stream};
///
/// let options = LoadOptions { as_fitted: true, ..LoadOptions::default() };
/// let mut stream = Stream::open(&"strokes".parse()?, &options)?;
/// let mut n = 0;
/// while let Some(block) = stream.next_block(4096)? {
///     assert_eq!(block.start, n);
///     n += block.x.n();
/// }
/// assert_eq!((n, stream.n()), (10_000, 10_000));
/// # Ok::<(), vae_data::Error>(())
/// ```
pub struct Stream {
    name: String,
    rows: Rows,
    at: usize,
    /// Notes of a table that were given out.
    told: usize,
}

enum Rows {
    Table(Box<TableReader>),
    Array(Box<npy::Rows>, Option<Schema>, Vec<Note>),
    Pictures(Box<PictureBlocks>),
    Column(Box<ColumnBlocks>),
    Folder(Box<FolderBlocks>),
    Whole(Box<DataSet>),
}

/// Some rows, in the order of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct RowBlock {
    /// Features `[rows, d]`, NaN where a cell of a table is missing.
    pub x: Matrix,
    /// Names of the rows, if they have some.
    pub ids: Option<Ids>,
    /// Number of the first row, from 0.
    pub start: usize,
    /// The rows as the table has them, where [`Stream::keep_text`] asked for them.
    pub text: Option<Vec<String>>,
}

impl Stream {
    /// Opens data. Of a table all faults are told now, before the first block.
    ///
    /// # Errors
    /// As [`load`](crate::load).
    pub fn open(source: &Source, options: &LoadOptions) -> Result<Self> {
        let rows = match source {
            _ if options.labels.is_some() => None,
            Source::Known(_) => None,
            Source::Path(path) if path.is_dir() => of_folder(path, options)?,
            Source::Path(path) => of_file(Content::of_path(path)?, options)?,
            Source::StandardInput => of_file(Content::of_standard_input()?, options)?,
        };
        let rows = match rows {
            Some(rows) => rows,
            None => Rows::Whole(Box::new(load(source, options)?.0)),
        };
        let name = match (source, &rows) {
            (_, Rows::Whole(set)) => set.name.clone(),
            (Source::Path(path), _) => name_of(path),
            (Source::Known(name), _) => name.clone(),
            (Source::StandardInput, _) => "stdin".to_owned(),
        };
        Ok(Self { name, rows, at: 0, told: 0 })
    }

    /// What a data set of these rows is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether blocks are read one after another: else the data are in memory, as a whole.
    pub fn is_in_blocks(&self) -> bool {
        !matches!(self.rows, Rows::Whole(_))
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        match &self.rows {
            Rows::Table(reader) => reader.n(),
            Rows::Array(rows, ..) => rows.dim().0,
            Rows::Pictures(blocks) => blocks.n(),
            Rows::Column(blocks) => blocks.n(),
            Rows::Folder(blocks) => blocks.n(),
            Rows::Whole(set) => set.x.n(),
        }
    }

    /// Number of features.
    pub fn dim(&self) -> usize {
        match &self.rows {
            Rows::Table(reader) => reader.schema().n_features(),
            Rows::Array(rows, ..) => rows.dim().1,
            Rows::Pictures(blocks) => blocks.shape().dim(),
            Rows::Column(blocks) => blocks.dim(),
            Rows::Folder(blocks) => blocks.dim(),
            Rows::Whole(set) => set.x.dim().1,
        }
    }

    /// What the features are made of, where the data are a table.
    pub fn schema(&self) -> Option<&Schema> {
        match &self.rows {
            Rows::Table(reader) => Some(reader.schema()),
            Rows::Array(_, schema, _) => schema.as_ref(),
            Rows::Whole(set) => set.schema.as_ref(),
            Rows::Pictures(_) | Rows::Column(_) | Rows::Folder(_) => None,
        }
    }

    /// Shape of a row, where rows are pictures.
    pub fn image(&self) -> Option<ImageShape> {
        match &self.rows {
            Rows::Array(rows, ..) => rows.image(),
            Rows::Pictures(blocks) => Some(blocks.shape()),
            Rows::Whole(set) => set.image,
            Rows::Table(_) | Rows::Column(_) | Rows::Folder(_) => None,
        }
    }

    /// Name of the column, or of what it is else, that names the rows.
    pub fn id_name(&self) -> Option<&str> {
        match &self.rows {
            Rows::Table(reader) => reader.id_name(),
            Rows::Pictures(_) | Rows::Folder(_) => Some("file"),
            Rows::Whole(set) => set.ids.as_ref().map(Ids::name),
            Rows::Column(blocks) => blocks.id_name(),
            Rows::Array(..) => None,
        }
    }

    /// Whether the rows are documents.
    pub fn is_documents(&self) -> bool {
        match &self.rows {
            Rows::Column(_) | Rows::Folder(_) => true,
            Rows::Whole(set) => set.vocabulary.is_some(),
            Rows::Table(_) | Rows::Array(..) | Rows::Pictures(_) => false,
        }
    }

    /// Has the blocks from here on hold the rows of a table as the file has them, and says how it
    /// is written; `None` for data that are no table.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn keep_text(&mut self) -> Result<Option<TableText>> {
        match &mut self.rows {
            Rows::Table(reader) => reader.keep_text().map(Some),
            Rows::Column(blocks) => blocks.keep_text().map(Some),
            _ => Ok(None),
        }
    }

    /// What was decided since the last call, while opening the data and reading them.
    pub fn notes(&mut self) -> Vec<Note> {
        match &mut self.rows {
            Rows::Table(reader) => {
                let notes = reader.notes()[self.told..].to_vec();
                self.told += notes.len();
                notes
            }
            Rows::Pictures(blocks) => blocks.notes(),
            Rows::Whole(set) => std::mem::take(&mut set.notes),
            Rows::Array(.., notes) => std::mem::take(notes),
            Rows::Column(blocks) => blocks.notes(),
            Rows::Folder(blocks) => blocks.notes(),
        }
    }

    /// The next `rows` rows, fewer at the end; `None` behind it.
    ///
    /// # Errors
    /// [`Error::TooLarge`], and what is wrong with an array, a picture or a text.
    pub fn next_block(&mut self, rows: usize) -> Result<Option<RowBlock>> {
        let start = self.at;
        let rows = rows.max(1).min(self.n() - start);
        if rows == 0 {
            // Passes the end of a table, which checks it and counts what was missing.
            if let Rows::Table(reader) = &mut self.rows {
                reader.next_block(1)?;
            }
            return Ok(None);
        }
        let mut text = None;
        let (x, ids) = match &mut self.rows {
            Rows::Table(reader) => {
                let Some(block) = reader.next_block(rows)? else {
                    return Err(Error::table(reader.path(), TableProblem::Changed));
                };
                text = block.text;
                (Matrix::Dense(block.x), block.ids)
            }
            Rows::Array(array, ..) => (dense(array.next(rows)?, array.dim().1)?, None),
            Rows::Pictures(blocks) => {
                let (x, ids) = blocks.next(rows)?;
                (dense(x, blocks.shape().dim())?, Some(ids))
            }
            Rows::Column(blocks) => {
                let block = blocks.next(rows)?;
                text = block.text;
                (Matrix::Sparse(block.x), block.ids)
            }
            Rows::Folder(blocks) => {
                let (x, ids) = blocks.next(rows)?;
                (Matrix::Sparse(x), Some(ids))
            }
            Rows::Whole(set) => {
                let end = start + rows;
                (set.x.rows(start, end), set.ids.as_ref().map(|ids| ids.slice(start, end)))
            }
        };
        self.at += x.n();
        Ok(Some(RowBlock { x, ids, start, text }))
    }
}

fn dense(x: Vec<f32>, d: usize) -> Result<Matrix> {
    let x = Array2::from_shape_vec((x.len() / d.max(1), d), x);
    Ok(Matrix::Dense(x.map_err(|e| Error::format(Path::new("the rows"), e.to_string()))?))
}

/// A file whose rows come one after another; `None` for others.
fn of_file(content: Content, options: &LoadOptions) -> Result<Option<Rows>> {
    match FileKind::of(&content)? {
        FileKind::Table => {}
        FileKind::Npy => {
            only_options(options, &[], "an NPY array")?;
            let opened = match offsets_for(options) {
                Some(offsets) => npy::Rows::open(content.open()?, offsets)?.map(|rows| (rows, Vec::new())),
                None => npy::Rows::centred(|| content.open())?,
            };
            return Ok(opened.map(|(rows, notes)| {
                let schema = rows.offsets().map(|offsets| of_offsets(offsets.to_vec()));
                Rows::Array(Box::new(rows), schema, notes)
            }));
        }
        FileKind::Matlab | FileKind::Npz | FileKind::Idx => return Ok(None),
    }
    let Some(column) = &options.text_column else {
        only_options(options, &TABLE_OPTIONS, "a table")?;
        return Ok(Some(Rows::Table(Box::new(TableReader::of(content, options)?))));
    };
    only_options(options, &COLUMN_OPTIONS, "a table of documents")?;
    match terms(options)? {
        Columns::Given(vocabulary) => {
            let blocks = ColumnBlocks::open(content, column, options, vocabulary)?;
            Ok(Some(Rows::Column(Box::new(blocks))))
        }
        Columns::Own(_) => Ok(None),
    }
}

/// A folder of files that are the rows; `None` for others.
fn of_folder(path: &Path, options: &LoadOptions) -> Result<Option<Rows>> {
    let folder = Folder { path, entry: None };
    let is_known = is_reuters21578_folder(folder) || is_rcv1_folder(folder);
    if is_known || is_idx_folder(path) || is_har_folder(path) || is_stl10_folder(path) {
        return Ok(None);
    }
    if !documents::is_text_folder(path)? {
        only_options(options, &PICTURE_OPTIONS, "a folder without documents")?;
        let blocks = PictureBlocks::open(path, options.image_size)?;
        return Ok(Some(Rows::Pictures(Box::new(blocks))));
    }
    only_options(options, &TEXT_OPTIONS, "a folder of documents")?;
    match terms(options)? {
        Columns::Given(vocabulary) => Ok(Some(Rows::Folder(Box::new(FolderBlocks::open(path, vocabulary)?)))),
        Columns::Own(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests;
