//! From what a reader gave to a data set and its labels.

use std::collections::HashMap;

use ndarray::Array2;
use vae_array::{Column, ColumnKind, Schema};

use crate::dataset::DataSet;
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::matrix::Matrix;
use crate::note::{Note, counted};
use crate::read::Raw;
use crate::read::label_table::{self, Labelled};
use crate::read::table::Table;
use crate::source::LoadOptions;
use crate::text::TextSet;

/// The data set and its labels from what a reader gave.
pub(crate) fn assemble(
    name: String,
    found: Found,
    names: Names,
    options: &LoadOptions,
) -> Result<(DataSet, Option<Labels>)> {
    let shape_error =
        |e: ndarray::ShapeError| Error::Format { path: name.clone().into(), problem: e.to_string() };
    let dense = |n, d, x| Array2::from_shape_vec((n, d), x).map(Matrix::Dense).map_err(shape_error);
    let (mut set, own_labels) = match found {
        Found::Values(Raw { x, n, d, sparse, offsets, image, n_train, labels, notes }) => {
            let schema = offsets.map(of_offsets);
            let x = match sparse {
                Some(csr) => Matrix::Sparse(csr),
                None => dense(n, d, x)?,
            };
            let set = DataSet::new(name, x, image, n_train, schema);
            (DataSet { notes, ..set }, labels)
        }
        Found::Text(TextSet { x, vocabulary, labels, beginnings, ids, notes }) => {
            let n = x.n();
            let set = DataSet::new(name, Matrix::Sparse(x), None, n, None);
            (DataSet { vocabulary: Some(vocabulary), beginnings, ids, notes, ..set }, labels)
        }
        Found::Table(Table { x, n, schema, labels, ids, n_missing, notes }) => {
            let x = dense(n, schema.n_features(), x)?;
            let set = DataSet::new(name, x, None, n, Some(schema));
            (DataSet { ids, n_missing, notes, ..set }, labels)
        }
    };
    let labels = match &options.labels {
        Some(path) => {
            let names = set.ids.as_ref().map(|ids| (ids.name(), ids.iter().collect()));
            // --label-column is for the data.
            let rows = Labelled { n: set.x.n(), names, column: None, may_say: false };
            Some(Labels::from_raw(label_table::read(path, &rows, &options.missing)?))
        }
        None => own_labels.map(Labels::from_raw).map(|labels| named(labels, names)),
    };
    let n_unlabelled = labels.as_ref().map_or(0, Labels::n_unlabelled);
    if n_unlabelled > 0 {
        set.notes.push(Note::info(format!("{} without a label", counted(n_unlabelled, "row"))));
    }
    Ok((set, labels))
}

/// Columns of an array, which have no names.
pub(crate) fn of_offsets(offsets: Vec<f64>) -> Schema {
    let column = |(i, offset)| Column { name: format!("{i}"), kind: ColumnKind::Number { offset } };
    Schema { named: false, columns: (1..).zip(offsets).map(column).collect() }
}

/// What is subtracted from the columns of an array: what the schema of a fitted model says, or what
/// the values need.
pub(crate) fn offsets_for(options: &LoadOptions) -> Option<Vec<f64>> {
    let offset = |column: &Column| match column.kind {
        ColumnKind::Number { offset } => offset,
        ColumnKind::Category { .. } => 0.0,
    };
    match &options.schema {
        Some(schema) if schema.columns.iter().all(|column| column.levels().is_none()) => {
            Some(schema.columns.iter().map(offset).collect())
        }
        Some(_) => Some(Vec::new()),
        None => options.as_fitted.then(Vec::new),
    }
}

/// What a reader gave.
pub(crate) enum Found {
    Values(Raw),
    Text(TextSet),
    Table(Table),
}

/// What classes are called.
pub(crate) enum Names {
    /// As the labels are written.
    AsWritten,
    /// By a list of the publisher's that has the numbers of the label file.
    ByNumber(HashMap<i64, String>),
    /// By the registry, in the order of the dense labels.
    Registered(&'static [String]),
}

fn named(mut labels: Labels, names: Names) -> Labels {
    match names {
        Names::AsWritten => {}
        Names::ByNumber(names) => {
            for class in &mut labels.class_names {
                if let Some(name) = class.parse().ok().and_then(|number: i64| names.get(&number)) {
                    *class = name.clone();
                }
            }
        }
        Names::Registered(names) => labels.class_names = names.to_vec(),
    }
    labels
}
