use proptest::prelude::*;

use super::*;

const LIST: &str = "notes (NOT A TOPIC)\n****Subject Codes (135) \n\nMoney/Foreign Exchange (MONEY-FX)\nShipping (SHIP)\n\
    **Economic Indicator Codes (16)\nBalance of Payments (BOP)\n**Currency Codes (27)\nU.S. Dollar (DLR)\n\
    **Corporate Codes (2)\nEarnings and Earnings Forecasts (EARN)\n**Commodity Codes (78)\n\nCASTOR-OIL\nCOTTON \n\
    **Energy Codes (9)\nCrude Oil (CRUDE) \n@heading[Organization Codes (56)]\nOPEC (OPEC)\n";

fn groups() -> Groups {
    read_groups(Input::bytes(LIST.as_bytes())).expect("sound")
}

fn document(topics: &str, text: &str) -> String {
    format!(
        "<REUTERS TOPICS=\"YES\" NEWID=\"1\">\n<TOPICS>{topics}</TOPICS>\n<TEXT>&#2;\n{text}&#3;</TEXT>\n</REUTERS>\n"
    )
}

fn read_all(bytes: &[u8]) -> Result<Vec<(Vec<String>, i64)>> {
    let mut found = Vec::new();
    read(Input::bytes(bytes), &groups(), |text, group| {
        found.push((text.split_whitespace().map(str::to_owned).collect(), group));
        Ok(())
    })?;
    Ok(found)
}

#[test]
fn the_category_list_gives_groups() {
    let groups = groups();
    let of = |topic: &str| groups.get(topic).copied();
    assert_eq!(["money-fx", "interest", "bop", "dlr"].map(of), [Some(1); 4]);
    assert_eq!(["earn", "castor-oil", "cotton", "crude"].map(of), [Some(0), Some(2), Some(2), Some(3)]);
    assert_eq!(["ship", "opec", "not a topic"].map(of), [None; 3]);
    let message = read_groups(Input::bytes(b"**Corporate Codes\n")).expect_err("short").to_string();
    assert!(message.contains("1 of the 6 headings"), "{message}");
}

#[test]
fn documents_of_one_group_are_kept() {
    let text = "<!DOCTYPE lewis SYSTEM \"lewis.dtd\">\n".to_owned()
        + &document(
            "<D>earn</D>",
            "<TITLE>A &lt;B> CORP</TITLE><DATELINE> NY, - </DATELINE><BODY>x &amp; y\n REUTER\n</BODY>",
        )
        + &document("<D>earn</D><D>crude</D>", "two groups")
        + &document("", "no topic")
        + &document("<D>ship</D>", "no group")
        + &document(
            "<D>dlr</D><D>ship</D><D>bop</D>",
            "<AUTHOR> By me </AUTHOR>not &unknown; marked &#65;&#1;&#9999999;",
        );
    let found = read_all(text.as_bytes()).expect("sound");
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(found[0], (words("A <B> CORP x & y REUTER"), 0));
    assert_eq!(found[1], (words("not &unknown; marked A &#9999999;"), 1));
    assert_eq!(found.len(), 2);
    let crlf = text.replace('\n', "\r\n");
    assert_eq!(read_all([b"\xef\xbb\xbf", crlf.as_bytes()].concat().as_slice()).expect("sound"), found);
}

#[test]
fn bytes_that_are_no_utf8_are_latin_1() {
    let mut bytes = document("<D>earn</D>", "gr@n").into_bytes();
    let at = find(&bytes, b"@").expect("placed above");
    bytes[at] = 0xfc;
    assert_eq!(read_all(&bytes).expect("sound")[0].0, ["grün"]);
}

#[test]
fn damage_is_named_by_line() {
    let whole = document("<D>earn</D>", "text");
    let message = |text: &str| read_all(text.as_bytes()).expect_err("damaged").to_string();
    assert!(message(&whole[..whole.len() - 5]).contains("line 5: the file ends inside a document"));
    assert!(
        message(&whole.replace("</REUTERS>", "<REUTERS>")).contains("begins before the last one has ended")
    );
    assert!(message(&whole.replace("</TOPICS>", "")).contains("no TOPICS element"));
    assert!(message(&whole.replace("</TEXT>", "")).contains("no TEXT element"));
    let long = format!("<REUTERS>{}", "x".repeat(MAX_DOCUMENT_BYTES));
    assert!(message(&long).contains("longer than 4 MiB"));
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(
        parts in prop::collection::vec(prop_oneof![
            Just(b"<REUTERS>".to_vec()), Just(b"</REUTERS>\n".to_vec()), Just(b"<TOPICS><D>earn</D></TOPICS>".to_vec()),
            Just(b"<TEXT>".to_vec()), Just(b"</TEXT>".to_vec()), Just(b"<DATELINE>".to_vec()),
            Just(b"&#".to_vec()), Just(b"&#11;".to_vec()), Just(b"<".to_vec()), prop::collection::vec(any::<u8>(), 0..12),
        ], 0..24),
    ) {
        let _ = read_all(&parts.concat());
        let _ = read_groups(Input::bytes(&parts.concat()));
    }

    #[test]
    fn a_cut_file_is_an_error_or_whole_documents(keep in 0_usize..400) {
        let whole = document("<D>earn</D>", "some text").repeat(3);
        if let Ok(found) = read_all(&whole.as_bytes()[..keep.min(whole.len())]) {
            prop_assert!(found.iter().all(|(words, group)| words.len() == 2 && *group == 0));
        }
    }
}
