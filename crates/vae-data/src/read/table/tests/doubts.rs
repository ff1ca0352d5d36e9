//! What may be meant otherwise in a table.

use super::*;

#[test]
fn what_may_be_meant_otherwise_is_told() {
    let table =
        read_text("price,rate,kind,size\n950,12%,1,3\n1.368,7%,1,4\n2.000,12%,1,5.5\n12.500,7%,1,6\n")
            .expect("base");
    assert_eq!(&table.x[..2], &[950.0, 1.0]);
    let doubts = notes(&table, Severity::Warning);
    let points = "column `price`: every point has three digits behind it, as in `1.368` on line 3, beside whole numbers such as `950`";
    assert!(doubts.contains(points) && !doubts.contains("`size`"), "{doubts}");
    assert!(doubts.contains("column `rate` holds numbers with a sign, such as `12%`"), "{doubts}");
    let told = notes(&table, Severity::Info);
    assert!(told.contains("the same value in all rows, which tells none of them apart: `kind`"), "{told}");
    // The same of new data.
    let options = LoadOptions { schema: Some(table.schema), ..LoadOptions::default() };
    let new = read_as("price,rate,kind,size\n950,12%,1,3\n1.368,7%,1,4\n", &options).expect("new");
    let doubts = notes(&new, Severity::Warning);
    assert!(doubts.contains("every point has three digits") && !doubts.contains("sign"), "{doubts}");
}

#[test]
fn a_level_that_is_read_as_missing_is_told() {
    let rows = |none: usize| -> String {
        (0..60)
            .map(|i| format!("{i}.5,{}\n", if i < none { "none" } else { ["basic", "full"][i % 2] }))
            .collect()
    };
    let table = read_text(&format!("age,insurance\n{}", rows(20))).expect("read");
    let doubts = notes(&table, Severity::Warning);
    assert!(
        doubts.contains("column `insurance` has `none` in 20 of 60 rows") && doubts.contains("--missing NA"),
        "{doubts}"
    );
    let few = read_text(&format!("age,insurance\n{}", rows(2))).expect("read");
    assert_eq!(notes(&few, Severity::Warning), "", "as cells that nobody filled in");
}

#[test]
fn whole_numbers_of_few_values_are_told() {
    let rows = |n: usize| {
        (0..n).map(|i| format!("{},{},{},0.{}\n", i % 4, i % 2, i % 11, i % 3)).collect::<String>()
    };
    let told = |n: usize| {
        let table = read_text(&format!("region,flag,month,share\n{}", rows(n))).expect("read");
        notes(&table, Severity::Info)
    };
    assert!(
        told(60).contains("of few values, which count as amounts: `region` (4 values); if some"),
        "{}",
        told(60)
    );
    assert!(!told(36).contains("of few values"), "{}", told(36));
}

#[test]
fn codes_and_signs_are_told() {
    let mut text = "zip,load,kind\n".to_owned();
    for i in 0..60 {
        text += &format!("0{},{},DE\n", 1000 + 37 * i, if i % 20 == 3 { -999 } else { i });
    }
    let table = read_text(&text).expect("base");
    let doubts = notes(&table, Severity::Warning);
    assert!(doubts.contains("column `zip` has numbers that begin with a zero, such as `01000`"), "{doubts}");
    assert!(
        doubts.contains("column `load` has -999 in 3 rows") && doubts.contains("--missing=-999"),
        "{doubts}"
    );
    let told = notes(&table, Severity::Info);
    assert!(told.contains("none of them apart: `kind`"), "{told}");
    // Too many different ones for a category.
    let signed: String = (0..60).map(|i| format!("{}.5%,{i}.25\n", i)).collect();
    let e = read_text(&format!("rate,x\n{signed}")).expect_err("signs").to_string();
    assert!(e.contains("numbers with a sign; written without it they are numbers (such as `0.5%`)"), "{e}");
}
