//! Sets whose files have fixed names: MNIST and its relatives, UCI HAR, and the embedded strokes.
//!
//! The same readers serve the registry's sets, whose content is checked against published
//! checksums, and folders of one's own with the same file names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ndarray::{ArrayView2, ShapeError};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use vae_array::{ImageShape, Values, content_sha256, hex};

use crate::error::{Error, Result};
use crate::fetch::file_sha256;
use crate::labels::RawLabels;
use crate::memory;
use crate::places::resolve;
use crate::read::element::unit_interval;
use crate::read::input::{Input, Published};
use crate::read::precision::{Narrow, Offsets};
use crate::read::{Keys, Raw, har, idx, mat, npy, stl10};
use crate::registry::Entry;
use crate::strokes;

/// The set of the pictures that STL-10's features are made of.
const STL10_IMAGES: &str = "stl10-images";

/// A folder with files of fixed names, with the registry's entry where it is a known set.
#[derive(Clone, Copy)]
pub(crate) struct Folder<'a> {
    pub path: &'a Path,
    pub entry: Option<&'a Entry>,
}

impl Folder<'_> {
    pub fn find(self, name: &str) -> Result<PathBuf> {
        resolve(self.path, name)
            .ok_or_else(|| Error::format(self.path, format!("has no file {name}, plain or with .gz; add it")))
    }

    fn published(self, name: &str) -> Option<Published> {
        let entry = self.entry?;
        let sha256 = entry.file(name)?.sha256.clone()?;
        Some(Published { data_set: entry.name.clone(), sha256 })
    }

    fn open(self, name: &str) -> Result<Input<'static>> {
        Input::open_published(&self.find(name)?, self.published(name))
    }

    /// Reads a file. Where that fails and the content is not the published one, this is the error:
    /// whatever else is wrong follows from it.
    pub fn read<T>(self, name: &str, read: impl FnOnce(Input<'static>) -> Result<T>) -> Result<T> {
        self.open(name).and_then(read).map_err(|error| self.blame(name, error))
    }

    fn blame(self, name: &str, error: Error) -> Error {
        if matches!(error, Error::Checksum { .. } | Error::TooLarge { .. }) {
            return error;
        }
        let (Some(Published { data_set, sha256: expected }), Ok(path)) =
            (self.published(name), self.find(name))
        else {
            return error;
        };
        match file_sha256(&path) {
            Ok(found) if found != expected => Error::Checksum { path, name: data_set, expected, found },
            _ => error,
        }
    }
}

/// Whether the folder has MNIST's file names.
pub(crate) fn is_idx_folder(folder: &Path) -> bool {
    resolve(folder, "train-images-idx3-ubyte").is_some()
}

/// Whether the folder has STL-10's file names.
pub(crate) fn is_stl10_folder(folder: &Path) -> bool {
    resolve(folder, "train_X.bin").is_some()
}

/// Whether the folder has UCI HAR's file names.
pub(crate) fn is_har_folder(folder: &Path) -> bool {
    resolve(folder, "train/X_train.txt").is_some()
}

/// Reads four IDX files: training rows first, then test rows.
pub(crate) fn read_idx_folder(folder: Folder<'_>) -> Result<Raw> {
    let mut x = Vec::new();
    if let Some(entry) = folder.entry {
        // The size is known, so there is one allocation and never a copy.
        memory::reserve(&mut x, entry.rows * entry.dim).map_err(|short| short.at(folder.path))?;
    }
    let mut x_test = Vec::new();
    // Inflating and hashing are most of the work, and the files do not know of each other.
    let (train, test) = rayon::join(
        || {
            folder.read("train-images-idx3-ubyte", |input| {
                idx::read_features(input, &mut Narrow::plain(), &mut x)
            })
        },
        || {
            folder.read("t10k-images-idx3-ubyte", |input| {
                idx::read_features(input, &mut Narrow::plain(), &mut x_test)
            })
        },
    );
    let ((n_train, d, image), (n_test, d_test, image_test)) = (train?, test?);
    memory::reserve(&mut x, x_test.len()).map_err(|short| short.at(folder.path))?;
    x.append(&mut x_test);
    if (d, image) != (d_test, image_test) {
        let problem = format!("training rows have {d} values and test rows {d_test}, or another shape");
        return Err(Error::format(folder.path, problem));
    }
    let mut labels = Vec::new();
    for (name, rows) in [("train-labels-idx1-ubyte", n_train), ("t10k-labels-idx1-ubyte", n_test)] {
        let part = folder.read(name, |input| idx::read_labels(input, Some(rows)))?;
        labels.extend(part);
    }
    Ok(Raw {
        x,
        n: n_train + n_test,
        d,
        image,
        n_train,
        labels: Some(RawLabels::Ints(labels)),
        ..Raw::default()
    })
}

