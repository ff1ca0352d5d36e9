//! Tests of the NPY reader.

use proptest::prelude::*;

use super::header::MAGIC;
use super::*;
use crate::labels::RawLabels;

/// An NPY file with that header text.
pub(crate) fn npy_bytes(header: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    bytes
}

pub(crate) fn header(descr: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}          \n")
}

fn read_bytes(bytes: &[u8]) -> Result<Raw> {
    read(Input::bytes(bytes), &mut Narrow::plain())
}

fn message(bytes: &[u8]) -> String {
    read_bytes(bytes).expect_err("must be refused").to_string()
}

#[test]
fn matrices_stay_and_pictures_become_fractions() {
    let values: Vec<u8> = [1.0_f32, -2.0, 0.5, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let raw = read_bytes(&npy_bytes(&header("<f4", "(2, 2)"), &values)).expect("sound");
    assert_eq!((raw.n, raw.d, raw.image, raw.x), (2, 2, None, vec![1.0, -2.0, 0.5, 4.0]));
    let raw = read_bytes(&npy_bytes(&header("|u1", "(1, 2, 2)"), &[0, 51, 255, 102])).expect("sound");
    assert_eq!((raw.d, raw.x), (4, vec![0.0, 0.2, 1.0, 0.4]));
    let raw = read_bytes(&npy_bytes(&header("|u1", "(1, 3, 1, 2)"), &[0; 6])).expect("sound");
    assert_eq!(raw.image, Some(ImageShape { channels: 3, height: 1, width: 2 }));
    let raw = read_bytes(&npy_bytes(&header("|u1", "(2, 1)"), &[0, 255])).expect("sound");
    assert_eq!(raw.x, [0.0, 255.0], "a matrix of bytes is no picture");
}

#[test]
fn versions_two_and_three_differ_in_the_length_only() {
    for version in [2, 3] {
        let text = header("|u1", "(1, 2)");
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend([3, 4]);
        assert_eq!(read_bytes(&bytes).expect("sound").x, [3.0, 4.0]);
    }
}

#[test]
fn what_cannot_be_read_says_why_and_what_to_do() {
    for (descr, part) in [
        ("|O", "Python objects"),
        ("<c8", "numpy.abs(x)"),
        ("<U5", "is text, expected numbers"),
        ("|S5", "is text, expected numbers"),
        ("<U99999", "astype"),
        ("<f16", "astype"),
        ("|V8", "structured_to_unstructured"),
        ("<M8[s]", "astype('int64')"),
        ("?", "astype"),
        ("", "astype"),
        ("é4", "astype"),
    ] {
        let text = message(&npy_bytes(&header(descr, "(2, 2)"), &[0; 16]));
        assert!(text.contains(part), "{descr}: {text}");
    }
    let record = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }";
    assert!(message(&npy_bytes(record, &[0; 8])).contains("descr, the kind of element, is [('a', '<f4')]"));
    assert!(message(&npy_bytes(record, &[0; 8])).contains("structured_to_unstructured"));
    let order = header("<f4", "(2, 2)").replace("False", "Maybe");
    assert!(message(&npy_bytes(&order, &[0; 16])).contains("fortran_order is missing or neither"));
    assert!(message(&npy_bytes(&header("<f4", "(2,)"), &[0; 8])).contains("count of dimensions is 1"));
    assert!(message(&npy_bytes(&header("|u1", "(1, 8, 8, 3)"), &[0; 192])).contains("channels last"));
    assert!(message(&npy_bytes(&header("<f4", "2, 2"), &[])).contains("shape"));
    assert!(message(&npy_bytes("no dictionary", &[])).contains("braces"));
    assert!(message(b"\x93NUMPX\x01\x00").contains("no NPY file"));
    assert!(message(b"\x93NUMPY\x09\x00").contains("version is 9"));
    assert!(message(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").contains("at most 65536"));
}

#[test]
fn damaged_files_are_told_apart() {
    let good = npy_bytes(&header("|u1", "(2, 2)"), &[1; 4]);
    assert!(matches!(read_bytes(&good[..good.len() - 1]), Err(Error::Truncated { .. })));
    assert!(matches!(read_bytes(&good[..20]), Err(Error::Truncated { .. })));
    assert!(matches!(read_bytes(&[good.clone(), vec![0]].concat()), Err(Error::TrailingBytes { .. })));
    let absurd = npy_bytes(&header("<f8", "(4294967296, 4294967296)"), &[]);
    assert!(matches!(read_bytes(&absurd), Err(Error::AbsurdDims { .. })));
    assert!(matches!(read_bytes(&npy_bytes(&header("<f8", "(0, 3)"), &[])), Err(Error::Empty { .. })));
    let nan: Vec<u8> = [1.0_f64, f64::NAN].iter().flat_map(|v| v.to_le_bytes()).collect();
    let error = read_bytes(&npy_bytes(&header("<f8", "(1, 2)"), &nan)).expect_err("NaN");
    assert!(matches!(error, Error::NotFinite { row: 0, column: 1, .. }), "{error}");
}

#[test]
fn columns_first_are_rows_first() {
    let fortran = |descr: &str, shape: &str| header(descr, shape).replace("False", "True");
    let values: Vec<u8> = [1.0_f32, 3.0, 5.0, 2.0, 4.0, 6.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    let raw = read_bytes(&npy_bytes(&fortran(">f4", "(3, 2)"), &values)).expect("sound");
    assert_eq!((raw.n, raw.d, raw.x), (3, 2, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    // numpy.arange(12).reshape(2, 2, 3) in Fortran order.
    let values: Vec<u8> = [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11].map(|v| v * 17).to_vec();
    let raw = read_bytes(&npy_bytes(&fortran("|u1", "(2, 2, 3)"), &values)).expect("sound");
    let expected: Vec<f32> = (0..12).map(|v| (v * 17) as f32 / 255.0).collect();
    assert_eq!((raw.image, raw.x), (Some(ImageShape { channels: 1, height: 2, width: 3 }), expected));
    let mut nan = vec![0; 24];
    nan[20..].copy_from_slice(&f32::NAN.to_le_bytes());
    let error = read_bytes(&npy_bytes(&fortran("<f4", "(3, 2)"), &nan)).expect_err("NaN");
    assert!(matches!(error, Error::NotFinite { row: 2, column: 1, .. }), "{error}");
}

#[test]
fn half_precision_is_exact() {
    // 1, -2, the largest, the smallest.
    let values: Vec<u8> = [0x3c00_u16, 0xc000, 0x7bff, 0x0001].iter().flat_map(|v| v.to_le_bytes()).collect();
    let raw = read_bytes(&npy_bytes(&header("<f2", "(2, 2)"), &values)).expect("sound");
    assert_eq!(raw.x, [1.0, -2.0, 65504.0, 5.960_464_5e-8]);
    let infinite = npy_bytes(&header("<f2", "(1, 1)"), &0x7c00_u16.to_le_bytes());
    assert!(matches!(read_bytes(&infinite), Err(Error::NotFinite { .. })));
}

#[test]
fn labels_may_be_texts() {
    let unicode = |texts: [&str; 2], order: fn(u32) -> [u8; 4]| {
        let padded = texts.map(|text| text.chars().chain("\0\0\0".chars()).take(3).collect::<String>());
        padded.concat().chars().flat_map(|c| order(c as u32)).collect::<Vec<u8>>()
    };
    let expected = RawLabels::Texts(vec!["é".into(), "dog".into()]);
    for (descr, bytes) in
        [("<U3", unicode(["é", "dog"], u32::to_le_bytes)), (">U3", unicode(["é", "dog"], u32::to_be_bytes))]
    {
        let labels = read_labels(Input::bytes(&npy_bytes(&header(descr, "(2,)"), &bytes)), 2);
        assert_eq!(labels.expect("texts"), expected);
    }
    let labels = read_labels(Input::bytes(&npy_bytes(&header("|S3", "(2, 1)"), b"\xc3\xa9\0dog")), 2);
    assert_eq!(labels.expect("texts"), expected);
    let wrong = read_labels(Input::bytes(&npy_bytes(&header("<U1", "(1,)"), &[0xff; 4])), 1);
    assert!(wrong.expect_err("no character").to_string().contains("label 0 (from 0) is no text"));
}

#[test]
fn labels_have_one_dimension() {
    let values: Vec<u8> = [7_i64, -1].iter().flat_map(|v| v.to_le_bytes()).collect();
    for shape in ["(2,)", "(2, 1)"] {
        let labels =
            read_labels(Input::bytes(&npy_bytes(&header("<i8", shape), &values)), 2).expect("labels");
        assert_eq!(labels, RawLabels::Ints(vec![7, -1]));
    }
    assert!(read_labels(Input::bytes(&npy_bytes(&header("<i8", "(1, 2)"), &values)), 1).is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_bytes(&bytes);
        let _ = read_bytes(&[MAGIC.as_slice(), &bytes].concat());
    }

    #[test]
    fn arbitrary_headers_never_panic(
        text in "[{}'\"(),:a-z0-9<>|é ]{0,120}", descr in "[<>|=é]?[a-zSU][0-9]", shape in "\\([0-9, ]{0,30}\\)",
    ) {
        let _ = read_bytes(&npy_bytes(&text, &[0; 8]));
        let _ = read_bytes(&npy_bytes(&header(&descr, &shape), &[0; 8]));
        let _ = read_labels(Input::bytes(&npy_bytes(&header(&descr, &shape), &[0; 8])), 1);
    }

    #[test]
    fn written_is_read(n in 1_usize..6, d in 1_usize..6, big_endian in any::<bool>(), seed in any::<f32>()) {
        prop_assume!(seed.is_finite());
        let values: Vec<f32> = (0..n * d).map(|i| seed / (i + 1) as f32).collect();
        let bytes: Vec<u8> =
            values.iter().flat_map(|v| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() }).collect();
        let descr = if big_endian { ">f4" } else { "<f4" };
        let raw = read_bytes(&npy_bytes(&header(descr, &format!("({n}, {d})")), &bytes)).expect("sound");
        prop_assert_eq!((raw.n, raw.d, raw.x), (n, d, values));
    }
}
