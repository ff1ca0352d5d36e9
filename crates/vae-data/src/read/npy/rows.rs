//! An NPY array in blocks of rows.

use vae_array::ImageShape;

use crate::error::{Error, Result};
use crate::note::Note;
use crate::read::element::read_values;
use crate::read::input::Input;
use crate::read::npy::{Shape, read_rows};
use crate::read::precision::{Narrow, told};

/// Rows that are read at once to find out about their values.
const AT_ONCE: usize = 4096;

/// The rows of an array that has them one after another.
pub(crate) struct Rows {
    input: Option<Input<'static>>,
    shape: Shape,
    narrow: Narrow,
    /// Rows so far.
    at: usize,
}

impl Rows {
    /// Opens an array; `None` where its columns lie one after another. `offsets` are subtracted
    /// from the columns, where there is one for each.
    pub fn open(input: Input<'static>, offsets: Vec<f64>) -> Result<Option<Self>> {
        Self::narrowed(input, Narrow::by(offsets))
    }

    /// The same with the offsets that the values need, as
    /// [`centred`](crate::read::precision::centred) finds them, and what it says of them: an array
    /// whose numbers exceed f32 is read once before.
    pub fn centred(open: impl Fn() -> Result<Input<'static>>) -> Result<Option<(Self, Vec<Note>)>> {
        let Some(mut rows) = Self::narrowed(open()?, Narrow::finding_out())? else { return Ok(None) };
        if !rows.shape.element.kind.exceeds_f32() {
            return Ok(Some((rows, Vec::new())));
        }
        while !rows.next(AT_ONCE)?.is_empty() {}
        let offsets = rows.narrow.needed().unwrap_or_default();
        let notes = if offsets.is_empty() { Vec::new() } else { vec![told(&offsets)] };
        Ok(Self::open(open()?, offsets)?.map(|rows| (rows, notes)))
    }

    fn narrowed(mut input: Input<'static>, mut narrow: Narrow) -> Result<Option<Self>> {
        let shape = Shape::read(&mut input)?;
        if shape.is_fortran {
            return Ok(None);
        }
        narrow.begin(shape.d(), shape.element.kind, &input.path)?;
        Ok(Some(Self { input: Some(input), shape, narrow, at: 0 }))
    }

    /// Rows and columns.
    pub fn dim(&self) -> (usize, usize) {
        (self.shape.n, self.shape.d())
    }

    /// Shape of a row, where rows are pictures.
    pub fn image(&self) -> Option<ImageShape> {
        self.shape.image
    }

    /// What is subtracted from the columns, if anything is.
    pub fn offsets(&self) -> Option<&[f64]> {
        self.narrow.offsets()
    }

    /// The next `rows` rows, fewer at the end and none behind it.
    pub fn next(&mut self, rows: usize) -> Result<Vec<f32>> {
        let rows = rows.min(self.shape.n - self.at);
        let Some(input) = self.input.as_mut().filter(|_| rows > 0) else { return Ok(Vec::new()) };
        let (size, promised) = ((rows, self.shape.d()), self.shape.promised);
        let mut x = Vec::new();
        let read = match self.shape.is_pixels() {
            true => read_values(input, self.shape.element, size, true, promised, &mut x),
            false => {
                read_rows(input, self.shape.element, size, promised, &mut self.narrow).map(|own| x = own)
            }
        };
        read.map_err(|error| below(error, self.at))?;
        self.at += rows;
        if self.at == self.shape.n
            && let Some(input) = self.input.take()
        {
            input.finish()?;
        }
        Ok(x)
    }
}

/// The error with the row that the whole array has.
fn below(error: Error, start: usize) -> Error {
    match error {
        Error::NotFinite { path, row, column, value } => {
            Error::NotFinite { path, row: row + start, column, value }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::read::npy;
    use crate::read::precision::{Offsets, centred};

    /// An array of f64, rows first.
    fn array(dims: (usize, usize), values: &[f64]) -> Vec<u8> {
        let (n, d) = dims;
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({n}, {d}), }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        let padded = format!("{header:<117}\n");
        bytes.extend((padded.len() as u16).to_le_bytes());
        bytes.extend(padded.as_bytes());
        bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        bytes
    }

    #[test]
    fn blocks_are_the_rows_of_the_whole() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a.npy");
        let values: Vec<f64> = (0..21).map(|i| f64::from(i) * 0.1).collect();
        fs::write(&path, array((7, 3), &values)).expect("file");
        let open = |offsets| Rows::open(Input::open(&path).expect("opens"), offsets);
        let whole = npy::read(Input::open(&path).expect("opens"), &mut Narrow::plain()).expect("reads");
        let mut rows = open(Vec::new()).expect("sound").expect("rows first");
        assert_eq!((rows.dim(), rows.offsets()), ((7, 3), None));
        let mut x = Vec::new();
        for size in [2, 3, 9, 1] {
            x.extend(rows.next(size).expect("rows"));
        }
        assert_eq!(x, whole.x);
        let mut moved = open(vec![0.0, 1.0, 0.0]).expect("sound").expect("rows first");
        assert_eq!(moved.next(1).expect("a row"), [0.0, -0.9, 0.2]);
    }

    #[test]
    fn offsets_are_those_of_the_whole() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a.npy");
        // Seconds of a day, and a column that needs nothing.
        let values: Vec<f64> = (0..40).flat_map(|i| [1.7e9 + f64::from(i), f64::from(i % 7) * 0.5]).collect();
        fs::write(&path, array((40, 2), &values)).expect("file");
        let open = || Input::open(&path);
        let whole = centred(Offsets::Own, |narrow| npy::read(open()?, narrow)).expect("reads");
        let (mut rows, notes) = Rows::centred(open).expect("sound").expect("rows first");
        assert_eq!((rows.offsets(), &notes), (whole.offsets.as_deref(), &whole.notes));
        assert_eq!(notes.len(), 1);
        assert_eq!(rows.next(99).expect("rows"), whole.x);
    }

    #[test]
    fn a_fault_is_named_by_its_row() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a.npy");
        fs::write(&path, array((3, 1), &[0.0, 1.0, f64::NAN])).expect("file");
        let mut rows = Rows::open(Input::open(&path).expect("opens"), Vec::new()).expect("sound").expect("C");
        assert!(rows.next(2).is_ok());
        assert!(matches!(rows.next(2), Err(Error::NotFinite { row: 2, column: 0, .. })));
        fs::write(&path, [array((1, 1), &[0.0]), vec![0]].concat()).expect("file");
        let mut rows = Rows::open(Input::open(&path).expect("opens"), Vec::new()).expect("sound").expect("C");
        assert!(matches!(rows.next(9), Err(Error::TrailingBytes { .. })));
    }
}
