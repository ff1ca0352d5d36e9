//! Tables that nobody would write, and tables as programs write them.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(Content::bytes(&bytes), &LoadOptions::default());
    }

    #[test]
    fn arbitrary_tables_never_panic(
        text in "[0-9a,;\"\t\n\r. é-]{0,200}",
        label in proptest::option::of("[0-9a]{0,2}"),
        header in any::<Option<bool>>(),
        delimiter in proptest::option::of(proptest::sample::select(vec![' ', ';', 'a'])),
    ) {
        let options = LoadOptions { label_column: label, header, delimiter, ..LoadOptions::default() };
        let content = Content::bytes(text.as_bytes());
        let _ = describe(&content, &options);
        let _ = read(content, &options);
    }

    #[test]
    fn written_is_read(
        rows in (1_usize..5).prop_flat_map(|d| {
            let value = any::<f32>().prop_filter("finite", |v| v.is_finite());
            proptest::collection::vec((proptest::collection::vec(value, d), "[a-z,\"\n]{1,6}x"), 1..6)
        }),
    ) {
        let d = rows[0].0.len();
        let mut text = (0..d).map(|i| format!("c{i},")).collect::<String>() + "class\n";
        for (values, label) in &rows {
            for value in values {
                text += &format!("{value:e},");
            }
            text += &format!("\"{}\"\n", label.replace('"', "\"\""));
        }
        let table = read_with(&text, None, Some("class")).expect("sound");
        let offsets: Vec<f64> = table.schema.columns.iter().map(|column| match column.kind {
            vae_array::ColumnKind::Number { offset } => offset,
            vae_array::ColumnKind::Category { .. } => panic!("numbers"),
        }).collect();
        let move_by = |(i, value): (usize, f32)| match offsets[i] {
            0.0 => value,
            offset => (f64::from(value) - offset) as f32,
        };
        let x: Vec<f32> = rows.iter().flat_map(|(values, _)| values.iter().copied().enumerate().map(move_by)).collect();
        prop_assert_eq!(&table.x, &x);
        prop_assert_eq!(labels(&table), rows.into_iter().map(|(_, label)| label).collect::<Vec<_>>());
    }

    #[test]
    fn a_table_is_the_same_with_its_own_schema(
        rows in proptest::collection::vec((any::<i16>(), "[ab]", any::<bool>()), 4..30),
        header in any::<bool>(),
    ) {
        let mut text = if header { "t,k,ok\n".to_owned() } else { String::new() };
        for (t, k, ok) in &rows {
            text += &format!("{:.2},{k},{ok}\n", 3e9 + f64::from(*t) / 100.0);
        }
        let columns = if header { ["k", "ok"] } else { ["2", "3"] };
        let mut options = LoadOptions { header: Some(header), ..LoadOptions::default() };
        options.categorical = columns.map(str::to_owned).to_vec();
        let first = read_as(&text, &options).expect("sound");
        let schema = Some(first.schema.clone());
        let again = read_as(&text, &LoadOptions { header: Some(header), schema, ..LoadOptions::default() });
        let again = again.expect("sound");
        prop_assert_eq!(&first.x, &again.x);
        prop_assert_eq!(first.schema, again.schema);
    }

    #[test]
    fn blocks_are_the_table(
        rows in proptest::collection::vec((any::<i16>(), proptest::option::of("[ab]")), 8..30),
        block in 1_usize..9,
    ) {
        let mut text = "a,k\n".to_owned();
        for (a, k) in &rows {
            text += &format!("{a}.5,{}\n", k.as_deref().unwrap_or_default());
        }
        let options = LoadOptions { categorical: vec!["k".into()], ..LoadOptions::default() };
        prop_assume!(rows.iter().any(|(_, k)| k.is_some()));
        let whole = read_as(&text, &options).expect("sound");
        let mut reader = TableReader::of(Content::bytes(text.as_bytes()), &options).expect("sound");
        let (mut x, mut missing, mut starts) = (Vec::new(), 0, 0);
        while let Some(part) = reader.next_block(block).expect("sound") {
            prop_assert_eq!(part.start, starts);
            starts += part.x.nrows();
            missing += part.n_missing;
            x.extend(part.x.iter().map(|value| value.to_bits()));
        }
        prop_assert_eq!(starts, rows.len());
        prop_assert_eq!(missing, whole.n_missing);
        prop_assert_eq!(x, whole.x.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
        prop_assert_eq!(reader.notes(), whole.notes.as_slice());
    }
}