/// Reads UCI HAR: training rows first, then test rows; class names from `activity_labels.txt` if it
/// is there.
pub(crate) fn read_har_folder(folder: Folder<'_>) -> Result<(Raw, HashMap<i64, String>)> {
    let mut x = Vec::new();
    let (n_train, d) = folder.read("train/X_train.txt", |input| har::read_matrix(input, None, &mut x))?;
    let (n_test, _) = folder.read("test/X_test.txt", |input| har::read_matrix(input, Some(d), &mut x))?;
    let mut labels = Vec::new();
    for (part, rows) in [("train", n_train), ("test", n_test)] {
        labels.extend(read_column(folder, &format!("{part}/y_{part}.txt"), rows)?);
        // Who walked is no feature; the file only has to fit the others.
        let subject = format!("{part}/subject_{part}.txt");
        if resolve(folder.path, &subject).is_some() {
            read_column(folder, &subject, rows)?;
        }
    }
    x.shrink_to_fit();
    let names = match resolve(folder.path, "activity_labels.txt") {
        Some(_) => folder.read("activity_labels.txt", har::read_class_names)?.into_iter().collect(),
        None => HashMap::new(),
    };
    let raw =
        Raw { x, n: n_train + n_test, d, n_train, labels: Some(RawLabels::Ints(labels)), ..Raw::default() };
    Ok((raw, names))
}

/// Reads one whole number a row, with line ends of any kind between them.
fn read_column(folder: Folder<'_>, name: &str, rows: usize) -> Result<Vec<i64>> {
    let path = folder.find(name)?;
    let mut values = Vec::new();
    folder.read(name, |input| har::read_matrix(input, None, &mut values))?;
    check_count(&path, rows, values.len())?;
    match values.iter().position(|v| v.fract() != 0.0) {
        Some(i) => Err(Error::format(&path, format!("value {} is no whole number", i + 1))),
        None => Ok(values.into_iter().map(|v| v as i64).collect()),
    }
}

/// Reads VaDE's `reuters10k.mat`: features `X` and labels `Y`, as they are.
pub(crate) fn read_reuters10k(folder: Folder<'_>) -> Result<Raw> {
    const NAME: &str = "reuters10k.mat";
    let keys = Keys { x: Some("X".to_owned()), y: Some("Y".to_owned()) };
    mat::read(&folder.find(NAME)?, || folder.open(NAME), &keys, Offsets::Given(&[]))
        .map_err(|error| folder.blame(NAME, error))
}

/// Reads the labelled pictures of STL-10: training rows first, then test rows.
pub(crate) fn read_stl10(folder: Folder<'_>) -> Result<Raw> {
    let mut x = Vec::new();
    if let Some(entry) = folder.entry {
        // As for MNIST: one allocation.
        memory::reserve(&mut x, entry.rows * entry.dim).map_err(|short| short.at(folder.path))?;
    }
    let n_train = folder.read("train_X.bin", |input| stl10::read_pictures(input, &mut x))?;
    let n_test = folder.read("test_X.bin", |input| stl10::read_pictures(input, &mut x))?;
    let labels = stl10_labels(folder, Some((n_train, n_test)))?;
    let (image, d) = (stl10::SHAPE, x.len() / (n_train + n_test));
    let labels = Some(RawLabels::Ints(labels));
    Ok(Raw { x, n: n_train + n_test, d, image: Some(image), n_train, labels, ..Raw::default() })
}

