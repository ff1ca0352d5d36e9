//! The rows of a table on their way into a matrix.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::labels::RawLabels;
use crate::memory::{self, Interner, Shortage};
use crate::read::Raw;
use crate::read::table::TableOptions;
use crate::read::table::cells::{check_label, number};
use crate::read::table::header::{find_column, in_fitted_order};

/// Column names that are labels more often than not.
const LABEL_NAMES: [&str; 6] = ["label", "labels", "class", "target", "y", "species"];

/// A table being read.
pub(super) struct Rows {
    path: PathBuf,
    /// Names from the header, if there is one.
    names: Option<Vec<String>>,
    columns: usize,
    label: Option<usize>,
    /// The columns that are features, in the order of the features.
    features: Vec<usize>,
    /// Whether they are those of a fitted model.
    as_fitted: bool,
    x: Vec<f32>,
    labels: Vec<Arc<str>>,
    texts: Interner,
    n: usize,
}

impl Rows {
    pub fn new(
        path: PathBuf,
        names: Option<Vec<String>>,
        columns: usize,
        options: &TableOptions,
    ) -> Result<Self> {
        let label = options
            .label_column
            .as_ref()
            .map(|name| find_column(&path, &names, columns, name))
            .transpose()?;
        let features = match (&names, &options.columns) {
            (Some(names), Some(fitted)) => in_fitted_order(&path, names, label, fitted)?,
            _ => (0..columns).filter(|i| label != Some(*i)).collect(),
        };
        Ok(Self {
            path,
            names,
            columns,
            label,
            features,
            as_fitted: options.columns.is_some(),
            x: Vec::new(),
            labels: Vec::new(),
            texts: Interner::default(),
            n: 0,
        })
    }

    pub fn push(&mut self, line: usize, fields: &[Cow<'_, str>]) -> Result<()> {
        if fields.len() != self.columns {
            let (expected, found) = (self.columns, fields.len());
            return Err(Error::Ragged { path: self.path.clone(), line, expected, found });
        }
        let Self { path, names, x, labels, texts, label, features, .. } = self;
        let short = |short: Shortage| short.at(path);
        memory::reserve(x, self.columns).map_err(short)?;
        let at = |i: usize| {
            let (path, name) = (path.clone(), names.as_ref().map(|names| names[i].clone()));
            move |problem| Error::Value { path, line, column: i + 1, name, problem }
        };
        if let Some(i) = *label {
            check_label(&fields[i]).map_err(at(i))?;
            let label = texts.get(&fields[i]).map_err(short)?;
            memory::push(labels, label).map_err(short)?;
        }
        for &i in features.iter() {
            x.push(number(&fields[i]).map_err(at(i))?);
        }
        self.n += 1;
        Ok(())
    }

    pub fn finish(mut self) -> Result<Raw> {
        let d = self.features.len();
        if self.n == 0 {
            let header = self.names.unwrap_or_default();
            let shown: String = header.join(", ").chars().take(40).collect();
            let problem = format!(
                "holds one line, taken for a header ({shown}), and no row below it; add rows, or say --header no"
            );
            return Err(Error::format(&self.path, problem));
        }
        if d == 0 {
            return Err(Error::Empty { path: self.path, expected: "at least one column beside the labels" });
        }
        if self.label.is_none()
            && !self.as_fitted
            && let Some(name) =
                self.names.iter().flatten().find(|n| LABEL_NAMES.contains(&n.to_lowercase().as_str()))
        {
            tracing::warn!(
                "{}: column `{name}` is used as a feature; if it holds labels, name it with --label-column",
                self.path.display()
            );
        }
        self.x.shrink_to_fit();
        let labels = self.label.map(|_| RawLabels::Texts(self.labels));
        let columns = self.names.map(|names| self.features.iter().map(|i| names[*i].clone()).collect());
        Ok(Raw { x: self.x, n: self.n, d, columns, image: None, n_train: self.n, labels })
    }
}
