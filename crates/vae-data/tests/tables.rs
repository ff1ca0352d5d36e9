//! Tables from outside: what loading gives and says, standard input, and the checksum.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ndarray::array;
use tempfile::TempDir;
use vae_data::{
    Block, Column, ColumnUse, Error, LoadOptions, Schema, Severity, Source, TableReader, Values,
    content_sha256, info, load, table_info, table_sha256,
};

fn put(dir: &TempDir, name: &str, text: &str) -> Source {
    let path = dir.path().join(name);
    fs::write(&path, text).expect("file");
    Source::Path(path)
}

const MIXED: &str = "id,size,kind,class\n7,1.5,red,x\n9,,blue,NA\n3,2.5,red,y\n4,0.5,blue,x\n";

#[test]
fn a_table_says_what_became_of_it() {
    let dir = tempfile::tempdir().expect("folder");
    let options = LoadOptions { label_column: Some("class".into()), ..LoadOptions::default() };
    let (mut data, labels) = load(&put(&dir, "t.csv", MIXED), &options).expect("sound");
    let schema = Schema {
        named: true,
        columns: vec![Column::number("size"), Column::category("kind", ["blue", "red"])],
    };
    assert_eq!(data.schema.as_ref(), Some(&schema));
    let x = data.x.as_dense().expect("dense").to_owned();
    assert_eq!((x.row(0), x.row(3)), (array![1.5_f32, 0.0, 1.0].view(), array![0.5_f32, 1.0, 0.0].view()));
    assert!(x[[1, 0]].is_nan() && data.n_missing == 1);
    assert_eq!(data.ids.as_ref().expect("ids").iter().collect::<Vec<_>>(), ["7", "9", "3", "4"]);
    let labels = labels.expect("labels");
    assert_eq!((labels.y.to_vec(), labels.n_classes()), (vec![Some(0), None, Some(1), Some(0)], 2));
    let notes: Vec<String> = data.notes.iter().map(ToString::to_string).collect();
    for note in [
        "note: column `id` names the rows",
        "note: categories, each value of which is a feature: `kind` (2 values)",
        "note: 1 cell missing: 1 in `size`",
        "note: 1 row without a label",
    ] {
        assert!(notes.iter().any(|text| text.starts_with(note)), "{note}: {notes:?}");
    }
    assert!(data.notes.iter().all(|note| note.severity == Severity::Info));
    data.keep_first(1);
    assert_eq!((data.n_missing, data.ids.expect("ids").len()), (0, 1));
}

#[test]
fn the_checksum_of_numbers_is_that_of_their_values() {
    let dir = tempfile::tempdir().expect("folder");
    let plain =
        load(&put(&dir, "p.csv", "id,a,b\n7,1,2\n5,3,4\n"), &LoadOptions::default()).expect("sound").0;
    let values = array![[1.0_f32, 2.0], [3.0, 4.0]];
    assert_eq!(plain.sha256, content_sha256(Values::Dense(values.view()), None));
    // 1, 0 and 0, 1 as numbers, and as a category.
    let [numbers, category] = ["a,b\n1,0\n0,1\n", "k\nx\ny\n"].map(|text| {
        let options = LoadOptions { categorical: vec!["k".into()], ..LoadOptions::default() };
        let options = if text.starts_with('k') { options } else { LoadOptions::default() };
        load(&put(&dir, "t.csv", text), &options).expect("sound").0
    });
    assert_eq!(numbers.x, category.x);
    assert_ne!(numbers.sha256, category.sha256);
    let view = category.x.as_dense().expect("dense");
    assert_eq!(category.sha256, table_sha256(Values::Dense(view), None, category.schema.as_ref()));
}

#[test]
fn a_labels_file_may_have_missing_ones() {
    let dir = tempfile::tempdir().expect("folder");
    let Source::Path(labels) = put(&dir, "labels.txt", "b\nNA\na\n") else { unreachable!() };
    let options = LoadOptions { labels: Some(labels), ..LoadOptions::default() };
    let (data, labels) = load(&put(&dir, "t.csv", "1.5,2\n3,4\n5,6\n"), &options).expect("sound");
    let labels = labels.expect("labels");
    assert_eq!(
        (labels.y.to_vec(), labels.class_names),
        (vec![Some(1), None, Some(0)], vec!["a".to_owned(), "b".into()])
    );
    assert_eq!(data.notes.last().expect("a note").text, "1 row without a label");
}

