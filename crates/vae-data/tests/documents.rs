//! Documents of one's own and the sets of documents, from outside.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use ndarray::array;
use proptest::prelude::*;
use tempfile::TempDir;
use vae_data::{
    DataSet, Error, Labels, LoadOptions, Matrix, Places, Source, Values, content_sha256, load, load_from,
    registry,
};

fn put(dir: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().expect("folder")).expect("folder");
    fs::write(&path, bytes).expect("file");
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn read(path: &Path, options: &LoadOptions) -> (DataSet, Option<Labels>) {
    load(&Source::Path(path.to_owned()), options).expect("sound")
}

fn message(path: &Path, options: &LoadOptions) -> String {
    load(&Source::Path(path.to_owned()), options).expect_err("must be refused").to_string()
}

fn text_column(name: &str) -> LoadOptions {
    LoadOptions { text_column: Some(name.to_owned()), ..LoadOptions::default() }
}

#[test]
fn a_folder_of_texts_with_classes() {
    let dir = tempfile::tempdir().expect("folder");
    put(&dir, "sea/1.txt", "ship ship\n\nharbour");
    put(&dir, "sea/2.txt.gz", gzip(b"\xef\xbb\xbfharbour\r\nship"));
    put(&dir, "land/1.txt", "field");
    put(&dir, "land/notes.md", "left out");
    let (data, labels) = read(dir.path(), &LoadOptions::default());
    assert_eq!(data.vocabulary.as_ref().expect("text").terms, ["field", "harbour", "ship"]);
    let Matrix::Sparse(x) = &data.x else { panic!("text is sparse") };
    // land/1 comes first; the last row holds both terms once, with one weight: sqrt(3) / sqrt(2).
    assert_eq!(x.row(0), (&[0_u32][..], &[3_f32.sqrt()][..]));
    assert_eq!((x.row(2).0, x.row(2).1[0], x.row(2).1[1]), (&[1, 2][..], 1.5_f32.sqrt(), 1.5_f32.sqrt()));
    let labels = labels.expect("sub-folders");
    assert_eq!(
        (labels.labelled().1, labels.class_names),
        (array![0, 1, 1], vec!["land".to_owned(), "sea".into()])
    );

    put(&dir, "loose.txt", "text");
    assert!(message(dir.path(), &LoadOptions::default()).contains("1 texts lie beside the sub-folders"));
}

#[test]
fn texts_that_lie_deeper_are_named_and_not_left_out() {
    let dir = tempfile::tempdir().expect("folder");
    put(&dir, "train/sea/1.txt", "ship");
    let nested = dir.path().join("train").join("sea").display().to_string();
    let text = message(dir.path(), &LoadOptions::default());
    assert!(text.starts_with(&format!("{nested}: one level of sub-folders")), "{text}");
    assert!(text.contains("move the texts in it up"), "{text}");
    put(&dir, "land/1.txt", "field");
    assert_eq!(message(dir.path(), &LoadOptions::default()), text);
}

#[test]
fn max_terms_is_for_documents_and_is_not_ignored() {
    let dir = tempfile::tempdir().expect("folder");
    let one = LoadOptions { max_terms: Some(1), ..LoadOptions::default() };
    let texts = put(&dir, "texts/1.txt", "ship ship harbour");
    assert_eq!(read(texts.parent().expect("folder"), &one).0.x.dim(), (1, 1));
    let table = put(&dir, "t.csv", "text\nship ship harbour\n");
    assert_eq!(read(&table, &LoadOptions { max_terms: Some(1), ..text_column("text") }).0.x.dim(), (1, 1));
    let pictures = put(&dir, "pictures/1.png", "no matter");
    for path in [&table, &put(&dir, "a.npy", b"\x93NUMPY"), &pictures.parent().expect("folder").to_owned()] {
        let text = message(path, &one);
        assert!(text.contains("--max-terms does not apply: it is for documents"), "{text}");
    }
    let places = Places::new(Some(dir.path().to_owned()), None, None);
    let strokes = load_from(&Source::Known("strokes".to_owned()), &one, &places).expect_err("pictures");
    assert!(strokes.to_string().contains("--max-terms does not apply"), "{strokes}");
    // Of a known set the rows are still checked, and the columns are those asked for.
    for name in ["train", "test_pt0", "test_pt1", "test_pt2", "test_pt3"] {
        put(&dir, &format!("rcv1/lyrl2004_tokens_{name}.dat"), ".I 1\n.W\nbank rate\n");
    }
    put(&dir, "rcv1/rcv1-v2.topics.qrels", "CCAT 1 1\n");
    let few = load_from(&Source::Known("rcv1".to_owned()), &one, &places).expect_err("five documents");
    assert!(few.to_string().contains("(5, 2000, 5), expected (685071, 2000, 685071)"), "{few}");
}

