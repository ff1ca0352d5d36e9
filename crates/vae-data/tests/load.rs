//! `load` from outside: files of one's own in every format, and what it says about wrong ones.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use ndarray::{Array2, array};
use tempfile::TempDir;
use vae_data::{
    DataSet, Error, FileState, Labels, LoadOptions, Places, Result, Source, Values, content_sha256, info,
    load, load_from, registry,
};

fn put(dir: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().expect("folder")).expect("folder");
    fs::write(&path, bytes).expect("file");
    path
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes.as_ref()).expect("memory");
    encoder.finish().expect("memory")
}

fn idx(dims: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn read(path: &Path, options: &LoadOptions) -> Result<(DataSet, Option<Labels>)> {
    load(&Source::Path(path.to_owned()), options)
}

fn dense(data: &DataSet) -> Array2<f32> {
    data.x.as_dense().expect("no text").to_owned()
}

fn message(path: &Path, options: &LoadOptions) -> String {
    read(path, options).expect_err("must be refused").to_string()
}

fn with_labels(path: PathBuf) -> LoadOptions {
    LoadOptions { labels: Some(path), ..LoadOptions::default() }
}

#[test]
fn an_idx_file_with_its_labels() {
    let dir = tempfile::tempdir().expect("folder");
    let images = put(&dir, "my-images.gz", gzip(idx(&[3, 1, 2], &[0, 255, 51, 0, 0, 0])));
    let labels = put(&dir, "my-labels", idx(&[3], &[7, 3, 7]));
    let (data, labels) = read(&images, &with_labels(labels)).expect("sound");
    let labels = labels.expect("labels");
    assert_eq!(data.name, "my-images");
    assert_eq!(dense(&data), array![[0.0, 1.0], [0.2, 0.0], [0.0, 0.0]]);
    assert_eq!(
        (data.n_train, &data.sha256),
        (3, &content_sha256(Values::Dense(dense(&data).view()), data.image))
    );
    assert_eq!(
        (labels.labelled().1, labels.class_names),
        (array![1, 0, 1], vec!["3".to_owned(), "7".to_owned()])
    );

    let short = put(&dir, "short", idx(&[2], &[1, 2]));
    let text = message(&images, &with_labels(short.clone()));
    assert!(text.starts_with(&format!("{} holds 2 labels for 3 rows", short.display())), "{text}");
}

#[test]
fn a_folder_named_as_mnist_is() {
    let dir = tempfile::tempdir().expect("folder");
    put(&dir, "train-images-idx3-ubyte.gz", gzip(idx(&[2, 1, 1], &[255, 0])));
    put(&dir, "train-labels-idx1-ubyte", idx(&[2], &[1, 0]));
    put(&dir, "t10k-images-idx3-ubyte", idx(&[1, 1, 1], &[51]));
    put(&dir, "t10k-labels-idx1-ubyte.gz", gzip(idx(&[1], &[1])));
    let (data, labels) = read(dir.path(), &LoadOptions::default()).expect("sound");
    assert_eq!((dense(&data), data.n_train), (array![[1.0], [0.0], [0.2]], 2));
    assert_eq!(labels.expect("labels").labelled(), (vec![0, 1, 2], array![1, 0, 1]));
    fs::remove_file(dir.path().join("t10k-images-idx3-ubyte")).expect("file");
    assert!(message(dir.path(), &LoadOptions::default()).contains("has no file t10k-images-idx3-ubyte"));
    put(&dir, "t10k-images-idx3-ubyte", idx(&[1, 1, 2], &[51, 0]));
    assert!(
        message(dir.path(), &LoadOptions::default()).contains("training rows have 1 values and test rows 2")
    );
}

#[test]
fn a_folder_named_as_uci_har_is() {
    let dir = tempfile::tempdir().expect("folder");
    put(&dir, "train/X_train.txt.gz", gzip("  1.0e+000 -5.0e-001\n 0 1\n"));
    put(&dir, "train/y_train.txt", "5\n2\n");
    put(&dir, "train/subject_train.txt", "1\r1\r");
    put(&dir, "test/X_test.txt", "0.25 0.5\n");
    put(&dir, "test/y_test.txt.gz", gzip("2\n"));
    let (data, labels) = read(dir.path(), &LoadOptions::default()).expect("sound");
    let labels = labels.expect("labels");
    assert_eq!((dense(&data), data.n_train), (array![[1.0, -0.5], [0.0, 1.0], [0.25, 0.5]], 2));
    assert_eq!(
        (labels.labelled().1, labels.class_names),
        (array![1, 0, 0], vec!["2".to_owned(), "5".to_owned()])
    );
    put(&dir, "activity_labels.txt", "2 WALKING\n5 STANDING\n");
    let (_, labels) = read(dir.path(), &LoadOptions::default()).expect("sound");
    assert_eq!(labels.expect("labels").class_names, ["WALKING", "STANDING"]);
    put(&dir, "train/subject_train.txt", "1\n");
    assert!(
        message(dir.path(), &LoadOptions::default()).contains("subject_train.txt holds 1 labels for 2 rows")
    );
}

#[test]
fn tables_with_a_label_column() {
    let dir = tempfile::tempdir().expect("folder");
    let text = "a\tkind\tb\n1\tcat\t2\n3\tdog\t4\n";
    let options = LoadOptions { label_column: Some("kind".to_owned()), ..LoadOptions::default() };
    for path in [put(&dir, "t.tsv", text), put(&dir, "t.tsv.gz", gzip(text)), put(&dir, "t.txt", text)] {
        let (data, labels) = read(&path, &options).expect("sound");
        assert_eq!((dense(&data), data.image), (array![[1.0, 2.0], [3.0, 4.0]], None));
        assert_eq!(data.name, "t");
        assert_eq!(labels.expect("labels").class_names, ["cat", "dog"]);
    }
    let (_, labels) = read(&put(&dir, "n.csv", "1,2\n3,4\n"), &LoadOptions::default()).expect("sound");
    assert_eq!(labels, None);
}

/// `printf 'a,b\n1,2\n3,4\n' | xz` and `| zstd`.
const XZ: &[u8] = b"\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4F\x02\x00!\x01\x16\x00\x00\x00t/\xe5\xa3\x01\x00\x0ba,b\n1,2\n3,4\n\x00\x10U\xe3\x962/\x91^\x00\x01$\x0c\xa6\x18\xd8\xd8\x1f\xb6\xf3}\x01\x00\x00\x00\x00\x04YZ";
const ZSTD: &[u8] = b"(\xb5/\xfd$\x0ca\x00\x00a,b\n1,2\n3,4\n\xe1\xb3\xcb.";

#[test]
fn packed_files_of_all_formats() {
    let dir = tempfile::tempdir().expect("folder");
    for path in [put(&dir, "t.csv.xz", XZ), put(&dir, "t.csv.zst", ZSTD)] {
        let (data, _) = read(&path, &LoadOptions::default()).expect("sound");
        assert_eq!((dense(&data), data.name.as_str()), (array![[1.0, 2.0], [3.0, 4.0]], "t"));
    }
    let header = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 1), }";
    let npy = [
        b"\x93NUMPY\x01\0".as_slice(),
        &(header.len() as u16).to_le_bytes(),
        header.as_bytes(),
        &1.5_f64.to_le_bytes(),
        &2.5_f64.to_le_bytes(),
    ]
    .concat();
    for path in [put(&dir, "a.npy.gz", gzip(&npy)), put(&dir, "a.npy", &npy)] {
        assert_eq!(dense(&read(&path, &LoadOptions::default()).expect("sound").0), array![[1.5], [2.5]]);
    }
    let mat = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/mat/v7.mat")).expect("golden");
    let (data, _) = read(&put(&dir, "v7.mat.gz", gzip(mat)), &LoadOptions::default()).expect("sound");
    assert_eq!(data.x.dim(), (2, 3));
    let bzip2 = put(&dir, "t.csv.bz2", b"BZh91AY&SY\x03\x0c\x1f\x1b");
    assert!(message(&bzip2, &LoadOptions::default()).contains("bunzip2 -k"));
    let book = put(&dir, "t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    assert!(message(&book, &LoadOptions::default()).contains("save the sheet as CSV"));
}

