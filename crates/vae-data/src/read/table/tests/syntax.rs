//! Separators, quotes, decimals, headers.

use super::*;
use crate::read::input::Input;
use crate::read::lines::Lines;
use crate::source::Quote;

#[test]
fn a_header_is_found_or_not() {
    for (text, n) in [
        ("1,2\n3,4\n", 2),
        ("a,b\n3,4\n", 1),
        ("0,label\n3,4\n", 1),
        ("\u{feff}a,b\r\n\r\n3,4\r\n", 1),
        ("1,2", 1),
    ] {
        let table = read_text(text).expect(text);
        assert_eq!((table.n, table.schema.n_features()), (n, 2), "{text:?}");
        assert_eq!(table.x[(n - 1) * 2..], if text == "1,2" { [1.0, 2.0] } else { [3.0, 4.0] });
    }
    // As in iris.data: text in both lines is no header.
    let table = read_with("5.1,3.5,setosa\n4.9,3.0,virginica\n", None, Some("3")).expect("no header");
    assert_eq!((table.n, labels(&table)), (2, strings(&["setosa", "virginica"])));
    assert!(table.notes.is_empty());
}

#[test]
fn a_told_header_wins() {
    assert_eq!(read_with("1,2\n3,4\n", Some(true), None).expect("told").n, 1);
    let text = message(read_with("a,b\n3,4\n", Some(false), None));
    assert!(text.contains("line 1, column 1: `a` is not a number"), "{text}");
}

#[test]
fn a_header_of_numbers_is_doubtful_and_told() {
    for (text, n, said) in [
        ("2019,2020,2021\n5.5,3,1\n2,1,7\n", 2, "taken for a header; if it is a row, say --header no"),
        ("0,1,2\n0.5,0.25,1\n", 1, "taken for a header"),
        ("0,1,2,label\n1,2,3,4\n", 1, "taken for a header"),
        ("1,2,3\n7,8,9\n", 2, "taken for a row; if it is a header, say --header yes"),
        ("2019,2020,2021\n1999,2001,2003\n", 2, "taken for a row"),
        ("1.O,2\n1,2\n", 1, "taken for a header though it holds a number"),
    ] {
        let table = read_text(text).expect(text);
        assert_eq!(table.n, n, "{text}");
        assert!(notes(&table, Severity::Warning).contains(said), "{text}: {:?}", table.notes);
    }
    // Numbers in no such order are rows without a doubt.
    assert!(read_text("3,1,2\n0.5,0.25,1\n").expect("rows").notes.is_empty());
}

#[test]
fn a_slip_in_the_first_row_does_not_make_it_a_header() {
    let text = message(read_text("1.O,2.5,3.5\n1,2,3\n4,5,6\n"));
    assert!(text.contains("line 1, column 1: `1.O` is not a number"), "{text}");
    assert!(text.contains("say --header yes"), "{text}");
}

#[test]
fn rows_of_words_do_not_lose_the_first_one() {
    // Words that come again in their column are values.
    let text = "p,x\ne,x\np,b\ne,b\n";
    let table = read_text(text).expect("rows");
    assert_eq!((table.n, table.schema.named), (4, false));
    assert!(notes(&table, Severity::Warning).contains("(p, x) is taken for a row"), "{:?}", table.notes);
    let table = read_text("kind,size\ne,x\np,b\ne,b\np,x\n").expect("header");
    assert_eq!((table.n, names(&table)), (4, strings(&["kind=e", "kind=p", "size=b", "size=x"])));
    assert!(
        notes(&table, Severity::Info).contains("(kind, size) is taken for a header"),
        "{:?}",
        table.notes
    );
}

#[test]
fn separators_and_quotes() {
    for text in ["1\t-2.5e1\n", "1;-2.5e1\n", "\"1\", \"-2.5e1\"\n", " 1 , -25 \n"] {
        assert_eq!(read_text(text).expect(text).x, [1.0, -25.0], "{text:?}");
    }
    let table = read_with("x,\"a \"\"b\"\", c\"\n1,\"one, \"\"two\"\"\"\n", None, Some("a \"b\", c"));
    assert_eq!(labels(&table.expect("quotes")), ["one, \"two\""]);
    assert!(message(read_text("1,2\n\"3,4\n")).contains("line 2: a quote is opened here and not closed"));
    assert!(message(read_text("1,2\n\"3\"x,4\n")).contains("line 2: text follows a closing quote"));
}

