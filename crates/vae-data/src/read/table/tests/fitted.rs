//! Tables for a model that is fitted already.

use vae_array::{Column, ColumnKind, Schema};

use super::*;
use crate::note::{Note, Severity};

fn fitted(text: &str, schema: &Schema, change: impl FnOnce(&mut LoadOptions)) -> Result<Table> {
    let mut options = LoadOptions { schema: Some(schema.clone()), ..LoadOptions::default() };
    change(&mut options);
    read_as(text, &options)
}

fn abc() -> Schema {
    Schema::plain(true, ["a", "b", "c"])
}

#[test]
fn columns_go_by_name_where_a_model_has_names() {
    let label = |o: &mut LoadOptions| o.label_column = Some("kind".into());
    let table = fitted("c,kind,a,b\n3,x,1,2\n6,y,4,5\n", &abc(), label).expect("another order");
    assert_eq!(table.x, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!((labels(&table), &table.schema), (strings(&["x", "y"]), &abc()));

    let refused = message(fitted("x,b,a,class\n1,2,3,0\n", &abc(), |_| ()));
    assert!(
        refused.contains(
            "lacks columns that the model was fitted on: `c`; add or rename them; columns here that"
        ),
        "{refused}"
    );
    assert!(refused.ends_with("the model does not know: x, class"), "{refused}");
}

#[test]
fn a_column_that_is_lacking_is_named_with_the_nearest_one() {
    let schema = Schema::plain(true, ["age", "income"]);
    let refused = message(fitted("id,age,incom\n4,1,2\n7,3,4\n", &schema, |_| ()));
    assert!(refused.contains("fitted on: `income` (did you mean `incom`?); add or rename"), "{refused}");
    // Names of the rows are no fault.
    assert!(refused.ends_with("the model does not know: incom"), "{refused}");
    let taken = message(fitted("age,income\n1,2\n", &schema, |o| o.label_column = Some("income".into())));
    assert!(taken.contains("`income` (it is there, and an option says that it is no feature)"), "{taken}");
    assert!(!taken.contains("does not know"), "{taken}");
}

#[test]
fn columns_that_the_model_does_not_know_are_left_out_and_told() {
    let table =
        fitted("id,a,b,comment,c\n4,1,2,any text,3\n7,4,5,more of it,6\n", &abc(), |_| ()).expect("extra");
    assert_eq!(table.x, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(table.ids.as_ref().expect("ids").iter().collect::<Vec<_>>(), ["4", "7"]);
    let told = notes(&table, Severity::Info);
    assert!(told.contains("columns that the model does not know are left out: `comment`"), "{told}");
    assert!(told.contains("column `id` is kept as the names of the rows"), "{told}");
    let table = fitted("id,a,b,c\n9,1,2,3\n", &abc(), |_| ()).expect("one row");
    assert_eq!(table.ids.expect("ids").get(0), Some("9"));
    // Codes are known in a few rows, too, but a better name wins.
    let table = fitted("a,b,c,who\n1,2,3,N07\n4,5,6,N12\n", &abc(), |_| ()).expect("codes");
    assert_eq!(table.ids.expect("ids").iter().collect::<Vec<_>>(), ["N07", "N12"]);
    let table = fitted("a,b,c,who,id\n1,2,3,N07,x\n4,5,6,N12,y\n", &abc(), |_| ()).expect("both");
    assert_eq!(table.ids.expect("ids").name(), "id");
    // The column that named the rows of the fit does so again, whatever it looks like here.
    let of_the_fit = |o: &mut LoadOptions| o.fitted_id = Some("who".into());
    let table = fitted("a,who,b,c,id\n1,N12,2,3,x\n4,N07,5,6,y\n", &abc(), of_the_fit).expect("both");
    assert_eq!(table.ids.as_ref().expect("ids").iter().collect::<Vec<_>>(), ["N12", "N07"]);
    assert!(!notes(&table, Severity::Info).contains("`who`, "), "{}", notes(&table, Severity::Info));
    let table = fitted("a,b,c\n1,2,3\n", &abc(), of_the_fit).expect("without it");
    assert_eq!(table.ids, None);
    // A counter that is a feature of the model stays one.
    let rows: String = (1..=12).map(|i| format!("{i},0.{i}\n")).collect();
    let table = fitted(&format!("a,b\n{rows}"), &Schema::plain(true, ["a", "b"]), |_| ()).expect("counter");
    assert_eq!((table.x[2], table.ids), (2.0, None));
}

#[test]
fn without_names_columns_go_by_place() {
    let table = fitted("3,1,2\n", &abc(), |o| o.header = Some(false)).expect("no header");
    assert_eq!((table.x.as_slice(), &table.schema), (&[3.0, 1.0, 2.0][..], &abc()));
    let told = notes(&table, Severity::Warning);
    assert!(told.contains("columns go by their place, since the table has no names: `1` as `a`"), "{told}");
    let refused = message(fitted("3,1\n", &abc(), |o| o.header = Some(false)));
    assert!(
        refused.contains("2 columns are left for features (1, 2), and the model was fitted on 3 (a, b, c)"),
        "{refused}"
    );
    // The model left the first column out, and knows it.
    let places = Schema::plain(false, ["2", "3"]);
    assert_eq!(fitted("9,1,2\n", &places, |_| ()).expect("places").x, [1.0, 2.0]);
    assert_eq!(fitted("1,2\n", &places, |_| ()).expect("as many").x, [1.0, 2.0]);
    assert!(message(fitted("9,1,2,3\n", &places, |_| ())).contains("4 columns are left for features"));
}

#[test]
fn offsets_and_levels_are_those_of_the_fit() {
    let schema = Schema {
        named: true,
        columns: vec![
            Column { name: "t".into(), kind: ColumnKind::Number { offset: 1_700_000_000.0 } },
            Column::category("k", ["x", "z", "y"]),
        ],
    };
    let table = fitted("k,t\ny,1700000001\nq,1700000002.5\n,NA\nq,3\n", &schema, |_| ()).expect("new rows");
    let expected = [
        [1.0, 0.0, 0.0, 1.0],
        [2.5, f32::NAN, f32::NAN, f32::NAN],
        [f32::NAN; 4],
        [-1_699_999_997_f64 as f32, f32::NAN, f32::NAN, f32::NAN],
    ];
    let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&table.x), bits(expected.as_flattened()));
    assert_eq!((table.n_missing, table.schema), (4, schema));
    let told = table.notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>().join("\n");
    assert!(
        told.contains("2 cells of column `k` hold values that the model does not know, such as `q`"),
        "{told}"
    );
}

