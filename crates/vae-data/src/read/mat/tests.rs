use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::header::HEADER_BYTES;
use super::variables::{COMPRESSED, MATRIX};
use super::*;

// Written by SciPy: `tests/golden/make.py`.
const V6: &[u8] = include_bytes!("../../../tests/golden/mat/v6.mat");
const V7: &[u8] = include_bytes!("../../../tests/golden/mat/v7.mat");
const KINDS: &[u8] = include_bytes!("../../../tests/golden/mat/kinds.mat");
const OTHERS: &[u8] = include_bytes!("../../../tests/golden/mat/others.mat");

fn keys(x: &str, y: Option<&str>) -> Keys {
    Keys { x: (!x.is_empty()).then(|| x.to_owned()), y: y.map(str::to_owned) }
}

fn read_bytes(bytes: &[u8], keys: &Keys) -> Result<Raw> {
    let owned = || {
        let bytes = bytes.to_vec();
        let bound = bytes.len() as u64;
        Ok(Input::new(Path::new("memory"), io::Cursor::new(bytes), bound))
    };
    read(Path::new("memory"), owned, keys, Offsets::Own)
}

fn message(bytes: &[u8], keys: &Keys) -> String {
    read_bytes(bytes, keys).expect_err("must be refused").to_string()
}

#[test]
fn what_scipy_writes_is_read() {
    for bytes in [V6, V7] {
        let raw = read_bytes(bytes, &Keys::default()).expect("sound");
        assert_eq!((raw.n, raw.d), (2, 3));
        assert_eq!(raw.x, [1.5, -2.0, 0.25, 4.0, 5.0, 1e-3]);
        assert_eq!(raw.labels, Some(RawLabels::Ints(vec![3, 1])));
    }
}

#[test]
fn every_kind_of_number_is_read() {
    for kind in
        ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
    {
        let raw = read_bytes(KINDS, &keys(kind, None)).expect("sound");
        assert_eq!(raw.x, [1.0, 2.0, 3.0, 100.0], "{kind}");
    }
}

