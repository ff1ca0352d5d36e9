//! From a [`Source`] to arrays: which reader a set or a file needs, and what is checked of its
//! result.

use std::path::Path;

use crate::assemble::{Found, Names, assemble, offsets_for};
use crate::dataset::DataSet;
use crate::error::{Error, Result};
use crate::fetch::file_sha256;
use crate::file_kind::FileKind;
use crate::ids::Ids;
use crate::known::{
    Folder, draw_strokes, is_har_folder, is_idx_folder, is_stl10_folder, read_har_folder, read_idx_folder,
    read_reuters10k, read_stl10, read_stl10_features,
};
use crate::known_text::{is_rcv1_folder, is_reuters21578_folder, read_rcv1, read_reuters21578};
use crate::labels::Labels;
use crate::load_options::{
    COLUMN_OPTIONS, FOLDER_OPTIONS, KEY_OPTIONS, PICTURE_OPTIONS, TABLE_OPTIONS, TEXT_OPTIONS, only_options,
};
use crate::matrix::Matrix;
use crate::places::{Places, resolve};
use crate::read::compressed::uncompressed_name;
use crate::read::content::Content;
use crate::read::label_table::{self, Labelled};
use crate::read::precision::{Offsets, centred};
use crate::read::table::Table;
use crate::read::{Keys, Raw, documents, idx, mat, npy, npz, pictures, table};
use crate::registry::{Entry, Reader, registry};
use crate::source::{LoadOptions, Source};
use crate::text::{Columns, DEFAULT_MAX_TERMS, TextSet, Vocabulary, Wordless};

/// Loads a data set: features, and its labels if it has any.
///
/// Known sets are looked for in `options.data_dir`, `VAE_DATA_DIR` and the cache folder, and the
/// content of their files is always checked against the published SHA-256. Paths are read by what
/// they hold:
///
/// | path | features | labels |
/// |---|---|---|
/// | IDX | `[n, h, w]`, `[n, c, h, w]`: pictures, bytes divided by 255; `[n, d]`: as they are | |
/// | folder with MNIST's four file names | pictures, bytes divided by 255, training rows first | yes |
/// | folder with UCI HAR's `train/X_train.txt` … | as they are, training rows first | yes |
/// | CSV, TSV; Parquet, Feather, Arrow (feature `parquet`) | numbers as they are, a category as one feature a value, see below | `options.label_column` |
/// | NPY, rows or columns first | as IDX | |
/// | NPZ | `options.x_key`, or key `x`, `X`, `data`, `features`, `images`, or the only array | `options.y_key`, or key `y`, `labels` or `target` |
/// | NPZ that `scipy.sparse.save_npz` wrote (csr, csc, coo) | sparse | as NPZ |
/// | MATLAB level 5 | as NPZ, matrices as they are | as NPZ |
/// | CSV, TSV with `options.text_column` | tf-idf of the documents in that column | `options.label_column` |
/// | folder of `.txt` files | tf-idf of the documents | sub-folders |
/// | folders with the file names of Reuters-21578, RCV1, STL-10 | as those sets | yes |
/// | folder of pictures (PNG, JPEG, BMP, GIF, TIFF, WebP, PNM) | fractions of full intensity, channels first, in one size, see below | sub-folders |
///
/// Single files may be compressed with gzip, xz or Zstandard; how they begin decides, not their
/// name.
///
/// Everything becomes f32; whole numbers beyond 2^24 are rounded to the nearest f32. Where f32
/// would not tell the values of a column of numbers apart, a number is subtracted from the column
/// first, in f64.
///
/// Pictures come in the order of their paths, compared byte by byte, and
/// [`DataSet::ids`](crate::DataSet::ids) has these paths. They are resized to `options.image_size`
/// or to the most common size, stand as their EXIF orientation says, and lose transparency to
/// white; one picture in colour makes all so.
///
/// In tables
///
/// * an empty cell, NA, NaN, N/A, #N/A, null, none, `?` and `-` (`options.missing`) are missing:
///   NaN in the features, and no label;
/// * a column of few words is a category, with one feature a word; dates and other texts are
///   refused until an option says what to do with them;
/// * a column that names or counts the rows becomes [`DataSet::ids`](crate::DataSet::ids), beside
///   documents as well.
///
/// [`DataSet::notes`](crate::DataSet::notes) says what was decided, and
/// [`DataSet::schema`](crate::DataSet::schema) is what a fitted model keeps to get the same
/// features of new rows.
///
/// # Errors
/// [`Error::DataSetNotFound`] with the command that gets the set, [`Error::NotReadable`] for sets
/// this version does not read, [`Error::TooLarge`] where the memory does not suffice, and for every
/// damage to a file an error that names it and the place in it.
pub fn load(source: &Source, options: &LoadOptions) -> Result<(DataSet, Option<Labels>)> {
    load_from(source, options, &Places::from_env(options.data_dir.as_deref()))
}

