//! Tests of the NPY reader.

use proptest::prelude::*;

use super::*;

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
    read(Input::bytes(bytes))
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
    let fortran = header("<f4", "(2, 2)").replace("False", "True");
    assert!(message(&npy_bytes(&fortran, &[0; 16])).contains("ascontiguousarray"));
    for descr in ["|O", "<c8", "<U5", "<f2", "|V8", "?", "", "é4"] {
        assert!(message(&npy_bytes(&header(descr, "(2, 2)"), &[0; 16])).contains("astype"), "{descr}");
    }
    let record = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }";
    assert!(message(&npy_bytes(record, &[0; 8])).contains("descr, the kind of element, is [('a', '<f4')]"));
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
        text in "[{}'\"(),:a-z0-9<>|é ]{0,120}", descr in "[<>|=é]?[a-z][0-9]", shape in "\\([0-9, ]{0,30}\\)",
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
