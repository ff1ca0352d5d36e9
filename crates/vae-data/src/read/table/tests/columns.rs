//! What columns are found to be: numbers, categories, identifiers, texts; and what is missing in
//! them.

use vae_array::{Column, ColumnKind, Schema};

use super::*;

/// Three groups of 100 rows around 0, 10 and 20 in two columns, by a generator of its own.
fn base() -> Vec<[f64; 2]> {
    let mut state = 7_u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut normal = move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
    (0..300).map(|i| [f64::from(i / 100) * 10.0 + normal(), f64::from(i / 100) * 10.0 + normal()]).collect()
}

fn with(text: &str, change: impl FnOnce(&mut LoadOptions)) -> Result<Table> {
    let mut options = LoadOptions::default();
    change(&mut options);
    read_as(text, &options)
}

#[test]
fn a_counter_before_the_features_is_no_feature() {
    let rows = base();
    let mut text = "id,x,y\n".to_owned();
    let mut bare = "x,y\n".to_owned();
    for (i, [x, y]) in rows.iter().enumerate() {
        text += &format!("{},{x},{y}\n", i + 1);
        bare += &format!("{x},{y}\n");
    }
    let table = read_text(&text).expect("base");
    assert_eq!((names(&table), table.n), (strings(&["x", "y"]), 300));
    assert_eq!(table.x, read_text(&bare).expect("bare").x);
    let ids = table.ids.as_ref().expect("ids");
    assert_eq!((ids.name(), ids.len(), ids.get(299)), ("id", 300, Some("300")));
    assert!(notes(&table, Severity::Info).contains("column `id` names the rows: it is kept as their names"));
    // Whatever it is called, and without a header.
    for text in [text.replace("id,", "zahl,"), text.replace("id,x,y\n", "")] {
        let table = read_text(&text).expect("counter");
        assert_eq!(table.schema.n_features(), 2);
        assert!(notes(&table, Severity::Info).contains("counts the rows (1 to 300)"), "{:?}", table.notes);
    }
    // Chosen columns are features.
    let table = with(&text, |o| o.columns = strings(&["id", "y"])).expect("chosen");
    assert_eq!((names(&table), table.ids, table.x[2]), (strings(&["id", "y"]), None, 2.0));
}

#[test]
fn identifiers_are_known_by_their_names_if_their_values_differ() {
    let table = read_text("a,customerId\n1,9031\n2,17\n1,44\n").expect("numbers");
    assert_eq!((names(&table), table.ids.expect("ids").get(1)), (strings(&["a"]), Some("17")));
    let table = read_text("uuid,a\nx-1,5\nx-2,6\n").expect("texts");
    assert_eq!(
        (names(&table), table.ids.expect("ids").name().to_owned()),
        (strings(&["a"]), "uuid".to_owned())
    );
    // A data frame's index, and R's row names.
    let table = read_text(",a\n0,5\n1,6\n").expect("index");
    assert_eq!(
        (names(&table), table.ids.expect("ids").name().to_owned()),
        (strings(&["a"]), "Unnamed: 0".to_owned())
    );
    let table = read_text("a\tb\nr1\t5\t6\nr2\t7\t8\n").expect("row names");
    assert_eq!(
        (names(&table), table.x, table.ids.expect("ids").get(1)),
        (strings(&["a", "b"]), vec![5.0, 6.0, 7.0, 8.0], Some("r2"))
    );
    // In doubt a column stays, and a warning names it.
    let table = read_text("shop_id,a\n3,1\n3,2\n4,3\n").expect("doubt");
    assert_eq!(names(&table), ["shop_id", "a"]);
    assert!(notes(&table, Severity::Warning).contains("column `shop_id` is named like names of the rows"));
    let table = read_text("id\n1\n2\n").expect("nothing else");
    assert_eq!((names(&table), table.ids), (strings(&["id"]), None));
}