/// [`load`], with the places to look for known sets said by the caller.
///
/// # Errors
/// As [`load`].
pub fn load_from(
    source: &Source,
    options: &LoadOptions,
    places: &Places,
) -> Result<(DataSet, Option<Labels>)> {
    let terms = terms(options)?;
    let (mut set, labels) = load_with(source, options, places, &terms)?;
    if let (Matrix::Sparse(x), true) = (&set.x, set.vocabulary.is_some()) {
        let of_model = matches!(terms, Columns::Given(_));
        let mut wordless = Wordless::default();
        // The notes of a fit are in its report, which may have to be without names of rows.
        wordless.look(x, set.ids.as_ref().filter(|_| of_model), 0);
        set.notes.extend(wordless.take_note(of_model));
    }
    Ok((set, labels))
}

fn load_with(
    source: &Source,
    options: &LoadOptions,
    places: &Places,
    terms: &Columns,
) -> Result<(DataSet, Option<Labels>)> {
    let (name, found, names) = match source {
        Source::Known(name) => {
            let entry = registry().require(name)?;
            let is_text = matches!(entry.reader, Reader::Reuters21578 | Reader::Rcv1);
            only_options(options, if is_text { &TEXT_OPTIONS } else { &[] }, "a known data set")?;
            let (found, names) = read_known(entry, places, options, terms)?;
            (name.clone(), found, names)
        }
        Source::Path(path) if path.is_dir() => {
            let (found, names, ids) = read_folder(path, options, terms)?;
            let (set, labels) = assemble(name_of(path), found, names, options)?;
            return Ok((DataSet { ids, ..set }, labels));
        }
        Source::Path(path) => {
            (name_of(path), read_file(Content::of_path(path)?, options, terms)?, Names::AsWritten)
        }
        Source::StandardInput => {
            let content = Content::of_standard_input()?;
            ("stdin".to_owned(), read_file(content, options, terms)?, Names::AsWritten)
        }
    };
    assemble(name, found, names, options)
}

pub(crate) fn terms(options: &LoadOptions) -> Result<Columns> {
    match (&options.vocabulary, options.max_terms) {
        (Some(_), Some(_)) => Err(Error::Option {
            option: "--max-terms",
            reason: "the terms are those of the model's vocabulary; leave it out".to_owned(),
        }),
        (Some(path), None) => Ok(Columns::Given(Vocabulary::read(path)?)),
        (None, Some(0)) => {
            Err(Error::Option { option: "--max-terms", reason: "at least one term is needed".to_owned() })
        }
        (None, max_terms) => Ok(Columns::Own(max_terms.unwrap_or(DEFAULT_MAX_TERMS))),
    }
}

/// Labels on their own, to hold against assignments that exist already: IDX, NPY, text with one
/// label a line, or a table with a header whose lines are found by the names of the rows.
///
/// `names` are the name of the column that names the rows, and their names. Of `options` the words
/// for a missing label count, and the column that holds the labels of a table; without `names` this
/// column is taken in the order of the rows.
///
/// # Errors
/// Those of the file, [`Error::LabelCount`] where it does not hold `rows` labels, and
/// [`Error::Format`] where its names are not those of the rows.
pub fn load_labels(
    path: &Path,
    rows: usize,
    names: Option<(&str, &[String])>,
    options: &LoadOptions,
) -> Result<Labels> {
    let names = names.map(|(column, names)| (column, names.iter().map(String::as_str).collect()));
    let rows = Labelled { n: rows, names, column: options.label_column.as_deref(), may_say: true };
    Ok(Labels::from_raw(label_table::read(path, &rows, &options.missing)?))
}

/// The file's name without what says its format.
pub(crate) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let name = uncompressed_name(&name);
    if path.is_dir() {
        name.to_owned()
    } else {
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
    }
}

fn read_known(
    entry: &'static Entry,
    places: &Places,
    options: &LoadOptions,
    columns: &Columns,
) -> Result<(Found, Names)> {
    let values = |read: fn(Folder<'_>) -> Result<Raw>| {
        let path = places.require(entry)?;
        let raw = read(Folder { path: &path, entry: Some(entry) })?;
        check_shape(entry, (raw.n, raw.d, raw.n_train), &path)?;
        Ok(Found::Values(raw))
    };
    let text = |read: fn(Folder<'_>, &Columns) -> Result<TextSet>| {
        let path = places.require(entry)?;
        let set = read(Folder { path: &path, entry: Some(entry) }, columns)?;
        // With columns of other documents, or another number of them, only the rows are known
        // beforehand.
        let is_other = matches!(columns, Columns::Given(_)) || options.max_terms.is_some();
        let dim = if is_other { entry.dim } else { set.x.n_columns };
        check_shape(entry, (set.x.n(), dim, set.x.n()), &path)?;
        Ok(Found::Text(set))
    };
    let found = match entry.reader {
        Reader::Idx => values(read_idx_folder)?,
        Reader::UciHar => values(|folder| Ok(read_har_folder(folder)?.0))?,
        Reader::Strokes => Found::Values(draw_strokes()?),
        Reader::Reuters10k => values(read_reuters10k)?,
        Reader::Reuters21578 => text(read_reuters21578)?,
        Reader::Rcv1 => text(read_rcv1)?,
        Reader::Stl10 => values(read_stl10)?,
        Reader::Stl10Features => values(read_stl10_features)?,
        Reader::Table => {
            let table = read_known_table(entry, places)?;
            return Ok((Found::Table(table), Names::AsWritten));
        }
        Reader::Unsupported => {
            return Err(Error::NotReadable { name: entry.name.clone(), readable: registry().readable() });
        }
    };
    Ok((found, Names::Registered(&entry.class_names)))
}

