//! Labels in NPY files: whole numbers or texts.

use crate::error::{Error, Result};
use crate::labels::RawLabels;
use crate::memory::{self, Interner};
use crate::read::element::read_integers;
use crate::read::input::Input;
use crate::read::npy::header::{Header, Items, read_header};

/// Reads an array of whole numbers or texts as labels, `[n]` or `[n, 1]`, for so many rows.
pub(crate) fn read_labels(mut input: Input<'_>, rows: usize) -> Result<RawLabels> {
    let Header { items, dims, .. } = read_header(&mut input)?;
    if !matches!(dims[..], [_] | [_, 1]) {
        return Err(Error::field(
            &input.path,
            "the shape of the labels",
            format!("{dims:?}"),
            "[n]: one a row",
        ));
    }
    let bytes = match items {
        Items::Numbers(element) => element.kind.bytes(),
        Items::Unicode { chars, .. } => 4 * chars,
        Items::Bytes(len) => len,
    };
    let promised = input.promise(&dims, bytes as u64)?;
    let n = dims[0] as usize;
    input.check_labels(n, Some(rows))?;
    let labels = match items {
        Items::Numbers(element) => RawLabels::Ints(read_integers(&mut input, element, n, promised)?),
        Items::Unicode { big_endian, .. } => texts(&mut input, n, bytes, |bytes| unicode(bytes, big_endian))?,
        Items::Bytes(_) => {
            texts(&mut input, n, bytes, |bytes| std::str::from_utf8(bytes).ok().map(str::to_owned))?
        }
    };
    input.finish()?;
    Ok(labels)
}

/// Reads `n` texts of so many bytes each.
fn texts(
    input: &mut Input<'_>,
    n: usize,
    bytes: usize,
    decode: impl Fn(&[u8]) -> Option<String>,
) -> Result<RawLabels> {
    let (mut texts, mut labels) = (Interner::default(), Vec::new());
    let mut buffer = vec![0; bytes];
    for row in 0..n {
        input.fill(&mut buffer)?;
        let Some(text) = decode(&buffer) else {
            let problem =
                format!("label {row} (from 0) is no text that can be read; save the labels as numbers");
            return Err(Error::format(&input.path, problem));
        };
        let label = texts.get(text.trim_end_matches('\0'));
        label.and_then(|label| memory::push(&mut labels, label)).map_err(|short| short.at(&input.path))?;
    }
    Ok(RawLabels::Texts(labels))
}

/// Text of four bytes a character.
fn unicode(bytes: &[u8], big_endian: bool) -> Option<String> {
    let char_of = |bytes: &[u8; 4]| {
        char::from_u32(if big_endian { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) })
    };
    bytes.as_chunks::<4>().0.iter().map(char_of).collect()
}

/// One text without a shape, such as the format of a sparse matrix.
pub(crate) fn read_text(mut input: Input<'_>) -> Result<String> {
    let Header { items, dims, .. } = read_header(&mut input)?;
    let (bytes, big_endian) = match items {
        Items::Unicode { chars, big_endian } => (4 * chars, Some(big_endian)),
        Items::Bytes(len) => (len, None),
        Items::Numbers(_) => (0, None),
    };
    if bytes == 0 || !dims.iter().all(|dim| *dim == 1) {
        return Err(Error::field(&input.path, "its content", "an array of another kind", "one text"));
    }
    let mut buffer = vec![0; bytes];
    input.fill(&mut buffer)?;
    let text = match big_endian {
        Some(big_endian) => unicode(&buffer, big_endian).unwrap_or_default(),
        None => String::from_utf8_lossy(&buffer).into_owned(),
    };
    input.finish()?;
    Ok(text.trim_end_matches('\0').to_owned())
}