#[test]
fn codes_that_differ_name_the_rows() {
    let rows = |n: usize| -> String { (1..=n).map(|i| format!("C{:04},{}\n", i * 3, i % 7)).collect() };
    let table = read_text(&format!("customer,a\n{}", rows(30))).expect("codes");
    let ids = table.ids.as_ref().expect("ids");
    assert_eq!((names(&table), ids.name(), ids.get(1)), (strings(&["a"]), "customer", Some("C0006")));
    let told = notes(&table, Severity::Info);
    assert!(
        told.contains("column `customer` names the rows (`C` and a number, no two alike): it is kept"),
        "{told}"
    );
    assert!(told.contains("leave it out with --drop"), "{told}");
    assert_eq!(notes(&table, Severity::Warning), "");
    // A better name wins, and the codes are left out as well.
    let both: String = (1..=30).map(|i| format!("k{},C{i:04},{}\n", i * i, i % 7)).collect();
    let table = read_text(&format!("id,customer,a\n{both}")).expect("both");
    assert_eq!((names(&table), table.ids.as_ref().expect("ids").name()), (strings(&["a"]), "id"));
    assert!(notes(&table, Severity::Info).contains("as well: it is left out"), "{:?}", table.notes);
    // One that comes twice is refused as before, with the ways out, and so are a few rows.
    let twice = message(read_text(&format!("customer,a\n{}C0003,1\n", rows(30))));
    assert!(twice.contains("column `customer` holds texts"), "{twice}");
    assert!(message(read_text(&format!("customer,a\n{}", rows(5)))).contains("--id-column 'customer'"));
    let said = with(&format!("customer,a\n{}", rows(5)), |o| o.id_column = Some("customer".into()));
    assert_eq!(said.expect("the way out").ids.expect("ids").len(), 5);
    // A dozen prices are no names.
    let prices: String = (1..=12).map(|i| format!("EUR{},{}\n", i * 111, i % 5)).collect();
    assert!(message(read_text(&format!("price,a\n{prices}"))).contains("column `price` holds texts"));
}

#[test]
fn a_second_counter_is_left_out_as_well() {
    let text: String = (0..12).map(|i| format!("{i},{},0.{}\n", i + 5, i * 7 % 10)).collect();
    let table = read_text(&format!("n,index,a\n{text}")).expect("two");
    assert_eq!((names(&table), table.ids.as_ref().expect("ids").name()), (strings(&["a"]), "index"));
    assert!(
        notes(&table, Severity::Info)
            .contains("column `n` counts the rows (0 to 11) as well: it is left out")
    );
    let table = with(&format!("n,index,a\n{text}"), |o| o.id_column = Some("a".into())).expect("said");
    assert_eq!(table.ids.expect("ids").name(), "a");
}

#[test]
fn roles_are_those_said() {
    let text = "k,a,b,c\nx,1,2,3\ny,4,5,6\n";
    let table = with(text, |o| {
        o.id_column = Some("k".into());
        o.drop = strings(&["b"]);
        o.label_column = Some("c".into());
    })
    .expect("roles");
    assert_eq!((table.x.as_slice(), labels(&table)), (&[1.0, 4.0][..], strings(&["3", "6"])));
    assert_eq!(table.ids.expect("ids").iter().collect::<Vec<_>>(), ["x", "y"]);
    let table = with(text, |o| o.columns = strings(&["c", "a"])).expect("chosen");
    assert_eq!((names(&table), table.x), (strings(&["a", "c"]), vec![1.0, 3.0, 4.0, 6.0]));
    let twice = message(with(text, |o| {
        o.drop = strings(&["a"]);
        o.label_column = Some("a".into());
    }));
    assert!(twice.contains("column `a` is named by --label-column and by --drop"), "{twice}");
    let none = message(with(text, |o| o.drop = strings(&["z"])));
    assert!(none.contains("no column `z`; it has: k, a, b, c"), "{none}");
}

