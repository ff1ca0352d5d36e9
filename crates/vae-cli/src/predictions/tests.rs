//! Tests of the reader of assignments.

use super::*;
use crate::assignments::{self, Assignments, Beside};
use crate::files;
use ndarray::array;
use npyz::WriterBuilder;
use vae_core::fsio::write_atomic;

fn numbers(text: &str) -> Vec<Option<u32>> {
    let read = of_text(text, None).expect(text);
    assert!(read.names.is_empty(), "{:?}", read.names);
    read.clusters
}

fn wrong(text: &str) -> String {
    format!("{:#}", of_text(text, None).expect_err("no clusters"))
}

#[test]
fn tables_may_have_another_separator() {
    for separator in [";", "\t", "|"] {
        let text = "a,b,cluster,outlier\n1,2,0,0.5\n3,4,1,0.1\n".replace(',', separator);
        assert_eq!(numbers(&text), [Some(0), Some(1)], "{text}");
    }
    // Decimal commas.
    assert_eq!(numbers("a;cluster\n1,5;2\n2,5;0\n"), [Some(2), Some(0)]);
    let lines: String = (0..12).map(|i| format!("row {i};1;2\n")).collect();
    assert!(wrong(&lines).contains("every one of 12 lines is another name"), "{}", wrong(&lines));
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().expect("temp dir");
    let clusters = array![3_u32, 0, 7];
    let (npy, csv) = (dir.path().join("a.npy"), dir.path().join("a.csv"));
    files::write_npy_u32(&npy, clusters.view()).expect("npy");
    let p = ndarray::Array2::<f32>::from_elem((3, 8), 0.125);
    let wide = assignments::numbers(clusters.view());
    let assignments = Assignments {
        ids: None,
        clusters: wide.view(),
        cluster_names: None,
        beside: Beside::Probabilities(p.view()),
        outlier: None,
    };
    write_atomic(&csv, |out| assignments.write_csv(out)).expect("csv");
    for file in [npy, csv] {
        let read = Predictions::read(&file).expect("assignments");
        assert_eq!(read.clusters, [Some(3), Some(0), Some(7)]);
    }
}

#[test]
fn names_of_rows_may_stand_beside_the_clusters() {
    let text =
        "who,index,cluster,confidence\n\"two\nlines, one name\",0,4,0.9\n\"\"\"q\"\"\",1,-1,0.3\nc,2,5,1.0\n";
    assert_eq!(numbers(text), [Some(4), None, Some(5)]);
    let ids = of_text(text, None).expect(text).ids.expect("names").1;
    assert_eq!(ids, ["two\nlines, one name", "\"q\"", "c"]);
    assert!(wrong("who,cluster\na,1\n\"b\nc,x\n").contains("line 3: a quote is not closed"));
    assert!(
        wrong("who,cluster\n\"a\nb\",1\nc,0.5\n").contains("line 4: `0.5`"),
        "lines are those of the file"
    );
}

#[test]
fn a_file_that_a_spreadsheet_has_sorted_is_read_in_the_order_of_its_index() {
    let dir = tempfile::tempdir().expect("temp dir");
    let file = dir.path().join("assignments.csv");
    std::fs::write(&file, "\u{feff}index,cluster,outlier\n2,7,0.9\n0,3,0.5\n1,0,0.1\n").expect("written");
    let read = Predictions::read(&file).expect("assignments");
    assert_eq!((read.clusters, read.ids), (vec![Some(3), Some(0), Some(7)], None));
}

#[test]
fn one_cluster_a_line_will_do() {
    assert_eq!(numbers("4\n5\n"), [Some(4), Some(5)]);
    assert_eq!(numbers("cluster\n4\n"), [Some(4)]);
    assert_eq!(numbers("my clusters\n4\n"), [Some(4)]);
}

#[test]
fn whole_numbers_may_be_floats_and_minus_one_is_not_assigned() {
    assert_eq!(numbers("0.0\n2.0\n-1\n-1.0\n1e0\n"), [Some(0), Some(2), None, None, Some(1)]);
    assert_eq!(numbers("index,cluster\n1,-1\n0,1\n"), [Some(1), None]);
    let all = wrong("0\n0.5\n");
    assert!(all.contains("line 2: `0.5` is no cluster: expected 0, 1, 2") && all.contains("-1"), "{all}");
}

#[test]
fn arrays_of_any_number_type_are_read() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("a.npy");
    let write = |values: &[f32]| {
        let mut bytes = Vec::new();
        let options = npyz::WriteOptions::new().default_dtype().shape(&[values.len() as u64]);
        let mut writer = options.writer(&mut bytes).begin_nd().expect("npy");
        writer.extend(values.iter().copied()).expect("values");
        writer.finish().expect("npy");
        std::fs::write(&path, bytes).expect("write");
        Predictions::read(&path)
    };
    assert_eq!(write(&[1.0, -1.0]).expect("floats").clusters, [Some(1), None]);
    let refused = format!("{:#}", write(&[1.0, 0.5]).expect_err("a half"));
    assert!(refused.contains("row 1: 0.5 is no cluster"), "{refused}");
    let refused = format!("{:#}", write(&[-1.0]).expect_err("nobody"));
    assert!(refused.contains("assigns no sample"), "{refused}");
}

#[test]
fn names_become_clusters_in_their_order() {
    let read = of_text("index,cluster\n0,red\n1,\"deep, blue\"\n2,-1\n3,red\n", None).expect("names");
    assert_eq!(read.clusters, [Some(1), Some(0), None, Some(1)]);
    let said = read.about_names().expect("names");
    assert_eq!(said, "the 2 different names are taken as clusters: deep, blue = 0, red = 1");
    assert_eq!(of_text("red\n-1\nblue\n", None).expect("no header").clusters, [Some(1), None, Some(0)]);
    assert_eq!(of_text("label\nred\nblue\n", None).expect("a header").clusters, [Some(1), Some(0)]);
    assert!(wrong("cluster\nred\n2\n").contains("line 3: `2` stands among names"));
    assert!(wrong("cluster\nred\nnan\n").contains("line 3: `nan` stands among names"));
}

#[test]
fn rows_go_by_their_index() {
    assert_eq!(numbers("cluster,index\n7,2\n5,0\n6,1\n"), [Some(5), Some(6), Some(7)]);
}

#[test]
fn what_is_no_cluster_is_named_by_line() {
    assert!(wrong("index,cluster\n0,1\n1,-2\n").contains("line 3: `-2`"));
    assert!(wrong("index,cluster\n0,1\n1,\n").contains("line 3: `` is no cluster"));
    assert!(wrong("a,b\n1,2\n").contains("no column `cluster` among a, b"));
    assert!(wrong("index,cluster\n0,1\n0,2\n").contains("line 3: index 0 stands on another line too"));
    assert!(wrong("index,cluster\n0,1\n2,2\n").contains("index 1 is missing: all of 0 to 1"));
    assert!(wrong("index,cluster\na,1\n").contains("line 2: `a` is no index"));
}

#[test]
fn only_a_column_that_the_program_puts_first_names_the_rows() {
    let ids = |text: &str| of_text(text, None).expect("assignments").ids;
    let names = vec!["C1".to_string(), "C2".to_string()];
    assert_eq!(ids("id,cluster,confidence\nC1,0,1\nC2,1,1\n"), Some(("id".into(), names)));
    // Behind the columns of a table, as --append writes them.
    assert_eq!(ids("x,y,cluster,confidence\n0.5,1.5,0,1\n0.25,2.5,1,1\n"), None);
    assert_eq!(ids("index,cluster\n0,1\n1,0\n"), None);
}