#[test]
fn one_row_may_have_nothing_in_a_column() {
    let table = fitted("a,b,c\n1,,3\n", &abc(), |_| ()).expect("one row");
    assert!(table.x[1].is_nan() && table.n_missing == 1);
    assert!(table.notes.iter().all(|note| note.severity == Severity::Info), "{:?}", table.notes);
    let many = fitted(&format!("a,b,c\n{}", "1,,3\n".repeat(10)), &abc(), |_| ()).expect("ten rows");
    let told =
        |note: &Note| note.severity == Severity::Warning && note.text.contains("no row has a value in `b`");
    assert!(many.notes.iter().any(told), "{:?}", many.notes);
    let refused = message(fitted("a,b,c\n1,x,3\n", &abc(), |_| ()));
    assert!(refused.contains("line 2, column 2 (b): `x` is not a number"), "{refused}");
}

#[test]
fn names_of_a_model_make_a_header_of_numbers() {
    let years = Schema::plain(true, ["2019", "2020", "2021"]);
    let table = fitted("2021,2020,2019\n1901,1902,1903\n", &years, |_| ()).expect("years");
    assert_eq!(table.x, [1903.0, 1902.0, 1901.0]);
}

#[test]
fn what_contradicts_a_model_is_refused() {
    let twice = Schema { named: true, columns: vec![Column::category("a", ["x", "x"])] };
    assert!(message(fitted("a\nx\n", &twice, |_| ())).contains("column `a` has the level `x` twice"));
    let refused = message(fitted("a,b,c\n1,2,3\n", &abc(), |o| o.categorical = strings(&["a"])));
    assert!(refused.contains("--categorical does not apply"), "{refused}");
}
