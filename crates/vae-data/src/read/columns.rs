//! Matrices that are stored column by column, turned to rows.

use crate::error::{Error, Result};
use crate::memory;
use crate::read::element::{Element, read_converted};
use crate::read::input::Input;

/// Columns that are turned to rows at a time: what is written of a row is then a line of the cache.
const BLOCK_COLUMNS: usize = 16;
/// Fewer columns where they are longer than this, together.
const BLOCK_VALUES: usize = 16 << 20;

/// Reads `n` rows of `d` columns, a block of columns at a time, so that no second copy of the
/// matrix is held.
///
/// `place` says to which column of the rows a stored column goes, and `convert` makes f32 of a
/// value of a column of the rows.
pub(crate) fn read_columns(
    input: &mut Input<'_>,
    element: Element,
    (n, d): (usize, usize),
    promised: u64,
    place: impl Fn(usize) -> usize,
    mut convert: impl FnMut(usize, f64) -> f32,
) -> Result<Vec<f32>> {
    let mut x = Vec::new();
    if d == 1 {
        read_converted(input, element, (n, d), promised, &mut x, |_, value| convert(0, value))?;
        return Ok(x);
    }
    memory::reserve(&mut x, n * d).map_err(|short| short.at(&input.path))?;
    x.resize(n * d, 0.0);
    let width = BLOCK_COLUMNS.min(BLOCK_VALUES / n).clamp(1, d);
    let mut block = Vec::new();
    for first in (0..d).step_by(width) {
        let width = width.min(d - first);
        let columns: Vec<usize> = (first..first + width).map(&place).collect();
        block.clear();
        read_converted(input, element, (width, n), promised, &mut block, |i, value| {
            convert(columns[i / n], value)
        })
        .map_err(|error| match error {
            Error::NotFinite { path, row, column, value } => {
                Error::NotFinite { path, row: column, column: columns[row], value }
            }
            other => other,
        })?;
        for (i, row) in x.chunks_exact_mut(d).enumerate() {
            let values = block[i..].iter().step_by(n);
            columns.iter().zip(values).for_each(|(column, value)| row[*column] = *value);
        }
    }
    Ok(x)
}
