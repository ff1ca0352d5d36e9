//! What a loader returns: features, and labels apart from them.

use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::{Array1, ArrayView2};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::matrix::Matrix;
use crate::text::Vocabulary;

/// Shape of one picture: a row of `x` is its values with channels outermost, then rows from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "[usize; 3]", into = "[usize; 3]")]
pub struct ImageShape {
    /// 1 for grey, 3 for red, green, blue.
    pub channels: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
}

impl ImageShape {
    /// Values of one picture, `channels * height * width`; `None` where that overflows.
    pub fn dim(self) -> Option<usize> {
        self.channels.checked_mul(self.height)?.checked_mul(self.width)
    }
}

impl From<[usize; 3]> for ImageShape {
    fn from([channels, height, width]: [usize; 3]) -> Self {
        Self { channels, height, width }
    }
}

impl From<ImageShape> for [usize; 3] {
    fn from(shape: ImageShape) -> Self {
        [shape.channels, shape.height, shape.width]
    }
}

impl std::fmt::Display for ImageShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// Features of a data set. A fit gets these and nothing else: labels are a separate value on purpose.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSet {
    /// Name in the registry, or the file name of one's own data.
    pub name: String,
    /// Features `[n, d]`, all finite.
    pub x: Matrix,
    /// Shape of a row, where rows are pictures.
    pub image: Option<ImageShape>,
    /// Rows `0..n_train` are the publisher's training split; equals `n` where there is none.
    pub n_train: usize,
    /// Checksum of the content, see [`Matrix::sha256`].
    pub sha256: String,
    /// Names of the columns, `[d]`, where a table has a header.
    pub columns: Option<Vec<String>>,
    /// What the columns are, where the rows are documents.
    pub vocabulary: Option<Vocabulary>,
}

impl DataSet {
    pub(crate) fn new(name: String, x: Matrix, image: Option<ImageShape>, n_train: usize) -> Self {
        let sha256 = x.sha256();
        Self { name, x, image, n_train, sha256, columns: None, vocabulary: None }
    }
}

/// SHA-256 of features, in lower-case hexadecimal: their shape and values, wherever they came from.
///
/// The bytes hashed are, in this order and all little-endian: `n` as u64, `d` as u64, then the `n * d` values as
/// IEEE-754 binary32, row by row. Labels, names and the split are not part of it.
pub fn content_sha256(x: ArrayView2<'_, f32>) -> String {
    const CHUNK: usize = 16 * 1024;
    let mut hash = Sha256::new();
    hash.update((x.nrows() as u64).to_le_bytes());
    hash.update((x.ncols() as u64).to_le_bytes());
    let standard = x.as_standard_layout();
    let mut bytes = vec![0; CHUNK * 4];
    for chunk in standard.as_slice().unwrap_or_default().chunks(CHUNK) {
        let bytes = &mut bytes[..chunk.len() * 4];
        bytes.chunks_exact_mut(4).zip(chunk).for_each(|(to, v)| to.copy_from_slice(&v.to_le_bytes()));
        hash.update(bytes);
    }
    hex(&hash.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Class of each row, in the order of the rows of [`DataSet::x`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Classes `[n]`, dense: every number in `0..n_classes` occurs.
    pub y: Array1<u32>,
    /// What the publisher or the file calls class `k`; `class_names.len()` is the number of classes.
    pub class_names: Vec<String>,
}

impl Labels {
    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.class_names.len()
    }

    /// Dense labels from whatever a file calls its classes: sorted as numbers if all are whole numbers, as text
    /// otherwise, and numbered from 0 in that order.
    pub(crate) fn from_raw(raw: RawLabels) -> Self {
        match raw {
            RawLabels::Ints(values) => Self::dense(&values),
            RawLabels::Texts(texts) => {
                match texts.iter().map(|t| whole_number(t)).collect::<Option<Vec<_>>>() {
                    Some(values) => Self::dense(&values),
                    None => Self::dense(&texts),
                }
            }
        }
    }

    fn dense<T: Ord + ToString>(values: &[T]) -> Self {
        let classes: Vec<&T> = values.iter().collect::<BTreeSet<_>>().into_iter().collect();
        // More than 2^32 distinct labels do not fit into memory, so the position always fits.
        let y = values.iter().map(|v| classes.partition_point(|c| *c < v) as u32).collect();
        Self { y, class_names: classes.into_iter().map(T::to_string).collect() }
    }
}

/// Labels as a file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RawLabels {
    Ints(Vec<i64>),
    /// Interned: a row costs a pointer.
    Texts(Vec<Arc<str>>),
}

impl RawLabels {
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Ints(values) => values.len(),
            Self::Texts(texts) => texts.len(),
        }
    }
}

/// `3`, `-1` and also `3.0`, as data frames write whole numbers of a float column.
fn whole_number(text: &str) -> Option<i64> {
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn content_hash_is_the_documented_bytes() {
        let x = array![[1.0_f32, -2.5], [0.0, 3.0], [4.0, 5.0]];
        let mut bytes = Vec::new();
        bytes.extend(3_u64.to_le_bytes());
        bytes.extend(2_u64.to_le_bytes());
        for v in [1.0_f32, -2.5, 0.0, 3.0, 4.0, 5.0] {
            bytes.extend(v.to_le_bytes());
        }
        assert_eq!(content_sha256(x.view()), hex(&Sha256::digest(&bytes)));
    }

    #[test]
    fn content_hash_ignores_memory_layout_and_sees_shape() {
        let x = array![[1.0_f32, 2.0], [3.0, 4.0]];
        let mut columns_first = Array2::<f32>::zeros(ndarray::ShapeBuilder::f((2, 2)));
        columns_first.assign(&x);
        assert_eq!(content_sha256(x.view()), content_sha256(columns_first.view()));
        let flat = array![[1.0_f32, 2.0, 3.0, 4.0]];
        assert_ne!(content_sha256(x.view()), content_sha256(flat.view()));
    }

    #[test]
    fn numbers_sort_as_numbers_and_text_as_text() {
        let labels = Labels::from_raw(RawLabels::Texts(["10", "2.0", "10", "-1"].map(Arc::from).to_vec()));
        assert_eq!(labels.class_names, ["-1", "2", "10"]);
        assert_eq!(labels.y, array![2, 1, 2, 0]);
        let labels = Labels::from_raw(RawLabels::Texts(["b", "a", "10"].map(Arc::from).to_vec()));
        assert_eq!(labels.class_names, ["10", "a", "b"]);
        assert_eq!(labels.y, array![2, 1, 0]);
    }
}
