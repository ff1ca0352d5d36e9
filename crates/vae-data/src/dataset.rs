//! What a loader returns for features; labels are apart from them ([`crate::labels`]).

use vae_array::{ImageShape, Schema};

use crate::ids::Ids;
use crate::matrix::Matrix;
use crate::note::Note;
use crate::text::Vocabulary;

/// Features of a data set. A fit gets these and nothing else: labels are a separate value on
/// purpose.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSet {
    /// Name in the registry, or the file name of one's own data.
    pub name: String,
    /// Features `[n, d]`: finite, or NaN where a cell of a table is missing.
    pub x: Matrix,
    /// Shape of a row, where rows are pictures.
    pub image: Option<ImageShape>,
    /// Rows `0..n_train` are the publisher's training split; equals `n` where there is none.
    pub n_train: usize,
    /// [`table_sha256`](vae_array::table_sha256) of `x`, `image` and `schema`; without a schema, or
    /// with a plain one, it is [`content_sha256`](vae_array::content_sha256).
    pub sha256: String,
    /// What the features are made of, where they come from a table.
    pub schema: Option<Schema>,
    /// Missing cells of the table: a category counts once, however many features it has.
    pub n_missing: usize,
    /// Names of the rows: what a column of a table has, or the files of a folder of pictures or
    /// texts.
    pub ids: Option<Ids>,
    /// What was decided on the way, for people to see.
    pub notes: Vec<Note>,
    /// What the columns are, where the rows are documents.
    pub vocabulary: Option<Vocabulary>,
    /// How each document begins, one line of at most 240 bytes, where the rows are documents that
    /// are not too many. It is for people to look at: no method gets it.
    pub beginnings: Option<Vec<String>>,
}

impl DataSet {
    pub(crate) fn new(
        name: String,
        x: Matrix,
        image: Option<ImageShape>,
        n_train: usize,
        schema: Option<Schema>,
    ) -> Self {
        let sha256 = x.table_sha256(image, schema.as_ref());
        let (n_missing, ids, notes) = (0, None, Vec::new());
        let (vocabulary, beginnings) = (None, None);
        Self { name, x, image, n_train, sha256, schema, n_missing, ids, notes, vocabulary, beginnings }
    }

    /// The first `n` rows take the place of all, and the checksum becomes theirs.
    pub fn keep_first(&mut self, n: usize) {
        self.x = self.x.head(n);
        self.n_train = self.n_train.min(n);
        self.ids = self.ids.as_ref().map(|ids| ids.slice(0, n));
        self.beginnings.iter_mut().for_each(|texts| texts.truncate(n));
        if self.n_missing > 0 {
            self.n_missing = self.count_missing();
        }
        self.sha256 = self.x.table_sha256(self.image, self.schema.as_ref());
    }

    fn count_missing(&self) -> usize {
        let Some(x) = self.x.as_dense() else { return 0 };
        // The features of a category are missing together.
        let firsts: Vec<usize> = match &self.schema {
            Some(schema) => schema.ranges().map(|range| range.start).collect(),
            None => (0..x.ncols()).collect(),
        };
        firsts.into_iter().map(|j| x.column(j).iter().filter(|value| value.is_nan()).count()).sum()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use vae_array::Column;

    use super::*;

    #[test]
    fn the_first_rows_are_a_set_of_their_own() {
        let mut set = DataSet::new("x".into(), Matrix::Dense(array![[1.0_f32], [2.0], [3.0]]), None, 2, None);
        let whole = set.sha256.clone();
        set.keep_first(1);
        let alone = DataSet::new("x".into(), Matrix::Dense(array![[1.0_f32]]), None, 1, None);
        assert_eq!(set, alone);
        assert_ne!(set.sha256, whole);
    }

    #[test]
    fn what_is_missing_is_counted_by_cell() {
        let nan = f32::NAN;
        let schema = Schema {
            named: true,
            columns: vec![
                Column::category("c", ["x", "y"]),
                Column::number("a"),
                Column::category("d", ["z"]),
            ],
        };
        let x = array![[1.0, 0.0, nan, 1.0], [nan, nan, nan, 1.0], [nan, nan, 3.0, nan]];
        let mut set = DataSet::new("x".into(), Matrix::Dense(x), None, 3, Some(schema));
        set.n_missing = set.count_missing();
        assert_eq!(set.n_missing, 5);
        set.keep_first(2);
        assert_eq!(set.n_missing, 3);
    }
}
