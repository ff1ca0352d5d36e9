//! A sparse matrix by rows.

use ndarray::Array2;

/// A sparse matrix by rows (CSR), for text: row `i` holds `values[indptr[i]..indptr[i + 1]]` at the
/// columns `indices[indptr[i]..indptr[i + 1]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Csr {
    /// `[n + 1]`, starts at 0 and never falls.
    pub indptr: Vec<usize>,
    /// Column of each stored value.
    pub indices: Vec<u32>,
    /// Stored values.
    pub values: Vec<f32>,
    /// Number of columns.
    pub n_columns: usize,
}

impl Csr {
    /// Number of rows.
    pub fn n(&self) -> usize {
        self.indptr.len().saturating_sub(1)
    }

    /// Columns and values of one row; empty beyond the last.
    pub fn row(&self, i: usize) -> (&[u32], &[f32]) {
        match (self.indptr.get(i), self.indptr.get(i + 1)) {
            (Some(&start), Some(&end)) => (&self.indices[start..end], &self.values[start..end]),
            _ => (&[], &[]),
        }
    }

    /// The given rows, in the order given; rows beyond the last are empty.
    #[must_use]
    pub fn select(&self, rows: impl IntoIterator<Item = usize>) -> Self {
        let mut out = Self { indptr: vec![0], indices: vec![], values: vec![], n_columns: self.n_columns };
        for i in rows {
            let (indices, values) = self.row(i);
            out.indices.extend_from_slice(indices);
            out.values.extend_from_slice(values);
            out.indptr.push(out.values.len());
        }
        out
    }

    /// A dense copy of the rows `start..end`, `[end - start, n_columns]`.
    pub fn dense_rows(&self, start: usize, end: usize) -> Array2<f32> {
        let mut out = Array2::zeros((end - start, self.n_columns));
        for i in start..end {
            let (indices, values) = self.row(i);
            indices.iter().zip(values).for_each(|(c, value)| out[[i - start, *c as usize]] = *value);
        }
        out
    }

    /// A dense copy `[n, n_columns]`.
    pub fn to_dense(&self) -> Array2<f32> {
        self.dense_rows(0, self.n())
    }

    /// Whether the arrays agree with each other: lengths, an `indptr` that never falls, columns
    /// that exist.
    pub fn is_consistent(&self) -> bool {
        self.indptr.first() == Some(&0)
            && self.indptr.last() == Some(&self.values.len())
            && self.indices.len() == self.values.len()
            && self.indptr.windows(2).all(|w| w[0] <= w[1])
            && self.indices.iter().all(|&c| (c as usize) < self.n_columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn csr() -> Csr {
        Csr { indptr: vec![0, 2, 2, 3], indices: vec![0, 2, 1], values: vec![1.0, 2.0, 3.0], n_columns: 3 }
    }

    #[test]
    fn rows_are_what_they_say() {
        assert_eq!(csr().to_dense(), array![[1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 3.0, 0.0]]);
        assert_eq!(csr().select([2, 0]).to_dense(), array![[0.0, 3.0, 0.0], [1.0, 0.0, 2.0]]);
        assert_eq!(csr().dense_rows(1, 3), array![[0.0, 0.0, 0.0], [0.0, 3.0, 0.0]]);
        assert_eq!(csr().row(7), (&[][..], &[][..]));
    }

    #[test]
    fn arrays_that_contradict_each_other_are_inconsistent() {
        assert!(csr().is_consistent());
        for wrong in [
            Csr { indptr: vec![], ..csr() },
            Csr { indptr: vec![0, 3, 2, 3], ..csr() },
            Csr { indptr: vec![0, 2, 2], ..csr() },
            Csr { indices: vec![0, 3, 1], ..csr() },
            Csr { indices: vec![0, 1], ..csr() },
        ] {
            assert!(!wrong.is_consistent(), "{wrong:?}");
        }
    }
}
