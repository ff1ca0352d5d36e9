//! Numbers in binary files (IDX, NPY): their kinds, and decoding them in a stream.

use half::f16;

use crate::error::{Error, Result};
use crate::memory;
use crate::read::input::Input;

/// Kind of number, without its byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
}

/// Kind of number as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element {
    pub kind: Kind,
    pub big_endian: bool,
}

/// Bytes decoded at a time.
const CHUNK_BYTES: usize = 64 * 1024;

impl Kind {
    pub fn bytes(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }

    /// Whether there are numbers of this kind that no f32 equals.
    pub fn exceeds_f32(self) -> bool {
        matches!(self, Self::U32 | Self::U64 | Self::I32 | Self::I64 | Self::F64)
    }
}

/// The number whose bytes, most significant first, end `bytes`.
fn big_endian_bits(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

impl Element {
    fn bits(self, bytes: &[u8]) -> u64 {
        if self.big_endian {
            big_endian_bits(bytes)
        } else {
            bytes.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
        }
    }

    fn float(self, bytes: &[u8]) -> f64 {
        let bits = self.bits(bytes);
        match self.kind {
            Kind::F16 => f64::from(f16::from_bits(bits as u16)),
            Kind::F32 => f64::from(f32::from_bits(bits as u32)),
            Kind::F64 => f64::from_bits(bits),
            Kind::U64 => bits as f64,
            _ => self.integer(bytes).unwrap_or(i64::MAX) as f64,
        }
    }

    /// `None` beyond i64; floats do not come here.
    fn integer(self, bytes: &[u8]) -> Option<i64> {
        let bits = self.bits(bytes);
        match self.kind {
            Kind::I8 => Some(i64::from(bits as u8 as i8)),
            Kind::I16 => Some(i64::from(bits as u16 as i16)),
            Kind::I32 => Some(i64::from(bits as u32 as i32)),
            Kind::I64 => Some(bits as i64),
            _ => i64::try_from(bits).ok(),
        }
    }
}

/// Grey and colour values of one byte as fractions of full intensity.
pub(crate) fn unit_interval() -> [f32; 256] {
    std::array::from_fn(|v| v as f32 / 255.0)
}

/// Appends `n` rows of `d` numbers to `out` as f32; `promised` is the length of content to name in
/// an error.
///
/// With `as_pixels`, one-byte values are divided by 255; everything else is taken as it is.
pub(crate) fn read_values(
    input: &mut Input<'_>,
    element: Element,
    (n, d): (usize, usize),
    as_pixels: bool,
    promised: u64,
    out: &mut Vec<f32>,
) -> Result<()> {
    if element.kind != Kind::U8 || !as_pixels {
        return read_converted(input, element, (n, d), promised, out, |_, value| value as f32);
    }
    let pixels = unit_interval();
    memory::reserve(out, n * d).map_err(|short| short.at(&input.path))?;
    each_chunk(input, element, n * d, promised, |chunk| {
        out.extend(chunk.iter().map(|byte| pixels[usize::from(*byte)]));
    })
}

/// Appends `n` rows of `d` numbers to `out`, each made an f32 by `convert`, which gets its place in
/// the order of reading.
pub(crate) fn read_converted(
    input: &mut Input<'_>,
    element: Element,
    (n, d): (usize, usize),
    promised: u64,
    out: &mut Vec<f32>,
    mut convert: impl FnMut(usize, f64) -> f32,
) -> Result<()> {
    let first = out.len();
    memory::reserve(out, n * d).map_err(|short| short.at(&input.path))?;
    let mut place = 0;
    each_chunk(input, element, n * d, promised, |chunk| {
        out.extend(chunk.chunks_exact(element.kind.bytes()).map(|bytes| {
            place += 1;
            convert(place - 1, element.float(bytes))
        }));
    })?;
    if !element.kind.is_float() {
        return Ok(());
    }
    match out[first..].iter().position(|v| !v.is_finite()) {
        Some(i) => Err(Error::NotFinite {
            path: input.path.clone(),
            row: i / d,
            column: i % d,
            value: f64::from(out[first + i]),
        }),
        None => Ok(()),
    }
}

/// Reads `n` whole numbers: labels.
pub(crate) fn read_integers(
    input: &mut Input<'_>,
    element: Element,
    n: usize,
    promised: u64,
) -> Result<Vec<i64>> {
    let mut out = Vec::new();
    memory::reserve(&mut out, n).map_err(|short| short.at(&input.path))?;
    let mut wrong = None;
    each_chunk(input, element, n, promised, |chunk| {
        for bytes in chunk.chunks_exact(element.kind.bytes()) {
            let value = if element.kind.is_float() {
                let float = element.float(bytes);
                (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
            } else {
                element.integer(bytes)
            };
            match value {
                Some(value) => out.push(value),
                None => wrong = wrong.or(Some((out.len(), element.float(bytes)))),
            }
        }
    })?;
    match wrong {
        None => Ok(out),
        Some((row, value)) => Err(Error::format(
            &input.path,
            format!("label {row} (from 0) is {value}; labels must be whole numbers"),
        )),
    }
}

fn each_chunk(
    input: &mut Input<'_>,
    element: Element,
    n: usize,
    promised: u64,
    mut take: impl FnMut(&[u8]),
) -> Result<()> {
    let mut left = n * element.kind.bytes();
    let mut buffer = vec![0; CHUNK_BYTES.min(left)];
    while left > 0 {
        let chunk = &mut buffer[..CHUNK_BYTES.min(left)];
        input.fill_promised(chunk, promised)?;
        take(chunk);
        left -= chunk.len();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(kind: Kind, big_endian: bool, bytes: &[u8]) -> Vec<f32> {
        let mut out = Vec::new();
        let n = bytes.len() / kind.bytes();
        read_values(&mut Input::bytes(bytes), Element { kind, big_endian }, (n, 1), false, 0, &mut out)
            .expect("finite");
        out
    }

    #[test]
    fn every_kind_in_both_orders() {
        assert_eq!(values(Kind::U8, true, &[0, 255]), [0.0, 255.0]);
        assert_eq!(values(Kind::I8, true, &[0xff]), [-1.0]);
        assert_eq!(values(Kind::Bool, false, &[1, 0]), [1.0, 0.0]);
        for big_endian in [false, true] {
            let order = |mut bytes: Vec<u8>| {
                if big_endian {
                    bytes.reverse();
                }
                bytes
            };
            assert_eq!(values(Kind::U16, big_endian, &order(65535_u16.to_le_bytes().to_vec())), [65535.0]);
            assert_eq!(values(Kind::I16, big_endian, &order((-2_i16).to_le_bytes().to_vec())), [-2.0]);
            assert_eq!(values(Kind::U32, big_endian, &order(7_u32.to_le_bytes().to_vec())), [7.0]);
            assert_eq!(values(Kind::I32, big_endian, &order((-7_i32).to_le_bytes().to_vec())), [-7.0]);
            assert_eq!(
                values(Kind::U64, big_endian, &order(u64::MAX.to_le_bytes().to_vec())),
                [u64::MAX as f32]
            );
            assert_eq!(values(Kind::I64, big_endian, &order((-9_i64).to_le_bytes().to_vec())), [-9.0]);
            assert_eq!(
                values(Kind::F16, big_endian, &order(0x3555_u16.to_le_bytes().to_vec())),
                [0.333_251_95]
            );
            assert_eq!(values(Kind::F32, big_endian, &order(1.5_f32.to_le_bytes().to_vec())), [1.5]);
            assert_eq!(values(Kind::F64, big_endian, &order((-0.25_f64).to_le_bytes().to_vec())), [-0.25]);
        }
    }

    #[test]
    fn a_double_beyond_f32_is_not_finite() {
        let bytes = [1.0_f64.to_le_bytes(), 1e300_f64.to_le_bytes()].concat();
        let element = Element { kind: Kind::F64, big_endian: false };
        let error = read_values(&mut Input::bytes(&bytes), element, (1, 2), false, 0, &mut Vec::new());
        assert!(matches!(error, Err(Error::NotFinite { row: 0, column: 1, .. })), "{error:?}");
    }

    #[test]
    fn labels_are_whole_numbers() {
        let bytes: Vec<u8> = [2.0_f32, 2.5].iter().flat_map(|v| v.to_le_bytes()).collect();
        let element = Element { kind: Kind::F32, big_endian: false };
        assert_eq!(read_integers(&mut Input::bytes(&bytes[..4]), element, 1, 4).expect("whole"), [2]);
        let message = read_integers(&mut Input::bytes(&bytes), element, 2, 8).expect_err("half").to_string();
        assert!(message.contains("label 1 (from 0) is 2.5"), "{message}");
    }
}
