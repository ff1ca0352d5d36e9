//! Tables of one's own: what the columns are for, names of rows, how sure the assignments are, data
//! far from those of the fit.

mod common;

use common::{Place, groups_csv};
use std::fmt::Write as _;

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).expect("JSON")
}

/// The groups with a first column of names, `r0` to `rN`, and without labels.
fn named_csv(n: usize) -> String {
    let mut text = String::from("sample_id,a,b,c\n");
    for (i, line) in groups_csv(n).lines().skip(1).enumerate() {
        let (row, _) = line.rsplit_once(',').expect("a label");
        let _ = writeln!(text, "r{i},{row}");
    }
    text
}

/// Standard output and standard error of a call that must succeed.
fn both(place: &Place, words: &[&str], stdin: &str) -> (String, String) {
    let out = place.vae(words).write_stdin(stdin).output().expect("the program starts");
    let [stdout, stderr] = [out.stdout, out.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert!(out.status.success(), "{words:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

fn lines(place: &Place, name: &str) -> Vec<String> {
    String::from_utf8(place.read(name)).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn names_of_rows_stand_in_all_that_is_written_of_them() {
    let place = Place::new();
    place.write("my.csv", named_csv(60));
    place.ok(&["fit", "-m", "gmm", "-d", "my.csv", "-k", "3", "-o", "run"]);
    let run = json(&place.read("run/run.json"));
    assert_eq!(run["dim"], 3);
    let notes = run["data_notes"].as_array().expect("notes");
    assert!(
        notes.iter().any(|note| note["severity"] == "info"
            && note["text"].as_str().is_some_and(|text| text.contains("`sample_id` names the rows"))),
        "{notes:?}"
    );
    let assigned = lines(&place, "run/assignments.csv");
    assert_eq!((assigned[0].as_str(), assigned.len()), ("sample_id,index,cluster,confidence,outlier", 61));
    assert!(assigned[60].starts_with("r59,59,"), "{}", assigned[60]);

    let on = |more: &[&str]| place.ok(&[&more[..1], &["-m", "run", "-d", "my.csv"], &more[1..]].concat());
    assert_eq!(on(&["predict"]).lines().collect::<Vec<_>>(), assigned);
    on(&["predict", "--proba", "-o", "p.csv"]);
    assert_eq!(lines(&place, "p.csv")[0], "sample_id,index,cluster,p0,p1,p2,outlier");
    on(&["predict", "-o", "p.npy"]);
    let ids = lines(&place, "p.npy.ids.csv");
    assert_eq!((ids[0].as_str(), ids[60].as_str(), ids.len()), ("sample_id", "r59", 61));
    on(&["embed", "-o", "z.csv"]);
    assert!(lines(&place, "z.csv")[0].starts_with("sample_id,z1,z2,z3"));
    on(&["embed", "-o", "z.npy"]);
    assert_eq!(lines(&place, "z.npy.ids.csv"), ids);

    // A finished run holds the names of its own rows.
    place.write("other.csv", named_csv(60).replace("r59,", "last,"));
    let other = place.refused(&["fit", "-m", "gmm", "-d", "other.csv", "-k", "3", "-o", "run"]);
    assert!(other.contains("row_names: sample_id "), "{other}");

    // Without names, none of other rows stay beside the array.
    place.write(
        "plain.csv",
        named_csv(60)
            .lines()
            .map(|l| format!("{}\n", l.split_once(',').expect("an id").1))
            .collect::<String>(),
    );
    place.ok(&["embed", "-m", "run", "-d", "plain.csv", "-o", "z.npy"]);
    assert!(!place.path("z.npy.ids.csv").exists());

    place.write("truth.txt", ["a\n", "b\n", "c\n"].concat().repeat(20));
    for pred in ["run", "p.csv"] {
        let scored = json(place.ok(&["score", "--pred", pred, "--labels", "truth.txt", "--json"]).as_bytes());
        assert_eq!(scored["acc"], 1.0, "{pred}");
    }
    let option = place.refused(&["score", "--pred", "run", "--labels", "truth.txt", "--drop", "a"]);
    assert!(option.contains("--drop is for a table, and no --data is given"), "{option}");
}

#[test]
fn options_say_what_columns_are_and_how_they_are_written() {
    let place = Place::new();
    let mut table = String::from("key;w;h;zone;note\n");
    for i in 0..40 {
        let (w, h) = if i % 2 == 0 { ("1,5", "10,0") } else { ("9,5", "90,5") };
        let _ = writeln!(table, "k{i};{w}{i};{h};{};x{i}", i % 2);
    }
    place.write("t.csv", &table);
    let fit = ["fit", "-m", "kmeans", "-d", "t.csv", "-k", "2", "--delimiter", ";", "--decimal", ","];
    let columns = ["--id-column", "key", "--drop", "note", "--categorical", "zone"];
    let said = place.ok(&[&fit[..], &columns, &["-o", "run"]].concat());
    let next = said.lines().find(|line| line.starts_with("next: vae predict")).expect("a command");
    assert!(next.contains("--id-column key --delimiter ';' --decimal ,"), "{next}");
    let schema = json(&place.read("run/schema.json"));
    let levels = &schema["columns"][2]["kind"]["category"]["levels"];
    assert_eq!((&schema["columns"][1]["name"], levels), (&"h".into(), &serde_json::json!(["0", "1"])));
    assert!(lines(&place, "run/assignments.csv")[1].starts_with("k0,0,"));
    place.ok(&[&fit[..], &["--columns", "w,h", "-o", "two"]].concat());
    assert_eq!(json(&place.read("two/run.json"))["dim"], 2);
    let unknown = place.refused(&[&fit[..], &["--drop", "note,nota", "-o", "none"]].concat());
    assert!(unknown.contains("no column `nota`"), "{unknown}");

    // What means nothing for other data is refused, and so is what is no value of an option.
    for option in [["--id-column", "a"], ["--drop", "a"], ["--quote", "none"], ["--delimiter", "tab"]] {
        let words = ["fit", "-m", "kmeans", "-d", "strokes", "-k", "2", "-o", "none"];
        let refused = place.refused(&[&words[..], &option].concat());
        assert!(refused.contains(option[0]) && refused.contains("leave it out"), "{refused}");
    }
    for wrong in [["--delimiter", "::"], ["--decimal", "x"], ["--quote", "`"], ["--drop", "a,,b"]] {
        let out = place.vae(&[&fit[..], &wrong, &["-o", "none"]].concat()).output().expect("starts");
        assert_eq!(out.status.code(), Some(2), "{wrong:?}");
    }
    assert!(!place.path("none").exists());
}

#[test]
fn tables_come_and_go_through_pipes() {
    let place = Place::new();
    let table = named_csv(60);
    place.write("my.csv", &table);
    let fit = ["fit", "-m", "kmeans", "-k", "3", "-o"];
    both(&place, &[&fit[..], &["run", "-d", "-"]].concat(), &table);
    place.ok(&[&fit[..], &["file", "-d", "my.csv"]].concat());
    assert_eq!(place.read("run/assignments.csv"), place.read("file/assignments.csv"));
    let words = ["predict", "--model", "run", "--data", "-", "--out", "-"];
    let (out, said) = both(&place, &words, &table);
    assert_eq!(out.as_bytes(), place.read("run/assignments.csv"));
    assert!(said.contains("`sample_id` is kept as the names of the rows"), "{said}");
    assert!(!place.path("-").exists());
    let (info, _) = both(&place, &["data", "info", "--data", "-"], &table);
    assert!(info.contains("feature 3, a number") && info.contains("the first rows:"), "{info}");
    let (scored, _) = both(&place, &["embed", "-m", "run", "-d", "-", "-o", "-"], &table);
    assert!(scored.starts_with("sample_id,z1,z2,z3\nr0,"), "{scored}");
}

#[test]
fn a_model_without_names_of_columns_says_that_they_go_by_place() {
    let place = Place::new();
    let rows: String = groups_csv(30)
        .lines()
        .skip(1)
        .map(|l| format!("{}\n", l.rsplit_once(',').expect("label").0))
        .collect();
    place.write("rows.csv", &rows);
    place.ok(&["fit", "-m", "kmeans", "-d", "rows.csv", "-k", "3", "-o", "run"]);
    let (_, said) = both(&place, &["predict", "-m", "run", "-d", "rows.csv"], "");
    assert_eq!(said, "", "the same places need no note");
    place.write("named.csv", format!("c,b,a\n{rows}"));
    let (_, said) = both(&place, &["predict", "-m", "run", "-d", "named.csv"], "");
    assert!(said.contains("warning: columns go by their place") && said.contains("`c` as `1`"), "{said}");
}

#[test]
fn information_about_a_table_shows_its_columns() {
    let place = Place::new();
    let mut table = String::from("who\tage\tzone\tkind\n");
    for i in 0..8 {
        let _ = writeln!(table, "p{i}\t{}\t{}\t{}", 20 + i, ["north", "south"][i % 2], ["u", "v"][i / 4]);
    }
    place.write("t.tsv", &table);
    let words = ["data", "info", "t.tsv", "--label-column", "kind", "--id-column", "who"];
    let info = place.ok(&words);
    for part in [
        "8 rows, 4 columns, separated by tabs, the first line is a header",
        "who     no feature: names or counts the rows",
        "age     feature 1, a number                   20   27   23.50",
        "zone    features 2 to 3, a category",
        "north (4), south (4)",
        "kind    no feature: the labels",
    ] {
        assert!(info.contains(part), "`{part}` is not in {info}");
    }
    let facts = json(place.ok(&[&words[..], &["--json"]].concat()).as_bytes());
    assert_eq!((&facts["table"]["delimiter"], &facts["table"]["header"]), (&"\t".into(), &true.into()));
    assert_eq!(facts["table"]["columns"][2]["use"], "category");

    // Columns are shown where loading refuses one of them.
    place.write("dates.csv", "x,when\n1,2024-01-02\n2,2024-01-05\n4,2024-02-05\n");
    let out = place.vae(&["data", "info", "dates.csv"]).output().expect("starts");
    assert_eq!(out.status.code(), Some(1));
    let shown = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(shown.contains("when    refused: dates or times"), "{shown}");
    assert!(String::from_utf8_lossy(&out.stderr).contains("error: dates.csv"), "{shown}");
}

#[test]
fn doubtful_rows_can_be_left_unassigned() {
    let place = Place::new();
    // Two groups with rows between them.
    let mut table = String::from("a,b\n");
    for i in 0..60 {
        let spread = f64::from(i % 10) / 5.0;
        let centre = if i % 2 == 0 { 0.0 } else { 4.0 };
        let _ = writeln!(table, "{},{}", centre + spread, centre - spread);
    }
    table.push_str("2.9,2.0\n2.95,2.0\n");
    place.write("t.csv", &table);
    let said = place.ok(&["fit", "-m", "gmm", "-d", "t.csv", "-k", "2", "-o", "run"]);
    let line = said.lines().find(|line| line.starts_with("confidence ")).expect("a line");
    let confidence = &json(&place.read("run/run.json"))["confidence"];
    let below = confidence["below_0.9"].as_u64().expect("a count");
    assert!(line.contains(&format!("below 0.9 for {below} samples")), "{line}");
    let rows = lines(&place, "run/assignments.csv");
    let confidence_of = |line: &String| line.split(',').nth(2).expect("third").parse().expect("number");
    let sure: Vec<f64> = rows[1..].iter().map(confidence_of).collect();
    assert_eq!(sure.iter().filter(|c| **c < 0.9).count() as u64, below);
    assert_eq!(confidence["below_0.5"], 0, "of two, the larger is no less");
    let mean = sure.iter().sum::<f64>() / sure.len() as f64;
    assert!((confidence["mean"].as_f64().expect("mean") - mean).abs() < 1e-5);

    let least = format!("{}", sure.iter().copied().fold(0.0, f64::max));
    let all = ["predict", "-m", "run", "-d", "t.csv", "--min-confidence"];
    let (out, said) = both(&place, &[&all[..], &[&least]].concat(), "");
    let left = out.lines().filter(|line| line.split(',').nth(1) == Some("-1")).count();
    let expected = sure.iter().filter(|c| **c < least.parse().expect("number")).count();
    assert!(left > 0 && left == expected, "{left} {expected}");
    assert!(said.contains(&format!("{left} left unassigned (-1), below --min-confidence {least}")), "{said}");
    let done = place.ok(&[&all[..], &[&least, "-o", "p.npy"]].concat());
    assert!(
        done.contains(&format!("{} samples assigned, {left} left unassigned", sure.len() - left)),
        "{done}"
    );
    assert!(String::from_utf8_lossy(&place.read("p.npy")).contains("'<i4'"));
    place.write("truth.txt", "x\n".repeat(31) + &"y\n".repeat(31));
    let scored = json(place.ok(&["score", "--pred", "p.npy", "--labels", "truth.txt", "--json"]).as_bytes());
    assert_eq!(scored["not_assigned"], left);

    let npy = place.refused(&[&all[..], &["0.9", "--proba", "-o", "q.npy"]].concat());
    assert!(npy.contains("leave out --min-confidence"), "{npy}");
    place.ok(&["fit", "-m", "kmeans", "-d", "t.csv", "-k", "2", "-o", "hard"]);
    let hard = place.refused(&["predict", "-m", "hard", "-d", "t.csv", "--min-confidence", "0.9"]);
    assert!(hard.contains("no probabilities") && hard.contains("gmm"), "{hard}");
    assert!(json(&place.read("hard/run.json")).get("confidence").is_none());
    for wrong in ["0", "1.5", "nan"] {
        let out = place.vae(&[&all[..], &[wrong]].concat()).output().expect("starts");
        assert_eq!(out.status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn data_far_from_those_of_the_fit_are_told() {
    let place = Place::new();
    place.write("my.csv", named_csv(60));
    place.ok(&["fit", "-m", "gmm", "-d", "my.csv", "-k", "3", "-o", "run"]);
    let ranges = json(&place.read("run/run.json"))["ranges"].clone();
    assert_eq!((&ranges[1]["column"], ranges.as_array().map(Vec::len)), (&"b".into(), Some(3)));
    let (_, said) = both(&place, &["predict", "-m", "run", "-d", "my.csv"], "");
    assert!(!said.contains("far outside"), "{said}");
    place.write("far.csv", "a,b,c\n0,0,3\n0,1000,0\n");
    let (_, said) = both(&place, &["predict", "-m", "run", "-d", "far.csv"], "");
    assert!(
        said.contains("warning: column `b`: 1 of 2 rows far outside the ") && said.contains("up to 1000"),
        "{said}"
    );
    // What overflows is an answer or an error that names the row, and never NaN.
    place.write("huge.csv", "a,b,c\n0,0,3\n0,1e20,0\n");
    let out = place.vae(&["predict", "-m", "run", "-d", "huge.csv", "--proba"]).output().expect("starts");
    let [stdout, stderr] = [out.stdout, out.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert!(stderr.contains("up to 1e20"), "{stderr}");
    assert!(
        !stdout.contains("NaN") && (out.status.success() || stderr.contains("row 2 ")),
        "{stdout}{stderr}"
    );
}

#[test]
fn without_a_method_auto_is_used() {
    let place = Place::new();
    place.write("my.csv", named_csv(60));
    let quick = [
        "--threads",
        "1",
        "--set",
        "net.hidden=[8]",
        "--set",
        "train.epochs=1",
        "--set",
        "train.min_updates=0",
    ];
    let (_, said) = both(&place, &[&["fit", "-d", "my.csv", "-o", "run"][..], &quick].concat(), "");
    assert!(said.starts_with("method auto, since none is named; `vae methods` lists the others\n"), "{said}");
    assert!(said.contains("number of clusters to be estimated"), "{said}");
    let run = json(&place.read("run/run.json"));
    assert_eq!((&run["method"], &run["n_clusters"]), (&"auto".into(), &3.into()));
    let shown = place.ok(&["config"]);
    let row = shown.lines().find(|line| line.starts_with("n_clusters")).expect("a row");
    assert!(shown.starts_with("method auto\n") && row.contains("0 (estimated)"), "{row}");
    let known = place.ok(&["config", "-d", "strokes"]);
    assert!(known.contains("presets for it (--preset): ") && known.contains("vade/strokes"), "{known}");
}

#[test]
fn words_for_missing_cells_are_those_of_the_fit() {
    let place = Place::new();
    let rows: Vec<String> = groups_csv(60).lines().map(str::to_owned).collect();
    let row = |line: &String| line.rsplit_once(',').expect("a label").0.to_owned();
    let mut table: Vec<String> = rows.iter().map(row).collect();
    // Of the second row the first number is not known.
    table[2] = format!("-999,{}", table[2].split_once(',').expect("three columns").1);
    place.write("my.csv", table.join("\n") + "\n");
    place.ok(&["fit", "-m", "gmm", "-d", "my.csv", "-k", "3", "--missing=-999", "-o", "run"]);
    assert_eq!(json(&place.read("run/run.json"))["missing_words"], serde_json::json!(["-999"]));
    let predict =
        |more: &[&str]| both(&place, &[&["predict", "-m", "run", "-d", "my.csv"], more].concat(), "");
    let (of_fit, said) = predict(&[]);
    assert!(!said.contains("far outside"), "{said}");
    assert_eq!(of_fit, predict(&["--missing=-999"]).0);
    assert_eq!(of_fit, predict(&["--missing=unknown"]).0, "other words are added");
}
