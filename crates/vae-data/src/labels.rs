//! Labels: as a file has them, and numbered from 0.

use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::Array1;

/// Class of each row, in the order of the rows of [`DataSet::x`](crate::DataSet::x).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Classes `[n]`, dense: every number in `0..n_classes` occurs; `None` where a row has no
    /// label.
    pub y: Array1<Option<u32>>,
    /// What the publisher or the file calls class `k`; `class_names.len()` is the number of
    /// classes.
    pub class_names: Vec<String>,
}

impl Labels {
    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.class_names.len()
    }

    /// Number of rows without a label.
    pub fn n_unlabelled(&self) -> usize {
        self.y.iter().filter(|class| class.is_none()).count()
    }

    /// The rows that have a label, in their order, and their classes: what can be scored.
    pub fn labelled(&self) -> (Vec<usize>, Array1<u32>) {
        let rows = self.y.iter().enumerate().filter(|(_, class)| class.is_some()).map(|(row, _)| row);
        (rows.collect(), self.y.iter().flatten().copied().collect())
    }

    /// Dense labels from whatever a file calls its classes: sorted as numbers if all are whole
    /// numbers, as text otherwise, and numbered from 0 in that order.
    pub(crate) fn from_raw(raw: RawLabels) -> Self {
        match raw {
            RawLabels::Ints(values) => Self::dense(&values.into_iter().map(Some).collect::<Vec<_>>()),
            RawLabels::Texts(texts) => {
                let texts: Vec<Option<Arc<str>>> =
                    texts.into_iter().map(|text| Some(text).filter(|text| !text.is_empty())).collect();
                let whole = |text: &Option<Arc<str>>| match text {
                    None => Some(None),
                    Some(text) => whole_number(text).map(Some),
                };
                match texts.iter().map(whole).collect::<Option<Vec<_>>>() {
                    Some(values) => Self::dense(&values),
                    None => Self::dense(&texts),
                }
            }
        }
    }

    fn dense<T: Ord + ToString>(values: &[Option<T>]) -> Self {
        let classes: Vec<&T> = values.iter().flatten().collect::<BTreeSet<_>>().into_iter().collect();
        // More than 2^32 distinct labels do not fit into memory, so the position always fits.
        let class = |value: &Option<T>| value.as_ref().map(|v| classes.partition_point(|c| *c < v) as u32);
        let y = values.iter().map(class).collect();
        Self { y, class_names: classes.into_iter().map(T::to_string).collect() }
    }
}

/// Labels as a file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RawLabels {
    Ints(Vec<i64>),
    /// Interned: a row costs a pointer. An empty text says that the row has no label.
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
        assert_eq!(labels.y, array![2, 1, 2, 0].map(|class| Some(*class)));
        let labels = Labels::from_raw(RawLabels::Texts(["b", "a", "10"].map(Arc::from).to_vec()));
        assert_eq!(labels.class_names, ["10", "a", "b"]);
        assert_eq!(labels.y, array![2, 1, 0].map(|class| Some(*class)));
    }

    #[test]
    fn a_row_without_a_label_is_in_no_class() {
        let labels = Labels::from_raw(RawLabels::Texts(["7", "", "3", ""].map(Arc::from).to_vec()));
        assert_eq!((labels.y.to_vec(), labels.n_unlabelled()), (vec![Some(1), None, Some(0), None], 2));
        assert_eq!(labels.class_names, ["3", "7"]);
        assert_eq!(labels.labelled(), (vec![0, 2], array![1, 0]));
    }
}
