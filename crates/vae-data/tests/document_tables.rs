//! Documents in a column of a table: names of their rows, and documents without a known word.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vae_data::{DataSet, Labels, LoadOptions, Source, load};

fn put(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().expect("folder")).expect("folder");
    fs::write(&path, text).expect("file");
    path
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
fn documents_of_a_column_keep_the_names_of_their_rows() {
    let dir = tempfile::tempdir().expect("folder");
    let path = put(&dir, "t.csv", "text,id,author\nred ball,d7,ann\nblue sky,d3,bob\nred sky,d5,ann\n");
    let names = |options: &LoadOptions| {
        let (data, _) = read(&path, options);
        let ids = data.ids.expect("names");
        let names: Vec<String> = ids.iter().map(str::to_owned).collect();
        let notes: Vec<String> = data.notes.iter().map(ToString::to_string).collect();
        (ids.name().to_owned(), names, notes.join("\n"))
    };
    let (column, ids, notes) = names(&text_column("text"));
    assert_eq!((column.as_str(), ids), ("id", vec!["d7".to_owned(), "d3".into(), "d5".into()]));
    assert!(notes.starts_with("note: column `id` names the rows: it is kept as their names"), "{notes}");
    let said = LoadOptions { id_column: Some("author".into()), ..text_column("text") };
    let (column, ids, notes) = names(&said);
    assert_eq!((column.as_str(), ids[2].as_str(), notes.as_str()), ("author", "ann", ""));
    // Names change no feature, and nothing else is taken for names.
    let (with, without) = (read(&path, &text_column("text")).0, read(&path, &said).0);
    assert_eq!((with.x, with.sha256), (without.x, without.sha256));
    let none = put(&dir, "n.csv", "text,author\nred ball,ann\nblue sky,bob\n");
    assert_eq!(read(&none, &text_column("text")).0.ids, None);
    let no_such = LoadOptions { id_column: Some("nr".into()), ..text_column("text") };
    assert!(message(&path, &no_such).contains("has no column `nr`; it has: text, id, author"));
    // Labels find their rows by the names.
    let labels = put(&dir, "labels.csv", "id,kind\nd3,x\nd5,y\nd7,z\n");
    let (_, found) = read(&path, &LoadOptions { labels: Some(labels), ..text_column("text") });
    let found = found.expect("labels");
    assert_eq!(
        found.y.iter().map(|y| found.class_names[y.expect("all") as usize].as_str()).collect::<String>(),
        "zxy"
    );
}

#[test]
fn documents_without_a_known_word_are_told() {
    let dir = tempfile::tempdir().expect("folder");
    let old = put(&dir, "old.csv", "text\nwheat corn\n!\ncorn\n");
    let (data, _) = read(&old, &text_column("text"));
    let [note] = &data.notes[..] else { panic!("{:?}", data.notes) };
    let told = "warning: 1 document without any word that is kept as a feature (row 2, counted from 1)";
    assert!(note.to_string().starts_with(told), "{note}");
    let vocabulary = Some(put(&dir, "v.tsv", &data.vocabulary.expect("text").to_tsv()));
    let new = put(&dir, "new.csv", "id,text\na,barley\nb,corn\nc,rye\n");
    let (data, _) = read(&new, &LoadOptions { vocabulary: vocabulary.clone(), ..text_column("text") });
    let note = data.notes.last().expect("a note").to_string();
    assert!(note.contains("2 documents without any word that the model knows (`a`, `c`)"), "{note}");
    // Of a folder they are files.
    put(&dir, "texts/1.txt", "barley");
    put(&dir, "texts/2.txt", "corn");
    let options = LoadOptions { vocabulary, ..LoadOptions::default() };
    let (data, _) = read(&dir.path().join("texts"), &options);
    assert!(data.notes[0].text.contains("(`1.txt`)"), "{:?}", data.notes);
}
