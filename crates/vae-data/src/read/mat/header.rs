//! The first 128 bytes of a MATLAB file, and how files of other versions are told.

use crate::error::{Error, Result};
use crate::read::input::Input;
use crate::read::mat::tags::{Bits, MAX_NAME_BYTES};

/// Length of the header.
pub(super) const HEADER_BYTES: usize = 128;

/// Whether a file begins as one of level 5 does.
pub(crate) fn is_mat(start: &[u8]) -> bool {
    start.starts_with(b"MATLAB")
}

/// Checks the header; returns whether the most significant byte comes first.
pub(super) fn read_header(input: &mut Input<'_>) -> Result<bool> {
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

/// Whether a file begins as one of level 4 does: the type as a number MOPT of four decimal digits,
/// in either order of bytes, then rows, columns, whether there are imaginary values, and the length
/// of the name.
fn is_level_4(start: &[u8; 20]) -> bool {
    [false, true].into_iter().any(|big_endian| {
        let number = |i: usize| Bits { big_endian }.u32(&start[4 * i..]);
        let (kind, name) = (number(0), u64::from(number(4)));
        let digits = [kind / 1000, kind / 100 % 10, kind / 10 % 10, kind % 10];
        let is_type = digits[0] <= 4 && digits[1] == 0 && digits[2] <= 5 && digits[3] <= 2;
        is_type && number(3) <= 1 && (1..=MAX_NAME_BYTES).contains(&name)
    })
}
