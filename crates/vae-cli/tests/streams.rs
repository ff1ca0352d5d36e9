//! Models on data of any size: blocks of rows give the bytes of the whole, and columns stand behind
//! rows as these are written.

mod common;

use common::{Place, TINY, groups_csv};
use std::fmt::Write;

/// More rows than a block has.
const ROWS: usize = 17_500;

fn text(place: &Place, name: &str) -> String {
    String::from_utf8(place.read(name)).expect("text")
}

fn said(place: &Place, words: &[&str]) -> (String, String) {
    let out = place.vae(words).output().expect("the program starts");
    let [stdout, stderr] = [out.stdout, out.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert!(out.status.success(), "vae {}\n{stdout}\n{stderr}", words.join(" "));
    (stdout, stderr)
}

/// The rows of [`groups_csv`] without their labels, every 50th with a gap in its first column.
fn features(n: usize) -> String {
    let row = |(i, line): (usize, &str)| {
        let (row, _) = line.rsplit_once(',').expect("a label");
        match row.split_once(',') {
            Some((_, rest)) if i > 0 && i % 50 == 0 => format!(",{rest}\n"),
            _ => format!("{row}\n"),
        }
    };
    groups_csv(n).lines().enumerate().map(row).collect()
}

#[test]
fn blocks_give_the_bytes_of_the_whole() {
    let place = Place::new();
    place.write("big.csv", features(ROWS));
    // A fit computes on all rows at once.
    let methods: [(&str, &[&str]); 3] = [("gmm", &[]), ("kmeans", &[]), ("vade", &TINY[2..])];
    for (method, settings) in methods {
        let fit = ["fit", "-m", method, "-d", "big.csv", "-k", "3", "-o", method, "--threads", "1"];
        place.ok(&[&fit[..], settings].concat());
        let on = |more: &[&str]| {
            let (command, rest) = more.split_first().expect("a command");
            let words = [*command, "-m", method, "-d", "big.csv", "--threads", "1"];
            place.ok(&[&words[..], rest].concat())
        };
        let assigned = text(&place, &format!("{method}/assignments.csv"));
        assert_eq!(assigned.lines().count(), ROWS + 1);
        assert!(on(&["predict"]) == assigned, "{method}: standard output");
        on(&["predict", "-o", "p.csv"]);
        assert!(text(&place, "p.csv") == assigned, "{method}: a file");
        on(&["predict", "-o", "p.npy"]);
        assert!(place.read("p.npy") == place.read(&format!("{method}/assignments.npy")), "{method}: NPY");
        if method == "vade" {
            on(&["embed", "-o", "z.npy"]);
            assert!(place.read("z.npy") == place.read("vade/embedding.npy"), "codes");
        }
    }
    // Outlier scores are percentiles of the fitted rows: spread evenly, whatever they measure.
    for method in ["gmm", "kmeans", "vade"] {
        let assigned = text(&place, &format!("{method}/assignments.csv"));
        let scores: Vec<f64> = assigned
            .lines()
            .skip(1)
            .map(|line| line.rsplit(',').next().expect("a score").parse().expect("a number"))
            .collect();
        let beyond = scores.iter().filter(|score| **score > 0.99).count() as f64 / ROWS as f64;
        let mean = scores.iter().sum::<f64>() / ROWS as f64;
        assert!((0.005..0.015).contains(&beyond) && (mean - 0.5).abs() < 0.01, "{method}: {beyond} {mean}");
    }
    let limited = place.ok(&["predict", "-m", "gmm", "-d", "big.csv", "--limit", "5000"]);
    let assigned = text(&place, "gmm/assignments.csv");
    assert!(assigned.starts_with(&limited) && limited.lines().count() == 5001);
}

#[test]
fn arrays_go_by_blocks_as_tables_do() {
    let place = Place::new();
    place.write("big.csv", features(ROWS).replace("\n,", "\n0.5,"));
    place.ok(&["fit", "-m", "gmm", "-d", "big.csv", "-k", "3", "-o", "run", "--threads", "1"]);
    let rows: Vec<f32> = text(&place, "big.csv")
        .lines()
        .skip(1)
        .flat_map(|line| line.split(',').map(|v| v.parse().expect("a number")).collect::<Vec<f32>>())
        .collect();
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({ROWS}, 3), }}");
    let header = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(rows.iter().flat_map(|v| v.to_le_bytes()));
    place.write("big.npy", &bytes);
    let of_array = place.ok(&["predict", "-m", "run", "-d", "big.npy"]);
    assert!(of_array == text(&place, "run/assignments.csv"));
    // What is wrong is told before a file is there.
    bytes.truncate(bytes.len() - 1);
    place.write("cut.npy", &bytes);
    let cut = place.refused(&["predict", "-m", "run", "-d", "cut.npy", "-o", "p.csv"]);
    assert!(cut.contains("cut short"), "{cut}");
    assert!(!place.path("p.csv").exists());
}

