//! The input of a method: numbers, the shape of an image where rows are images, and the schema of a
//! table where they come from one. Never labels.

use crate::fsio::sha256_hex;
use crate::{Error, Result};
use ndarray::{Array2, ArrayView1, ArrayView2, s};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use vae_array::{Csr, ImageShape, Schema, Values, table_sha256};

mod convert;
mod resident;

pub use convert::{as_slice, to_array2, to_array2_f64, to_tensor, to_tensor_f64};
pub use resident::{BLOCK, CONVOLUTION_BLOCK, Resident};

#[derive(Clone, Debug)]
enum Data {
    Dense(Array2<f32>),
    Sparse(Csr),
}

/// `n` samples of `dim` finite features, dense or CSR, with an optional image shape.
///
/// The type has no labels: a fit that takes `&Features` cannot use any.
#[derive(Clone, Debug)]
pub struct Features {
    data: Data,
    image: Option<ImageShape>,
    schema: Option<Arc<Schema>>,
    /// Places of the values that stand for missing ones, row after row, ascending.
    gaps: Arc<[usize]>,
    sha256: OnceLock<String>,
}

impl Features {
    /// Dense features `[n, d]`.
    ///
    /// # Errors
    /// [`Error::Features`] when there are no rows or columns, [`Error::NonFiniteFeature`] at the
    /// first NaN or infinity.
    pub fn dense(x: Array2<f32>) -> Result<Self> {
        Self::checked(x, f32::is_finite)
    }

    fn checked(x: Array2<f32>, is_allowed: impl Fn(f32) -> bool) -> Result<Self> {
        if x.is_empty() {
            return Err(Error::Features(format!(
                "the features are empty: {} rows, {} columns",
                x.nrows(),
                x.ncols()
            )));
        }
        let x = if x.is_standard_layout() { x } else { x.as_standard_layout().into_owned() };
        if let Some(((row, column), value)) = x.indexed_iter().find(|(_, v)| !is_allowed(**v)) {
            return Err(Error::NonFiniteFeature { row, column, value: *value });
        }
        Ok(Self {
            data: Data::Dense(x),
            image: None,
            schema: None,
            gaps: Arc::default(),
            sha256: OnceLock::new(),
        })
    }

    /// The features of a table, `[n, d]`, with NaN where a cell is missing, and what they are made
    /// of. Methods see them after [imputation](https://docs.rs/vae-models) only.
    ///
    /// # Errors
    /// [`Error::Features`] when there are no rows or columns, or not as many columns as the schema
    /// has features, [`Error::NonFiniteFeature`] at the first infinity.
    pub fn table(x: Array2<f32>, schema: Option<Schema>) -> Result<Self> {
        if let Some(schema) = schema.as_ref().filter(|schema| schema.n_features() != x.ncols()) {
            let (features, columns) = (schema.n_features(), x.ncols());
            return Err(Error::Features(format!("the schema has {features} features, the table {columns}")));
        }
        let table = Self::checked(x, |v| v.is_finite() || v.is_nan())?;
        Ok(Self { schema: schema.map(Arc::new), ..table })
    }

    /// Sparse features, `[n, n_columns]`.
    ///
    /// # Errors
    /// [`Error::Features`] when the arrays contradict each other, [`Error::NonFiniteFeature`] for
    /// NaN or infinity.
    pub fn sparse(csr: Csr) -> Result<Self> {
        let n = csr.n();
        if n == 0 || csr.n_columns == 0 || !csr.is_consistent() {
            return Err(Error::Features(
                "the sparse arrays contradict each other (indptr, indices, values)".into(),
            ));
        }
        for row in 0..n {
            for at in csr.indptr[row]..csr.indptr[row + 1] {
                if !csr.values[at].is_finite() {
                    let column = csr.indices[at] as usize;
                    return Err(Error::NonFiniteFeature { row, column, value: csr.values[at] });
                }
            }
        }
        let data = Data::Sparse(csr);
        Ok(Self { data, image: None, schema: None, gaps: Arc::default(), sha256: OnceLock::new() })
    }

    /// The same table with `x`, `[n, d]`, for its values: those that are missing here are marked as
    /// gaps, which an observation model leaves out.
    ///
    /// # Errors
    /// As [`Features::table`], and another shape.
    pub fn filled(&self, x: Array2<f32>) -> Result<Self> {
        let Some(own) = self.as_dense().filter(|own| own.dim() == x.dim()) else {
            return Err(Error::Features("what fills the gaps has another shape".into()));
        };
        let gaps = own.iter().enumerate().filter(|(_, v)| v.is_nan()).map(|(i, _)| i).collect();
        let filled = Self::checked(x, f32::is_finite)?;
        Ok(Self { schema: self.schema.clone(), gaps, ..filled })
    }

    /// Declares each row an image.
    ///
    /// # Errors
    /// [`Error::Features`] when the shape does not have `dim` numbers.
    pub fn with_image(mut self, image: ImageShape) -> Result<Self> {
        if image.dim() != self.dim() {
            return Err(Error::Features(format!(
                "an image of {image} has {} values, a row has {}",
                image.dim(),
                self.dim()
            )));
        }
        self.image = Some(image);
        self.sha256 = OnceLock::new();
        Ok(self)
    }

