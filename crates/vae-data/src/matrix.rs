//! Features in memory: dense, or by rows with the zeros left out (CSR), which is what text is.

use ndarray::{Array2, ArrayView2, s};
use sha2::{Digest, Sha256};

use crate::dataset::{content_sha256, hex};

/// A sparse matrix by rows: row `i` holds `values[indptr[i]..indptr[i + 1]]` at the columns
/// `indices[indptr[i]..indptr[i + 1]]`, which grow.
#[derive(Debug, Clone, PartialEq)]
pub struct Csr {
    /// `[n + 1]`, starts at 0 and never falls.
    pub indptr: Vec<usize>,
    /// Column of each stored value.
    pub indices: Vec<u32>,
    /// Stored values, finite.
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

    /// A dense copy `[n, n_columns]`.
    pub fn to_dense(&self) -> Array2<f32> {
        let mut out = Array2::zeros((self.n(), self.n_columns));
        for i in 0..self.n() {
            let (indices, values) = self.row(i);
            indices.iter().zip(values).for_each(|(column, value)| out[[i, *column as usize]] = *value);
        }
        out
    }

    /// SHA-256 of shape and content, lower-case hexadecimal. The bytes hashed are, all little-endian: `n` and
    /// `n_columns` as u64, the values as f32, the columns as u32, `indptr` as u64.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update((self.n() as u64).to_le_bytes());
        hash.update((self.n_columns as u64).to_le_bytes());
        update(&mut hash, &self.values, |v| v.to_le_bytes());
        update(&mut hash, &self.indices, |v| v.to_le_bytes());
        update(&mut hash, &self.indptr, |v| (*v as u64).to_le_bytes());
        hex(&hash.finalize())
    }
}

fn update<T, const N: usize>(hash: &mut Sha256, values: &[T], bytes: impl Fn(&T) -> [u8; N]) {
    let mut buffer = Vec::with_capacity(4096 * N);
    for chunk in values.chunks(4096) {
        buffer.clear();
        chunk.iter().for_each(|v| buffer.extend_from_slice(&bytes(v)));
        hash.update(&buffer);
    }
}

/// Features `[n, d]`, all finite.
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

    /// SHA-256 of shape and content: [`content_sha256`] or [`Csr::sha256`].
    pub fn sha256(&self) -> String {
        match self {
            Self::Dense(x) => content_sha256(x.view()),
            Self::Sparse(csr) => csr.sha256(),
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
        assert_eq!(csr().to_dense(), array![[1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 3.0, 0.0]]);
        assert_eq!(csr().select([2, 0]).to_dense(), array![[0.0, 3.0, 0.0], [1.0, 0.0, 2.0]]);
        assert_eq!(Matrix::Sparse(csr()).head(1).dim(), (1, 3));
        assert_eq!(Matrix::Sparse(csr()).head(9), Matrix::Sparse(csr()));
        let dense = Matrix::Dense(csr().to_dense());
        assert_eq!(dense.tail(2), Matrix::Dense(array![[0.0, 3.0, 0.0]]));
        assert_eq!(Matrix::Sparse(csr()).tail(2), Matrix::Sparse(csr().select([2])));
        assert_eq!((dense.tail(9).dim(), Matrix::Sparse(csr()).tail(9).n()), ((0, 3), 0));
        assert_eq!(csr().row(7), (&[][..], &[][..]));
    }

    #[test]
    fn the_checksum_is_of_the_documented_bytes() {
        let mut bytes = Vec::new();
        [3_u64, 3].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        [1.0_f32, 2.0, 3.0].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        [0_u32, 2, 1].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        [0_u64, 2, 2, 3].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        assert_eq!(csr().sha256(), hex(&Sha256::digest(&bytes)));
    }
}