#[test]
fn options_of_tables_are_for_tables() {
    let dir = tempfile::tempdir().expect("folder");
    let Source::Path(array) = put(&dir, "a.npy", "\u{93}NUMPY") else { unreachable!() };
    fs::write(&array, b"\x93NUMPY").expect("file");
    let options = LoadOptions { drop: vec!["a".into()], ..LoadOptions::default() };
    let error = load(&Source::Path(array), &options).expect_err("an array");
    assert!(matches!(error, Error::Option { option: "--drop", .. }), "{error}");
}

#[test]
fn columns_are_described() {
    let dir = tempfile::tempdir().expect("folder");
    let source = put(&dir, "t.csv", MIXED);
    let table = table_info(&source, &LoadOptions::default()).expect("sound").expect("a table");
    let uses: Vec<ColumnUse> = table.columns.iter().map(|column| column.used_as).collect();
    // One row a class is too few for a category.
    assert_eq!(uses, [ColumnUse::Identifier, ColumnUse::Number, ColumnUse::Category, ColumnUse::Text]);
    let size = &table.columns[1];
    assert_eq!(
        (table.n, size.min, size.max, size.mean, size.missing),
        (4, Some(0.5), Some(2.5), Some(1.5), 1)
    );
    assert_eq!(table.columns[2].levels, [("blue".to_owned(), 2), ("red".to_owned(), 2)]);
    assert_eq!(table_info(&Source::Known("strokes".into()), &LoadOptions::default()).expect("known"), None);
    assert_eq!(
        table_info(&Source::Path(dir.path().into()), &LoadOptions::default()).expect("a folder"),
        None
    );
    let own =
        info(&source, &LoadOptions { drop: vec!["class".into()], ..LoadOptions::default() }).expect("sound");
    assert_eq!((own.n, own.dim), (4, 3));
}

#[test]
fn blocks_come_with_their_names() {
    let dir = tempfile::tempdir().expect("folder");
    let source = put(&dir, "t.csv", "id,a\n4,1\n2,2\n9,3\n");
    let schema = Some(Schema::plain(true, ["a"]));
    let options = LoadOptions { schema, ..LoadOptions::default() };
    let mut reader = TableReader::open(&source, &options).expect("sound");
    assert_eq!((reader.n(), reader.id_name()), (3, Some("id")));
    let Block { x, ids, start, n_missing, .. } = reader.next_block(2).expect("sound").expect("rows");
    assert_eq!((x, start, n_missing), (array![[1.0_f32], [2.0]], 0, 0));
    assert_eq!(ids.expect("ids").iter().collect::<Vec<_>>(), ["4", "2"]);
    let last = reader.next_block(2).expect("sound").expect("rows");
    assert_eq!((last.x, last.start, last.ids.expect("ids").get(0)), (array![[3.0_f32]], 2, Some("9")));
    assert_eq!(reader.next_block(2).expect("sound"), None);
    let known =
        TableReader::open(&Source::Known("mnist".into()), &options).map(|_| ()).expect_err("no table");
    assert!(known.to_string().contains("is a known set and no table"), "{known}");
}

/// A process of its own, since standard input is one of a process.
#[test]
fn standard_input_is_read_as_a_file() {
    const CHILD: &str = "VAE_DATA_TEST_STANDARD_INPUT";
    if std::env::var_os(CHILD).is_some() {
        let (data, _) = load(&"-".parse().expect("a dash"), &LoadOptions::default()).expect("sound");
        assert_eq!(
            (data.name.as_str(), data.x.as_dense()),
            ("stdin", Some(array![[1.0_f32, 2.5], [3.0, 4.0]].view()))
        );
        return;
    }
    let program: PathBuf = std::env::current_exe().expect("this test");
    let mut child = Command::new(program)
        .args(["--exact", "standard_input_is_read_as_a_file"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    child.stdin.take().expect("piped").write_all(b"a,b\n1,2.5\n3,4\n").expect("written");
    let output = child.wait_with_output().expect("ends");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}