#[test]
fn a_column_that_is_not_there_is_told_with_the_nearest_name() {
    let text = "customer,income (EUR),c\nx,1,2\ny,4,5\n";
    let near = |change: &dyn Fn(&mut LoadOptions, Vec<String>)| {
        let told = message(with(text, |o| change(o, strings(&["incom"]))));
        assert!(
            told.contains("no column `incom` (did you mean `income (EUR)`?); it has: customer"),
            "{told}"
        );
    };
    near(&|o, names| o.drop = names);
    near(&|o, names| o.columns = names);
    near(&|o, names| o.categorical = names);
    near(&|o, names| o.id_column = names.into_iter().next());
    near(&|o, names| o.label_column = names.into_iter().next());
    let far = message(with(text, |o| o.drop = strings(&["region"])));
    assert!(far.contains("no column `region`; it has: customer"), "{far}");
    let numbers = message(with("1,2\n3,4\n", |o| o.drop = strings(&["12"])));
    assert!(numbers.contains("no column `12`; it has: 1, 2 (no header was found"), "{numbers}");
}

#[test]
fn missing_cells_are_kept_and_counted() {
    let text = "a,b,k\n1,NA,red\n,?,\n3,2,blue\n4,n/a,red\nNaN,5,blue\n";
    let table = read_text(text).expect("missing");
    let expected = [
        [1.0, f32::NAN, 0.0, 1.0],
        [f32::NAN; 4],
        [3.0, 2.0, 1.0, 0.0],
        [4.0, f32::NAN, 0.0, 1.0],
        [f32::NAN, 5.0, 1.0, 0.0],
    ];
    let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&table.x), bits(expected.as_flattened()));
    assert_eq!((table.n, table.n_missing), (5, 6));
    let told = notes(&table, Severity::Info);
    assert!(told.contains("6 cells missing: 3 in `b`, 2 in `a`, 1 in `k`"), "{told}");
    assert!(notes(&table, Severity::Warning).contains("1 row without any value, the first of them row 2"));
}

#[test]
fn other_words_may_be_missing() {
    let table = with("a,b\n1,2\n-999,x\n", |o| o.missing = strings(&["-999", "X"])).expect("said");
    assert_eq!((table.x[..2].to_vec(), table.n_missing), (vec![1.0, 2.0], 2));
    let table = with("a,b\n1,2\nNA,-999\n", |o| o.missing = strings(&["-999"])).expect("a number is added");
    assert_eq!(table.n_missing, 2);
    let text = message(with("a,b\n1,2\nNA,3\n", |o| o.missing = strings(&["-999", "X"])));
    assert!(text.contains("line 3, column 1 (a): `NA` is not a number"), "{text}");
}

#[test]
fn a_column_without_values_is_named() {
    let text = message(read_text("a,b\n1,\n2,NA\n"));
    assert!(text.contains("column `b` has no value in any row; leave it out with --drop 'b'"), "{text}");
    assert_eq!(with("a,b\n1,\n2,NA\n", |o| o.drop = strings(&["b"])).expect("dropped").x, [1.0, 2.0]);
}

#[test]
fn missing_labels_are_no_class() {
    let table = read_with("a,k\n1,x\n2,NA\n3,\n4,y\n", None, Some("k")).expect("labels");
    assert_eq!(labels(&table), ["x", "", "", "y"]);
    let text = message(read_with("a,k\n1,NA\n2,?\n", None, Some("k")));
    assert!(text.contains("the label column `k` has no label in any row"), "{text}");
}

#[test]
fn bad_values_are_told_by_line_column_and_name() {
    for (value, problem) in [
        ("-inf", "`-inf` is not a finite"),
        ("1e39", "`1e39` is not a finite"),
        ("red", "`red` is not a number"),
        ("<5", "`<5` is not a number as others in its column are; correct it, say --missing '<5'"),
    ] {
        let text = message(read_text(&format!("a,b\n1,2\n\n3,{value}\n")));
        assert!(text.contains(&format!("memory, line 4, column 2 (b): {problem}")), "{text}");
    }
    // The first one in the file, whatever its column.
    let text = message(read_text("a,b,c\n1,2,3\n4,5,x\ny,6,7\n8,9,10\n"));
    assert!(text.contains("line 3, column 3 (c): `x`"), "{text}");
}