#[test]
fn what_is_no_matrix_is_named() {
    for (name, part) in [
        ("sparse", "sparse (2x3 sparse): only dense real matrices"),
        ("complex", "complex (2x3 complex): only"),
        ("cell", "cells): only"),
        ("cube", "cube (2x2x2 double): only"),
        ("empty", "is empty: at least one row"),
        ("q", "has no variable `q`; it has: sparse (2x3 sparse), complex"),
    ] {
        let text = message(OTHERS, &keys(name, None));
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(read_bytes(OTHERS, &keys("one", None)).expect("sound").x, [7.0]);
    assert!(message(KINDS, &Keys::default()).contains("say --x-key; it has: int8 (2x2 integer)"));
    assert!(message(V7, &keys("X", Some("X"))).contains("cannot be features and labels at once"));
    assert!(message(KINDS, &keys("int8", Some("uint8"))).contains("labels are one row or one column"));
}

#[test]
fn labels_must_fit_and_a_transpose_is_recognised() {
    let file =
        file(&[variable("X", 6, &[2, 3], 2, &[1, 2, 3, 4, 5, 6]), variable("Y", 6, &[1, 3], 2, &[1, 2, 3])]);
    let text = message(&file, &Keys::default());
    assert!(text.contains("`X` is 2x3 and there are 3 labels; rows must be samples"), "{text}");
}

fn tag(kind: u32, len: usize) -> Vec<u8> {
    [kind.to_le_bytes(), (len as u32).to_le_bytes()].concat()
}

fn padded(kind: u32, mut bytes: Vec<u8>) -> Vec<u8> {
    let mut out = tag(kind, bytes.len());
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    out.extend(bytes);
    out
}

/// One variable with values of the given storage type.
fn variable(name: &str, class: u32, dims: &[u32], kind: u32, values: &[u8]) -> Vec<u8> {
    let inside = [
        padded(6, [class.to_le_bytes(), [0; 4]].concat()),
        padded(5, dims.iter().flat_map(|d| d.to_le_bytes()).collect()),
        padded(1, name.as_bytes().to_vec()),
        padded(kind, values.to_vec()),
    ]
    .concat();
    [tag(MATRIX, inside.len()), inside].concat()
}

fn file(elements: &[Vec<u8>]) -> Vec<u8> {
    let mut header = [b' '; HEADER_BYTES];
    header[..20].copy_from_slice(b"MATLAB 5.0 MAT-file,");
    header[124..].copy_from_slice(&[0, 1, b'I', b'M']);
    [header.to_vec(), elements.concat()].concat()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    let inside = encoder.finish().expect("memory");
    [tag(COMPRESSED, inside.len()), inside].concat()
}

#[test]
fn headers_of_other_versions_say_what_to_do() {
    let mut hdf5 = file(&[]);
    hdf5[..12].copy_from_slice(b"MATLAB 7.3 M");
    hdf5[124..128].copy_from_slice(&[0, 2, b'I', b'M']);
    assert!(
        message(&hdf5, &Keys::default()).contains("version 7.3 (HDF5), expected level 5; in MATLAB: save(")
    );
    assert!(message(&[0; 200], &Keys::default()).contains("not one of level 5"));
    let hdf5 = [b"\x89HDF\r\n\x1a\n".as_slice(), &[0; 100]].concat();
    assert!(
        message(&hdf5, &Keys::default()).contains("that of plain HDF5, expected level 5; in MATLAB: save(")
    );
    // X = 1.5 of level 4, on a machine with the least and with the most significant byte first.
    for (kind, numbers) in
        [(0, [1, 1, 0, 2].map(u32::to_le_bytes)), (1000_u32, [1, 1, 0, 2].map(u32::to_be_bytes))]
    {
        let kind = if kind == 0 { kind.to_le_bytes() } else { kind.to_be_bytes() };
        let bytes = [&kind, numbers.as_flattened(), b"X\0", &1.5_f64.to_le_bytes()].concat();
        assert!(message(&bytes, &Keys::default()).contains("of level 4, expected level 5; in MATLAB: save("));
    }
    assert!(matches!(read_bytes(&V6[..100], &Keys::default()), Err(Error::Truncated { .. })));
}

#[test]
fn absurd_lengths_allocate_nothing() {
    let huge = variable("X", 6, &[u32::MAX, u32::MAX], 2, &[1]);
    assert!(message(&file(&[huge]), &Keys::default()).contains("the length of a variable"));
    // Dimensions and length agree with each other, and not with the file.
    let mut inside = variable("X", 6, &[1 << 15, 1 << 16], 2, &[]);
    let at = inside.len() - 4;
    inside[at..].copy_from_slice(&(1_u32 << 31).to_le_bytes());
    for bytes in [file(std::slice::from_ref(&inside)), file(&[compressed(&inside)])] {
        assert!(matches!(read_bytes(&bytes, &Keys::default()), Err(Error::AbsurdDims { .. })));
    }
    let mut long = file(&[tag(MATRIX, 1 << 31)]);
    long.extend([0; 64]);
    assert!(matches!(read_bytes(&long, &Keys::default()), Err(Error::AbsurdDims { .. })));
}

#[test]
fn a_value_that_is_not_finite_is_told_by_row_and_column() {
    // Two rows and 18 columns: the last two come in a block of their own.
    let mut values = vec![0.5_f64; 36];
    values[2 * 17 + 1] = f64::NAN;
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let error = read_bytes(&file(&[variable("X", 6, &[2, 18], 9, &bytes)]), &Keys::default());
    assert!(matches!(error, Err(Error::NotFinite { row: 1, column: 17, .. })), "{error:?}");
}

#[test]
fn numbers_that_f32_cannot_tell_apart_are_moved() {
    // Days and a plain column: only the days are moved.
    let values = [2_460_000.01_f64, 2_460_000.02, 2_460_000.04, 1.0, 2.0, 3.0];
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let file = file(&[compressed(&variable("X", 6, &[3, 2], 9, &bytes))]);
    let raw = read_bytes(&file, &Keys::default()).expect("sound");
    let offsets = raw.offsets.expect("needed");
    assert_eq!(offsets[1], 0.0);
    for (i, row) in raw.x.chunks(2).enumerate() {
        assert!((f64::from(row[0]) + offsets[0] - values[i]).abs() < 1e-8, "{row:?}");
        assert_eq!(f64::from(row[1]), values[3 + i]);
    }
}

#[test]
fn a_bomb_is_read_no_further_than_asked() {
    // 64 MiB of zeros in 64 kB, in a variable that nobody asks for and in one that says it is
    // small.
    let zeros = vec![0; 64 << 20];
    let other = compressed(&variable("other", 6, &[8 << 10, 8 << 10], 2, &zeros));
    let x = variable("X", 6, &[1, 2], 2, &[7, 8]);
    let raw = read_bytes(&file(&[other, x.clone()]), &Keys::default()).expect("sound");
    assert_eq!(raw.x, [7.0, 8.0]);
    let tail = compressed(&[x, zeros].concat());
    assert_eq!(read_bytes(&file(&[tail]), &Keys::default()).expect("sound").x, [7.0, 8.0]);
}

#[test]
fn a_damaged_stream_is_told() {
    let mut bytes = V7.to_vec();
    let at = bytes.len() - 1;
    bytes[at] ^= 0xff;
    let cut = &V7[..V7.len() - 3];
    assert!(read_bytes(cut, &Keys::default()).is_err());
    // The last variable is `note`; that of a variable that is read has its checksum checked.
    let x = compressed(&variable("X", 6, &[1, 2], 2, &[7, 8]));
    let mut bytes = file(&[x]);
    let at = bytes.len() - 1;
    bytes[at] ^= 0xff;
    assert!(matches!(read_bytes(&bytes, &Keys::default()), Err(Error::Io { .. })));
}

proptest! {
    #[test]
    fn columns_become_rows(n in 1_usize..6, d in 1_usize..40, seed in any::<u8>(), packed in any::<bool>()) {
        let values: Vec<u8> = (0..n * d).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect();
        let x = variable("X", 6, &[n as u32, d as u32], 2, &values);
        let raw = read_bytes(&file(&[if packed { compressed(&x) } else { x }]), &Keys::default()).expect("sound");
        let expected: Vec<f32> = (0..n * d).map(|i| f32::from(values[i % d * n + i / d])).collect();
        prop_assert_eq!((raw.n, raw.d, raw.x), (n, d, expected));
    }

    #[test]
    fn damaged_files_never_panic(
        at in any::<prop::sample::Index>(), value in any::<u8>(), keep in any::<prop::sample::Index>(), which in 0..4_usize,
    ) {
        let mut bytes = [V6, V7, KINDS, OTHERS][which].to_vec();
        let place = at.index(bytes.len());
        bytes[place] = value;
        let _ = read_bytes(&bytes, &Keys::default());
        bytes.truncate(keep.index(bytes.len()));
        let _ = read_bytes(&bytes, &keys("X", Some("Y")));
    }

    #[test]
    fn shuffled_elements_never_panic(order in Just((0..40_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let pieces: Vec<&[u8]> = V6[HEADER_BYTES..].chunks(8).collect();
        let body = order.iter().filter_map(|i| pieces.get(*i)).flat_map(|piece| piece.iter().copied());
        let bytes: Vec<u8> = V6[..HEADER_BYTES].iter().copied().chain(body).collect();
        let _ = read_bytes(&bytes, &keys("X", None));
    }

    #[test]
    fn any_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_bytes(&file(&[body]), &Keys::default());
    }
}