#[test]
fn columns_stand_behind_rows_as_they_are_written() {
    let place = Place::new();
    let mut table = String::from("\"who, when\";a;\"b \"\"x\"\"\";note\n");
    for i in 0..60 {
        let (a, b) = if i % 2 == 0 { ("1,5", " 2,5 ") } else { ("9,25", "\"8,0\"") };
        let a = if i == 4 { "" } else { a };
        let note = if i == 7 { "\"two\nlines; \"\"quoted\"\"\"" } else { "x" };
        let _ = writeln!(table, "p{i};{a}{};{b};{note}", i % 3);
    }
    let table = table.replace(";2;", ";;");
    place.write("t.csv", &table);
    let columns = ["--id-column", "who, when", "--drop", "note"];
    place.ok(&[&["fit", "-m", "gmm", "-d", "t.csv", "-k", "2", "-o", "run"][..], &columns].concat());
    let predict = ["predict", "-m", "run", "-d", "t.csv", "--drop", "note", "--append"];
    let appended = place.ok(&[&predict[..], &["--id-column", "who, when"]].concat());
    let mut rest = appended.as_str();
    let head = "\"who, when\";a;\"b \"\"x\"\"\";note";
    rest = rest
        .strip_prefix(head)
        .expect("the header")
        .strip_prefix(";cluster;confidence;outlier\n")
        .expect("new");
    let own = text(&place, "run/assignments.csv");
    let records = table[head.len() + 1..].replace("two\nlines", "two\u{1}lines");
    let rows = records.lines().map(|line| line.replace('\u{1}', "\n"));
    for (row, line) in rows.zip(own.lines().skip(1)) {
        let fields: Vec<&str> = line.split(',').rev().take(3).collect();
        // Decimals are written as the table writes them.
        let behind = format!(";{};{};{}\n", fields[2], fields[1], fields[0]).replace('.', ",");
        rest =
            rest.strip_prefix(row.as_str()).expect("the row").strip_prefix(behind.as_str()).expect("columns");
    }
    assert_eq!(rest, "");

    // What was appended once is named otherwise the second time.
    place.write("twice.csv", &appended);
    let twice = ["predict", "-m", "run", "-d", "twice.csv", "--append", "--proba", "-o", "more.csv"];
    let (_, told) = said(&place, &twice);
    let known = "warning: the table has `cluster`, `outlier` already, as an earlier --append writes them";
    assert!(told.contains(known) && told.contains("are called `vae_cluster`, `vae_p0`,"), "{told}");
    let more = text(&place, "more.csv");
    let header = more.lines().next().expect("a header");
    assert!(header.ends_with("outlier;vae_cluster;vae_p0;vae_p1;vae_outlier"), "{header}");
    place.ok(&["embed", "-m", "run", "-d", "t.csv", "--drop", "note", "--append", "-o", "z.csv"]);
    assert!(text(&place, "z.csv").starts_with(&format!("{head};z1;z2\np0;")));

    let refused = place.refused(&[&predict[..], &["-o", "p.npy"]].concat());
    assert!(refused.contains("name the file .csv"), "{refused}");
    place.ok(&["fit", "-m", "kmeans", "-d", "strokes", "--limit", "90", "-k", "3", "-o", "images"]);
    let refused = place.refused(&["predict", "-m", "images", "-d", "strokes", "--append"]);
    assert!(refused.contains("--append") && refused.contains("leave it out"), "{refused}");
}

#[test]
fn data_that_have_changed_are_told() {
    let place = Place::new();
    place.write("t.csv", features(900));
    place.ok(&["fit", "-m", "gmm", "-d", "t.csv", "-k", "3", "-o", "run", "--threads", "1"]);
    let (as_fitted, warnings) = said(&place, &["predict", "-m", "run", "-d", "t.csv", "-o", "p.csv"]);
    assert!(
        as_fitted.contains("beside the 900 fitted samples") && as_fitted.contains("33.33 %"),
        "{as_fitted}"
    );
    assert!(as_fitted.contains("the shares differ by 0.00 % in all"), "{as_fitted}");
    assert!(!warnings.contains("warning"), "{warnings}");

    // One group alone, moved away by some widths of it.
    let moved: String = features(900)
        .lines()
        .enumerate()
        .filter(|(i, _)| i % 3 <= 1 && (*i == 0 || i % 3 == 1))
        .map(|(i, line)| match line.split(',').collect::<Vec<_>>()[..] {
            [_, b, c] if i > 0 => format!("2.5,{b},{c}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    place.write("moved.csv", moved);
    let words = ["predict", "-m", "run", "-d", "moved.csv", "-o", "p.csv"];
    let (_, warnings) = said(&place, &words);
    assert!(
        warnings.contains("the shares of the clusters differ from those of the fit by 66."),
        "{warnings}"
    );
    assert!(warnings.contains("more unusual than 99 % of the fitted ones"), "{warnings}");
    let (json, _) = said(&place, &[&words[..], &["--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["n"], &json["n_fitted"]), (&300.into(), &900.into()));
    assert_eq!(json["outliers"]["measure"], "log_likelihood");
    assert!(json["outliers"]["beyond_0.99"].as_f64().expect("a share") > 0.9, "{json}");
    assert!((json["difference"].as_f64().expect("a share") - 2.0 / 3.0).abs() < 0.02, "{json}");

    // Quiet says warnings alone; standard output holds the rows alone.
    let (out, err) = said(&place, &["-q", "predict", "-m", "run", "-d", "t.csv", "-o", "p.csv"]);
    assert_eq!((out.as_str(), err.as_str()), ("", ""));
    let (out, err) = said(&place, &["predict", "-m", "run", "-d", "t.csv"]);
    assert!(out == text(&place, "run/assignments.csv") && !err.contains("beside the 900"), "{err}");

    // A model without the summary, as older versions wrote it.
    std::fs::remove_file(place.path("run/reference.json")).expect("there");
    let (out, err) = said(&place, &["predict", "-m", "run", "-d", "t.csv"]);
    assert!(out.starts_with("index,cluster,confidence\n0,"), "{out}");
    assert!(err.contains("no reference.json beside the model"), "{err}");
    let refused = place.refused(&["predict", "-m", "run", "-d", "t.csv", "-o", "p.csv", "--json"]);
    assert!(refused.contains("leave out --json, or fit again"), "{refused}");
    place.write("run/reference.json", "{}");
    let refused = place.refused(&["predict", "-m", "run", "-d", "t.csv"]);
    assert!(refused.contains("reference.json is damaged: restore it, or remove it"), "{refused}");
}