#[test]
fn few_words_are_categories() {
    let text = "size,a,ok\nsmall,1,true\nlarge,2,false\nlarge,3,true\nsmall,4,false\n";
    let table = read_text(text).expect("categories");
    let schema = Schema {
        named: true,
        columns: vec![
            Column::category("size", ["large", "small"]),
            Column::number("a"),
            Column::category("ok", ["false", "true"]),
        ],
    };
    assert_eq!(table.schema, schema);
    assert_eq!(table.x[..5], [0.0, 1.0, 1.0, 0.0, 1.0]);
    assert!(
        notes(&table, Severity::Info).contains("`size` (2 values), `ok` (2 values)"),
        "{:?}",
        table.notes
    );
    // One row a word is too few, unless somebody says so.
    let text = "k,a\nx,1\ny,2\nx,3\n";
    let refused = message(read_text(text));
    for part in [
        "column `k` holds texts, 2 different ones in 3 cells (such as `x`)",
        "--drop 'k'",
        "--categorical 'k'",
    ] {
        assert!(refused.contains(part), "{refused}");
    }
    assert_eq!(with(text, |o| o.categorical = strings(&["k"])).expect("said").x[..3], [1.0, 0.0, 1.0]);
    // Numbers are categories only if somebody says so.
    let table = with("n,a\n10,1\n9,2\n10,3\n", |o| o.categorical = strings(&["n"])).expect("numbers");
    assert_eq!(names(&table), ["n=10", "n=9", "a"]);
}

#[test]
fn fifty_one_words_are_no_category() {
    let text = |words: usize| {
        let rows = (0..2 * words).map(|i| format!("w{},{}\n", i % words, i * i % 7));
        format!("k,a\n{}", rows.collect::<String>())
    };
    assert_eq!(read_text(&text(50)).expect("fifty").schema.n_features(), 51);
    let refused = message(read_text(&text(51)));
    assert!(
        refused.contains("column `k` holds many different texts") && refused.contains("--drop 'k'"),
        "{refused}"
    );
    let asked = with(&text(51), |o| o.categorical = strings(&["k"])).expect("asked");
    assert_eq!(asked.schema.n_features(), 52);
    let refused = message(with(&text(1001), |o| o.categorical = strings(&["k"])));
    assert!(refused.contains("column `k` has more than 1000 different values"), "{refused}");
}

#[test]
fn texts_and_dates_are_named_with_their_ways_out() {
    let rows: String = (0..30)
        .map(|i| {
            format!(
                "{i}.5,2024-03-{:02},this is comment number {i},{}\n",
                i % 3 + 1,
                ["New York", "Rome"][i % 2]
            )
        })
        .collect();
    let text = format!("a,day,comment,city\n{rows}");
    let refused = message(read_text(&text));
    assert!(refused.contains("column `day` holds dates or times (such as `2024-03-01`)"), "{refused}");
    assert!(refused.contains("column `comment` holds texts, 30 different ones"), "{refused}");
    for way in [
        "--drop 'day'",
        "--categorical 'day'",
        "--drop 'comment'",
        "--text-column 'comment'",
        "--id-column 'comment'",
    ] {
        assert!(refused.contains(way), "{way}: {refused}");
    }
    assert!(!refused.contains("`city`"), "{refused}");
    let table = with(&text, |o| o.drop = strings(&["day", "comment"])).expect("dropped");
    assert_eq!(names(&table), ["a", "city=New York", "city=Rome"]);
    // Numbers are never dates.
    assert_eq!(read_text("a\n20240301\n12.5\n").expect("numbers").x, [20_240_301.0, 12.5]);
}

