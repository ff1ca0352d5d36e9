//! Matrices that are stored column by column, turned to rows.

use crate::error::{Error, Result};
use crate::memory;
use crate::read::element::{Element, read_values};
use crate::read::input::Input;

/// Columns that are turned to rows at a time: what is written of a row is then a line of the cache.
const BLOCK_COLUMNS: usize = 16;
/// Fewer columns where they are longer than this, together.
const BLOCK_VALUES: usize = 16 << 20;

/// Reads columns a block at a time and puts them into rows, so that no second copy of the matrix is held.
pub(crate) fn read_columns(
    input: &mut Input<'_>,
    element: Element,
    (n, d): (usize, usize),
    promised: u64,
    x: &mut Vec<f32>,
) -> Result<()> {
    memory::reserve(x, n * d).map_err(|short| short.at(&input.path))?;
    x.resize(n * d, 0.0);
    let width = BLOCK_COLUMNS.min(BLOCK_VALUES / n).clamp(1, d);
    let mut block = Vec::new();
    for first in (0..d).step_by(width) {
        let width = width.min(d - first);
        block.clear();
        read_values(input, element, (width, n), false, promised, &mut block).map_err(
            |error| match error {
                Error::NotFinite { path, row, column, value } => {
                    Error::NotFinite { path, row: column, column: first + row, value }
                }
                other => other,
            },
        )?;
        for (i, row) in x.chunks_exact_mut(d).enumerate() {
            let values = block[i..].iter().step_by(n);
            row[first..first + width].iter_mut().zip(values).for_each(|(to, value)| *to = *value);
        }
    }
    Ok(())
}
