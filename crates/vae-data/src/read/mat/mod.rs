//! MATLAB files of level 5, as `save -v7`, `save -v6` and SciPy's `savemat` write them: dense real
//! matrices by name.
//!
//! Source: MATLAB "MAT-File Format", R2023a, chapter 1. A file is a header and a list of elements,
//! each with a type and a length; an element may be a compressed one. Values are stored column by
//! column. Files of `-v7.3` are HDF5, and with files of level 4, sparse matrices, text, cells and
//! structures they are refused with what to do.
//!
//! The crate `matfile` reads and inflates a whole file before it looks at it. Here nothing is
//! allocated that the bytes at hand cannot fill, and variables that nobody asked for are passed
//! over without being inflated.

mod header;
mod tags;
mod variables;

use std::path::Path;

use crate::error::{Error, Result};
use crate::labels::RawLabels;
use crate::read::columns::read_columns;
use crate::read::element::{Element, read_integers};
use crate::read::input::Input;
use crate::read::mat::variables::{Variable, each_variable};
use crate::read::precision::{Narrow, Offsets, centred};
use crate::read::{FEATURE_KEYS, Keys, LABEL_KEYS, Raw};

pub(crate) use header::is_mat;

/// Reads features `[n, d]` from one variable and labels, `[n, 1]` or `[1, n]`, from another if
/// there is one.
///
/// Without names said, they are the keys of an NPZ file.
pub(crate) fn read(
    path: &Path,
    open: impl Fn() -> Result<Input<'static>>,
    keys: &Keys,
    offsets: Offsets<'_>,
) -> Result<Raw> {
    let variables = list(open()?)?;
    let (x, y) = choose(path, &variables, keys)?;
    check_counts(path, &variables, &x, y.as_deref())?;
    centred(offsets, |narrow| {
        let (mut raw, mut labels) = (None, None);
        each_variable(open()?, |variable, input, element| {
            if variable.name == x && raw.is_none() {
                raw = Some(matrix(variable, input, element, narrow)?);
            } else if y.as_ref() == Some(&variable.name) && labels.is_none() {
                labels = Some(column(variable, input, element)?);
            } else {
                return Ok(false);
            }
            Ok(true)
        })?;
        let Some(raw) = raw else { return Err(Error::format(path, format!("lost its variable `{x}`"))) };
        Ok(Raw { labels: labels.map(RawLabels::Ints), ..raw })
    })
}

/// Holds the number of labels against the rows before anything is read.
fn check_counts(path: &Path, variables: &[Variable], x: &str, y: Option<&str>) -> Result<()> {
    let find = |name: &str| variables.iter().find(|variable| variable.name == name);
    let (Some(features), Some(labels)) = (find(x), y.and_then(find)) else { return Ok(()) };
    let ([n, d], [a, b]) = (&features.dims[..], &labels.dims[..]) else { return Ok(()) };
    let count = a.saturating_mul(*b);
    // Labels of another shape have an error of their own.
    if count == *n || (*a != 1 && *b != 1) {
        return Ok(());
    }
    let hint = if count == *d { "; rows must be samples: save the transpose" } else { "" };
    Err(Error::format(path, format!("`{x}` is {n}x{d} and there are {count} labels{hint}")))
}

/// The names of features and labels.
fn choose(path: &Path, variables: &[Variable], keys: &Keys) -> Result<(String, Option<String>)> {
    let all = || variables.iter().map(Variable::describe).collect::<Vec<_>>().join(", ");
    let usable = |name: &str| match variables.iter().find(|v| v.name == name) {
        Some(v) if v.is_matrix() => Ok(name.to_owned()),
        Some(v) => {
            let problem = format!(
                "{}: only dense real matrices are read; in MATLAB, `full` and `double` make one",
                v.describe()
            );
            Err(Error::format(path, problem))
        }
        None => Err(Error::format(path, format!("has no variable `{name}`; it has: {}", all()))),
    };
    let first_of = |names: &[&'static str]| {
        names.iter().find(|name| variables.iter().any(|v| v.name == **name)).copied()
    };
    let y = match &keys.y {
        Some(name) => Some(usable(name)?),
        None => {
            first_of(&LABEL_KEYS).filter(|name| keys.x.as_deref() != Some(*name)).map(usable).transpose()?
        }
    };
    let others: Vec<&Variable> =
        variables.iter().filter(|v| v.is_matrix() && Some(&v.name) != y.as_ref()).collect();
    let x = match (&keys.x, first_of(&FEATURE_KEYS), others.as_slice()) {
        (Some(name), _, _) => usable(name)?,
        (None, Some(name), _) => usable(name)?,
        (None, None, [only]) => only.name.clone(),
        _ => {
            let problem =
                format!("which variable holds the features is not clear; say --x-key; it has: {}", all());
            return Err(Error::format(path, problem));
        }
    };
    if Some(&x) == y.as_ref() {
        return Err(Error::format(path, format!("`{x}` cannot be features and labels at once")));
    }
    Ok((x, y))
}

fn list(input: Input<'_>) -> Result<Vec<Variable>> {
    let mut all = Vec::new();
    each_variable(input, |variable, _, _| {
        all.push(variable.clone());
        Ok(false)
    })?;
    Ok(all)
}

/// Features, turned from columns to rows.
fn matrix(variable: &Variable, input: &mut Input<'_>, element: Element, narrow: &mut Narrow) -> Result<Raw> {
    let [n, d] = variable.dims[..] else {
        return Err(Error::format(
            &input.path,
            format!("{}: two dimensions are expected", variable.describe()),
        ));
    };
    if n == 0 || d == 0 {
        return Err(Error::Empty { path: input.path.clone(), expected: "at least one row and one column" });
    }
    let promised = input.promise(&[n, d], element.kind.bytes() as u64)?;
    // `promise` has shown that the product fits, so both factors do.
    let (n, d) = (n as usize, d as usize);
    narrow.begin(d, element.kind, &input.path)?;
    let x = read_columns(
        input,
        element,
        (n, d),
        promised,
        |column| column,
        |column, value| narrow.f32_of(column, value),
    )?;
    Ok(Raw { x, n, d, n_train: n, ..Raw::default() })
}

fn column(variable: &Variable, input: &mut Input<'_>, element: Element) -> Result<Vec<i64>> {
    let n = match variable.dims[..] {
        [n, 1] | [1, n] => n,
        _ => {
            let problem = format!("{}: labels are one row or one column", variable.describe());
            return Err(Error::format(&input.path, problem));
        }
    };
    let promised = input.promise(&[n], element.kind.bytes() as u64)?;
    read_integers(input, element, n as usize, promised)
}

#[cfg(test)]
mod tests;