#[test]
fn a_column_of_a_table_with_lines_in_quotes() {
    let dir = tempfile::tempdir().expect("folder");
    let table = "id,kind,text\n1,a,\"two\nlines, two\"\n2,b,lines\n";
    let options = LoadOptions { label_column: Some("kind".to_owned()), ..text_column("text") };
    for bytes in [table.as_bytes().to_vec(), gzip(table.replace('\n', "\r\n").as_bytes())] {
        let (data, labels) = read(&put(&dir, "t.csv", bytes), &options);
        assert_eq!(data.vocabulary.expect("text").terms, ["lines", "two"]);
        assert_eq!(
            (data.x.dim(), labels.expect("named").class_names),
            ((2, 2), vec!["a".to_owned(), "b".into()])
        );
    }
    let path = put(&dir, "t.csv", table);
    for column in ["kind", "id"] {
        let label_column = (column == "kind").then(|| column.to_owned());
        let id_column = (column == "id").then(|| column.to_owned());
        let twice = LoadOptions { label_column, id_column, ..text_column(column) };
        assert!(message(&path, &twice).contains(&format!("column `{column}`")));
    }
    assert!(message(&path, &text_column("body")).contains("has no column `body`; it has: id, kind, text"));
    let numbers = put(&dir, "n.csv", "text\n\"1 2\"\n");
    assert!(message(&numbers, &text_column("text")).contains("is empty: words of at least two letters"));
}

#[test]
fn new_documents_get_the_columns_of_a_vocabulary() {
    let dir = tempfile::tempdir().expect("folder");
    let old = put(&dir, "old.csv", "text\nwheat corn\ncorn\n");
    let (data, _) = read(&old, &text_column("text"));
    let vocabulary = put(&dir, "v.tsv", data.vocabulary.expect("text").to_tsv());
    let options = LoadOptions { vocabulary: Some(vocabulary), ..text_column("text") };
    let (same, _) = read(&old, &options);
    assert_eq!((same.x, same.sha256), (data.x, data.sha256));
    let (new, _) = read(&put(&dir, "new.csv", "text\nbarley wheat\nbarley\n"), &options);
    let Matrix::Sparse(x) = new.x else { panic!("text is sparse") };
    assert_eq!((x.indices, x.values, x.indptr), (vec![1], vec![2_f32.sqrt()], vec![0, 1, 1]));
    let both = LoadOptions { max_terms: Some(5), ..options };
    assert!(message(&old, &both).contains("--max-terms does not apply"));
}

#[test]
fn options_for_other_data_are_refused() {
    let dir = tempfile::tempdir().expect("folder");
    let numbers = put(&dir, "n.csv", "1,2\n3,4\n");
    let keys = LoadOptions { x_key: Some("X".to_owned()), ..LoadOptions::default() };
    assert!(message(&numbers, &keys).contains("--x-key does not apply: it is for MATLAB and NPZ files"));
    let folder = put(&dir, "texts/1.txt", "word");
    let folder = folder.parent().expect("folder");
    assert!(message(folder, &text_column("text")).contains("--text-column does not apply"));
    let none = LoadOptions { max_terms: Some(0), ..LoadOptions::default() };
    assert!(message(folder, &none).contains("at least one term is needed"));
}

