//! Labels: as a file has them, and numbered from 0.

use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::Array1;

/// Class of each row, in the order of the rows of [`DataSet::x`](crate::DataSet::x).
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
    fn numbers_sort_as_numbers_and_text_as_text() {
        let labels = Labels::from_raw(RawLabels::Texts(["10", "2.0", "10", "-1"].map(Arc::from).to_vec()));
        assert_eq!(labels.class_names, ["-1", "2", "10"]);
        assert_eq!(labels.y, array![2, 1, 2, 0]);
        let labels = Labels::from_raw(RawLabels::Texts(["b", "a", "10"].map(Arc::from).to_vec()));
        assert_eq!(labels.class_names, ["10", "a", "b"]);
        assert_eq!(labels.y, array![2, 1, 0]);
    }
}
