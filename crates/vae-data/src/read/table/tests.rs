//! Tests of the table reader.

use proptest::prelude::*;

use std::path::Path;

use super::*;
use crate::labels::RawLabels;

fn read_with(text: &str, header: Option<bool>, label_column: Option<&str>) -> Result<Raw> {
    let options = TableOptions { header, label_column: label_column.map(str::to_owned), columns: None };
    read(Input::bytes(text.as_bytes()), &options)
}

fn read_text(text: &str) -> Result<Raw> {
    read_with(text, None, None)
}

fn message(result: Result<Raw>) -> String {
    result.expect_err("must be refused").to_string()
}

fn labels(raw: &Raw) -> Vec<String> {
    match &raw.labels {
        Some(RawLabels::Texts(texts)) => texts.iter().map(|text| text.to_string()).collect(),
        other => panic!("labels are {other:?}"),
    }
}

#[test]
fn a_header_is_found_or_not() {
    for (text, n) in [
        ("1,2\n3,4\n", 2),
        ("a,b\n3,4\n", 1),
        ("0,label\n3,4\n", 1),
        ("\u{feff}a,b\r\n\r\n3,4\r\n", 1),
        ("1,2", 1),
    ] {
        let raw = read_text(text).expect(text);
        assert_eq!((raw.n, raw.d), (n, 2), "{text:?}");
        assert_eq!(raw.x[(n - 1) * 2..], if text == "1,2" { [1.0, 2.0] } else { [3.0, 4.0] });
    }
    // As in iris.data: text in both lines is no header.
    let raw = read_with("5.1,3.5,setosa\n4.9,3.0,virginica\n", None, Some("3")).expect("no header");
    assert_eq!((raw.n, raw.d, labels(&raw)), (2, 2, vec!["setosa".to_owned(), "virginica".to_owned()]));
}

#[test]
fn a_told_header_wins() {
    assert_eq!(read_with("1,2\n3,4\n", Some(true), None).expect("told").n, 1);
    let text = message(read_with("a,b\n3,4\n", Some(false), None));
    assert!(text.contains("line 1, column 1: `a` is not a number"), "{text}");
}

#[test]
fn separators_and_quotes() {
    for text in ["1\t-2.5e1\n", "1;-2.5e1\n", "\"1\", \"-2.5e1\"\n", " 1 , -25 \n"] {
        assert_eq!(read_text(text).expect(text).x, [1.0, -25.0], "{text:?}");
    }
    let raw = read_with("x,\"a \"\"b\"\", c\"\n1,\"one, \"\"two\"\"\"\n", None, Some("a \"b\", c"))
        .expect("quotes");
    assert_eq!(labels(&raw), ["one, \"two\""]);
    assert!(message(read_text("1,2\n\"3,4\n")).contains("line 2: a quote is opened and not closed"));
    assert!(message(read_text("1,2\n\"3\"x,4\n")).contains("line 2: text follows a closing quote"));
}

#[test]
fn bad_values_are_told_by_line_column_and_name() {
    for (value, problem) in [
        ("", "the value is missing (``)"),
        ("NA", "the value is missing (`NA`)"),
        ("?", "the value is missing (`?`)"),
        ("nan", "`nan` is not a finite"),
        ("-inf", "`-inf` is not a finite"),
        ("1e39", "`1e39` is not a finite"),
        ("red", "`red` is not a number"),
    ] {
        let text = message(read_text(&format!("a,b\n1,2\n\n3,{value}\n")));
        assert!(text.contains(&format!("memory, line 4, column 2 (b): {problem}")), "{text}");
    }
    let text = message(read_with("a,b\n1,2\n3,\n", None, Some("b")));
    assert!(text.contains("line 3, column 2 (b): the value is missing"), "{text}");
}

#[test]
fn columns_go_by_name_where_a_model_has_names() {
    let fitted = |text: &str, label_column: Option<&str>, header: Option<bool>| {
        let columns = Some(["a", "b", "c"].map(str::to_owned).to_vec());
        let options = TableOptions { header, label_column: label_column.map(str::to_owned), columns };
        read(Input::bytes(text.as_bytes()), &options)
    };
    let raw = fitted("c,kind,a,b\n3,x,1,2\n6,y,4,5\n", Some("kind"), None).expect("another order");
    assert_eq!((raw.x.as_slice(), raw.n, raw.d), (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..], 2, 3));
    assert_eq!(labels(&raw), ["x", "y"]);
    assert_eq!(raw.columns.expect("names"), ["a", "b", "c"]);
    // Without names there is nothing to go by but the order.
    let raw = fitted("3,1,2\n", None, Some(false)).expect("no header");
    assert_eq!((raw.x.as_slice(), raw.columns), (&[3.0, 1.0, 2.0][..], None));

    let refused = message(fitted("x,b,a,class\n1,2,3,0\n", None, None));
    for part in ["missing: c (add or rename", "not known to it: x, class (leave them out, or name the labels"]
    {
        assert!(refused.contains(part), "{refused}");
    }
    let label_taken = message(fitted("a,b,c\n1,2,3\n", Some("c"), None));
    assert!(label_taken.contains("missing: c") && !label_taken.contains("not known"), "{label_taken}");
}

#[test]
fn the_names_of_features_leave_the_labels_out() {
    let raw = read_with("a,kind,b\n1,x,2\n", None, Some("kind")).expect("table");
    assert_eq!(raw.columns.expect("names"), ["a", "b"]);
    assert_eq!(read_text("1,2\n").expect("no header").columns, None);
}

