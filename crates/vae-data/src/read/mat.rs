//! MATLAB files of level 5, as `save -v7`, `save -v6` and SciPy's `savemat` write them: dense real matrices by name.
//!
//! Source: MATLAB "MAT-File Format", R2023a, chapter 1. A file is a header and a list of elements, each with a type
//! and a length; an element may be a compressed one. Values are stored column by column. Files of `-v7.3` are HDF5,
//! and with files of level 4, sparse matrices, text, cells and structures they are refused with what to do.
//!
//! The crate `matfile` reads and inflates a whole file before it looks at it. Here nothing is allocated that the
//! bytes at hand cannot fill, and variables that nobody asked for are passed over without being inflated.

use std::io::{self, Read};
use std::path::Path;

use flate2::read::ZlibDecoder;

use crate::error::{Error, Result};
use crate::labels::RawLabels;
use crate::memory;
use crate::read::element::{Element, Kind, read_integers, read_values};
use crate::read::input::{Input, MAX_DEFLATE_RATIO};
use crate::read::{FEATURE_KEYS, Keys, LABEL_KEYS, Raw};

const HEADER_BYTES: usize = 128;
const COMPRESSED: u32 = 15;
const MATRIX: u32 = 14;
/// Names are at most 63 characters in MATLAB.
const MAX_NAME_BYTES: u64 = 4096;
const MAX_DIMS: u64 = 32;
/// Columns that are turned to rows at a time: what is written of a row is then a line of the cache.
const BLOCK_COLUMNS: usize = 16;
/// Fewer columns where they are longer than this, together.
const BLOCK_VALUES: usize = 16 << 20;

/// What stands before the values of a variable.
#[derive(Debug, Clone)]
struct Variable {
    name: String,
    dims: Vec<u64>,
    class: u8,
    is_complex: bool,
}

impl Variable {
    /// Dense real numbers in two dimensions.
    fn is_matrix(&self) -> bool {
        matches!(self.class, 6..=15) && !self.is_complex && self.dims.len() == 2
    }