/// Seconds of one minute: equal in f32, but for what is subtracted.
#[test]
fn an_array_of_times_and_new_rows_of_it() {
    let dir = tempfile::tempdir().expect("folder");
    let npy = |values: &[i64]| {
        let header = format!("{{'descr': '<i8', 'fortran_order': False, 'shape': ({}, 1), }}", values.len());
        let values: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        [b"\x93NUMPY\x01\0".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), &values]
            .concat()
    };
    let path = put(&dir, "fit.npy", npy(&[1_700_000_000, 1_700_000_010, 1_700_000_060]));
    let (data, _) = read(&path, &LoadOptions::default()).expect("sound");
    let x = dense(&data);
    assert_eq!([x[[1, 0]] - x[[0, 0]], x[[2, 0]] - x[[0, 0]]], [10.0, 60.0]);
    assert!(data.notes.iter().any(|note| note.text.contains("subtracted")), "{:?}", data.notes);
    // One new row has no spread of its own, and gets the offset of the others.
    let new = put(&dir, "new.npy", npy(&[1_700_000_010]));
    let fitted = LoadOptions { schema: data.schema.clone(), as_fitted: true, ..LoadOptions::default() };
    let (row, _) = read(&new, &fitted).expect("sound");
    assert_eq!((dense(&row)[[0, 0]], &row.schema), (x[[1, 0]], &data.schema));
    // A model that was fitted without one gets none, whatever the rows would need.
    let plain = LoadOptions { as_fitted: true, ..LoadOptions::default() };
    let (rows, _) = read(&path, &plain).expect("sound");
    assert_eq!((dense(&rows)[[1, 0]], rows.schema), (1_700_000_010_i64 as f32, None));
}

