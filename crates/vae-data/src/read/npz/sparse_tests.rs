//! Tests of sparse matrices in NPZ archives. The files are written by SciPy:
//! `tests/golden/make.py`.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use crate::error::{Error, Result};
use crate::memory::tests::with_memory;
use crate::read::npy::tests::{header, npy_bytes};
use crate::read::npz::read;
use crate::read::npz::tests::write_npz;
use crate::read::precision::Offsets;
use crate::read::{Keys, Raw};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/npz").join(name)
}

fn integers(values: &[i32]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    npy_bytes(&header("<i4", &format!("({},)", values.len())), &bytes)
}

/// An archive with these members and three columns.
fn npz(format: &str, n: i32, members: &[(&str, Vec<u8>)]) -> Result<Raw> {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("a.npz");
    let mut all = vec![
        ("format", npy_bytes(&header(&format!("|S{}", format.len()), "()"), format.as_bytes())),
        ("shape", integers(&[n, 3])),
    ];
    all.extend_from_slice(members);
    write_npz(&path, &all);
    read(&path, &Keys::default(), Offsets::Own)
}

#[test]
fn what_scipy_writes_is_read_alike_in_all_formats() {
    for name in ["coo.npz", "csr.npz", "csc.npz"] {
        let raw = read(&golden(name), &Keys::default(), Offsets::Own).expect(name);
        let csr = raw.sparse.expect("sparse");
        assert!(csr.is_consistent(), "{name}");
        assert_eq!((raw.n, raw.d, csr.n_columns, raw.x.len()), (4, 5, 5, 0), "{name}");
        assert_eq!(csr.indptr, [0, 2, 2, 3, 3], "{name}");
        assert_eq!((csr.indices, csr.values), (vec![0, 2, 3], vec![-1.0, 2.0, 1.75]), "{name}");
    }
    let text = read(&golden("bsr.npz"), &Keys::default(), Offsets::Own).expect_err("bsr").to_string();
    assert!(text.contains("is bsr, expected csr, csc or coo") && text.contains("tocsr"), "{text}");
}

#[test]
fn labels_lie_beside_it() {
    let members = [
        ("data", integers(&[7])),
        ("indices", integers(&[2])),
        ("indptr", integers(&[0, 0, 1])),
        ("y", integers(&[4, 5])),
    ];
    let raw = npz("csr", 2, &members).expect("sound");
    assert_eq!(raw.labels.map(|labels| labels.len()), Some(2));
}

#[test]
fn matrices_that_contradict_themselves_are_refused() {
    let csr = |indices: &[i32], indptr: &[i32]| {
        let members =
            [("data", integers(&[7, 8])), ("indices", integers(indices)), ("indptr", integers(indptr))];
        npz("csr", 2, &members)
    };
    csr(&[0, 2], &[0, 1, 2]).expect("sound");
    for (indices, indptr, part) in [
        (&[0, 3][..], &[0, 1, 2][..], "indices is 3, expected from 0 to 2"),
        (&[0, -1], &[0, 1, 2], "indices is -1"),
        (&[0, 1], &[0, 2], "indptr is 2 numbers that do not, expected 3 numbers from 0 to 2 that never fall"),
        (&[0, 1], &[0, 3, 2], "indptr"),
        (&[0, 1], &[1, 1, 2], "indptr"),
        (&[0, 1], &[0, 1, 3], "indptr"),
        (&[0], &[0, 1, 1], "2 values at 1 rows and 1 columns"),
    ] {
        let text = csr(indices, indptr).expect_err(part).to_string();
        assert!(text.contains(part), "{text}");
    }
    let coo = [("data", integers(&[7])), ("row", integers(&[2])), ("col", integers(&[0]))];
    assert!(npz("coo", 2, &coo).expect_err("row").to_string().contains("row is 2, expected from 0 to 1"));
    assert!(
        npz("coo", 0, &coo)
            .expect_err("rows")
            .to_string()
            .contains("the shape of the sparse matrix is [0, 3]")
    );
    let nan = npy_bytes(&header("<f4", "(1,)"), &f32::NAN.to_le_bytes());
    let coo = [("data", nan), ("row", integers(&[1])), ("col", integers(&[0]))];
    assert!(matches!(npz("coo", 2, &coo), Err(Error::NotFinite { .. })));
}

#[test]
fn rows_without_end_are_refused() {
    let members = [("data", integers(&[])), ("row", integers(&[])), ("col", integers(&[]))];
    // Nothing but a shape: two arrays of 2^30 rows.
    let error = with_memory(4 << 20, || npz("coo", 1 << 30, &members)).expect_err("a bomb");
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

proptest! {
    #[test]
    fn entries_in_any_order_are_those_of_the_dense_matrix(
        entries in prop::collection::vec((0..4_i32, 0..3_i32, -3..4_i32), 0..20),
    ) {
        let part = |of: fn(&(i32, i32, i32)) -> i32| integers(&entries.iter().map(of).collect::<Vec<_>>());
        let members = [("row", part(|e| e.0)), ("col", part(|e| e.1)), ("data", part(|e| e.2))];
        let csr = npz("coo", 4, &members).expect("sound").sparse.expect("sparse");
        let mut dense = ndarray::Array2::<f32>::zeros((4, 3));
        entries.iter().for_each(|(row, column, value)| dense[[*row as usize, *column as usize]] += *value as f32);
        prop_assert!(csr.is_consistent() && csr.values.iter().all(|value| *value != 0.0));
        prop_assert_eq!(csr.to_dense(), dense);
    }

    #[test]
    fn damaged_archives_never_panic(at in any::<prop::sample::Index>(), value in any::<u8>(), which in 0..3_usize) {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a.npz");
        let mut bytes = fs::read(golden(["coo.npz", "csr.npz", "csc.npz"][which])).expect("golden");
        let place = at.index(bytes.len());
        bytes[place] = value;
        fs::write(&path, bytes).expect("file");
        if let Ok(raw) = with_memory(1 << 20, || read(&path, &Keys::default(), Offsets::Own)) {
            prop_assert!(raw.sparse.is_none_or(|csr| csr.is_consistent() && csr.n() == raw.n));
        }
    }
}