    fn describe(&self) -> String {
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

/// Whether a file begins as one of level 5 does.
pub(crate) fn is_mat(start: &[u8]) -> bool {
    start.starts_with(b"MATLAB")
}

/// Reads features `[n, d]` from one variable and labels, `[n, 1]` or `[1, n]`, from another if there is one.
///
/// Without names said, they are the keys of an NPZ file.
pub(crate) fn read(path: &Path, open: impl Fn() -> Result<Input<'static>>, keys: &Keys) -> Result<Raw> {
    let variables = list(open()?)?;
    let (x, y) = choose(path, &variables, keys)?;
    check_counts(path, &variables, &x, y.as_deref())?;
    let (mut raw, mut labels) = (None, None);
    each_variable(open()?, |variable, input, element| {
        if variable.name == x && raw.is_none() {
            raw = Some(matrix(variable, input, element)?);
        } else if y.as_ref() == Some(&variable.name) && labels.is_none() {
            labels = Some(column(variable, input, element)?);
        } else {
            return Ok(false);
        }
        Ok(true)
    })?;
    let Some(mut raw) = raw else { return Err(Error::format(path, format!("lost its variable `{x}`"))) };
    raw.labels = labels.map(RawLabels::Ints);
    Ok(raw)
}

/// Holds the number of labels against the rows before anything is read.
fn check_counts(path: &Path, variables: &[Variable], x: &str, y: Option<&str>) -> Result<()> {
    let find = |name: &str| variables.iter().find(|variable| variable.name == name);
    let (Some(features), Some(labels)) = (find(x), y.and_then(find)) else { return Ok(()) };
    let ([n, d], [a, b]) = (&features.dims[..], &labels.dims[..]) else { return Ok(()) };
    let count = a.saturating_mul(*b);
    // Labels of another shape have an error of their own.
    if count == *n || (*a != 1 && *b != 1) {
        return Ok(());
    }
    let hint = if count == *d { "; rows must be samples: save the transpose" } else { "" };
    Err(Error::format(path, format!("`{x}` is {n}x{d} and there are {count} labels{hint}")))
}

/// The names of features and labels.
fn choose(path: &Path, variables: &[Variable], keys: &Keys) -> Result<(String, Option<String>)> {
    let all = || variables.iter().map(Variable::describe).collect::<Vec<_>>().join(", ");
    let usable = |name: &str| match variables.iter().find(|v| v.name == name) {
        Some(v) if v.is_matrix() => Ok(name.to_owned()),
        Some(v) => {
            let problem = format!(
                "{}: only dense real matrices are read; in MATLAB, `full` and `double` make one",
                v.describe()
            );
            Err(Error::format(path, problem))
        }
        None => Err(Error::format(path, format!("has no variable `{name}`; it has: {}", all()))),
    };
    let first_of = |names: &[&'static str]| {
        names.iter().find(|name| variables.iter().any(|v| v.name == **name)).copied()
    };
    let y = match &keys.y {
        Some(name) => Some(usable(name)?),
        None => {
            first_of(&LABEL_KEYS).filter(|name| keys.x.as_deref() != Some(*name)).map(usable).transpose()?
        }
    };
    let others: Vec<&Variable> =
        variables.iter().filter(|v| v.is_matrix() && Some(&v.name) != y.as_ref()).collect();
    let x = match (&keys.x, first_of(&FEATURE_KEYS), others.as_slice()) {
        (Some(name), _, _) => usable(name)?,
        (None, Some(name), _) => usable(name)?,
        (None, None, [only]) => only.name.clone(),
        _ => {
            let problem =
                format!("which variable holds the features is not clear; say --x-key; it has: {}", all());
            return Err(Error::format(path, problem));
        }
    };
    if Some(&x) == y.as_ref() {
        return Err(Error::format(path, format!("`{x}` cannot be features and labels at once")));
    }
    Ok((x, y))
}

fn list(input: Input<'_>) -> Result<Vec<Variable>> {
    let mut all = Vec::new();
    each_variable(input, |variable, _, _| {
        all.push(variable.clone());
        Ok(false)
    })?;
    Ok(all)
}

/// Features, turned from columns to rows.
fn matrix(variable: &Variable, input: &mut Input<'_>, element: Element) -> Result<Raw> {
    let [n, d] = variable.dims[..] else {
        return Err(Error::format(
            &input.path,
            format!("{}: two dimensions are expected", variable.describe()),
        ));
    };
    if n == 0 || d == 0 {
        return Err(Error::Empty { path: input.path.clone(), expected: "at least one row and one column" });
    }
    let promised = input.promise(&[n, d], element.kind.bytes() as u64)?;
    // `promise` has shown that the product fits, so both factors do.
    let (n, d) = (n as usize, d as usize);
    let mut x = Vec::new();
    if n == 1 || d == 1 {
        read_values(input, element, (n, d), false, promised, &mut x)?;
    } else {
        read_columns(input, element, (n, d), promised, &mut x)?;
    }
    Ok(Raw { x, n, d, columns: None, image: None, n_train: n, labels: None })
}

/// Reads columns a block at a time and puts them into rows, so that no second copy of the matrix is held.
fn read_columns(
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

fn column(variable: &Variable, input: &mut Input<'_>, element: Element) -> Result<Vec<i64>> {
    let n = match variable.dims[..] {
        [n, 1] | [1, n] => n,
        _ => {
            let problem = format!("{}: labels are one row or one column", variable.describe());
            return Err(Error::format(&input.path, problem));
        }
    };
    let promised = input.promise(&[n], element.kind.bytes() as u64)?;
    read_integers(input, element, n as usize, promised)
}

/// Hands on each variable with its values before it; `take` says whether it has read them all.
fn each_variable(
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

/// Checks the header; returns whether the most significant byte comes first.
fn read_header(input: &mut Input<'_>) -> Result<bool> {
    let mut start = [0; 20];
    match input.fill_promised(&mut start, HEADER_BYTES as u64) {
        // A short file of another kind is told as that.
        Err(Error::Truncated { found, .. }) if found > 0 && !is_mat(&start) => {}
        other => other?,
    }
    let found = match start {
        _ if is_mat(&start) && !start.starts_with(b"MATLAB 7.3") => {
            let mut rest = [0; HEADER_BYTES - 20];
            input.fill(&mut rest)?;
            match rest[104..] {
                [0, 1, b'I', b'M'] => return Ok(false),
                [1, 0, b'M', b'I'] => return Ok(true),
                _ => "not one of level 5",
            }
        }
        _ if is_mat(&start) => "of version 7.3 (HDF5)",
        _ if start.starts_with(b"\x89HDF\r\n\x1a\n") => "that of plain HDF5",
        _ if is_level_4(&start) => "of level 4",
        _ => "not one of level 5",
    };
    let expected = "level 5; in MATLAB: save(file, 'X', 'Y', '-v7')";
    Err(Error::field(&input.path, "the MATLAB header", found, expected))
}

/// Whether a file begins as one of level 4 does: the type as a number MOPT of four decimal digits, in either order
/// of bytes, then rows, columns, whether there are imaginary values, and the length of the name.
fn is_level_4(start: &[u8; 20]) -> bool {
    [false, true].into_iter().any(|big_endian| {
        let number = |i: usize| Bits { big_endian }.u32(&start[4 * i..]);
        let (kind, name) = (number(0), u64::from(number(4)));
        let digits = [kind / 1000, kind / 100 % 10, kind / 10 % 10, kind % 10];
        let is_type = digits[0] <= 4 && digits[1] == 0 && digits[2] <= 5 && digits[3] <= 2;
        is_type && number(3) <= 1 && (1..=MAX_NAME_BYTES).contains(&name)
    })
}

/// Numbers in the byte order of the file.
#[derive(Debug, Clone, Copy)]
struct Bits {
    big_endian: bool,
}

impl Bits {
    /// Four bytes as a number; fewer count as their beginning.
    fn u32(self, bytes: &[u8]) -> u32 {
        let fold = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
        if self.big_endian {
            bytes.iter().take(4).fold(0, fold)
        } else {
            bytes.iter().take(4).rev().fold(0, fold)
        }
    }
}

/// A tag and, where it has room for them, the values themselves.
struct Tag {
    kind: u32,
    len: u64,
    small: Option<[u8; 4]>,
}

fn read_tag(input: &mut Input<'_>, bits: Bits) -> Result<Tag> {
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
fn read_short(
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

#[cfg(test)]
#[path = "mat_tests.rs"]
mod tests;