#[test]
fn small_differences_of_large_numbers_are_kept() {
    let rows = base();
    let jd = |y: f64| 2_460_000.0 + 0.1 * y;
    let text: String = rows.iter().map(|[x, y]| format!("{x},{:.9}\n", jd(*y))).collect();
    let table = read_text(&format!("x,jd\n{text}")).expect("julian days");
    let ColumnKind::Number { offset } = table.schema.columns[1].kind else { panic!("a number") };
    assert!((offset - 2_460_001.0).abs() < 0.5 && (offset * 10.0).fract() == 0.0, "{offset}");
    for (i, [_, y]) in rows.iter().enumerate() {
        let error = f64::from(table.x[2 * i + 1]) + offset - jd(*y);
        // f32 alone is wrong by up to 0.125, more than the whole group.
        assert!(error.abs() < 1e-6, "row {i}: {error}");
    }
    assert!(notes(&table, Severity::Info).contains("is subtracted from column `jd`"), "{:?}", table.notes);
    assert!(matches!(table.schema.columns[0].kind, ColumnKind::Number { offset: 0.0 }));
}

#[test]
fn unix_seconds_of_a_day_are_kept() {
    let text: String = (0..20).map(|i| format!("{},0\n", 1_700_000_000 + i * 7 % 20 * 3)).collect();
    let table = read_text(&format!("t,z\n{text}")).expect("seconds");
    let ColumnKind::Number { offset } = table.schema.columns[0].kind else { panic!("a number") };
    // Deviation 17.3 s: a multiple of 100.
    assert_eq!(offset, 1_700_000_000.0);
    assert_eq!(table.x.chunks(2).map(|row| row[0]).take(4).collect::<Vec<_>>(), [0.0, 21.0, 42.0, 3.0]);
}

#[test]
fn a_label_among_the_features_is_told() {
    let table = read_text("a,Species\n1,2\n3,4\n").expect("numbers");
    assert!(
        notes(&table, Severity::Warning)
            .contains("column `Species` is used as a feature; if it holds labels")
    );
    assert!(read_with("a,class\n1,2\n3,4\n", None, Some("class")).expect("named").notes.is_empty());
    // Numbers on a scale are no classes: with fractions, or many different ones.
    let of = |y: &dyn Fn(usize) -> String| {
        let rows: String = (0..120).map(|i| format!("{},{}\n", i * i % 11, y(i))).collect();
        read_text(&format!("a,y\n{rows}")).expect("numbers")
    };
    for table in [of(&|i| format!("0.{}", 1000 + i)), of(&|i| format!("{}", i * i))] {
        assert_eq!(notes(&table, Severity::Warning), "");
        let told = notes(&table, Severity::Info);
        assert!(told.contains("column `y` is used as a feature; if it is to have no part"), "{told}");
    }
    for table in [of(&|i| format!("{}", i % 3)), of(&|i| format!("{}.5", i % 3))] {
        assert!(notes(&table, Severity::Warning).contains("column `y` is used as a feature; if it holds"));
    }
}

#[test]
fn a_table_is_described_even_where_it_is_refused() {
    let text = "id,a,k,when,e,m\n7,1,x,2024-01-01,,1\n8,2,x,2024-01-02,,?\n9,6,y,2024-01-03,,z\n6,,y,2024-01-04,,3\n";
    let info = describe(&Content::bytes(text.as_bytes()), &LoadOptions::default()).expect("described");
    let uses: Vec<_> = info.columns.iter().map(|column| column.used_as).collect();
    use ColumnUse::{Category, Date, Empty, Identifier, Mixed, Number};
    assert_eq!(uses, [Identifier, Number, Category, Date, Empty, Mixed]);
    let a = &info.columns[1];
    assert_eq!((info.n, a.min, a.max, a.mean, a.missing), (4, Some(1.0), Some(6.0), Some(3.0), 1));
    assert_eq!(info.columns[2].levels, [("x".to_owned(), 2), ("y".to_owned(), 2)]);
    let label = LoadOptions { label_column: Some("a".into()), ..LoadOptions::default() };
    let info = describe(&Content::bytes(text.as_bytes()), &label).expect("described");
    assert_eq!((info.columns[1].used_as, info.columns[1].levels.len()), (ColumnUse::Label, 3));
}
