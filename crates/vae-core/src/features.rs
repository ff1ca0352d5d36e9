//! The input of a method: numbers, the shape of an image where rows are images, and the schema of a
//! table where they come from one. Never labels.

use crate::fsio::sha256_hex;
use crate::{Error, Result};
use ndarray::parallel::prelude::*;
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, s};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use vae_array::{Csr, ImageShape, Schema, Values, table_sha256};

mod convert;
mod levels;
mod mapped;
mod resident;

pub use convert::{as_slice, to_array2, to_array2_f64, to_tensor, to_tensor_f64};
pub use levels::MOST_LEVELS;
pub use mapped::{Mapped, MappedWriter};
pub use resident::{BLOCK, CONVOLUTION_BLOCK, Resident};

#[derive(Clone, Debug)]
enum Data {
    Dense(Array2<f32>),
    Mapped(Arc<Mapped>),
    Sparse(Csr),
}

impl Data {
    fn view(&self) -> Option<ArrayView2<'_, f32>> {
        match self {
            Self::Dense(x) => Some(x.view()),
            Self::Mapped(rows) => Some(rows.view()),
            Self::Sparse(_) => None,
        }
    }
}

/// `n` samples of `dim` finite features, dense or CSR, with an optional image shape. Dense ones may
/// lie in a file ([`Mapped`]) instead of in memory.
///
/// The type has no labels: a fit that takes `&Features` cannot use any.
#[derive(Clone, Debug)]
pub struct Features {
    data: Data,
    image: Option<ImageShape>,
    schema: Option<Arc<Schema>>,
    /// Places of the values that stand for missing ones, row after row, ascending.
    gaps: Arc<[usize]>,
    /// Of rows in a file whose gaps are filled: the same with NaN in the gaps.
    with_nan: Option<Arc<Mapped>>,
    sha256: OnceLock<String>,
}

impl Features {
    /// Dense features `[n, d]`.
    ///
    /// # Errors
    /// [`Error::Features`] when there are no rows or columns, [`Error::NonFiniteFeature`] at the
    /// first NaN or infinity.
    pub fn dense(x: Array2<f32>) -> Result<Self> {
        Self::of(of_array(x), f32::is_finite)
    }

    /// Dense features in a file, `[n, d]`; of a table, with NaN where a cell is missing, if there
    /// is a schema.
    ///
    /// # Errors
    /// As [`Features::dense`] and [`Features::table`].
    pub fn mapped(rows: Mapped, schema: Option<Schema>) -> Result<Self> {
        let data = Data::Mapped(Arc::new(rows));
        match schema {
            None => Self::of(data, f32::is_finite),
            Some(schema) => Self::table_of(data, Some(schema)),
        }
    }

    fn of(data: Data, is_allowed: impl Fn(f32) -> bool) -> Result<Self> {
        if let Some(x) = data.view() {
            if x.is_empty() {
                let (rows, columns) = x.dim();
                let what = format!("the features are empty: {rows} rows, {columns} columns");
                return Err(Error::Features(what));
            }
            for (row, values) in x.rows().into_iter().enumerate() {
                if let Some((column, value)) = values.iter().enumerate().find(|(_, v)| !is_allowed(**v)) {
                    return Err(Error::NonFiniteFeature { row, column, value: *value });
                }
            }
        }
        let (gaps, sha256) = (Arc::default(), OnceLock::new());
        Ok(Self { data, image: None, schema: None, gaps, with_nan: None, sha256 })
    }

    /// The features of a table, `[n, d]`, with NaN where a cell is missing, and what they are made
    /// of. Methods see them after [imputation](https://docs.rs/vae-models) only.
    ///
    /// # Errors
    /// [`Error::Features`] when there are no rows or columns, or not as many columns as the schema
    /// has features, [`Error::NonFiniteFeature`] at the first infinity.
    pub fn table(x: Array2<f32>, schema: Option<Schema>) -> Result<Self> {
        Self::table_of(of_array(x), schema)
    }

    fn table_of(data: Data, schema: Option<Schema>) -> Result<Self> {
        let table = Self::of(data, |v| v.is_finite() || v.is_nan())?;
        if let Some(schema) = schema.as_ref().filter(|schema| schema.n_features() != table.dim()) {
            let (features, columns) = (schema.n_features(), table.dim());
            return Err(Error::Features(format!("the schema has {features} features, the table {columns}")));
        }
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
        Self::of(Data::Sparse(csr), f32::is_finite)
    }