#[test]
fn texts_that_are_none_are_named_with_file_and_line() {
    let dir = tempfile::tempdir().expect("folder");
    put(&dir, "1.txt", "fine\n");
    put(&dir, "2.txt", b"fine\nr\xe9sum\xe9\n");
    let text = message(dir.path(), &LoadOptions::default());
    assert!(text.contains("2.txt, line 2: the line is not UTF-8 text"), "{text}");
    // 80 MiB of text in 80 kB: more than one document may have.
    put(&dir, "2.txt", gzip("bomb ".repeat(16 << 20).as_bytes()));
    assert!(
        message(dir.path(), &LoadOptions::default())
            .contains("2.txt, line 1: the line is longer than 64 MiB")
    );
    put(&dir, "2.txt", gzip("bomb\n".repeat(5 << 20).as_bytes()));
    assert!(message(dir.path(), &LoadOptions::default()).contains("a text is longer than 16 MiB"));
}

#[test]
fn a_folder_named_as_rcv1_is() {
    let dir = tempfile::tempdir().expect("folder");
    put(&dir, "rcv1-v2.topics.qrels.gz", gzip(b"CCAT 1 1\nECAT 2 1\nGCAT 3 1\nMCAT 3 1\n"));
    put(&dir, "lyrl2004_tokens_train.dat", ".I 1\n.W\nbank rate\n");
    put(&dir, "lyrl2004_tokens_test_pt0.dat.gz", gzip(b".I 2\n.W\nrate rate\nrise\n\n.I 3\n.W\ntwo roots\n"));
    for part in 1..4 {
        put(&dir, &format!("lyrl2004_tokens_test_pt{part}.dat"), "");
    }
    let (data, labels) = read(dir.path(), &LoadOptions::default());
    assert_eq!(data.vocabulary.expect("text").terms, ["bank", "rate", "rise"]);
    let labels = labels.expect("topics");
    // The test parts come first; classes of a folder of one's own are the numbers of the roots.
    assert_eq!((labels.labelled().1, labels.class_names), (array![1, 0], vec!["0".to_owned(), "3".into()]));
    fs::remove_file(dir.path().join("lyrl2004_tokens_test_pt2.dat")).expect("file");
    assert!(
        message(dir.path(), &LoadOptions::default()).contains("has no file lyrl2004_tokens_test_pt2.dat")
    );
}

#[test]
fn a_known_set_with_too_few_documents_is_refused() {
    let dir = tempfile::tempdir().expect("folder");
    for name in ["train", "test_pt0", "test_pt1", "test_pt2", "test_pt3"] {
        put(&dir, &format!("rcv1/lyrl2004_tokens_{name}.dat"), ".I 1\n.W\nbank\n");
    }
    put(&dir, "rcv1/rcv1-v2.topics.qrels", "CCAT 1 1\n");
    let places = Places::new(Some(dir.path().to_owned()), None, None);
    for name in ["rcv1", "rcv1-10k"] {
        let error = load_from(&Source::Known(name.to_owned()), &LoadOptions::default(), &places);
        let text = error.expect_err("five documents").to_string();
        assert!(text.contains("rows, columns and training rows are (5, 1, 5), expected"), "{text}");
    }
}

