//! What a loader returns for features; labels are apart from them ([`crate::labels`]).

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
}