#[test]
fn a_sparse_matrix_stays_sparse() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/npz/csr.npz");
    let (data, labels) = read(&path, &LoadOptions::default()).expect("sound");
    assert!(data.x.as_dense().is_none() && data.vocabulary.is_none() && labels.is_none());
    assert_eq!(data.x.dim(), (4, 5));
}

#[test]
fn pictures_have_names_and_a_size() {
    let dir = tempfile::tempdir().expect("folder");
    for (name, side) in [("cats/1.png", 2), ("dogs/1.png", 4)] {
        let path = put(&dir, name, "");
        image::GrayImage::from_pixel(side, side, image::Luma([51])).save(path).expect("picture");
    }
    let options = LoadOptions { image_size: Some((1, 3)), ..LoadOptions::default() };
    let (data, labels) = read(dir.path(), &options).expect("sound");
    assert_eq!(labels.expect("labels").class_names, ["cats", "dogs"]);
    assert_eq!(data.ids.expect("names").iter().collect::<Vec<_>>(), ["cats/1.png", "dogs/1.png"]);
    assert_eq!(data.image.map(|shape| (shape.height, shape.width)), Some((1, 3)));
    assert_eq!(data.notes.len(), 1);
    let table = put(&dir, "t.csv", "1,2\n3,4\n");
    assert!(message(&table, &options).contains("--image-size does not apply: it is for folders of pictures"));
}

#[test]
fn options_that_mean_nothing_are_not_ignored() {
    let dir = tempfile::tempdir().expect("folder");
    let path = put(&dir, "x", idx(&[1, 1], &[1]));
    let options = LoadOptions { label_column: Some("y".to_owned()), ..LoadOptions::default() };
    assert!(message(&path, &options).contains("--label-column does not apply: it is for tables"));
    let options = LoadOptions { header: Some(true), ..LoadOptions::default() };
    assert!(message(&path, &options).contains("--header does not apply"));
    let error = load(&Source::Known("strokes".into()), &options).expect_err("known");
    assert!(matches!(error, Error::Option { .. }), "{error}");
}

#[test]
fn files_that_are_not_what_their_name_says() {
    let dir = tempfile::tempdir().expect("folder");
    for name in ["x.npy", "x.npz", "x-ubyte", "x-ubyte.gz", "x.png"] {
        let text = message(&put(&dir, name, "some text\n"), &LoadOptions::default());
        assert!(text.contains("is not what its name says"), "{text}");
    }
    for name in ["4.mat", "4.MAT.gz"] {
        let text = message(&put(&dir, name, [[0_u8; 4], [1, 0, 0, 0]].concat()), &LoadOptions::default());
        assert!(!text.contains("IDX"), "{text}");
    }
    let level_4 = [0_u32, 1, 1, 0, 2].map(u32::to_le_bytes).as_flattened().to_vec();
    let text = message(&put(&dir, "4.mat", level_4), &LoadOptions::default());
    assert!(text.contains("of level 4, expected level 5; in MATLAB: save(file, 'X', 'Y', '-v7')"), "{text}");
    for (name, part) in
        [("h.mat", "plain HDF5, expected level 5; in MATLAB"), ("h.h5", "save its arrays as NPY")]
    {
        let hdf5 = [b"\x89HDF\r\n\x1a\n".as_slice(), &[0; 50]].concat();
        let text = message(&put(&dir, name, hdf5), &LoadOptions::default());
        assert!(text.contains(part), "{text}");
    }
    for (name, bytes) in [("p.png", &b"\x89PNG\r\n\x1a\n"[..]), ("p.jpeg", b"\xff\xd8\xff\xe0")] {
        let text = message(&put(&dir, name, bytes), &LoadOptions::default());
        assert!(
            text.contains("is one picture") && text.contains("put it into a folder of pictures"),
            "{text}"
        );
    }
    let text = message(&put(&dir, "one-byte", "a"), &LoadOptions::default());
    assert!(text.contains("holds one line, taken for a header (a)"), "{text}");
    let empty = put(&dir, "empty.csv", "");
    assert!(matches!(read(&empty, &LoadOptions::default()), Err(Error::Empty { .. })));
    let nothing = dir.path().join("nothing");
    fs::create_dir(&nothing).expect("folder");
    assert!(message(&nothing, &LoadOptions::default()).contains("nothing is empty: pictures (PNG, JPEG"));
    let missing = dir.path().join("missing.csv");
    assert!(matches!(read(&missing, &LoadOptions::default()), Err(Error::Io { action: "open", .. })));
}

