//! Tests of the NPZ reader.

use std::fs;
use std::io::Write;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::*;
use crate::labels::RawLabels;
use crate::memory::tests::with_memory;
use crate::read::npy::tests::{header, npy_bytes};

pub(super) fn write_npz(path: &Path, members: &[(&str, Vec<u8>)]) {
    let mut zip = zip::ZipWriter::new(File::create(path).expect("file"));
    for (key, bytes) in members {
        zip.start_file(format!("{key}.npy"), SimpleFileOptions::default()).expect("member");
        zip.write_all(bytes).expect("member");
    }
    zip.finish().expect("archive");
}

fn npz(members: &[(&str, Vec<u8>)]) -> Result<Raw> {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("a.npz");
    write_npz(&path, members);
    read(&path, &Keys::default(), Offsets::Own)
}

fn matrix() -> Vec<u8> {
    npy_bytes(&header("|u1", "(2, 1)"), &[3, 4])
}

#[test]
fn features_and_labels_by_key() {
    let labels = npy_bytes(&header("|u1", "(2,)"), &[1, 0]);
    for (x, y) in [("x", "y"), ("images", "labels"), ("embedding", "y")] {
        let raw = npz(&[(y, labels.clone()), (x, matrix())]).expect("sound");
        assert_eq!((raw.x, raw.labels), (vec![3.0, 4.0], Some(RawLabels::Ints(vec![1, 0]))));
    }
    assert_eq!(npz(&[("arr_0", matrix())]).expect("sound").labels, None);
}

#[test]
fn keys_of_other_programs_are_known() {
    let labels = npy_bytes(&header("|u1", "(2,)"), &[1, 0]);
    for (x, y) in [("data", "target"), ("X", "Y"), ("features", "label"), ("arr_0", "y")] {
        let raw = npz(&[(x, matrix()), (y, labels.clone())]).expect("sound");
        assert_eq!((raw.labels, raw.notes.len()), (Some(RawLabels::Ints(vec![1, 0])), 0), "{x}");
    }
    let raw = npz(&[("x", matrix()), ("y", labels), ("names", matrix())]).expect("sound");
    assert_eq!(raw.notes[0].text, "x, y read; not used: names (--x-key and --y-key choose)");
    // A target that is no class.
    let prices = npy_bytes(&header("<f4", "(2,)"), &[1.5_f32.to_le_bytes(), 2.0_f32.to_le_bytes()].concat());
    let raw = npz(&[("data", matrix()), ("target", prices)]).expect("sound");
    assert_eq!((raw.labels, raw.notes.len()), (None, 1));
    assert!(
        raw.notes[0].text.contains("`target` is not taken as labels: label 0 (from 0) is 1.5"),
        "{}",
        raw.notes[0]
    );
}

#[test]
fn numbers_that_f32_cannot_tell_apart_are_moved() {
    let seconds: Vec<u8> =
        [1_700_000_000_i64, 1_700_000_001, 1_700_000_002].iter().flat_map(|v| v.to_le_bytes()).collect();
    let raw = npz(&[("x", npy_bytes(&header("<i8", "(3, 1)"), &seconds))]).expect("sound");
    let offset = raw.offsets.expect("needed")[0];
    assert_eq!(raw.x.iter().map(|v| f64::from(*v) + offset - 1.7e9).collect::<Vec<_>>(), [0.0, 1.0, 2.0]);
}

#[test]
fn keys_that_are_said_come_first() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("a.npz");
    let other = npy_bytes(&header("|u1", "(2, 1)"), &[7, 8]);
    write_npz(&path, &[("x", matrix()), ("z", other), ("kind", npy_bytes(&header("|u1", "(2,)"), &[5, 6]))]);
    let keys = |x: &str, y: &str| Keys { x: Some(x.to_owned()), y: Some(y.to_owned()) };
    let raw = read(&path, &keys("z", "kind"), Offsets::Own).expect("sound");
    assert_eq!((raw.x, raw.labels), (vec![7.0, 8.0], Some(RawLabels::Ints(vec![5, 6]))));
    let message = read(&path, &keys("z", "q"), Offsets::Own).expect_err("no such key").to_string();
    assert!(message.contains("has no array `q`; it has ["), "{message}");
}