#[test]
fn what_is_said_of_separators_and_quotes_is_done() {
    let of = |text: &str, options: LoadOptions| read_as(text, &options).map(|table| table.x);
    let none = LoadOptions::default;
    let pipe = LoadOptions { delimiter: Some('|'), ..none() };
    assert_eq!(of("a|b\n1|2\n", pipe).expect("pipe"), [1.0, 2.0]);
    let blank = LoadOptions { delimiter: Some(' '), ..none() };
    assert_eq!(of(" 1   2 \n3 4\n", blank).expect("blanks"), [1.0, 2.0, 3.0, 4.0]);
    let single = LoadOptions { quote: Some(Quote::Single), label_column: Some("b".into()), ..none() };
    let table = read_as("a,b\n'1','it''s, so'\n", &single).expect("single");
    assert_eq!((table.x.as_slice(), labels(&table)), (&[1.0][..], strings(&["it's, so"])));
    let text = "a,b\n1,\"5 inch\n2,\"6 inch\n";
    let no_quotes = LoadOptions { quote: Some(Quote::None), label_column: Some("b".into()), ..none() };
    assert_eq!(labels(&read_as(text, &no_quotes).expect("no quotes")), ["\"5 inch", "\"6 inch"]);
    let tab = message(read_with(&text.replace(',', "\t"), None, Some("b")));
    assert!(tab.contains("line 2") && tab.contains("--quote none"), "{tab}");
    // Excel says its separator above the table.
    let table = read_text("sep=|\na|b\n1|2\n").expect("excel");
    assert_eq!((table.x.as_slice(), names(&table)), (&[1.0, 2.0][..], strings(&["a", "b"])));
}

#[test]
fn quoted_line_breaks_are_part_of_a_field() {
    let text = "a,note,b\n1,\"two\n\nlines, \"\"quoted\"\"\",2\n3,\"x\",4\n";
    let drop = LoadOptions { drop: strings(&["note"]), ..LoadOptions::default() };
    let table = read_as(text, &drop).expect("breaks");
    assert_eq!((table.x.as_slice(), table.n), (&[1.0, 2.0, 3.0, 4.0][..], 2));
    assert!(
        notes(&table, Severity::Info)
            .contains("1 record with line breaks inside quotes, the first on line 2")
    );
    assert_eq!(
        labels(&read_with(text, None, Some("note")).expect("labels")),
        ["two\n\nlines, \"quoted\"", "x"]
    );
    // The header, too.
    let table = read_text("a,\"b\nc\"\n1,2\n").expect("header");
    assert_eq!(names(&table), ["a", "b\nc"]);
}

#[test]
fn a_lost_quote_is_named_where_it_was_opened() {
    let rows = "3,\"x\",4\n".repeat(1000);
    let text = message(read_with(&format!("a,k,b\n1,\"x\",2\n1,\"x,2\n{rows}"), None, Some("k")));
    assert!(text.contains("line 3: text follows a closing quote, or a quote that is opened here"), "{text}");
    let rows = "3,4\n".repeat(600_000);
    let text = message(read_text(&format!("a,b\n1,\"2\n{rows}")));
    assert!(text.contains("line 2: a quote is opened here and not closed within"), "{text}");
}

#[test]
fn blank_lines_of_one_column_are_told() {
    let table = read_text("a\n1\n\n\n2\n\n").expect("one column");
    assert_eq!(table.x, [1.0, 2.0]);
    assert!(notes(&table, Severity::Warning).contains("2 blank lines between rows left out"));
    assert!(read_text("a,b\n1,2\n\n3,4\n").expect("two").notes.is_empty());
}

#[test]
fn decimal_commas_are_read_where_all_agree() {
    for text in ["a;b\n1,5;2\n", "a\tb\n1,5\t2\n", "1,5;2\n", "a;b\n\"1,5\";2\n"] {
        let table = read_text(text).expect(text);
        assert_eq!(table.x, [1.5, 2.0], "{text}");
        assert!(
            notes(&table, Severity::Info).contains("decimals are written with commas, as `1,5`"),
            "{text}"
        );
    }
    assert_eq!(read_text("1,5;2,5\n3,5;-4,5e1\n").expect("no header").x, [1.5, 2.5, 3.5, -45.0]);
    let both = message(read_text("a;b\n1;2\n1,5;2\n2.5;1\n"));
    assert!(both.contains("line 3, column 1 (a): `1,5` has a comma, and `2.5` on line 4"), "{both}");
    let thousands = message(read_text("a;b\n1,500;2\n3,250;4\n"));
    assert!(thousands.contains("line 2, column 1 (a): the comma in `1,500` may be decimal"), "{thousands}");
    // Numbers in other notations are never words.
    let text = message(read_text("a;b\n1.234,5;2\n1.234,5;2\n1.234,5;2\n"));
    assert!(text.contains("line 2, column 1 (a): `1.234,5` is a number in a notation"), "{text}");
    // Nor are they row names.
    for text in ["a\n1,5\n2,5\n", "a,b\n1,5,2\n3,5,4\n"] {
        assert!(message(read_text(text)).contains("line 2"), "{text}");
    }
    let text = message(read_text(&"\"1,5\",2\n".repeat(9)));
    assert!(text.contains("`1,5` has a decimal comma"), "{text}");
    // Between commas nothing is guessed.
    let text = message(read_text("\"1,5\",2\n"));
    assert!(text.contains("`1,5` has a decimal comma; write decimal points"), "{text}");
    let said = LoadOptions { decimal: Some(','), ..LoadOptions::default() };
    for text in ["\"1,5\",2\n", "1,5;2\n", "a;b\n1,500;2\n"] {
        let x = read_as(text, &said).expect(text).x;
        assert_eq!(x, [1.5, 2.0], "{text}");
    }
    let point = LoadOptions { decimal: Some('.'), ..LoadOptions::default() };
    assert!(message(read_as("a;b\n1,5;2\n", &point)).contains("`1,5` has a decimal comma"));
    let wrong = LoadOptions { decimal: Some('x'), ..LoadOptions::default() };
    assert!(
        message(read_as("a;b\n1,5;2\n", &wrong)).contains("--decimal does not apply: `x` is no decimal sign")
    );
}