/// Reads features of STL-10's pictures that `vae features` made, with the labels of the pictures.
pub(crate) fn read_stl10_features(folder: Folder<'_>) -> Result<Raw> {
    const NAME: &str = "resnet50.npy";
    let path = folder.find(NAME)?;
    let raw = folder.read(NAME, |input| npy::read(input, &mut Narrow::plain()))?;
    if !check_provenance(&path, &raw)? {
        tracing::warn!(file = %path.display(), beside = %provenance_of(&path).display(),
            "nothing says which network and pictures these features come from: the file beside them is missing");
    }
    let labels = stl10_labels(folder, None)?;
    check_count(&path, raw.n, labels.len())?;
    let n_train = folder.entry.map_or(raw.n, |entry| entry.train_rows.min(raw.n));
    Ok(Raw { labels: Some(RawLabels::Ints(labels)), n_train, ..raw })
}

/// What `vae features` says beside the features it writes, as far as it can be held against them.
#[derive(Deserialize)]
struct Provenance {
    images: String,
    image: ImageShape,
    n: usize,
    dim: usize,
    features_sha256: String,
}

/// Where `vae features` says what the features in a file come from: `FILE.npy.json`.
pub fn provenance_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

/// Whether there is a provenance; where there is one, it must be that of these features and of
/// STL-10's pictures.
fn check_provenance(features: &Path, raw: &Raw) -> Result<bool> {
    let path = provenance_of(features);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io("read", &path)(error)),
    };
    let again = "make both again with: vae features --model resnet50 --weights FILE --images stl10";
    let said: Provenance = serde_json::from_str(&text).map_err(|error| {
        Error::format(&path, format!("is no provenance as `vae features` writes it ({error}); {again}"))
    })?;
    let wrong = |field, found: String, expected: String| {
        Err(Error::field(&path, field, found, format!("{expected}; {again}")))
    };
    if (said.images.as_str(), said.image) != (STL10_IMAGES, stl10::SHAPE) {
        let expected = format!("{STL10_IMAGES} of {}, whose labels are read with them", stl10::SHAPE);
        return wrong("images", format!("{} of {}", said.images, said.image), expected);
    }
    if (said.n, said.dim) != (raw.n, raw.d) {
        let expected = format!("{} x {} as in {}", raw.n, raw.d, features.display());
        return wrong("n x dim", format!("{} x {}", said.n, said.dim), expected);
    }
    let shape = |e: ShapeError| Error::format(features, e);
    let x = ArrayView2::from_shape((raw.n, raw.d), &raw.x).map_err(shape)?;
    let found = content_sha256(Values::Dense(x), None);
    if said.features_sha256 != found {
        let expected = format!("{found}, that of the features in {}", features.display());
        return wrong("features_sha256", said.features_sha256, expected);
    }
    Ok(true)
}

fn stl10_labels(folder: Folder<'_>, rows: Option<(usize, usize)>) -> Result<Vec<i64>> {
    let mut labels = Vec::new();
    for (name, rows) in [("train_y.bin", rows.map(|r| r.0)), ("test_y.bin", rows.map(|r| r.1))] {
        let part = folder.read(name, stl10::read_labels)?;
        check_count(&folder.find(name)?, rows.unwrap_or(part.len()), part.len())?;
        labels.extend(part);
    }
    Ok(labels)
}

/// Draws the embedded set and checks that it came out as everywhere else.
pub(crate) fn draw_strokes() -> Result<Raw> {
    let (images, labels) = strokes::strokes(strokes::DEFAULT_N, strokes::DEFAULT_SEED);
    let mut hash = Sha256::new();
    let pixels: Vec<u8> = images.iter().copied().collect();
    hash.update(&pixels);
    hash.update(labels.iter().map(|y| *y as u8).collect::<Vec<u8>>());
    let found = hex(&hash.finalize());
    if found != strokes::DEFAULT_SHA256 {
        return Err(Error::Generated { name: "strokes", expected: strokes::DEFAULT_SHA256, found });
    }
    let (n, height, width) = images.dim();
    let fractions = unit_interval();
    Ok(Raw {
        x: pixels.into_iter().map(|v| fractions[usize::from(v)]).collect(),
        n,
        d: height * width,
        image: Some(ImageShape { channels: 1, height, width }),
        n_train: n,
        labels: Some(RawLabels::Ints(labels.iter().map(|y| i64::from(*y)).collect())),
        ..Raw::default()
    })
}

fn check_count(path: &Path, rows: usize, labels: usize) -> Result<()> {
    if rows == labels { Ok(()) } else { Err(Error::LabelCount { path: path.to_owned(), rows, labels }) }
}