#[test]
fn unclear_and_disagreeing_archives_are_refused() {
    let message = npz(&[("a", matrix()), ("b", matrix())]).expect_err("unclear").to_string();
    assert!(message.contains("it has [a, b]: call it `x`"), "{message}");
    let three = npy_bytes(&header("|u1", "(3,)"), &[1, 0, 1]);
    let error = npz(&[("x", matrix()), ("y", three)]).expect_err("three labels");
    assert!(matches!(error, Error::LabelCount { rows: 2, labels: 3, .. }));
    assert!(npz(&[]).is_err());
    let absurd = npy_bytes(&header("<f8", "(100000000, 100000)"), &[]);
    assert!(matches!(npz(&[("x", absurd)]), Err(Error::AbsurdDims { .. })));
}

#[test]
fn other_archives_are_named() {
    let dir = tempfile::tempdir().expect("folder");
    for (member, expected) in [
        ("xl/workbook.xml", "is a workbook of Excel (xlsx), which is not read; save the sheet as CSV"),
        ("content.xml", "is a spreadsheet"),
        ("data.csv", "is a ZIP archive without NPY arrays"),
    ] {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file(member, SimpleFileOptions::default()).expect("member");
        let path = dir.path().join("book.xlsx");
        fs::write(&path, zip.finish().expect("archive").into_inner()).expect("file");
        let error = read(&path, &Keys::default(), Offsets::Own).expect_err("no arrays").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Features, labels and another array, packed and plain.
fn several_members(packed: bool) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let method = if packed { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    for (key, bytes) in [
        ("x", npy_bytes(&header("<f4", "(3, 2)"), &[1.5_f32; 6].map(f32::to_le_bytes).concat())),
        ("y", npy_bytes(&header("|u1", "(3,)"), &[1, 0, 1])),
        ("note", npy_bytes(&header("<i8", "(1, 1)"), &[0; 8])),
    ] {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(format!("{key}.npy"), options).expect("member");
        zip.write_all(&bytes).expect("member");
    }
    zip.finish().expect("archive").into_inner()
}

proptest! {
    #[test]
    fn archives_edited_anywhere_are_errors_or_whole_matrices(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        // Half of the edits in the directory, which stands at the end.
        in_directory in any::<bool>(), packed in any::<bool>(), keep in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = several_members(packed);
        for (at, byte) in edits {
            let directory = if in_directory { 220 } else { bytes.len() };
            let place = bytes.len() - 1 - at.index(directory);
            bytes[place] = byte;
        }
        bytes.truncate(keep.map_or(bytes.len(), |keep| keep.index(bytes.len())));
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a.npz");
        fs::write(&path, bytes).expect("file");
        for key in [None, Some("note".to_owned())] {
            let keys = Keys { x: key, y: None };
            if let Ok(raw) = with_memory(1 << 20, || read(&path, &keys, Offsets::Own)) {
                prop_assert!(raw.x.len() == raw.n * raw.d && raw.x.iter().all(|v| v.is_finite()));
                prop_assert!(raw.labels.is_none_or(|labels| labels.len() == raw.n));
            }
        }
    }

    #[test]
    fn damaged_archives_never_panic(at in 0_usize..300, value in any::<u8>(), keep in 0_usize..400) {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a.npz");
        write_npz(&path, &[("x", matrix())]);
        let mut bytes = fs::read(&path).expect("file");
        let at = at % bytes.len();
        bytes[at] = value;
        bytes.truncate(keep);
        fs::write(&path, bytes).expect("file");
        let _ = read(&path, &Keys::default(), Offsets::Own);
    }
}