/// The one file of a set that is a table.
fn read_known_table(entry: &Entry, places: &Places) -> Result<Table> {
    let folder = places.require(entry)?;
    let file = entry.files.first().ok_or_else(|| Error::format(&folder, "has no file in the registry"))?;
    let path = resolve(&folder, &file.name).unwrap_or_else(|| folder.join(&file.name));
    let found = file_sha256(&path)?;
    if file.sha256.as_ref().is_some_and(|published| *published != found) {
        let what = format!("is not the {} that this version knows: its SHA-256 is {found}", entry.name);
        return Err(Error::format(&path, format!("{what}; give the file as a path to use it as it is")));
    }
    let options = LoadOptions { label_column: Some(CLASS_COLUMN.into()), ..LoadOptions::default() };
    let table = table::read(Content::of_path(&path)?, &options)?;
    check_shape(entry, (table.n, table.schema.n_features(), table.n), &path)?;
    Ok(table)
}

/// The labels of the registry's tables.
const CLASS_COLUMN: &str = "class";

/// A last look at what the checksums of the files have already shown.
fn check_shape(entry: &Entry, found: (usize, usize, usize), path: &Path) -> Result<()> {
    let expected = (entry.rows, entry.dim, entry.train_rows);
    if found == expected {
        return Ok(());
    }
    let problem = format!("rows, columns and training rows are {found:?}, expected {expected:?}");
    Err(Error::format(path, problem))
}

fn read_file(content: Content, options: &LoadOptions, columns: &Columns) -> Result<Found> {
    let path = content.path();
    let values = |raw| Ok(Found::Values(raw));
    let given = offsets_for(options);
    let offsets = given.as_deref().map_or(Offsets::Own, Offsets::Given);
    let keys = Keys { x: options.x_key.clone(), y: options.y_key.clone() };
    match FileKind::of(&content)? {
        FileKind::Matlab => {
            only_options(options, &KEY_OPTIONS, "a MATLAB file")?;
            values(mat::read(path, || content.open(), &keys, offsets)?)
        }
        FileKind::Npz => {
            only_options(options, &KEY_OPTIONS, "an NPZ archive")?;
            if !content.is_file() {
                return Err(Error::format(
                    path,
                    "is an NPZ archive, which is read from a file only; save it to one",
                ));
            }
            values(npz::read(path, &keys, offsets)?)
        }
        FileKind::Npy => {
            only_options(options, &[], "an NPY array")?;
            values(centred(offsets, |narrow| npy::read(content.open()?, narrow))?)
        }
        FileKind::Idx => {
            only_options(options, &[], "an IDX file")?;
            values(centred(offsets, |narrow| idx::read(content.open()?, narrow))?)
        }
        FileKind::Table => {
            if let Some(column) = &options.text_column {
                only_options(options, &COLUMN_OPTIONS, "a table of documents")?;
                return Ok(Found::Text(documents::read_column(&content, column, options, columns)?));
            }
            only_options(options, &TABLE_OPTIONS, "a table")?;
            Ok(Found::Table(table::read(content, options)?))
        }
    }
}

fn read_folder(path: &Path, options: &LoadOptions, columns: &Columns) -> Result<(Found, Names, Option<Ids>)> {
    only_options(options, &FOLDER_OPTIONS, "a folder")?;
    let of_text = || only_options(options, &TEXT_OPTIONS, "a folder of documents");
    let of_set = || only_options(options, &[], "a folder without documents");
    let of_pictures = || only_options(options, &PICTURE_OPTIONS, "a folder without documents");
    let folder = Folder { path, entry: None };
    let found = match () {
        () if is_reuters21578_folder(folder) => {
            of_text().and_then(|()| read_reuters21578(folder, columns)).map(Found::Text)?
        }
        () if is_rcv1_folder(folder) => {
            of_text().and_then(|()| read_rcv1(folder, columns)).map(Found::Text)?
        }
        () if is_idx_folder(path) => of_set().and_then(|()| read_idx_folder(folder)).map(Found::Values)?,
        () if is_har_folder(path) => {
            let (raw, names) = of_set().and_then(|()| read_har_folder(folder))?;
            return Ok((Found::Values(raw), Names::ByNumber(names), None));
        }
        () if is_stl10_folder(path) => of_set().and_then(|()| read_stl10(folder)).map(Found::Values)?,
        () if documents::is_text_folder(path)? => {
            let (set, ids) = of_text().and_then(|()| documents::read_folder(path, columns))?;
            return Ok((Found::Text(set), Names::AsWritten, Some(ids)));
        }
        () => {
            let (raw, ids) = of_pictures().and_then(|()| pictures::read(path, options.image_size))?;
            return Ok((Found::Values(raw), Names::AsWritten, Some(ids)));
        }
    };
    Ok((found, Names::AsWritten, None))
}
