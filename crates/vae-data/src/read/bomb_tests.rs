//! Small files that hold or promise enormous content, one for each compressed way in, on a machine
//! with little memory: each is an error that says so, or a bounded result, and never more memory
//! than there is.

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::memory::tests::with_memory;
use crate::offset::Moments;
use crate::places::Places;
use crate::read::idx::tests::idx_bytes;
use crate::read::npy::tests::{header, npy_bytes};
use crate::{Error, LoadOptions, Source, Vocabulary, load_from};

/// What the machine has.
const MEMORY: usize = 4 << 20;

/// A folder for one bomb.
struct Bomb(tempfile::TempDir);

impl Bomb {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("folder"))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        fs::write(&path, bytes).expect("file");
        path
    }

    /// A gzip file of `start`, then `times` times `part`.
    fn gzip(&self, name: &str, start: &[u8], part: &str, times: usize) -> PathBuf {
        let path = self.put(name, &[]);
        let mut gz = GzEncoder::new(File::create(&path).expect("file"), Compression::best());
        gz.write_all(start).expect("file");
        let many = part.repeat(1000);
        (0..times / 1000).for_each(|_| gz.write_all(many.as_bytes()).expect("file"));
        gz.finish().expect("file");
        assert!(fs::metadata(&path).expect("file").len() < 200_000, "a bomb is small");
        path
    }
}

fn read(path: &Path, options: &LoadOptions) -> Error {
    let places = Places::new(None, None, None);
    let source = Source::Path(path.to_owned());
    with_memory(MEMORY, || load_from(&source, options, &places)).expect_err("a bomb")
}

fn assert_too_large(error: Error) {
    let text = error.to_string();
    assert!(matches!(error, Error::TooLarge { .. }), "{text}");
    assert!(text.contains("GiB") && text.contains("fewer rows"), "{text}");
}

#[test]
fn tables() {
    let bomb = Bomb::new();
    let text = LoadOptions { text_column: Some("1".into()), header: Some(false), ..LoadOptions::default() };
    // Rows without end, and a line with columns without end.
    let rows = bomb.gzip("rows.csv.gz", b"", "1\n", 20_000_000);
    assert_too_large(read(&rows, &LoadOptions::default()));
    let columns = bomb.gzip("columns.csv.gz", b"", "1,", 20_000_000);
    assert_too_large(read(&columns, &LoadOptions::default()));
    assert_too_large(read(&columns, &text));
    let documents = bomb.gzip("documents.csv.gz", b"", "ab\n", 10_000_000);
    assert_too_large(read(&documents, &text));
    // Labels of rows that are themselves few.
    let labels = LoadOptions { label_column: Some("2".into()), ..LoadOptions::default() };
    assert_too_large(read(&bomb.gzip("labels.csv.gz", b"", "1,a\n", 10_000_000), &labels));
}

#[test]
fn idx_and_npy() {
    let bomb = Bomb::new();
    for bytes in [idx_bytes(&[20_000, 1000], &[]), npy_bytes(&header("|u1", "(20000, 1000)"), &[])] {
        let path = bomb.gzip("array.gz", &bytes, "\0", 20_000_000);
        assert_too_large(read(&path, &LoadOptions::default()));
    }
}

#[test]
fn npz() {
    let bomb = Bomb::new();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let labels = npy_bytes(&header("|u1", "(20000000,)"), &vec![0; 20_000_000]);
    for (name, bytes) in [
        ("x.npy", npy_bytes(&header("|u1", "(2, 1)"), &[3, 4])),
        ("y.npy", labels),
        ("z.npy", npy_bytes(&header("|u1", "(20000, 1000)"), &vec![0; 20_000_000])),
    ] {
        zip.start_file(name, options).expect("member");
        zip.write_all(&bytes).expect("member");
    }
    let path = bomb.put("a.npz", &zip.finish().expect("archive").into_inner());
    let key = |x: &str| LoadOptions { x_key: Some(x.into()), ..LoadOptions::default() };
    assert_too_large(read(&path, &key("z")));
    // Two rows and 20 million labels: the header says it.
    let error = read(&path, &key("x"));
    assert!(matches!(error, Error::LabelCount { rows: 2, labels: 20_000_000, .. }), "{error}");
}

