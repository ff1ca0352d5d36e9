//! The header of an NPY file: magic, version, length, and a Python dictionary with three keys as
//! text.
//!
//! The dictionary is read here and not by a general parser: a hostile one must not be able to
//! exhaust the stack.

use crate::error::{Error, Result};
use crate::read::element::{Element, Kind};
use crate::read::input::Input;

pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Headers of plain arrays have about 120 bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Texts of an array are no longer.
const MAX_TEXT_CHARS: usize = 4096;

/// What an array holds.
#[derive(Debug, PartialEq)]
pub(super) enum Items {
    Numbers(Element),
    /// Texts of so many characters of four bytes, filled up with zeros.
    Unicode {
        chars: usize,
        big_endian: bool,
    },
    /// Texts of so many bytes, filled up with zeros.
    Bytes(usize),
}

#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub items: Items,
    /// Whether the first dimension varies fastest.
    pub is_fortran: bool,
    pub dims: Vec<u64>,
}

pub(super) fn read_header(input: &mut Input<'_>) -> Result<Header> {
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
    let order = value_of(dictionary, "fortran_order");
    let is_fortran = match order.map(|v| (v.starts_with("True"), v.starts_with("False"))) {
        Some((true, _)) => true,
        Some((_, true)) => false,
        _ => return wrong("fortran_order", "missing or neither True nor False", "True or False"),
    };
    let descr = value_of(dictionary, "descr");
    let Some(items) = descr.and_then(parse_descr) else {
        let found = descr.map_or("missing".to_owned(), shorten);
        let expected = format!("a plain number (b1, u1 to u8, i1 to i8, f2 to f8); {}", remedy(&found));
        return wrong("descr, the kind of element,", &found, &expected);
    };
    let Some(dims) = value_of(dictionary, "shape").and_then(parse_shape) else {
        let found = value_of(dictionary, "shape").map_or("missing".to_owned(), shorten);
        return wrong("shape", &found, "a tuple of whole numbers");
    };
    Ok(Header { items, is_fortran, dims })
}

/// What makes plain numbers of another kind of element.
fn remedy(descr: &str) -> &'static str {
    let kind = descr.trim_matches(['\'', '"']).trim_start_matches(['<', '>', '|', '=']);
    match kind.chars().next() {
        Some('O') => "it holds Python objects: if they are numbers, save x.astype('float32')",
        Some('c') => {
            "it holds complex numbers: save numpy.abs(x), or numpy.concatenate([x.real, x.imag], axis=1)"
        }
        Some('[' | 'V') => {
            "it is a structured array: save numpy.lib.recfunctions.structured_to_unstructured(x), or write it as CSV, which has \
             names of columns"
        }
        Some('M' | 'm') => "it holds dates or times: save x.astype('int64')",
        _ => "save x.astype('float32')",
    }
}

/// The text after `'key':`.
fn value_of<'a>(dictionary: &'a str, key: &str) -> Option<&'a str> {
    let quoted = [format!("'{key}'"), format!("\"{key}\"")];
    let at = quoted.iter().find_map(|q| dictionary.find(q.as_str()).map(|at| at + q.len()))?;
    Some(dictionary[at..].trim_start().strip_prefix(':')?.trim_start())
}

/// `'<f4'` and the like.
fn parse_descr(text: &str) -> Option<Items> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (descr, _) = text[1..].split_once(quote)?;
    let big_endian = match descr.as_bytes().first()? {
        b'<' | b'|' => false,
        b'>' => true,
        b'=' => cfg!(target_endian = "big"),
        _ => return None,
    };
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
        "f2" => Kind::F16,
        "f4" => Kind::F32,
        "f8" => Kind::F64,
        text => return parse_text(text, big_endian),
    };
    Some(Items::Numbers(Element { kind, big_endian }))
}

/// `U5` and `S5`.
fn parse_text(text: &str, big_endian: bool) -> Option<Items> {
    let width = |digits: &str| digits.parse().ok().filter(|width| *width <= MAX_TEXT_CHARS);
    if let Some(digits) = text.strip_prefix('U') {
        return Some(Items::Unicode { chars: width(digits)?, big_endian });
    }
    Some(Items::Bytes(width(text.strip_prefix('S')?)?))
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
