//! The pieces that a MATLAB file is made of: a tag with a type and a length, and what follows it.

use crate::error::{Error, Result};
use crate::read::input::Input;

/// Names are at most 63 characters in MATLAB.
pub(super) const MAX_NAME_BYTES: u64 = 4096;

/// Numbers in the byte order of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits {
    pub big_endian: bool,
}

impl Bits {
    /// Four bytes as a number; fewer count as their beginning.
    pub fn u32(self, bytes: &[u8]) -> u32 {
        let fold = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
        if self.big_endian {
            bytes.iter().take(4).fold(0, fold)
        } else {
            bytes.iter().take(4).rev().fold(0, fold)
        }
    }
}

/// A tag and, where it has room for them, the values themselves.
pub(super) struct Tag {
    pub kind: u32,
    pub len: u64,
    pub small: Option<[u8; 4]>,
}

pub(super) fn read_tag(input: &mut Input<'_>, bits: Bits) -> Result<Tag> {
    let mut bytes = [0; 8];
    input.fill(&mut bytes)?;
    let first = bits.u32(&bytes[..4]);
    if first >> 16 == 0 {
        return Ok(Tag { kind: first, len: u64::from(bits.u32(&bytes[4..])), small: None });
    }
    let small = [bytes[4], bytes[5], bytes[6], bytes[7]];
    Ok(Tag { kind: first & 0xffff, len: u64::from(first >> 16), small: Some(small) })
}

/// The bytes of a short element that must be of this kind, with the padding behind it.
pub(super) fn read_short(
    input: &mut Input<'_>,
    bits: Bits,
    kind: u32,
    field: &'static str,
    max: u64,
) -> Result<Vec<u8>> {
    let tag = read_tag(input, bits)?;
    if tag.kind != kind || tag.len > if tag.small.is_some() { 4 } else { max } {
        let found = format!("{} bytes of type {}", tag.len, tag.kind);
        return Err(Error::field(&input.path, field, found, format!("at most {max} bytes of type {kind}")));
    }
    let len = tag.len as usize;
    if let Some(small) = tag.small {
        return Ok(small[..len].to_vec());
    }
    let mut bytes = vec![0; len.next_multiple_of(8)];
    input.fill(&mut bytes)?;
    bytes.truncate(len);
    Ok(bytes)
}