#[test]
fn pictures_of_stl10_and_features_made_of_them() {
    let dir = tempfile::tempdir().expect("folder");
    put(&dir, "stl10/train_X.bin", vec![255; 2 * 27648]);
    put(&dir, "stl10/test_X.bin", vec![51; 27648]);
    put(&dir, "stl10/train_y.bin", [10, 1]);
    put(&dir, "stl10/test_y.bin", [1]);
    let (data, labels) = read(&dir.path().join("stl10"), &LoadOptions::default());
    let x = data.x.as_dense().expect("pictures");
    assert_eq!((x.dim(), x[[0, 0]], x[[2, 0]], data.n_train), ((3, 27648), 1.0, 0.2, 2));
    assert_eq!(labels.expect("labels").labelled().1, array![1, 0, 0]);

    let places = Places::new(Some(dir.path().to_owned()), None, None);
    let stl10 = Source::Known("stl10".to_owned());
    let text = load_from(&stl10, &LoadOptions::default(), &places).expect_err("no features").to_string();
    assert!(text.contains("missing there: resnet50.npy"), "{text}");
    assert!(
        text.ends_with("make the file with: vae features --model resnet50 --weights FILE --images stl10"),
        "{text}"
    );
    fs::remove_file(dir.path().join("stl10/test_y.bin")).expect("file");
    let text = load_from(&stl10, &LoadOptions::default(), &places).expect_err("nothing").to_string();
    assert!(text.contains("vae data fetch stl10\nand then: vae features"), "{text}");
    assert!(registry().get("stl10").expect("known").downloads.len() == 1);
}

/// Features of all of STL-10's labelled pictures, of one column, with what `vae features` writes
/// beside them.
fn stl10_features(dir: &TempDir) -> (Source, Places, impl Fn(&str, &str)) {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (13000, 2048), }";
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header.as_bytes());
    npy.resize(npy.len() + 13_000 * 2048, 7);
    put(dir, "stl10/resnet50.npy", npy);
    for (name, n) in [("train", 5000), ("test", 8000)] {
        put(dir, &format!("stl10/{name}_y.bin"), (0..n).map(|i| (i % 10 + 1) as u8).collect::<Vec<u8>>());
        put(dir, &format!("stl10/{name}_X.bin"), "never read for the features");
    }
    let sum = content_sha256(Values::Dense(ndarray::Array2::from_elem((13_000, 2048), 7.0).view()), None);
    let json = format!(
        "{{\"schema\": 1, \"model\": \"resnet50\", \"images\": \"stl10-images\", \"image\": [3, 96, 96], \
         \"n\": 13000, \"dim\": 2048, \"features_sha256\": \"{sum}\", \"weights_sha256\": \"0\"}}"
    );
    let path = dir.path().join("stl10/resnet50.npy.json");
    let write = move |from: &str, to: &str| fs::write(&path, json.replace(from, to)).expect("file");
    let places = Places::new(Some(dir.path().to_owned()), None, None);
    (Source::Known("stl10".to_owned()), places, write)
}

#[test]
fn features_are_held_against_their_provenance() {
    let dir = tempfile::tempdir().expect("folder");
    let (stl10, places, write) = stl10_features(&dir);
    let load = || load_from(&stl10, &LoadOptions::default(), &places);
    assert_eq!(load().expect("without a provenance there is a warning").0.x.dim(), (13_000, 2048));
    write("", "");
    assert_eq!(load().expect("right").0.n_train, 5000);
    for (from, to, part) in [
        ("features_sha256\": \"", "features_sha256\": \"0", "features_sha256 is 0"),
        ("stl10-images", "my-pictures", "images is my-pictures of 3x96x96, expected stl10-images of 3x96x96"),
        ("[3, 96, 96]", "[3, 32, 32]", "images is stl10-images of 3x32x32"),
        ("13000", "12999", "n x dim is 12999 x 2048, expected 13000 x 2048"),
        ("schema", "sche\"ma", "is no provenance as `vae features` writes it"),
    ] {
        write(from, to);
        let text = load().expect_err("a lie").to_string();
        assert!(text.contains("resnet50.npy.json") && text.contains(part), "{text}");
        assert!(text.contains("make both again with: vae features --model resnet50"), "{text}");
    }
}