#[test]
fn a_semicolon_in_a_label_is_asked_about() {
    let text = message(read_with("1,2;3\n4,5;6\n", None, Some("2")));
    assert!(text.contains("--delimiter , or --delimiter ';'"), "{text}");
    let comma =
        LoadOptions { delimiter: Some(','), label_column: Some("2".into()), ..LoadOptions::default() };
    let table = read_as("1,2;3\n4,5;6\n", &comma).expect("a label with a semicolon");
    assert_eq!((table.x.as_slice(), labels(&table)), (&[1.0, 4.0][..], strings(&["2;3", "5;6"])));
}

#[test]
fn ragged_and_empty_tables_are_refused() {
    let text = message(read_text("1,2\n3,4\n5\n"));
    assert!(text.contains("line 3: 1 fields, expected 2"), "{text}");
    for text in ["", "\n \r\n", "\u{feff}\n"] {
        assert!(matches!(read_text(text), Err(Error::Empty { .. })), "{text:?}");
    }
    assert!(message(read_text("a,b\n")).contains("taken for a header (a, b), and no row below it"));
    let text = message(read_with("a\n1\n", None, Some("a")));
    assert!(text.contains("no column is left for features beside `a` (labels)"), "{text}");
}

#[test]
fn headers_must_name_every_column_once() {
    let text = message(read_text("a,b,a\n1,2,3\n"));
    assert!(text.contains("columns 1 and 3 of the header are both called `a`"), "{text}");
    let text = message(read_text("a,,b\n1,2,3\n"));
    assert!(text.contains("without a name in column 2"), "{text}");
    let text = message(read_text("a,b,\n1,2,\n"));
    assert!(text.contains("without a name in column 3") && text.contains("ends with a separator"), "{text}");
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
    let error = read(Content::bytes(b"1,2\n3,\xff\n"), &LoadOptions::default()).expect_err("not UTF-8");
    assert!(error.to_string().contains("line 2: the line is not UTF-8 text; it may be Latin-1"), "{error}");
    let text = "a,b\n1,2\n";
    let units = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    for (mark, bytes) in [(b"\xff\xfe", units(u16::to_le_bytes)), (b"\xfe\xff", units(u16::to_be_bytes))] {
        for bytes in [[mark.as_slice(), &bytes].concat(), bytes] {
            let text = message(read(Content::bytes(&bytes), &LoadOptions::default()));
            assert!(text.contains("line 1: the text is UTF-16; save the file as UTF-8"), "{text}");
        }
    }
}

#[test]
fn other_separators_and_line_ends_are_named() {
    for text in [
        "5.1 3.5\n4.9 3.0\n",
        "a b\n4.9  3.0\n",
        "length of it\n1 2 3\n",
        "a b c\n5.1 3.5 setosa\n",
        "1 2\n",
        "\"a\" \"b\"\n\"1\" 2.5\n",
    ] {
        assert!(message(read_text(text)).contains("separated by blanks; separate them by commas"), "{text}");
    }
    assert_eq!(read_text("1 2 of it\n1\n2\n").expect("one column").x, [1.0, 2.0]);
    let text = message(read_text("a,b\r1,2\r3,4\r"));
    assert!(text.contains("line 1: lines end with carriage returns alone"), "{text}");
}

#[test]
fn a_file_without_line_ends_does_not_fill_the_memory() {
    let endless = std::io::repeat(b'1');
    let mut lines = Lines::new(Input::new(std::path::Path::new("endless"), endless, u64::MAX));
    assert!(lines.read_line().expect_err("endless").to_string().contains("longer than 64 MiB"));
}
