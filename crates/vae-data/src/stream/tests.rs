//! Tests of reading in blocks: the rows are those of the whole.

use std::fmt::Write as _;
use std::fs;

use super::*;
use crate::Vocabulary;

/// All rows in blocks of `rows`, put together.
fn in_blocks(source: &Source, options: &LoadOptions, rows: usize) -> (Vec<Matrix>, Vec<String>) {
    let mut stream = Stream::open(source, options).expect("opens");
    let (mut blocks, mut ids, mut n) = (Vec::new(), Vec::new(), 0);
    while let Some(block) = stream.next_block(rows).expect("a block") {
        assert_eq!(block.start, n);
        n += block.x.n();
        ids.extend(block.ids.iter().flat_map(Ids::iter).map(str::to_owned));
        blocks.push(block.x);
    }
    assert_eq!(n, stream.n());
    (blocks, ids)
}

/// Whether blocks of several sizes are the rows that `load` gives.
fn assert_same(source: &Source, options: &LoadOptions) {
    let (whole, _) = load(source, options).expect("loads");
    let names: Vec<String> = whole.ids.iter().flat_map(Ids::iter).map(str::to_owned).collect();
    for rows in [1, 3, 4, 1000] {
        let (blocks, ids) = in_blocks(source, options, rows);
        let mut at = 0;
        for block in blocks {
            let end = at + block.n();
            // NaN is not equal to itself.
            match (&block, whole.x.rows(at, end)) {
                (Matrix::Dense(a), Matrix::Dense(b)) => {
                    let bits = |x: &Array2<f32>| x.mapv(f32::to_bits);
                    assert_eq!(bits(a), bits(&b), "blocks of {rows}");
                }
                (block, other) => assert_eq!(*block, other, "blocks of {rows}"),
            }
            at = end;
        }
        assert_eq!(ids, names);
    }
}

#[test]
fn tables_documents_and_whole_sets_are_the_same_in_blocks() {
    let dir = tempfile::tempdir().expect("folder");
    let table = dir.path().join("t.csv");
    let mut text = String::from("who,a,kind\n");
    for i in 0..11 {
        let cell = if i % 4 == 1 { String::new() } else { format!("{i}.5") };
        let _ = writeln!(text, "\"p{i}, x\",{cell},{}", ["red", "blue"][i % 2]);
    }
    fs::write(&table, text).expect("file");
    let options = LoadOptions { as_fitted: true, ..LoadOptions::default() };
    let with_ids = LoadOptions { id_column: Some("who".into()), ..options.clone() };
    assert_same(&Source::Path(table), &with_ids);

    let vocabulary = Vocabulary {
        terms: ["apple", "pear", "plum"].map(String::from).to_vec(),
        idf: vec![1.0, 1.5, 2.0],
        n_documents: 0,
    };
    let terms = dir.path().join("vocabulary.tsv");
    fs::write(&terms, vocabulary.to_tsv()).expect("file");
    let texts = dir.path().join("texts.csv");
    fs::write(&texts, "text\napple pear\n\"plum,\nplum apple\"\nnothing\npear\nplum\n").expect("file");
    let of_terms = LoadOptions { vocabulary: Some(terms), ..options.clone() };
    assert_same(&Source::Path(texts), &LoadOptions { text_column: Some("text".into()), ..of_terms.clone() });
    let named = dir.path().join("named.csv");
    fs::write(&named, "text,id\napple,d1\nnothing,d2\nplum,d3\nnothing,d4\n").expect("file");
    let of_column = LoadOptions { text_column: Some("text".into()), ..of_terms.clone() };
    assert_same(&Source::Path(named.clone()), &of_column);
    let mut stream = Stream::open(&Source::Path(named), &of_column).expect("opens");
    assert_eq!(stream.id_name(), Some("id"));
    assert!(stream.notes()[0].text.contains("column `id` names the rows"));
    while stream.next_block(1).expect("a block").is_some() {}
    let [note] = &stream.notes()[..] else { panic!("one note") };
    assert!(note.text.contains("2 documents") && note.text.contains("(`d2`, `d4`)"), "{note}");
    let folder = dir.path().join("texts");
    fs::create_dir(&folder).expect("folder");
    for (name, text) in [("a", "apple apple"), ("b", "pear"), ("c", ""), ("d", "plum pear"), ("e", "x")] {
        fs::write(folder.join(name).with_extension("txt"), text).expect("file");
    }
    assert_same(&Source::Path(folder), &of_terms);
}

#[test]
fn pictures_are_the_same_in_blocks() {
    let dir = tempfile::tempdir().expect("folder");
    for i in 0..7_u8 {
        let size = if i == 3 { 5 } else { 4 };
        let picture = image::GrayImage::from_fn(size, 4, |x, y| image::Luma([i * 30 + (x + y) as u8]));
        picture.save(dir.path().join(format!("{i}.png"))).expect("saved");
    }
    let source = Source::Path(dir.path().to_owned());
    assert_same(&source, &LoadOptions { as_fitted: true, ..LoadOptions::default() });
    let mut stream = Stream::open(&source, &LoadOptions::default()).expect("opens");
    while stream.next_block(2).expect("a block").is_some() {}
    let notes = stream.notes();
    assert!(notes[0].text.contains("1 of 7 pictures resized to 4x4"), "{notes:?}");
}

#[test]
fn the_text_of_a_table_is_kept_as_it_is() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("t.csv");
    fs::write(&path, "sep=;\r\na;\"b \"\"x\"\"\";note\r\n1;2,5;\"u;\nv\"\r\n; 3,5 ;w\r\n").expect("file");
    let options = LoadOptions { drop: vec!["note".into()], ..LoadOptions::default() };
    let mut stream = Stream::open(&Source::Path(path), &options).expect("opens");
    let text = stream.keep_text().expect("read").expect("a table");
    assert_eq!(text.head, ["sep=;", "a;\"b \"\"x\"\"\";note"]);
    assert_eq!((text.separator, text.decimal_comma, text.named), (';', true, true));
    assert_eq!(text.names, ["a", "b \"x\"", "note"]);
    let mut rows = Vec::new();
    while let Some(block) = stream.next_block(1).expect("a block") {
        rows.extend(block.text.expect("asked for"));
    }
    assert_eq!(rows, ["1;2,5;\"u;\nv\"", "; 3,5 ;w"]);
    // Documents as well; what else the table has says how its decimals are written.
    let texts = dir.path().join("texts.csv");
    let rows = ["1;\"two;\nlines\";2,5", "2; apple ;3,75"];
    fs::write(&texts, format!("id;text;price\n{}\n{}\n", rows[0], rows[1])).expect("file");
    let terms = dir.path().join("vocabulary.tsv");
    fs::write(&terms, "term\tidf\napple\t1\n").expect("file");
    let (text_column, vocabulary) = (Some("text".into()), Some(terms));
    let of_column = LoadOptions { text_column, vocabulary, as_fitted: true, ..LoadOptions::default() };
    let mut stream = Stream::open(&Source::Path(texts), &of_column).expect("opens");
    let text = stream.keep_text().expect("read").expect("a table");
    assert_eq!(
        (text.separator, text.decimal_comma, &text.head[..]),
        (';', true, &["id;text;price".into()][..])
    );
    let block = stream.next_block(9).expect("a block").expect("rows");
    assert_eq!(block.text.expect("asked for"), rows);
    let mut other = Stream::open(&"strokes".parse().expect("known"), &options).map(|_| ());
    assert!(other.as_mut().is_err(), "options of tables are for tables");
}
