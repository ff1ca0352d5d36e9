//! The levels of categories, and the cells that were missing.

use super::Features;
use ndarray::{ArrayView1, s};
use std::ops::Range;

impl Features {
    /// Whether a feature of a row stands for a missing value ([`Features::gaps`]).
    pub fn is_gap(&self, row: usize, feature: usize) -> bool {
        self.gaps().binary_search(&(row * self.dim() + feature)).is_ok()
    }

    /// The level of each row in the category of these one-hot features, `[n]`; `None` where it is
    /// missing, and for sparse features.
    pub fn levels(&self, category: &Range<usize>) -> Vec<Option<usize>> {
        let Some(dense) = self.as_dense() else { return vec![None; self.n()] };
        let largest = |row: ArrayView1<'_, f32>| {
            (1..row.len()).fold(0, |best, level| if row[level] > row[best] { level } else { best })
        };
        let one_hot = dense.slice(s![.., category.clone()]);
        let rows = one_hot.rows().into_iter().enumerate();
        rows.map(|(i, row)| (!self.is_gap(i, category.start)).then(|| largest(row))).collect()
    }
}
