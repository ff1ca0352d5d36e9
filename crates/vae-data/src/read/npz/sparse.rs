//! Sparse matrices as `scipy.sparse.save_npz` writes them: formats `csr`, `csc` and `coo`.
//!
//! Rows come out in one form whatever the format: columns in ascending order, values of one place
//! added up as SciPy does it, zeros left out. So equal matrices have equal content hashes.

use std::path::Path;

use vae_array::Csr;

use crate::error::{Error, Result};
use crate::memory;
use crate::read::input::Input;
use crate::read::{Raw, npy};

/// Arrays that all formats have.
pub(super) const PARTS: [&str; 3] = ["format", "shape", "data"];

/// Reads the matrix from the members that `member` opens.
pub(super) fn read(
    path: &Path,
    mut member: impl FnMut(&str, &mut dyn FnMut(Input<'_>) -> Result<()>) -> Result<()>,
) -> Result<Raw> {
    let mut format = String::new();
    member("format", &mut |input| npy::read_text(input).map(|text| format = text))?;
    if !["csr", "csc", "coo"].contains(&format.as_str()) {
        let expected = "csr, csc or coo; save it again with scipy.sparse.save_npz(file, x.tocsr())";
        return Err(Error::field(path, "the format of the sparse matrix", format, expected));
    }
    let (mut shape, mut values) = (Vec::new(), Vec::new());
    member("shape", &mut |input| npy::read_whole_numbers(input).map(|numbers| shape = numbers))?;
    member("data", &mut |input| npy::read_vector(input).map(|numbers| values = numbers))?;
    let mut whole = |key: &str| {
        let mut numbers = Vec::new();
        member(key, &mut |input| npy::read_whole_numbers(input).map(|found| numbers = found))
            .map(|()| numbers)
    };
    let (n, d) = size(path, &shape)?;
    let (rows, columns) = if format == "coo" {
        let (rows, columns) = (whole("row")?, whole("col")?);
        (places(path, "row", &rows, n)?, places(path, "col", &columns, d)?)
    } else {
        let is_csr = format == "csr";
        let (major, minor) = if is_csr { (n, d) } else { (d, n) };
        let starts = whole("indptr")?;
        let minors = places(path, "indices", &whole("indices")?, minor)?;
        let majors = spread(path, &starts, major, minors.len())?;
        if is_csr { (majors, minors) } else { (minors, majors) }
    };
    let entries = Entries { rows, columns, values };
    let (rows, columns, values) = (entries.rows.len(), entries.columns.len(), entries.values.len());
    if rows != values || columns != values {
        let found = format!("{values} values at {rows} rows and {columns} columns");
        return Err(Error::field(path, "the sparse matrix", found, "as many of each; save it again"));
    }
    let csr = entries.by_rows(path, n, d)?;
    Ok(Raw { n, d, sparse: Some(csr), n_train: n, ..Raw::default() })
}

/// Stored values in any order.
struct Entries {
    rows: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl Entries {
    /// As many rows, columns and values.
    fn by_rows(self, path: &Path, n: usize, d: usize) -> Result<Csr> {
        let count = self.values.len();
        let mut starts = zeros(path, n + 1)?;
        self.rows.iter().for_each(|row| starts[*row as usize + 1] += 1);
        (0..n).for_each(|row| starts[row + 1] += starts[row]);
        let mut sorted: Vec<(u32, f32)> = Vec::new();
        memory::reserve(&mut sorted, count).map_err(|short| short.at(path))?;
        sorted.resize(count, (0, 0.0));
        let mut next = zeros(path, n)?;
        for ((row, column), value) in self.rows.iter().zip(&self.columns).zip(&self.values) {
            let row = *row as usize;
            sorted[starts[row] + next[row]] = (*column, *value);
            next[row] += 1;
        }
        // Held no longer than needed.
        drop(self);
        let mut csr = Csr { indptr: next, indices: Vec::new(), values: Vec::new(), n_columns: d };
        csr.indptr.clear();
        memory::reserve(&mut csr.indptr, n + 1)
            .and_then(|()| memory::reserve(&mut csr.indices, count))
            .and_then(|()| memory::reserve(&mut csr.values, count))
            .map_err(|short| short.at(path))?;
        csr.indptr.push(0);
        for row in 0..n {
            let entries = &mut sorted[starts[row]..starts[row + 1]];
            // Stable: values of one place are added in the order of the file.
            entries.sort_by_key(|(column, _)| *column);
            for same in entries.chunk_by(|a, b| a.0 == b.0) {
                let sum = same.iter().map(|(_, value)| value).sum::<f32>();
                if !sum.is_finite() {
                    let (column, value) = (same[0].0 as usize, f64::from(sum));
                    return Err(Error::NotFinite { path: path.to_owned(), row, column, value });
                }
                if sum != 0.0 {
                    csr.indices.push(same[0].0);
                    csr.values.push(sum);
                }
            }
            csr.indptr.push(csr.values.len());
        }
        Ok(csr)
    }
}

fn zeros(path: &Path, n: usize) -> Result<Vec<usize>> {
    let mut zeros = Vec::new();
    memory::reserve(&mut zeros, n).map_err(|short| short.at(path))?;
    zeros.resize(n, 0);
    Ok(zeros)
}

/// Rows and columns.
fn size(path: &Path, shape: &[i64]) -> Result<(usize, usize)> {
    let wrong = || {
        let expected = "two numbers from 1 to 4294967295: rows and columns";
        Error::field(path, "the shape of the sparse matrix", format!("{shape:?}"), expected)
    };
    let of = |size: i64| u32::try_from(size).ok().filter(|size| *size > 0).map(|size| size as usize);
    let [n, d] = shape else { return Err(wrong()) };
    of(*n).zip(of(*d)).ok_or_else(wrong)
}

/// Rows or columns below `limit`.
fn places(path: &Path, key: &'static str, numbers: &[i64], limit: usize) -> Result<Vec<u32>> {
    let mut places = Vec::new();
    memory::reserve(&mut places, numbers.len()).map_err(|short| short.at(path))?;
    for number in numbers {
        match u32::try_from(*number).ok().filter(|place| (*place as usize) < limit) {
            Some(place) => places.push(place),
            None => {
                let expected = format!("from 0 to {}; save the matrix again", limit - 1);
                return Err(Error::field(path, key, number, expected));
            }
        }
    }
    Ok(places)
}

/// The row (or column) of each value, from where the values of each begin.
fn spread(path: &Path, starts: &[i64], n: usize, count: usize) -> Result<Vec<u32>> {
    let ends_right = starts.first() == Some(&0) && starts.last().copied() == i64::try_from(count).ok();
    if starts.len() != n + 1 || !ends_right || !starts.is_sorted() {
        let expected = format!("{} numbers from 0 to {count} that never fall; save the matrix again", n + 1);
        return Err(Error::field(path, "indptr", format!("{} numbers that do not", starts.len()), expected));
    }
    let mut places = Vec::new();
    memory::reserve(&mut places, count).map_err(|short| short.at(path))?;
    for (place, ends) in starts.windows(2).enumerate() {
        places.extend(std::iter::repeat_n(place as u32, (ends[1] - ends[0]) as usize));
    }
    Ok(places)
}
