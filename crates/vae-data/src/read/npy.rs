//! NPY, NumPy's array format (NEP 1, versions 1 to 3): magic, header length, a Python dictionary as text, values.
//!
//! The dictionary is read here and not by a general parser: it has three keys, and a hostile one must not be able
//! to exhaust the stack.

use vae_array::ImageShape;

use crate::error::{Error, Result};
use crate::labels::RawLabels;
use crate::read::Raw;
use crate::read::element::{Element, Kind, read_integers, read_values};
use crate::read::input::Input;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Headers of plain arrays have about 120 bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;
const MAX_DIMS: usize = 4;

#[derive(Debug, PartialEq)]
struct Header {
    element: Element,
    dims: Vec<u64>,
}

fn read_header(input: &mut Input<'_>) -> Result<Header> {
    let mut start = [0; 8];
    input.fill(&mut start)?;
    if &start[..6] != MAGIC {
        let found = format!("{:02x?}", &start[..6]);
        return Err(Error::field(
            &input.path,
            "the NPY magic number",
            found,
            "\\x93NUMPY; this is no NPY file",
        ));
    }
    let len = match start[6] {
        1 => {
            let mut len = [0; 2];
            input.fill(&mut len)?;
            usize::from(u16::from_le_bytes(len))
        }
        2 | 3 => {
            let mut len = [0; 4];
            input.fill(&mut len)?;
            u32::from_le_bytes(len) as usize
        }
        other => return Err(Error::field(&input.path, "the NPY version", other, "1, 2 or 3")),
    };
    if len > MAX_HEADER_BYTES {
        return Err(Error::field(&input.path, "the NPY header's length", len, "at most 65536"));
    }
    let mut text = vec![0; len];
    input.fill(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    parse_header(input, &text)
}

fn parse_header(input: &Input<'_>, text: &str) -> Result<Header> {
    let wrong = |field, found: &str, expected: &str| {
        Err(Error::field(&input.path, field, found.trim_end(), expected))
    };
    let dictionary = text.trim().strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    let Some(dictionary) = dictionary else {
        return wrong("the NPY header", &shorten(text), "a dictionary in braces");
    };
    match value_of(dictionary, "fortran_order").map(|v| (v.starts_with("True"), v.starts_with("False"))) {
        Some((_, true)) => {}
        Some((true, _)) => {
            let expected = "False (rows first); save it again with numpy.ascontiguousarray";
            return wrong("fortran_order", "True", expected);
        }
        _ => return wrong("fortran_order", "missing or neither True nor False", "False"),
    }
    let Some(element) = value_of(dictionary, "descr").and_then(parse_descr) else {
        let found = value_of(dictionary, "descr").map_or("missing".to_owned(), shorten);
        let expected = "a plain number (b1, u1 to u8, i1 to i8, f4, f8); convert objects, text, complex and \
            half-precision arrays with astype('float32')";
        return wrong("descr, the kind of element,", &found, expected);
    };
    let Some(dims) = value_of(dictionary, "shape").and_then(parse_shape) else {
        let found = value_of(dictionary, "shape").map_or("missing".to_owned(), shorten);
        return wrong("shape", &found, "a tuple of whole numbers");
    };
    Ok(Header { element, dims })
}

/// The text after `'key':`.
fn value_of<'a>(dictionary: &'a str, key: &str) -> Option<&'a str> {
    let quoted = [format!("'{key}'"), format!("\"{key}\"")];
    let at = quoted.iter().find_map(|q| dictionary.find(q.as_str()).map(|at| at + q.len()))?;
    Some(dictionary[at..].trim_start().strip_prefix(':')?.trim_start())
}

/// `'<f4'` and the like.
fn parse_descr(text: &str) -> Option<Element> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (descr, _) = text[1..].split_once(quote)?;
    let kind = match descr.get(1..)? {
        "b1" => Kind::Bool,
        "u1" => Kind::U8,
        "u2" => Kind::U16,
        "u4" => Kind::U32,
        "u8" => Kind::U64,
        "i1" => Kind::I8,
        "i2" => Kind::I16,
        "i4" => Kind::I32,
        "i8" => Kind::I64,
        "f4" => Kind::F32,
        "f8" => Kind::F64,
        _ => return None,
    };
    let big_endian = match descr.as_bytes()[0] {
        b'<' | b'|' => false,
        b'>' => true,
        b'=' => cfg!(target_endian = "big"),
        _ => return None,
    };
    Some(Element { kind, big_endian })
}

