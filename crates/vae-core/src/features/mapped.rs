//! Rows in a file instead of in memory, for data that are larger than it.

use crate::{Error, Result};
use memmap2::Mmap;
use ndarray::{ArrayView2, ArrayViewMut2};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Bytes that are written at once, about.
const BLOCK: usize = 8 << 20;

/// A matrix `[n, d]` of f32 in a file, mapped into the address space: its pages are read when they
/// are needed, and the system drops them when memory is scarce.
///
/// The file has no name: no other program can change it, and it is gone when the last owner is,
/// however the program ends.
#[derive(Debug)]
pub struct Mapped {
    map: Mmap,
    n: usize,
    d: usize,
    folder: PathBuf,
}

impl Mapped {
    /// Begins a matrix of `d` columns, 1 at least, in a file of the folder `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] when there can be no file.
    pub fn begin(folder: &Path, d: usize) -> Result<MappedWriter> {
        let file = tempfile::tempfile_in(folder).map_err(|e| Error::io(folder, e))?;
        let out = BufWriter::with_capacity(1 << 20, file);
        Ok(MappedWriter { out, n: 0, d: d.max(1), folder: folder.to_path_buf() })
    }

    /// The rows, `[n, d]`.
    pub fn view(&self) -> ArrayView2<'_, f32> {
        let (bytes, len) = (self.map.as_ptr(), self.n * self.d);
        // SAFETY: the map holds `len` f32 (checked when it was made), begins at a page, and lives
        // as long as the borrow; the file behind it has no name, so nobody can write to it.
        let values = unsafe { std::slice::from_raw_parts(bytes.cast::<f32>(), len) };
        ArrayView2::from_shape((self.n, self.d), values).expect("n times d values")
    }

    /// A matrix of the same shape, in the same folder: `change` is given blocks of rows.
    ///
    /// # Errors
    /// [`Error::Io`], for example of a full disk.
    pub fn changed(&self, change: impl Fn(ArrayViewMut2<'_, f32>)) -> Result<Self> {
        let mut out = Self::begin(&self.folder, self.d)?;
        let rows = (BLOCK / (4 * self.d)).max(1);
        for start in (0..self.n).step_by(rows) {
            let end = (start + rows).min(self.n);
            let mut block = self.view().slice(ndarray::s![start..end, ..]).to_owned();
            change(block.view_mut());
            out.push(block.view())?;
        }
        out.finish()
    }
}

/// Writes a [`Mapped`], block after block.
#[derive(Debug)]
pub struct MappedWriter {
    out: BufWriter<File>,
    n: usize,
    d: usize,
    folder: PathBuf,
}

impl MappedWriter {
    /// Appends rows, `[rows, d]`.
    ///
    /// # Errors
    /// [`Error::Io`], for example of a full disk; [`Error::Internal`] for another number of
    /// columns.
    pub fn push(&mut self, rows: ArrayView2<'_, f32>) -> Result<()> {
        if rows.ncols() != self.d {
            return Err(Error::Internal(format!("{} columns, expected {}", rows.ncols(), self.d)));
        }
        let rows = rows.as_standard_layout();
        let values = rows.as_slice().ok_or_else(|| Error::Internal("rows are not contiguous".into()))?;
        // SAFETY: any f32 is four bytes that may be read as such.
        let bytes = unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), 4 * values.len()) };
        self.out.write_all(bytes).map_err(|e| Error::io(&self.folder, e))?;
        self.n += rows.nrows();
        Ok(())
    }

    /// The matrix; refused without rows, as an empty file cannot be mapped.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Features`] without rows.
    pub fn finish(self) -> Result<Mapped> {
        let Self { out, n, d, folder } = self;
        let io = |e| Error::io(&folder, e);
        if n == 0 {
            return Err(Error::Features("the features are empty: 0 rows".into()));
        }
        let file = out.into_inner().map_err(|e| io(e.into_error()))?;
        // SAFETY: the file has no name and this process has no other handle that writes to it.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        if map.len() != 4 * n * d {
            return Err(Error::Internal(format!("{} bytes mapped for {n} rows of {d}", map.len())));
        }
        Ok(Mapped { map, n, d, folder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn rows_are_those_written() {
        let dir = tempfile::tempdir().expect("folder");
        let mut out = Mapped::begin(dir.path(), 2).expect("file");
        out.push(array![[1.0f32, 2.0], [3.0, 4.0]].view()).expect("written");
        out.push(array![[5.0f32, f32::NAN]].view()).expect("written");
        assert!(out.push(array![[5.0f32]].view()).is_err());
        let rows = out.finish().expect("mapped");
        assert_eq!(std::fs::read_dir(dir.path()).expect("folder").count(), 0, "the file has no name");
        assert_eq!(rows.view().dim(), (3, 2));
        assert_eq!(rows.view().row(1), array![3.0f32, 4.0]);
        let doubled = rows.changed(|mut block| block.mapv_inplace(|v| 2.0 * v));
        let doubled = doubled.expect("written");
        assert_eq!(doubled.view().row(0), array![2.0f32, 4.0]);
        assert!(doubled.view()[[2, 1]].is_nan());
        assert!(Mapped::begin(dir.path(), 2).expect("file").finish().is_err());
    }
}
