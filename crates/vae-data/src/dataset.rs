//! What a loader returns: features, and labels apart from them.

use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::Array1;
use vae_array::ImageShape;

use crate::matrix::Matrix;
use crate::text::Vocabulary;

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
    /// [`content_sha256`](vae_array::content_sha256) of `x` and `image`.
    pub sha256: String,
    /// Names of the columns, `[d]`, where a table has a header.
    pub columns: Option<Vec<String>>,
    /// What the columns are, where the rows are documents.
    pub vocabulary: Option<Vocabulary>,
}

impl DataSet {
    pub(crate) fn new(name: String, x: Matrix, image: Option<ImageShape>, n_train: usize) -> Self {
        let sha256 = x.sha256(image);
        Self { name, x, image, n_train, sha256, columns: None, vocabulary: None }
    }

    /// The first `n` rows take the place of all, and the checksum becomes theirs.
    pub fn keep_first(&mut self, n: usize) {
        self.x = self.x.head(n);
        self.n_train = self.n_train.min(n);
        self.sha256 = self.x.sha256(self.image);
    }
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
    use ndarray::array;

    use super::*;

    #[test]
    fn the_first_rows_are_a_set_of_their_own() {
        let mut set = DataSet::new("x".into(), Matrix::Dense(array![[1.0_f32], [2.0], [3.0]]), None, 2);
        let whole = set.sha256.clone();
        set.keep_first(1);
        let alone = DataSet::new("x".into(), Matrix::Dense(array![[1.0_f32]]), None, 1);
        assert_eq!(set, alone);
        assert_ne!(set.sha256, whole);
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