/// `(60000, 28, 28)` and the like.
fn parse_shape(text: &str) -> Option<Vec<u64>> {
    let (inside, _) = text.strip_prefix('(')?.split_once(')')?;
    let inside = inside.trim();
    let inside = inside.strip_suffix(',').unwrap_or(inside);
    if inside.is_empty() {
        return Some(Vec::new());
    }
    inside.split(',').map(|dim| dim.trim().parse().ok()).collect()
}

/// The start of a value: a quoted one up to its closing quote.
fn shorten(text: &str) -> String {
    let quoted = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let end = quoted.and_then(|quote| text[1..].find(quote)).map_or(text.len(), |at| at + 2);
    text[..end].chars().take(80).collect::<String>().trim().to_owned()
}

/// Reads an array as features: `[n, d]` as it is; `[n, h, w]` and `[n, c, h, w]` as pictures, whose one-byte values
/// are divided by 255.
pub(crate) fn read(mut input: Input<'_>) -> Result<Raw> {
    let Header { element, dims } = read_header(&mut input)?;
    if dims.len() < 2 || dims.len() > MAX_DIMS {
        let expected =
            "2 for rows of numbers, 3 or 4 for pictures ([n, height, width], [n, channels, height, width])";
        return Err(Error::field(&input.path, "the count of dimensions", dims.len(), expected));
    }
    if dims.contains(&0) {
        return Err(Error::Empty { path: input.path, expected: "at least one row and one column" });
    }
    let promised = input.promise(&dims, element.kind.bytes() as u64)?;
    // `promise` has shown that the product fits, so every factor does.
    let sizes: Vec<usize> = dims.iter().map(|dim| *dim as usize).collect();
    let (n, d) = (sizes[0], sizes[1..].iter().product());
    let image = match sizes[1..] {
        [height, width] => Some(ImageShape { channels: 1, height, width }),
        [channels, height, width] => Some(picture_shape(&input, channels, height, width)?),
        _ => None,
    };
    let mut x = Vec::new();
    read_values(&mut input, element, (n, d), image.is_some(), promised, &mut x)?;
    input.finish()?;
    Ok(Raw { x, n, d, columns: None, image, n_train: n, labels: None })
}

/// Four dimensions are channels first. Channels last is common elsewhere and would silently scramble pictures.
fn picture_shape(input: &Input<'_>, channels: usize, height: usize, width: usize) -> Result<ImageShape> {
    if matches!(channels, 1 | 3 | 4) || !matches!(width, 1 | 3 | 4) {
        return Ok(ImageShape { channels, height, width });
    }
    let found = format!("[n, {channels}, {height}, {width}], which looks like channels last");
    let expected = "[n, channels, height, width]; save it again with numpy.moveaxis(x, -1, 1)";
    Err(Error::field(&input.path, "shape", found, expected))
}

/// Reads an array of whole numbers as labels, `[n]` or `[n, 1]`, for so many rows.
pub(crate) fn read_labels(mut input: Input<'_>, rows: usize) -> Result<RawLabels> {
    let Header { element, dims } = read_header(&mut input)?;
    if !matches!(dims[..], [_] | [_, 1]) {
        return Err(Error::field(
            &input.path,
            "the shape of the labels",
            format!("{dims:?}"),
            "[n]: one a row",
        ));
    }
    let promised = input.promise(&dims, element.kind.bytes() as u64)?;
    input.check_labels(dims[0] as usize, Some(rows))?;
    let labels = read_integers(&mut input, element, dims[0] as usize, promised)?;
    input.finish()?;
    Ok(RawLabels::Ints(labels))
}

#[cfg(test)]
#[path = "npy_tests.rs"]
pub(crate) mod tests;