/// A folder with MNIST's names and sizes of nothing: what a checksum is for.
fn false_mnist(dir: &TempDir) -> Places {
    for (name, dims) in [("train-images-idx3", vec![1, 28, 28]), ("t10k-images-idx3", vec![1, 28, 28])] {
        put(dir, &format!("mnist/{name}-ubyte"), idx(&dims, &[0; 784]));
    }
    for name in ["train-labels-idx1", "t10k-labels-idx1"] {
        put(dir, &format!("mnist/{name}-ubyte"), idx(&[1], &[0]));
    }
    Places::new(Some(dir.path().to_owned()), None, None)
}

#[test]
fn a_known_set_with_other_content_is_refused() {
    let dir = tempfile::tempdir().expect("folder");
    let places = false_mnist(&dir);
    let error =
        load_from(&Source::Known("mnist".into()), &LoadOptions::default(), &places).expect_err("false");
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("train-images-idx3-ubyte is not the published file"), "{text}");
    assert!(text.ends_with("delete it and run: vae data fetch mnist"), "{text}");
}

#[test]
fn info_tells_what_is_known_and_what_is_there() {
    let dir = tempfile::tempdir().expect("folder");
    false_mnist(&dir);
    let options = LoadOptions { data_dir: Some(dir.path().to_owned()), ..LoadOptions::default() };
    let mnist = info(&Source::Known("mnist".into()), &options).expect("known");
    assert_eq!((mnist.n, mnist.dim, mnist.n_train, mnist.n_classes), (70_000, 784, 60_000, Some(10)));
    assert_eq!(mnist.found, Some(dir.path().join("mnist")));
    assert!(mnist.files.iter().all(|file| matches!(file.state, FileState::Different { .. })));

    // Without a published checksum a file is unchecked until a fetch has pinned it.
    for file in &registry().get("reuters21578").expect("known").files {
        put(&dir, &format!("reuters21578/{}", file.name), "anything");
    }
    let state = || {
        let reuters = info(&Source::Known("reuters21578".into()), &options).expect("known");
        assert_eq!((reuters.readable, reuters.found), (true, Some(dir.path().join("reuters21578"))));
        reuters.files[0].state.clone()
    };
    assert_eq!(state(), FileState::Unchecked);
    put(&dir, "reuters21578/SHA256SUMS", format!("{}  reut2-000.sgm\n", "0".repeat(64)));
    assert!(matches!(state(), FileState::Different { .. }));

    let table = put(&dir, "t.csv", "a,b\n1,2\n");
    let own = info(&Source::Path(table.clone()), &options).expect("sound");
    assert_eq!((own.n, own.dim, own.n_classes, own.found), (1, 2, None, Some(table)));
}

#[test]
fn the_embedded_set_needs_no_file() {
    let (data, labels) = load(&Source::Known("strokes".into()), &LoadOptions::default()).expect("generated");
    let labels = labels.expect("labels");
    assert_eq!((data.x.dim(), data.n_train, labels.n_classes()), ((10_000, 784), 10_000, 10));
    assert!(dense(&data).iter().all(|v| (0.0..=1.0).contains(v)) && dense(&data).iter().any(|v| *v > 0.9));
    let (again, _) = load(&Source::Known("strokes".into()), &LoadOptions::default()).expect("generated");
    assert_eq!(data.sha256, again.sha256);
}