    /// Number of samples.
    pub fn n(&self) -> usize {
        match &self.data {
            Data::Dense(x) => x.nrows(),
            Data::Sparse(csr) => csr.n(),
        }
    }

    /// Number of features of a sample.
    pub fn dim(&self) -> usize {
        match &self.data {
            Data::Dense(x) => x.ncols(),
            Data::Sparse(csr) => csr.n_columns,
        }
    }

    /// Shape of the images, if the rows are images.
    pub fn image(&self) -> Option<ImageShape> {
        self.image
    }

    /// What the features are made of, where they come from a table.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_deref()
    }

    /// Whether some of the features are levels of categories.
    pub fn has_categories(&self) -> bool {
        self.schema().is_some_and(|schema| schema.categories().next().is_some())
    }

    /// The features that are numbers, and those of each category, one a level. Without a schema all
    /// are numbers.
    pub fn numbers_and_categories(&self) -> (Vec<usize>, Vec<Range<usize>>) {
        let categories = self.schema().into_iter().flat_map(Schema::categories);
        let categories: Vec<Range<usize>> = categories.map(|(_, features)| features).collect();
        let is_number = |i: &usize| !categories.iter().any(|features| features.contains(i));
        ((0..self.dim()).filter(is_number).collect(), categories)
    }

    /// Number of missing values (NaN): of cells, where the schema says which features are one.
    pub fn n_missing(&self) -> usize {
        let Data::Dense(x) = &self.data else { return 0 };
        let Some(schema) = &self.schema else { return x.iter().filter(|v| v.is_nan()).count() };
        let is_missing = |row: ArrayView1<'_, f32>, cell| row.slice(s![cell]).iter().any(|v| v.is_nan());
        let of_row = |row| schema.ranges().filter(|cell| is_missing(row, cell.clone())).count();
        x.rows().into_iter().map(of_row).sum()
    }

    /// Places of the values that stand for missing ones, as `row · d + column`, ascending.
    pub fn gaps(&self) -> &[usize] {
        &self.gaps
    }

    /// Whether values are missing, or others stand for them.
    pub fn has_gaps(&self) -> bool {
        !self.gaps.is_empty() || self.n_missing() > 0
    }

    /// The dense matrix `[n, d]`; `None` for sparse features.
    pub fn as_dense(&self) -> Option<ArrayView2<'_, f32>> {
        match &self.data {
            Data::Dense(x) => Some(x.view()),
            Data::Sparse(_) => None,
        }
    }

    /// The sparse matrix; `None` for dense features.
    pub fn as_csr(&self) -> Option<&Csr> {
        match &self.data {
            Data::Dense(_) => None,
            Data::Sparse(csr) => Some(csr),
        }
    }

    /// A dense copy of the rows `start..end`, `[end - start, d]`.
    pub fn dense_rows(&self, start: usize, end: usize) -> Array2<f32> {
        match &self.data {
            Data::Dense(x) => x.slice(ndarray::s![start..end, ..]).to_owned(),
            Data::Sparse(csr) => csr.dense_rows(start, end),
        }
    }

    /// Number of different rows, counted up to `limit`: the search stops there.
    pub fn distinct_rows_up_to(&self, limit: usize) -> usize {
        let mut seen = std::collections::HashSet::new();
        for row in 0..self.n() {
            if seen.len() >= limit {
                break;
            }
            // +0.0 makes one of the two zeros.
            seen.insert(
                self.dense_rows(row, row + 1).iter().map(|v| (v + 0.0).to_bits()).collect::<Vec<u32>>(),
            );
        }
        seen.len()
    }

    /// Smallest and largest value (absent entries of sparse features count as 0).
    pub fn range(&self) -> (f32, f32) {
        let fold = |start: (f32, f32), values: &[f32]| {
            values.iter().fold(start, |(lo, hi), &v| (lo.min(v), hi.max(v)))
        };
        match &self.data {
            Data::Dense(x) => fold((f32::INFINITY, f32::NEG_INFINITY), x.as_slice().unwrap_or(&[])),
            Data::Sparse(csr) => fold((0.0, 0.0), &csr.values),
        }
    }

    /// Whether every value is 0, 1 or missing.
    pub fn is_binary(&self) -> bool {
        let binary = |v: &f32| *v == 0.0 || *v == 1.0 || v.is_nan();
        match &self.data {
            Data::Dense(x) => x.iter().all(binary),
            Data::Sparse(csr) => csr.values.iter().all(binary),
        }
    }

    /// [`table_sha256`] of the values, the schema and the image shape, hashed with the gaps if
    /// there are any: the identity of the input of a phase.
    pub fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| {
            let values = match &self.data {
                Data::Dense(x) => Values::Dense(x.view()),
                Data::Sparse(csr) => Values::Sparse(csr),
            };
            let table = table_sha256(values, self.image, self.schema());
            match self.gaps.is_empty() {
                true => table,
                false => {
                    let gaps = self.gaps.iter().flat_map(|&gap| (gap as u64).to_le_bytes());
                    sha256_hex(&table.into_bytes().into_iter().chain(gaps).collect::<Vec<u8>>())
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use tch::{Device, Tensor};
    use vae_array::Column;

    fn csr() -> Csr {
        Csr { indptr: vec![0, 2, 2, 3], indices: vec![0, 2, 1], values: vec![1.0, 2.0, 3.0], n_columns: 3 }
    }

    #[test]
    fn refuses_what_is_not_finite_by_row_and_column() {
        let x = array![[0.0f32, 1.0], [2.0, f32::NAN]];
        let e = Features::dense(x).expect_err("NaN").to_string();
        assert!(e.contains("row 1, column 1"), "{e}");
    }

    #[test]
    fn a_missing_category_is_one_cell() {
        let nan = f32::NAN;
        let schema =
            Schema { named: true, columns: vec![Column::category("c", ["x", "y"]), Column::number("a")] };
        let x = array![[nan, nan, 1.0f32], [nan, nan, nan], [0.0, 1.0, 2.0]];
        assert_eq!(Features::table(x.clone(), Some(schema)).expect("valid").n_missing(), 3);
        assert_eq!(Features::table(x, None).expect("valid").n_missing(), 5);
    }

    #[test]
    fn filled_values_are_known_as_gaps() {
        let table = Features::table(array![[0.0f32, f32::NAN], [2.0, 3.0]], None).expect("valid");
        assert!(table.has_gaps() && table.gaps().is_empty());
        let filled = table.filled(array![[0.0f32, 1.0], [2.0, 3.0]]).expect("filled");
        assert_eq!((filled.gaps(), filled.n_missing(), filled.has_gaps()), (&[1usize][..], 0, true));
        // The same values, all of them there, are other data.
        let whole = Features::dense(array![[0.0f32, 1.0], [2.0, 3.0]]).expect("valid");
        assert_ne!(filled.sha256(), whole.sha256());
        assert!(table.filled(array![[0.0f32, 1.0]]).is_err());
        let rows = Resident::new(&filled, Device::Cpu).expect("resident");
        let index = Tensor::from_slice(&[1i64, 0]);
        let targets = rows.gather_targets(&index).expect("gather").expect("gaps");
        assert_eq!(
            Vec::<bool>::try_from(targets.isnan().view(-1)).expect("four"),
            [false, false, false, true]
        );
        assert_eq!(rows.gather(&index).expect("gather").double_value(&[1, 1]), 1.0);
        let whole = Resident::new(&whole, Device::Cpu).expect("resident");
        assert!(whole.gather_targets(&index).expect("gather").is_none());
    }

    #[test]
    fn refuses_empty_and_contradictory_input() {
        assert!(Features::dense(Array2::zeros((0, 3))).is_err());
        assert!(Features::sparse(Csr { indices: vec![0, 3, 1], ..csr() }).is_err());
        assert!(Features::sparse(Csr { indptr: vec![0, 3, 2, 3], ..csr() }).is_err());
        let image = ImageShape { channels: 1, height: 2, width: 2 };
        assert!(Features::dense(array![[1.0f32, 2.0]]).and_then(|f| f.with_image(image)).is_err());
    }

    #[test]
    fn sparse_batches_equal_dense_ones() {
        let dense = array![[1.0f32, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 3.0, 0.0]];
        let sparse = Features::sparse(csr()).expect("valid");
        assert_eq!(sparse.dense_rows(0, 3), dense);
        let dense = Features::dense(dense).expect("valid");
        let index = Tensor::from_slice(&[2i64, 0]);
        let a = Resident::new(&sparse, Device::Cpu).and_then(|r| r.gather(&index)).expect("gather");
        let b = Resident::new(&dense, Device::Cpu).and_then(|r| r.gather(&index)).expect("gather");
        assert!(a.equal(&b));
    }

    #[test]
    fn distinct_rows_are_counted_up_to_the_limit() {
        let x = Features::dense(array![[0.0f32, 1.0], [-0.0, 1.0], [2.0, 1.0], [3.0, 1.0]]).expect("valid");
        assert_eq!(x.distinct_rows_up_to(10), 3);
        assert_eq!(x.distinct_rows_up_to(2), 2);
    }

    #[test]
    fn the_checksum_depends_on_values_kind_and_shape() {
        let flat = || Features::dense(array![[1.0f32, 2.0, 0.0, 3.0]]).expect("valid");
        let image = |height, width| {
            let shape = ImageShape { channels: 1, height, width };
            flat().with_image(shape).expect("four values").sha256().to_string()
        };
        let all = [
            flat().sha256().to_string(),
            Features::dense(array![[1.0f32, 2.0], [0.0, 3.0]]).expect("valid").sha256().to_string(),
            Features::dense(array![[1.0f32, 2.5, 0.0, 3.0]]).expect("valid").sha256().to_string(),
            image(2, 2),
            image(1, 4),
            image(4, 1),
        ];
        let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        // Set after a look at the hash.
        let features = flat();
        let before = features.sha256().to_string();
        let after = features.with_image(ImageShape { channels: 1, height: 2, width: 2 }).expect("fits");
        assert_ne!(after.sha256(), before);
    }
}
