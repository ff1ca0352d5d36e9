//! Rows that repeat each other, as those of a survey do.
//!
//! Equal rows have distance 0: where they are many they fill each other's nearest neighbours, and
//! the graph falls into pieces that are single points. Then the graph is that of the different
//! rows, each once, and a row has the cluster of its equals.

use crate::Result;
use ndarray::Array1;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use vae_core::Features;

/// One row in so many, at least, repeats another before it matters.
const REPEATED: usize = 20;

/// The different rows of features in which many repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distinct {
    /// The first of each group of equal rows, ascending.
    rows: Vec<usize>,
    /// The group of every row, `[n]`.
    of: Vec<u32>,
}

impl Distinct {
    /// The different rows of `x`; `None` where at most one row in 20 repeats another.
    pub fn of(x: &Features) -> Option<Self> {
        let mut groups: HashMap<u64, Vec<u32>> = HashMap::with_capacity(x.n());
        let (mut rows, mut of) = (Vec::new(), Vec::with_capacity(x.n()));
        for i in 0..x.n() {
            let row = bits(x, i);
            let mut hash = DefaultHasher::new();
            row.hash(&mut hash);
            let same_hash = groups.entry(hash.finish()).or_default();
            let known = same_hash.iter().find(|&&group| bits(x, rows[group as usize]) == row);
            let group = match known {
                Some(&group) => group,
                None => {
                    let group = rows.len() as u32;
                    same_hash.push(group);
                    rows.push(i);
                    group
                }
            };
            of.push(group);
        }
        (REPEATED * (x.n() - rows.len()) > x.n()).then_some(Self { rows, of })
    }

    /// The first of each group of equal rows, ascending.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Number of different rows.
    pub fn n(&self) -> usize {
        self.rows.len()
    }

    /// The group of equal rows that each row is in, `[n]`, by its place in [`Distinct::rows`].
    pub(crate) fn groups(&self) -> &[u32] {
        &self.of
    }

    /// The different rows, in each of the spaces in which the same points are.
    ///
    /// # Errors
    /// Those of [`Features::select`].
    pub fn select(&self, spaces: &[&Features]) -> Result<Vec<Features>> {
        spaces.iter().map(|x| Ok(x.select(&self.rows)?)).collect()
    }

    /// Clusters of all rows, given those of the different ones.
    pub fn to_all(&self, clusters: &Array1<u32>) -> Array1<u32> {
        self.of.iter().map(|&group| clusters[group as usize]).collect()
    }

    /// Clusters of the different rows, given those of all.
    pub fn of_all(&self, clusters: &Array1<u32>) -> Array1<u32> {
        self.rows.iter().map(|&row| clusters[row]).collect()
    }
}

/// The row's values; the two zeros are one.
fn bits(x: &Features, row: usize) -> Vec<u32> {
    x.dense_rows(row, row + 1).iter().map(|v| (v + 0.0).to_bits()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn equal_rows_are_one() {
        let x = array![[1.0f32, 0.0], [2.0, 0.0], [1.0, -0.0], [2.0, 0.0], [3.0, 5.0]];
        let found = Distinct::of(&Features::dense(x).expect("finite")).expect("two of five repeat");
        assert_eq!((found.rows(), found.n()), (&[0, 1, 4][..], 3));
        assert_eq!(found.to_all(&array![7, 8, 9]), array![7, 8, 7, 8, 9]);
        assert_eq!(found.of_all(&array![7, 8, 7, 8, 9]), array![7, 8, 9]);
    }

    #[test]
    fn a_few_repetitions_do_not_matter() {
        let x = |repeated: usize| {
            Features::dense(Array2::from_shape_fn((100, 1), |(i, _)| i.min(99 - repeated) as f32))
                .expect("finite")
        };
        assert_eq!(Distinct::of(&x(0)), None);
        assert_eq!(Distinct::of(&x(5)), None);
        assert_eq!(Distinct::of(&x(6)).map(|found| found.n()), Some(94));
    }
}
