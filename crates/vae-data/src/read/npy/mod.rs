//! NPY, NumPy's array format (NEP 1, versions 1 to 3): a header and the values, in either order of
//! dimensions.

mod header;
mod labels;
mod rows;

use vae_array::ImageShape;

use crate::error::{Error, Result};
use crate::read::Raw;
use crate::read::columns::read_columns;
use crate::read::element::{Element, Kind, read_converted, read_integers, read_values, unit_interval};
use crate::read::input::Input;
use crate::read::npy::header::{Header, Items, read_header};
use crate::read::precision::Narrow;

pub(crate) use labels::{read_labels, read_text};
pub(crate) use rows::Rows;

const MAX_DIMS: usize = 4;

/// An array as its header has it.
struct Shape {
    element: Element,
    is_fortran: bool,
    /// Rows, and the other dimensions.
    n: usize,
    sizes: Vec<usize>,
    image: Option<ImageShape>,
    /// Bytes of content in all.
    promised: u64,
}

impl Shape {
    /// Reads and checks a header.
    fn read(input: &mut Input<'_>) -> Result<Self> {
        let Header { items, is_fortran, dims } = read_header(input)?;
        let element = numbers(input, items)?;
        if dims.len() < 2 || dims.len() > MAX_DIMS {
            let expected = "2 for rows of numbers, 3 or 4 for pictures ([n, height, width], [n, channels, height, width])";
            return Err(Error::field(&input.path, "the count of dimensions", dims.len(), expected));
        }
        if dims.contains(&0) {
            let path = input.path.clone();
            return Err(Error::Empty { path, expected: "at least one row and one column" });
        }
        let promised = input.promise(&dims, element.kind.bytes() as u64)?;
        // `promise` has shown that the product fits, so every factor does.
        let sizes: Vec<usize> = dims[1..].iter().map(|dim| *dim as usize).collect();
        let image = match sizes[..] {
            [height, width] => Some(ImageShape { channels: 1, height, width }),
            [channels, height, width] => Some(picture_shape(input, channels, height, width)?),
            _ => None,
        };
        Ok(Self { element, is_fortran, n: dims[0] as usize, sizes, image, promised })
    }

    /// Numbers of a row.
    fn d(&self) -> usize {
        self.sizes.iter().product()
    }

    /// Whether the numbers are those of pictures in bytes.
    fn is_pixels(&self) -> bool {
        self.image.is_some() && self.element.kind == Kind::U8
    }
}

/// Reads an array as features: `[n, d]` as it is, or as `narrow` has it; `[n, h, w]` and `[n, c, h,
/// w]` as pictures, whose one-byte values are divided by 255.
pub(crate) fn read(mut input: Input<'_>, narrow: &mut Narrow) -> Result<Raw> {
    let shape = Shape::read(&mut input)?;
    let (n, d, is_pixels) = (shape.n, shape.d(), shape.is_pixels());
    let Shape { element, promised, .. } = shape;
    narrow.begin(d, element.kind, &input.path)?;
    let x = match (shape.is_fortran, is_pixels) {
        (false, true) => {
            let mut x = Vec::new();
            read_values(&mut input, element, (n, d), true, promised, &mut x)?;
            x
        }
        (false, false) => read_rows(&mut input, element, (n, d), promised, narrow)?,
        (true, _) => {
            let pixels = unit_interval();
            let place = |stored| place_in_row(stored, &shape.sizes);
            read_columns(&mut input, element, (n, d), promised, place, |column, value| {
                if is_pixels { pixels[value as usize] } else { narrow.f32_of(column, value) }
            })?
        }
    };
    input.finish()?;
    Ok(Raw { x, n, d, image: shape.image, n_train: n, ..Raw::default() })
}

/// Rows one after another.
fn read_rows(
    input: &mut Input<'_>,
    element: Element,
    (n, d): (usize, usize),
    promised: u64,
    narrow: &mut Narrow,
) -> Result<Vec<f32>> {
    let mut x = Vec::new();
    let mut column = d - 1;
    read_converted(input, element, (n, d), promised, &mut x, |_, value| {
        column = if column + 1 == d { 0 } else { column + 1 };
        narrow.f32_of(column, value)
    })?;
    Ok(x)
}

/// The place in a row, the last dimension fastest, of what is stored at `stored`, the first
/// dimension fastest.
fn place_in_row(mut stored: usize, sizes: &[usize]) -> usize {
    let mut stride: usize = sizes.iter().product();
    let mut place = 0;
    for size in sizes {
        stride /= size;
        place += stored % size * stride;
        stored /= size;
    }
    place
}

/// The kind of number; texts are no features.
fn numbers(input: &Input<'_>, items: Items) -> Result<Element> {
    match items {
        Items::Numbers(element) => Ok(element),
        Items::Unicode { .. } | Items::Bytes(_) => {
            let expected = "numbers; save x.astype('float32') if the texts are numbers, or write them as CSV, where a column \
                of few words becomes a category";
            Err(Error::field(&input.path, "descr, the kind of element,", "text", expected))
        }
    }
}

/// One dimension of whole numbers, such as the places of a sparse matrix.
pub(crate) fn read_whole_numbers(mut input: Input<'_>) -> Result<Vec<i64>> {
    let (element, n, promised) = one_dimension(&mut input)?;
    let values = read_integers(&mut input, element, n, promised)?;
    input.finish()?;
    Ok(values)
}

/// One dimension of numbers as f32.
pub(crate) fn read_vector(mut input: Input<'_>) -> Result<Vec<f32>> {
    let (element, n, promised) = one_dimension(&mut input)?;
    let mut values = Vec::new();
    read_values(&mut input, element, (n, 1), false, promised, &mut values)?;
    input.finish()?;
    Ok(values)
}

fn one_dimension(input: &mut Input<'_>) -> Result<(Element, usize, u64)> {
    let Header { items, dims, .. } = read_header(input)?;
    let element = numbers(input, items)?;
    let [n] = dims[..] else {
        return Err(Error::field(&input.path, "the count of dimensions", dims.len(), 1));
    };
    let promised = input.promise(&dims, element.kind.bytes() as u64)?;
    Ok((element, n as usize, promised))
}

/// Four dimensions are channels first. Channels last is common elsewhere and would silently
/// scramble pictures.
fn picture_shape(input: &Input<'_>, channels: usize, height: usize, width: usize) -> Result<ImageShape> {
    if matches!(channels, 1 | 3 | 4) || !matches!(width, 1 | 3 | 4) {
        return Ok(ImageShape { channels, height, width });
    }
    let found = format!("[n, {channels}, {height}, {width}], which looks like channels last");
    let expected = "[n, channels, height, width]; save it again with numpy.moveaxis(x, -1, 1)";
    Err(Error::field(&input.path, "shape", found, expected))
}

#[cfg(test)]
pub(crate) mod tests;