#[test]
fn matlab() {
    let bomb = Bomb::new();
    let tag = |kind: u32, len: usize| [kind.to_le_bytes(), (len as u32).to_le_bytes()].concat();
    let variable = |name: u8, rows: u32, columns: u32| {
        let zeros = vec![0; (rows * columns) as usize];
        let inside = [
            [tag(6, 8), vec![6, 0, 0, 0, 0, 0, 0, 0]].concat(),
            [tag(5, 8), rows.to_le_bytes().to_vec(), columns.to_le_bytes().to_vec()].concat(),
            [tag(1, 1), vec![name, 0, 0, 0, 0, 0, 0, 0]].concat(),
            [tag(2, zeros.len()), zeros].concat(),
        ]
        .concat();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&tag(14, inside.len())).and_then(|()| zlib.write_all(&inside)).expect("memory");
        let inside = zlib.finish().expect("memory");
        [tag(15, inside.len()), inside].concat()
    };
    let mut header = [b' '; 128];
    header[..10].copy_from_slice(b"MATLAB 5.0");
    header[124..].copy_from_slice(&[0, 1, b'I', b'M']);
    let file = |x: Vec<u8>, y: Vec<u8>| [header.to_vec(), x, y].concat();
    let x = bomb.put("x.mat", &file(variable(b'X', 4000, 4000), variable(b'Y', 4000, 1)));
    assert_too_large(read(&x, &LoadOptions::default()));
    let labels = bomb.put("labels.mat", &file(variable(b'X', 2, 2), variable(b'Y', 16_000_000, 1)));
    let text = read(&labels, &LoadOptions::default()).to_string();
    assert!(text.contains("`X` is 2x2 and there are 16000000 labels"), "{text}");
}

/// A matrix takes what it has and some of its columns, not twice what it has.
#[test]
fn a_matlab_matrix_is_held_once() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/mat/v7.mat"));
    let source = Source::Path(path.to_owned());
    let load = || load_from(&source, &LoadOptions::default(), &Places::new(None, None, None));
    // Six values, a block of them, what is known of three columns, two labels of eight bytes.
    let (data, _) = with_memory(6 * 4 + 6 * 4 + 3 * size_of::<Moments>() + 2 * 8, load).expect("fits");
    assert_eq!(data.x.dim(), (2, 3));
    assert!(matches!(with_memory(6 * 4, load), Err(Error::TooLarge { .. })));
}

#[test]
fn uci_har() {
    let bomb = Bomb::new();
    for part in ["\n1", " 1"] {
        bomb.gzip("train/X_train.txt.gz", b"1", part, 10_000_000);
        assert_too_large(read(bomb.0.path(), &LoadOptions::default()));
    }
    // Labels of few rows.
    for name in ["train/X_train.txt", "test/X_test.txt", "test/y_test.txt"] {
        bomb.put(name, b"1\n");
    }
    fs::remove_file(bomb.0.path().join("train/X_train.txt.gz")).expect("file");
    bomb.gzip("train/y_train.txt.gz", b"", "1\n", 10_000_000);
    assert_too_large(read(bomb.0.path(), &LoadOptions::default()));
}

#[test]
fn rcv1() {
    let bomb = Bomb::new();
    bomb.put("rcv1-v2.topics.qrels", b"CCAT 1 1\n");
    for part in 0..4 {
        bomb.put(&format!("lyrl2004_tokens_test_pt{part}.dat"), b"");
    }
    // A document without end, and documents without end.
    bomb.gzip("lyrl2004_tokens_train.dat.gz", b".I 1\n.W\n", "ab ab\n", 5_000_000);
    assert_too_large(read(bomb.0.path(), &LoadOptions::default()));
    bomb.gzip("lyrl2004_tokens_train.dat.gz", b"", ".I 1\n.W\nab\n", 2_000_000);
    assert_too_large(read(bomb.0.path(), &LoadOptions::default()));
    // Judgements without end: each document is another.
    let lines: String = (0..400_000).map(|id| format!("CCAT {id} 1\n")).collect();
    let qrels = bomb.put("rcv1-v2.topics.qrels", lines.as_bytes());
    assert_too_large(read(bomb.0.path(), &LoadOptions::default()));
    fs::remove_file(qrels).expect("file");
}

#[test]
fn stl10() {
    let bomb = Bomb::new();
    bomb.gzip("train_X.bin.gz", b"", "\0", 27_648_000);
    assert_too_large(read(bomb.0.path(), &LoadOptions::default()));
}

#[test]
fn pictures() {
    let bomb = Bomb::new();
    let mut png = Cursor::new(Vec::new());
    image::GrayImage::new(2000, 2000).write_to(&mut png, image::ImageFormat::Png).expect("picture");
    bomb.put("black.png", &png.into_inner());
    assert_too_large(read(bomb.0.path(), &LoadOptions::default()));
}

#[test]
fn reuters21578() {
    let bomb = Bomb::new();
    bomb.put("reut2-000.sgm", b"");
    let topics: String = (0..200_000).map(|i| format!("TOPIC {i}\n")).collect();
    bomb.put("cat-descriptions_120396.txt", format!("**Corporate Codes\n{topics}").as_bytes());
    assert_too_large(read(bomb.0.path(), &LoadOptions::default()));
}

#[test]
fn documents_and_vocabularies() {
    let bomb = Bomb::new();
    bomb.gzip("1.txt.gz", b"", "ab\n", 5_000_000);
    assert_too_large(read(bomb.0.path(), &LoadOptions::default()));
    let terms: String = (0..200_000).map(|i| format!("{i:07}\t1\n")).collect();
    let path = bomb.put("v.tsv", format!("term\tidf\n{terms}").as_bytes());
    assert_too_large(with_memory(MEMORY, || Vocabulary::read(&path)).expect_err("a bomb"));
}