    /// The same features with other values in their rows: `change` is given each row `[d]`, on
    /// several threads. What lies in a file stays in a file. Sparse features are returned as they
    /// are.
    ///
    /// # Errors
    /// As [`Features::table`], and a file that cannot be written.
    pub fn changed(&self, change: impl Fn(ArrayViewMut1<'_, f32>) + Sync) -> Result<Self> {
        let schema = self.schema.as_deref().cloned();
        let changed = Self::table_of(self.data_changed(change)?, schema)?;
        match self.image {
            Some(image) => changed.with_image(image),
            None => Ok(changed),
        }
    }

    /// The same table with its missing values filled: `fill` is given each row that has some. They
    /// are marked as gaps, which an observation model leaves out.
    ///
    /// # Errors
    /// As [`Features::dense`] for what is still missing, and a file that cannot be written.
    pub fn filled(&self, fill: impl Fn(ArrayViewMut1<'_, f32>) + Sync) -> Result<Self> {
        let Some(own) = self.as_dense() else { return Ok(self.clone()) };
        let gaps = own.iter().enumerate().filter(|(_, v)| v.is_nan()).map(|(i, _)| i).collect();
        let filled = self.data_changed(|row| {
            if row.iter().any(|v| v.is_nan()) {
                fill(row);
            }
        })?;
        let with_nan = match &self.data {
            Data::Mapped(rows) => Some(Arc::clone(rows)),
            Data::Dense(_) | Data::Sparse(_) => None,
        };
        Ok(Self { schema: self.schema.clone(), gaps, with_nan, ..Self::of(filled, f32::is_finite)? })
    }

    fn data_changed(&self, change: impl Fn(ArrayViewMut1<'_, f32>) + Sync) -> Result<Data> {
        let change = |mut rows: ArrayViewMut2<'_, f32>| {
            rows.axis_iter_mut(Axis(0)).into_par_iter().for_each(&change);
        };
        Ok(match &self.data {
            Data::Dense(x) => {
                let mut x = x.clone();
                change(x.view_mut());
                Data::Dense(x)
            }
            Data::Mapped(rows) => Data::Mapped(Arc::new(rows.changed(change)?)),
            Data::Sparse(csr) => Data::Sparse(csr.clone()),
        })
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
            Data::Mapped(rows) => rows.view().nrows(),
            Data::Sparse(csr) => csr.n(),
        }
    }

    /// Number of features of a sample.
    pub fn dim(&self) -> usize {
        match &self.data {
            Data::Dense(x) => x.ncols(),
            Data::Mapped(rows) => rows.view().ncols(),
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
        let Some(x) = self.as_dense() else { return 0 };
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
        self.data.view()
    }

    /// The file that holds the rows; `None` for features in memory.
    pub fn as_mapped(&self) -> Option<&Mapped> {
        match &self.data {
            Data::Mapped(rows) => Some(rows),
            Data::Dense(_) | Data::Sparse(_) => None,
        }
    }

    /// The sparse matrix; `None` for dense features.
    pub fn as_csr(&self) -> Option<&Csr> {
        match &self.data {
            Data::Dense(_) | Data::Mapped(_) => None,
            Data::Sparse(csr) => Some(csr),
        }
    }

    /// A dense copy of the rows `start..end`, `[end - start, d]`.
    pub fn dense_rows(&self, start: usize, end: usize) -> Array2<f32> {
        match &self.data {
            Data::Dense(x) => x.slice(s![start..end, ..]).to_owned(),
            Data::Mapped(rows) => rows.view().slice(s![start..end, ..]).to_owned(),
            Data::Sparse(csr) => csr.dense_rows(start, end),
        }
    }

    /// The rows `rows`, in their order, in memory.
    ///
    /// # Errors
    /// As [`Features::dense`], where there are no rows.
    ///
    /// # Panics
    /// A row that is not there.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        let data = match (self.as_dense(), self.as_csr()) {
            (None, Some(csr)) => {
                let mut indptr = vec![0];
                let (mut indices, mut values) = (Vec::new(), Vec::new());
                for &row in rows {
                    let (columns, of_row) = csr.row(row);
                    indices.extend_from_slice(columns);
                    values.extend_from_slice(of_row);
                    indptr.push(indices.len());
                }
                Data::Sparse(Csr { indptr, indices, values, n_columns: csr.n_columns })
            }
            (x, _) => Data::Dense(x.expect("dense features").select(Axis(0), rows)),
        };
        let d = self.dim();
        let gaps_of = |(to, &row): (usize, &usize)| {
            let first = self.gaps.partition_point(|gap| *gap < row * d);
            let last = self.gaps.partition_point(|gap| *gap < (row + 1) * d);
            self.gaps[first..last].iter().map(move |gap| gap - row * d + to * d).collect::<Vec<_>>()
        };
        let gaps = rows.iter().enumerate().flat_map(gaps_of).collect();
        let (image, schema) = (self.image, self.schema.clone());
        Ok(Self { image, schema, gaps, ..Self::of(data, |v| v.is_finite() || v.is_nan())? })
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
        match (self.as_dense(), self.as_csr()) {
            (Some(x), _) => fold((f32::INFINITY, f32::NEG_INFINITY), x.as_slice().unwrap_or(&[])),
            (None, csr) => fold((0.0, 0.0), csr.map_or(&[], |csr| &csr.values)),
        }
    }

    /// Whether every value is 0, 1 or missing.
    pub fn is_binary(&self) -> bool {
        let binary = |v: &f32| *v == 0.0 || *v == 1.0 || v.is_nan();
        match (self.as_dense(), self.as_csr()) {
            (Some(x), _) => x.iter().all(binary),
            (None, csr) => csr.is_none_or(|csr| csr.values.iter().all(binary)),
        }
    }

    /// [`table_sha256`] of the values, the schema and the image shape, hashed with the gaps if
    /// there are any: the identity of the input of a phase.
    pub fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| {
            let values = match &self.data {
                Data::Dense(x) => Values::Dense(x.view()),
                Data::Mapped(rows) => Values::Dense(rows.view()),
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

fn of_array(x: Array2<f32>) -> Data {
    Data::Dense(if x.is_standard_layout() { x } else { x.as_standard_layout().into_owned() })
}

#[cfg(test)]
mod tests;
