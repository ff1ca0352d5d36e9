//! The variables of a MATLAB file one after another: name, dimensions and class of each, and where
//! its values stand.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use crate::error::{Error, Result};
use crate::read::compressed::MAX_DEFLATE_RATIO;
use crate::read::element::{Element, Kind};
use crate::read::input::Input;
use crate::read::mat::header::read_header;
use crate::read::mat::tags::{Bits, MAX_NAME_BYTES, read_short, read_tag};

pub(super) const COMPRESSED: u32 = 15;
pub(super) const MATRIX: u32 = 14;
const MAX_DIMS: u64 = 32;

/// What stands before the values of a variable.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub name: String,
    pub dims: Vec<u64>,
    pub class: u8,
    pub is_complex: bool,
}

impl Variable {
    /// Dense real numbers in two dimensions.
    pub fn is_matrix(&self) -> bool {
        matches!(self.class, 6..=15) && !self.is_complex && self.dims.len() == 2
    }

    pub fn describe(&self) -> String {
        let kind = match self.class {
            1 => "cells",
            2 | 3 => "structures",
            4 => "text",
            5 => "sparse",
            6..=15 if self.is_complex => "complex",
            6 => "double",
            7 => "single",
            8..=15 => "integer",
            _ => "other",
        };
        let dims: Vec<String> = self.dims.iter().map(u64::to_string).collect();
        format!("{} ({} {kind})", self.name, dims.join("x"))
    }
}

/// Hands on each variable with its values before it; `take` says whether it has read them all.
pub(super) fn each_variable(
    mut outer: Input<'_>,
    mut take: impl FnMut(&Variable, &mut Input<'_>, Element) -> Result<bool>,
) -> Result<()> {
    let path = outer.path.clone();
    let big_endian = read_header(&mut outer)?;
    let bits = Bits { big_endian };
    while let Some(start) = outer.next_eight()? {
        let (kind, len) = (bits.u32(&start[..4]), u64::from(bits.u32(&start[4..])));
        outer.promise(&[len], 1)?;
        let mut limited = Read::by_ref(&mut outer).take(len);
        if kind == COMPRESSED {
            let bound = len.saturating_mul(MAX_DEFLATE_RATIO);
            let mut inner = Input::new(&path, ZlibDecoder::new(&mut limited), bound);
            let start = inner.next_eight()?.unwrap_or_default();
            if bits.u32(&start[..4]) == MATRIX {
                variable(&mut inner, bits, &mut take)?;
            }
        } else if kind == MATRIX {
            variable(&mut Input::new(&path, &mut limited, len), bits, &mut take)?;
        }
        io::copy(&mut limited, &mut io::sink()).map_err(Error::io("read", &path))?;
        let missing = limited.limit();
        if missing > 0 {
            return Err(Error::Truncated { path, expected: outer.count() + missing, found: outer.count() });
        }
    }
    outer.finish()
}

/// Reads what stands before the values of one variable and hands it on.
fn variable(
    input: &mut Input<'_>,
    bits: Bits,
    take: &mut impl FnMut(&Variable, &mut Input<'_>, Element) -> Result<bool>,
) -> Result<()> {
    let flags = read_short(input, bits, 6, "the array flags", 8)?;
    let dims = read_short(input, bits, 5, "the dimensions", 4 * MAX_DIMS)?;
    let name = read_short(input, bits, 1, "the name of a variable", MAX_NAME_BYTES)?;
    let flags = bits.u32(&flags);
    let variable = Variable {
        name: String::from_utf8_lossy(&name).into_owned(),
        dims: dims.chunks(4).map(|dim| u64::from(bits.u32(dim))).collect(),
        class: flags as u8,
        is_complex: flags & 0x0800 != 0,
    };
    if !variable.is_matrix() {
        take(&variable, input, Element { kind: Kind::U8, big_endian: bits.big_endian })?;
        return Ok(());
    }
    let tag = read_tag(input, bits)?;
    let kind = match tag.kind {
        1 => Kind::I8,
        2 => Kind::U8,
        3 => Kind::I16,
        4 => Kind::U16,
        5 => Kind::I32,
        6 => Kind::U32,
        7 => Kind::F32,
        9 => Kind::F64,
        12 => Kind::I64,
        13 => Kind::U64,
        other => {
            return Err(Error::field(
                &input.path,
                "the type of values",
                other,
                "a type of numbers (1 to 7, 9, 12, 13)",
            ));
        }
    };
    let needed = variable.dims.iter().try_fold(kind.bytes() as u64, |product, dim| product.checked_mul(*dim));
    if needed != Some(tag.len) {
        let found = format!("{} bytes of values", tag.len);
        let expected = format!("what {} needs in type {}", variable.describe(), tag.kind);
        return Err(Error::field(&input.path, "the length of a variable", found, expected));
    }
    let element = Element { kind, big_endian: bits.big_endian };
    let is_read = match tag.small {
        Some(bytes) => take(&variable, &mut Input::new(&input.path.clone(), &bytes[..], tag.len), element)?,
        None => take(&variable, input, element)?,
    };
    if is_read && tag.small.is_none() {
        // To the end: that is where the checksum of a compressed variable stands.
        io::copy(input, &mut io::sink()).map_err(Error::io("read", &input.path.clone()))?;
    }
    Ok(())
}