#[test]
fn ragged_and_empty_tables_are_refused() {
    let text = message(read_text("1,2\n3,4\n5\n"));
    assert!(text.contains("line 3: 1 fields, expected 2"), "{text}");
    for text in ["", "\n \r\n", "\u{feff}\n"] {
        assert!(matches!(read_text(text), Err(Error::Empty { .. })), "{text:?}");
    }
    assert!(message(read_text("a,b\n")).contains("taken for a header (a, b), and no row below it"));
    assert!(message(read_with("a\n1\n", None, Some("a"))).contains("beside the labels"));
}

#[test]
fn headers_must_name_every_column_once() {
    let text = message(read_text("a,b,a\n1,2,3\n"));
    assert!(text.contains("columns 1 and 3 of the header are both called `a`"), "{text}");
    let text = message(read_text(",b\n0,2\n"));
    assert!(text.contains("without a name in column 1") && text.contains("a row index"), "{text}");
    let text = message(read_text("a,b,\n1,2,\n"));
    assert!(text.contains("without a name in column 3"), "{text}");
    assert!(text.contains("ends with a separator, remove it") && !text.contains("row index"), "{text}");
}

#[test]
fn an_unknown_label_column_lists_the_known_ones() {
    let text = message(read_with("a,b\n1,2\n", None, Some("c")));
    assert!(text.contains("no column `c`; it has: a, b") && !text.contains("no header"), "{text}");
    let text = message(read_with("1,2\n", None, Some("3")));
    assert!(text.contains("it has: 1, 2 (no header was found"), "{text}");
    assert!(read_with("1,2\n", None, Some("0")).is_err());
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let error = read(Input::bytes(b"1,2\n3,\xff\n"), &TableOptions::default()).expect_err("not UTF-8");
    assert!(error.to_string().contains("line 2: the line is not UTF-8 text; it may be Latin-1"), "{error}");
    let text = "a,b\n1,2\n";
    let units = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    for (mark, bytes) in [(b"\xff\xfe", units(u16::to_le_bytes)), (b"\xfe\xff", units(u16::to_be_bytes))] {
        for bytes in [[mark.as_slice(), &bytes].concat(), bytes] {
            let text = message(read(Input::bytes(&bytes), &TableOptions::default()));
            assert!(text.contains("line 1: the text is UTF-16; save the file as UTF-8"), "{text}");
        }
    }
}

#[test]
fn other_separators_and_line_ends_are_named() {
    for text in
        ["5.1 3.5\n4.9 3.0\n", "a b\n4.9  3.0\n", "length of it\n1 2 3\n", "a b c\n5.1 3.5 setosa\n", "1 2\n"]
    {
        assert!(message(read_text(text)).contains("separated by blanks; separate them by commas"), "{text}");
    }
    assert_eq!(read_text("1 2 of it\n1\n2\n").expect("one column").x, [1.0, 2.0]);
    let text = message(read_text("a,b\r1,2\r3,4\r"));
    assert!(text.contains("line 1: lines end with carriage returns alone"), "{text}");
}

#[test]
fn decimal_commas_are_named() {
    for text in ["a;b\n1,5;2\n", "a\tb\n1,5\t2\n", "\"1,5\",2\n", "1,5;2,5\n3,5;4,5\n", "1,5;2\n2;3\n"] {
        let found = message(read_text(text));
        assert!(found.contains("`1,5` has a decimal comma; write decimal points"), "{text}: {found}");
    }
    // Semicolons in a label are no such thing.
    let raw = read_with("1,2;3\n4,5;6\n", None, Some("2")).expect("a label with a semicolon");
    assert_eq!((raw.x.as_slice(), labels(&raw)), (&[1.0, 4.0][..], vec!["2;3".to_owned(), "5;6".into()]));
    assert!(message(read_text("1,x;3\n")).contains("`x;3` is not a number"));
}

#[test]
fn a_file_without_line_ends_does_not_fill_the_memory() {
    let endless = std::io::repeat(b'1');
    let error = read(Input::new(Path::new("endless"), endless, u64::MAX), &TableOptions::default());
    assert!(error.expect_err("endless").to_string().contains("longer than 64 MiB"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(Input::bytes(&bytes), &TableOptions::default());
    }

    #[test]
    fn arbitrary_tables_never_panic(text in "[0-9a,;\"\t\n\r. é-]{0,200}", label in proptest::option::of("[0-9a]{0,2}")) {
        let _ = read_with(&text, None, label.as_deref());
    }

    #[test]
    fn written_is_read(
        rows in (1_usize..5).prop_flat_map(|d| {
            let value = any::<f32>().prop_filter("finite", |v| v.is_finite());
            proptest::collection::vec((proptest::collection::vec(value, d), "[a-z,\"]{1,6}x"), 1..6)
        }),
    ) {
        let mut text = (0..rows[0].0.len()).map(|i| format!("c{i},")).collect::<String>() + "class\n";
        for (values, label) in &rows {
            for value in values {
                text += &format!("{value:e},");
            }
            text += &format!("\"{}\"\n", label.replace('"', "\"\""));
        }
        let raw = read_with(&text, None, Some("class")).expect("sound");
        let x: Vec<f32> = rows.iter().flat_map(|(values, _)| values.clone()).collect();
        prop_assert_eq!(&raw.x, &x);
        prop_assert_eq!(labels(&raw), rows.into_iter().map(|(_, label)| label).collect::<Vec<_>>());
    }
}
