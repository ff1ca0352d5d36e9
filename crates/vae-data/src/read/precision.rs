//! From f64 to f32 without losing what tells the numbers of a column apart.
//!
//! A column such as Unix seconds of one week differs in digits that f32 does not have
//! ([`Moments::offset`] says when). Arrays are read once, each value becoming f32 at once, so that
//! no copy in f64 is held. Only where that has shown a column that needs it, they are read a second
//! time, with a number subtracted from the column in f64. All other values keep their bits.

use std::path::Path;

use crate::error::Result;
use crate::memory;
use crate::note::{Note, counted, listed};
use crate::offset::Moments;
use crate::read::Raw;
use crate::read::element::Kind;

/// Which numbers are subtracted from the columns.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Offsets<'a> {
    /// Those that the values need.
    Own,
    /// Those of a fitted model, one a column; none where it has another number of columns.
    Given(&'a [f64]),
}

/// Makes f32 of the numbers of a matrix.
pub(crate) struct Narrow {
    /// One a column, or none at all.
    offsets: Vec<f64>,
    /// One a column where it is not known yet whether they need offsets.
    moments: Vec<Moments>,
    finds_out: bool,
}

impl Narrow {
    /// Numbers as they are.
    pub fn plain() -> Self {
        Self::by(Vec::new())
    }

    /// Numbers less an offset a column.
    pub fn by(offsets: Vec<f64>) -> Self {
        Self { offsets, moments: Vec::new(), finds_out: false }
    }

    /// Numbers as they are, while their moments are taken.
    pub fn finding_out() -> Self {
        Self { finds_out: true, ..Self::plain() }
    }

    /// Before the first value of a matrix with `d` columns of this kind.
    pub fn begin(&mut self, d: usize, kind: Kind, path: &Path) -> Result<()> {
        if self.offsets.len() != d {
            self.offsets.clear();
        }
        self.moments.clear();
        if self.finds_out && kind.exceeds_f32() {
            memory::reserve(&mut self.moments, d).map_err(|short| short.at(path))?;
            self.moments.resize(d, Moments::default());
        }
        Ok(())
    }

    /// One value of a column.
    pub fn f32_of(&mut self, column: usize, value: f64) -> f32 {
        if let Some(moments) = self.moments.get_mut(column)
            && value.is_finite()
        {
            moments.add(value);
        }
        match self.offsets.get(column) {
            Some(offset) => (value - offset) as f32,
            None => value as f32,
        }
    }

    /// What is subtracted from the columns, if anything is.
    pub fn offsets(&self) -> Option<&[f64]> {
        Some(self.offsets.as_slice()).filter(|offsets| offsets.iter().any(|offset| *offset != 0.0))
    }

    /// The offsets of all columns, where the values have shown that one needs an offset.
    pub fn needed(&self) -> Option<Vec<f64>> {
        let is_needed = self.moments.iter().any(|moments| moments.offset() != 0.0);
        is_needed.then(|| self.moments.iter().map(Moments::offset).collect())
    }
}

/// Reads an array with `read`, a second time if its values need offsets. `Raw::offsets` says which
/// were subtracted.
pub(crate) fn centred(offsets: Offsets<'_>, mut read: impl FnMut(&mut Narrow) -> Result<Raw>) -> Result<Raw> {
    let mut narrow = match offsets {
        Offsets::Own => Narrow::finding_out(),
        Offsets::Given(offsets) => Narrow::by(offsets.to_vec()),
    };
    let raw = read(&mut narrow)?;
    let Some(needed) = narrow.needed() else {
        let used = Some(narrow.offsets).filter(|offsets| offsets.iter().any(|offset| *offset != 0.0));
        return Ok(Raw { offsets: used, ..raw });
    };
    // Not twice in memory.
    drop(raw);
    narrow = Narrow::by(needed);
    let mut raw = read(&mut narrow)?;
    raw.notes.push(told(&narrow.offsets));
    Ok(Raw { offsets: Some(narrow.offsets), ..raw })
}

/// What is said of the numbers that are subtracted.
pub(crate) fn told(offsets: &[f64]) -> Note {
    let moved: Vec<String> = (1..)
        .zip(offsets)
        .filter(|(_, offset)| **offset != 0.0)
        .map(|(column, offset)| format!("column {column} ({offset})"))
        .collect();
    Note::info(format!(
        "a number is subtracted from {}, as 32-bit numbers do not tell their values apart without: {}",
        counted(moved.len(), "column"),
        listed(moved)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of two columns; says how often they were read.
    fn read(rows: &[[f64; 2]], offsets: Offsets<'_>) -> (Raw, usize) {
        let mut times = 0;
        let raw = centred(offsets, |narrow| {
            times += 1;
            narrow.begin(2, Kind::F64, Path::new("a"))?;
            let x = rows.as_flattened().iter().enumerate().map(|(i, v)| narrow.f32_of(i % 2, *v)).collect();
            Ok(Raw { x, n: rows.len(), d: 2, ..Raw::default() })
        });
        (raw.expect("sound"), times)
    }

    const SECONDS: [[f64; 2]; 3] = [[1.7e9, 0.1], [1.7e9 + 1.0, 0.2], [1.7e9 + 3.0, 0.3]];

    #[test]
    fn only_the_column_that_needs_it_is_moved() {
        let (raw, times) = read(&SECONDS, Offsets::Own);
        let offsets = raw.offsets.expect("needed");
        assert_eq!((times, offsets[1]), (2, 0.0));
        // f32 near 1.7e9 are 128 apart: all three would be equal.
        for (row, seconds) in raw.x.chunks(2).zip([0.0, 1.0, 3.0]) {
            assert_eq!(f64::from(row[0]) + offsets[0], 1.7e9 + seconds);
        }
        assert_eq!([raw.x[1], raw.x[3], raw.x[5]], [0.1, 0.2, 0.3]);
        assert!(raw.notes[0].text.contains("subtracted from 1 column,"), "{}", raw.notes[0]);
    }

    #[test]
    fn values_without_need_keep_their_bits() {
        let rows = [[16_777_217.0, -0.0], [-3.25e10, 1e-40]];
        let (raw, times) = read(&rows, Offsets::Own);
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let plain: Vec<f32> = rows.as_flattened().iter().map(|v| *v as f32).collect();
        assert_eq!((bits(&raw.x), raw.offsets, raw.notes.len(), times), (bits(&plain), None, 0, 1));
    }

    #[test]
    fn a_fitted_model_decides_for_new_rows() {
        // None: these few rows would need one by themselves.
        let (raw, times) = read(&SECONDS, Offsets::Given(&[]));
        assert_eq!((raw.x[0], raw.offsets, times), (1.7e9, None, 1));
        let (raw, _) = read(&SECONDS, Offsets::Given(&[1.7e9, 0.0]));
        assert_eq!((raw.x[2], raw.x[3], raw.offsets), (1.0, 0.2, Some(vec![1.7e9, 0.0])));
        let (raw, _) = read(&SECONDS, Offsets::Given(&[1.0]));
        assert_eq!((raw.x[0], raw.offsets), (1.7e9, None), "of another number of columns");
    }
}
