//! From a [`Source`] to arrays: which reader a set or a file needs, and what is checked of its result.

use std::collections::HashMap;
use std::path::Path;

use ndarray::Array2;

use crate::dataset::{DataSet, Labels};
use crate::error::{Error, Result};
use crate::known::{Folder, draw_strokes, is_har_folder, is_idx_folder, read_har_folder, read_idx_folder};
use crate::places::Places;
use crate::read::input::Input;
use crate::read::table::TableOptions;
use crate::read::{Raw, idx, labels, npy, npz, pictures, table};
use crate::registry::{Entry, Reader, registry};
use crate::source::{LoadOptions, Source};

/// Loads a data set: features, and its labels if it has any.
///
/// Known sets are looked for in `options.data_dir`, `VAE_DATA_DIR` and the cache folder, and the content of their
/// files is always checked against the published SHA-256. Paths are read by what they hold:
///
/// | path | features | labels |
/// |---|---|---|
/// | IDX (plain or gzip) | `[n, h, w]`, `[n, c, h, w]`: pictures, bytes divided by 255; `[n, d]`: as they are | |
/// | folder with MNIST's four file names | pictures, bytes divided by 255, training rows first | yes |
/// | folder with UCI HAR's `train/X_train.txt` … (plain or gzip) | as they are, training rows first | yes |
/// | CSV, TSV (plain or gzip) | as they are | `options.label_column` |
/// | NPY | as IDX | |
/// | NPZ | key `x`, `X`, `data`, `features`, `images`, or the only array | key `y` or `labels` |
/// | folder of PNG pictures | values divided by 255 (16 bits: 65535), channels first | sub-folders |
///
/// Everything becomes f32; whole numbers beyond 2^24 are rounded to the nearest f32.
///
/// # Errors
/// [`Error::DataSetNotFound`] with the command that gets the set, [`Error::NotReadable`] for sets this version does
/// not read, and for every damage to a file an error that names it and the place in it.
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
    let (name, raw, names) = match source {
        Source::Known(name) => {
            let entry = registry().require(name)?;
            no_table_options(options, "a known data set")?;
            let (raw, names) = read_known(entry, places)?;
            (name.clone(), raw, names)
        }
        Source::Path(path) => {
            let (raw, names) = read_path(path, options)?;
            (name_of(path), raw, names)
        }
    };
    let Raw { x, n, d, image, n_train, labels: own_labels } = raw;
    let labels = match &options.labels {
        Some(path) => Some(Labels::from_raw(labels::read(path, n, None)?)),
        None => own_labels.map(Labels::from_raw).map(|labels| named(labels, names)),
    };
    let shape_error =
        |e: ndarray::ShapeError| Error::Format { path: name.clone().into(), problem: e.to_string() };
    let x = Array2::from_shape_vec((n, d), x).map_err(shape_error)?;
    Ok((DataSet::new(name, x, image, n_train), labels))
}

/// Labels on their own, to hold against assignments that exist already: IDX, NPY, or text with one label a line.
///
/// # Errors
/// Those of the file, and [`Error::LabelCount`] where it does not hold `rows` labels.
pub fn load_labels(path: &Path, rows: usize) -> Result<Labels> {
    Ok(Labels::from_raw(labels::read(path, rows, None)?))
}

/// The file's name without what says its format.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if path.is_dir() {
        name.to_owned()
    } else {
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
    }
}

/// What classes are called.
enum Names {
    /// As the labels are written.
    AsWritten,
    /// By a list of the publisher's that has the numbers of the label file.
    ByNumber(HashMap<i64, String>),
    /// By the registry, in the order of the dense labels.
    Registered(&'static [String]),
}

fn named(mut labels: Labels, names: Names) -> Labels {
    match names {
        Names::AsWritten => {}
        Names::ByNumber(names) => {
            for class in &mut labels.class_names {
                if let Some(name) = class.parse().ok().and_then(|number: i64| names.get(&number)) {
                    *class = name.clone();
                }
            }
        }
        Names::Registered(names) => labels.class_names = names.to_vec(),
    }
    labels
}

fn read_known(entry: &'static Entry, places: &Places) -> Result<(Raw, Names)> {
    let read = |read: fn(Folder<'_>) -> Result<Raw>| {
        let path = places.require(entry)?;
        let raw = read(Folder { path: &path, entry: Some(entry) })?;
        check_shape(entry, &raw, &path)?;
        Ok(raw)
    };
    let raw = match entry.reader {
        Reader::Idx => read(read_idx_folder)?,
        Reader::UciHar => read(|folder| Ok(read_har_folder(folder)?.0))?,
        Reader::Strokes => draw_strokes()?,
        Reader::Unsupported => {
            return Err(Error::NotReadable { name: entry.name.clone(), readable: registry().readable() });
        }
    };
    Ok((raw, Names::Registered(&entry.class_names)))
}

/// A last look at what the checksums of the files have already shown.
fn check_shape(entry: &Entry, raw: &Raw, path: &Path) -> Result<()> {
    let (found, expected) = ((raw.n, raw.d, raw.n_train), (entry.rows, entry.dim, entry.train_rows));
    if found == expected {
        return Ok(());
    }
    let problem = format!("rows, columns and training rows are {found:?}, expected {expected:?}");
    Err(Error::format(path, problem))
}

fn read_path(path: &Path, options: &LoadOptions) -> Result<(Raw, Names)> {
    let unnamed = |raw| Ok((raw, Names::AsWritten));
    if path.is_dir() {
        no_table_options(options, "a folder")?;
        let folder = Folder { path, entry: None };
        return match () {
            () if is_idx_folder(path) => unnamed(read_idx_folder(folder)?),
            () if is_har_folder(path) => {
                let (raw, names) = read_har_folder(folder)?;
                Ok((raw, Names::ByNumber(names)))
            }
            () => unnamed(pictures::read(path)?),
        };
    }
    let mut input = Input::open(path)?;
    let mut start = [0; 6];
    let is_long = input.fill(&mut start).is_ok();
    drop(input);
    match start {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => {
            no_table_options(options, "an NPZ archive")?;
            unnamed(npz::read(path)?)
        }
        start if &start == b"\x93NUMPY" => {
            no_table_options(options, "an NPY array")?;
            unnamed(npy::read(Input::open(path)?)?)
        }
        [0, 0, ..] if is_long => {
            no_table_options(options, "an IDX file")?;
            unnamed(idx::read(Input::open(path)?)?)
        }
        _ => {
            check_is_table(path, &start)?;
            let options = TableOptions { header: options.header, label_column: options.label_column.clone() };
            unnamed(table::read(Input::open(path)?, &options)?)
        }
    }
}

/// What is none of the binary formats by its content must not be one by its name.
fn check_is_table(path: &Path, start: &[u8; 6]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let kind = match name.rsplit('.').next().unwrap_or_default() {
        "npy" => "an NPY array",
        "npz" => "an NPZ archive",
        "png" => "a folder of pictures; one picture is no data set",
        _ if name.ends_with("-ubyte") => "an IDX file",
        _ => return Ok(()),
    };
    let problem =
        format!("is not what its name says, {kind}: it begins with {start:02x?}; copy or save it again");
    Err(Error::format(path, problem))
}

fn no_table_options(options: &LoadOptions, kind: &str) -> Result<()> {
    let given = [("--label-column", options.label_column.is_some()), ("--header", options.header.is_some())];
    match given.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => Err(Error::Option {
            option,
            reason: format!("it is for tables (CSV, TSV), and this is {kind}; leave it out"),
        }),
    }
}