#[test]
fn a_known_file_that_is_damaged_is_told_by_its_checksum() {
    let dir = tempfile::tempdir().expect("folder");
    let mat = include_bytes!("golden/mat/v7.mat");
    let places = Places::new(Some(dir.path().to_owned()), None, None);
    for bytes in [&mat[..], &mat[..mat.len() / 2], &mat[..20], b"no MATLAB file"] {
        put(&dir, "reuters10k/reuters10k.mat", bytes);
        let source = Source::Known("reuters10k".to_owned());
        let text = load_from(&source, &LoadOptions::default(), &places).expect_err("damaged").to_string();
        assert!(text.contains("reuters10k.mat is not the published file"), "{text}");
        assert!(text.ends_with("delete it and run: vae data fetch reuters10k"), "{text}");
    }
}

#[test]
fn matlab_files_with_keys_and_the_first_rows() {
    let dir = tempfile::tempdir().expect("folder");
    let path = put(&dir, "HAR.mat", include_bytes!("golden/mat/v7.mat"));
    let keys = LoadOptions { x_key: Some("X".into()), y_key: Some("Y".into()), ..LoadOptions::default() };
    let (data, labels) = read(&path, &keys);
    assert_eq!(data.x.as_dense().expect("dense"), array![[1.5, -2.0, 0.25], [4.0, 5.0, 1e-3]]);
    assert_eq!(labels.expect("Y").class_names, ["1", "3"]);
    assert_eq!(data.x.head(1).as_dense().expect("dense"), array![[1.5, -2.0, 0.25]]);
    let wrong = LoadOptions { x_key: Some("fea".into()), ..LoadOptions::default() };
    assert!(
        message(&path, &wrong).contains("has no variable `fea`; it has: X (2x3 double), Y (1x2 integer)")
    );
    let text = message(&put(&dir, "text.mat", "no matrix"), &LoadOptions::default());
    assert!(
        text.contains(
            "text.mat: the MATLAB header is not one of level 5, expected level 5; in MATLAB: save("
        ),
        "{text}"
    );
}

#[test]
fn bombs_in_gzip_are_refused_before_memory_is() {
    let dir = tempfile::tempdir().expect("folder");
    // An IDX header that promises 16 GiB in a file that holds 64 MiB when inflated.
    let mut idx = vec![0, 0, 8, 2];
    idx.extend([1_u32 << 17, 1 << 17].iter().flat_map(|dim| dim.to_be_bytes()));
    idx.resize(64 << 20, 0);
    let path = put(&dir, "bomb", gzip(&idx));
    let error = load(&Source::Path(path), &LoadOptions::default()).expect_err("absurd");
    assert!(matches!(error, Error::AbsurdDims { .. }), "{error}");
    // One line without end, as a table and as a table of documents.
    let line = put(&dir, "line.csv", gzip(&vec![b'1'; 65 << 20]));
    assert!(message(&line, &LoadOptions::default()).contains("longer than 64 MiB"));
    assert!(message(&line, &text_column("text")).contains("longer than 64 MiB"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn folders_of_hostile_texts_are_errors_or_a_row_a_file(
        files in prop::collection::btree_map(
            ("(a|b|\\.c)?", "[a-d]{1,2}(\\.TXT|\\.txt|\\.txt\\.gz|\\.md)"),
            prop::collection::vec(prop_oneof![
                Just(b"word word\n".to_vec()), Just(b"\xef\xbb\xbf".to_vec()), Just(vec![0; 3]),
                Just(b"\x1f\x8b\x08".to_vec()), Just("\u{130}\u{3a3}\r".as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..8),
            ], 0..4),
            1..6,
        ),
    ) {
        let dir = tempfile::tempdir().expect("folder");
        for ((folder, name), parts) in &files {
            put(&dir, format!("{folder}/{name}").trim_start_matches('/'), parts.concat());
        }
        if let Ok((data, labels)) = load(&Source::Path(dir.path().to_owned()), &LoadOptions::default()) {
            let is_text = |name: &str| !name.ends_with(".md");
            let n = files.keys().filter(|(folder, name)| folder != ".c" && is_text(name)).count();
            prop_assert_eq!(data.x.n(), n);
            prop_assert!(labels.is_none_or(|labels| labels.y.len() == n));
        }
    }
}
