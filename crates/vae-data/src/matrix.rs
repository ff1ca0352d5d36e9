//! Features in memory: dense, or by rows with the zeros left out (CSR), which is what text is.

use ndarray::{Array2, ArrayView2, s};
use vae_array::{Csr, ImageShape, Schema, Values, content_sha256, table_sha256};

/// Features `[n, d]`: finite, or NaN where a cell of a table is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Matrix {
    /// Every value.
    Dense(Array2<f32>),
    /// Zeros left out.
    Sparse(Csr),
}

impl Matrix {
    /// Rows and columns.
    pub fn dim(&self) -> (usize, usize) {
        match self {
            Self::Dense(x) => x.dim(),
            Self::Sparse(csr) => (csr.n(), csr.n_columns),
        }
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.dim().0
    }

    /// The dense matrix; `None` where the zeros are left out.
    pub fn as_dense(&self) -> Option<ArrayView2<'_, f32>> {
        match self {
            Self::Dense(x) => Some(x.view()),
            Self::Sparse(_) => None,
        }
    }

    /// The first `n` rows, or all where there are fewer.
    pub fn head(&self, n: usize) -> Self {
        let n = n.min(self.n());
        match self {
            Self::Dense(x) => Self::Dense(x.slice(s![..n, ..]).to_owned()),
            Self::Sparse(csr) => Self::Sparse(csr.select(0..n)),
        }
    }

    /// The rows behind the first `n`, none where there are fewer.
    pub fn tail(&self, n: usize) -> Self {
        let n = n.min(self.n());
        match self {
            Self::Dense(x) => Self::Dense(x.slice(s![n.., ..]).to_owned()),
            Self::Sparse(csr) => Self::Sparse(csr.select(n..csr.n())),
        }
    }

    /// The rows `start..end`, of as many as there are.
    pub fn rows(&self, start: usize, end: usize) -> Self {
        let end = end.min(self.n());
        let start = start.min(end);
        match self {
            Self::Dense(x) => Self::Dense(x.slice(s![start..end, ..]).to_owned()),
            Self::Sparse(csr) => Self::Sparse(csr.select(start..end)),
        }
    }

    /// [`content_sha256`] of the matrix as rows that are images, or not.
    pub fn sha256(&self, image: Option<ImageShape>) -> String {
        content_sha256(self.values(), image)
    }

    /// [`table_sha256`] of the matrix as features that are made as the schema says.
    pub fn table_sha256(&self, image: Option<ImageShape>, schema: Option<&Schema>) -> String {
        table_sha256(self.values(), image, schema)
    }

    fn values(&self) -> Values<'_> {
        match self {
            Self::Dense(x) => Values::Dense(x.view()),
            Self::Sparse(csr) => Values::Sparse(csr),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn csr() -> Csr {
        Csr { indptr: vec![0, 2, 2, 3], indices: vec![0, 2, 1], values: vec![1.0, 2.0, 3.0], n_columns: 3 }
    }

    #[test]
    fn rows_are_what_they_say() {
        assert_eq!(Matrix::Sparse(csr()).head(1).dim(), (1, 3));
        assert_eq!(Matrix::Sparse(csr()).head(9), Matrix::Sparse(csr()));
        let dense = Matrix::Dense(csr().to_dense());
        assert_eq!(dense.rows(1, 3), dense.tail(1));
        assert_eq!((dense.rows(2, 9), dense.rows(5, 9).n()), (dense.tail(2), 0));
        assert_eq!(Matrix::Sparse(csr()).rows(0, 1), Matrix::Sparse(csr()).head(1));
        assert_eq!(dense.tail(2), Matrix::Dense(array![[0.0, 3.0, 0.0]]));
        assert_eq!(Matrix::Sparse(csr()).tail(2), Matrix::Sparse(csr().select([2])));
        assert_eq!((dense.tail(9).dim(), Matrix::Sparse(csr()).tail(9).n()), ((0, 3), 0));
    }
}
