//! Runs beside each other: `vae compare`, `vae fit --align-to`, and `vae score` without labels.

mod common;

use common::{Place, TINY, groups_csv};
use serde_json::Value;

/// k-means of a table with a column of labels.
fn fit(place: &Place, (data, k): (&str, &str), more: &[&str], out: &str) {
    let words = ["fit", "-m", "kmeans", "-d", data, "--label-column", "kind", "-k", k, "-o", out];
    place.ok(&[&words[..], more].concat());
}

fn fitted() -> Place {
    let place = Place::new();
    place.write("t.csv", groups_csv(120));
    for (k, seed, out) in [("2", "0", "two"), ("3", "0", "three"), ("3", "7", "again")] {
        fit(&place, ("t.csv", k), &["--seed", seed], out);
    }
    place
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn runs_are_compared_and_their_clusters_followed() {
    let place = fitted();
    let text = place.ok(&["compare", "two", "three", "again"]);
    assert!(text.contains("splits into") && text.contains("kept:"), "{text}");
    let same = json(&place.ok(&["compare", "three", "again", "--json"]));
    assert_eq!((&same["ari"][0][1], &same["acc"][0][1]), (&1.0.into(), &1.0.into()));
    let of = json(&place.ok(&["compare", "two", "three", "--json", "--out", "c.json"]));
    assert_eq!(of, serde_json::from_slice::<Value>(&place.read("c.json")).expect("JSON"));
    let pair = &of["pairs"][0];
    assert_eq!(
        (pair["split"].as_array().map(Vec::len), pair["kept"].as_array().map(Vec::len)),
        (Some(1), Some(1))
    );
    // Two groups of 40 rows in one cluster: 80 of 120 rows match.
    assert_eq!(of["acc"][0][1], 80.0 / 120.0);
    // Files of assignments, too.
    let file = json(&place.ok(&["compare", "three/assignments.csv", "again", "--json"]));
    assert_eq!(file["ari"][0][1], 1.0);
}

#[test]
fn runs_that_cannot_be_compared_are_told() {
    let place = fitted();
    place.write("other.csv", groups_csv(120).replace("0.", "1."));
    fit(&place, ("other.csv", "3"), &[], "other");
    fit(&place, ("t.csv", "3"), &["--limit", "60"], "half");
    assert!(place.refused(&["compare", "three", "other"]).contains("different data"));
    assert!(place.refused(&["compare", "three", "half"]).contains("60"));
    assert!(place.refused(&["compare", "three", "nowhere"]).contains("does not exist"));
    std::fs::create_dir(place.path("empty")).expect("a folder");
    assert!(place.refused(&["compare", "three", "empty"]).contains("finished run"));
    assert!(
        place.refused(&["compare", "three", "again", "--out", "three/run.json"]).contains("file of a run")
    );
    place.write("some.csv", "cluster\n".to_owned() + &"-1\n".repeat(60) + &"1\n".repeat(60));
    assert!(place.refused(&["compare", "three", "some.csv"]).contains("unassigned"));
}

#[test]
fn one_page_compares_several_runs() {
    let place = fitted();
    place.ok(&["name", "two", "1", "the <far> ones"]);
    let said = place.ok(&["report", "two", "three", "again"]);
    assert_eq!(said.trim(), "comparison.html");
    let page = String::from_utf8(place.read("comparison.html")).expect("UTF-8");
    for text in ["Comparison of 3 runs on t<", "120 samples", "kmeans", "id=\"flow\"", "splits into", "ACC"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains("1 “the &lt;far&gt; ones”") && !page.contains("<far>"), "names are shown");
    assert_eq!(page.matches("<g class=\"bar\"").count(), 2 + 3 + 3, "whatever the numbers of clusters");
    // The same words as the other command, from one computation.
    let text = place.ok(&["compare", "two", "three"]);
    let split = text.lines().find(|line| line.contains("splits into")).expect("a split").trim();
    assert!(page.contains(&split.replace('<', "&lt;").replace('>', "&gt;")), "{split}");
    // Again, elsewhere, in another order, and files of assignments: equal bytes for equal runs.
    place.ok(&["report", "two", "three", "again", "--out", "other.html"]);
    let again = place.vae(&["report", "two", "three", "again", "--out", "other.html"]).output();
    let told = String::from_utf8(again.expect("the program starts").stderr).expect("text");
    assert!(told.contains("note: other.html is there already, and is replaced"), "{told}");
    assert_eq!(place.read("other.html"), page.as_bytes());
    place.ok(&["report", "three/assignments.csv", "two", "-o", "file.html"]);
    assert!(String::from_utf8_lossy(&place.read("file.html")).contains("three&#x2f;assignments.csv"));
}

#[test]
fn pages_that_cannot_be_made_are_told() {
    let place = fitted();
    place.write("other.csv", groups_csv(120).replace("0.", "1."));
    fit(&place, ("other.csv", "3"), &[], "other");
    fit(&place, ("t.csv", "3"), &["--limit", "60"], "half");
    assert!(place.refused(&["report", "three", "again", "other"]).contains("different data"));
    assert!(place.refused(&["report", "three", "half"]).contains("runs on the same rows are needed"));
    // Data of a file are not known; each pair of the others is checked.
    let files = ["report", "three/assignments.csv", "three", "other"];
    assert!(place.refused(&files).contains("different data"));
    assert!(place.refused(&["report", "three", "nowhere"]).contains("does not exist"));
    assert!(
        place.refused(&["report", "three", "again", "-o", "three/report.html"]).contains("file of a run")
    );
    assert!(place.refused(&["report", "three", "again", "-o", "no/c.html"]).contains("does not exist"));
    let one = place.refused(&["report", "three", "-o", "c.html"]);
    assert!(one.contains("three/report.html") && one.contains("leave out --out"), "{one}");
    assert!(place.refused(&["report", "three", "again", "--map", "pca"]).contains("page of one run"));
    assert!(!place.path("comparison.html").exists(), "nothing was written");
}

#[test]
fn an_aligned_fit_keeps_the_numbers() {
    let place = fitted();
    let fit = |more: &[&str]| {
        let words = ["fit", "-m", "vade", "-d", "t.csv", "--label-column", "kind", "-k", "3", "--seed", "5"];
        [&words[..], &TINY, more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let ok = |words: Vec<String>| place.ok(&words.iter().map(String::as_str).collect::<Vec<_>>());
    ok(fit(&["-o", "plain"]));
    ok(fit(&["--align-to", "three", "-o", "aligned"]));
    let clusters = |run: &str| -> Vec<u32> {
        let text = String::from_utf8(place.read(&format!("{run}/assignments.csv"))).expect("text");
        text.lines()
            .skip(1)
            .map(|l| l.split(',').nth(1).expect("a cluster").parse().expect("a number"))
            .collect()
    };
    let (former, plain, aligned) = (clusters("three"), clusters("plain"), clusters("aligned"));
    let same = |a: &[u32], b: &[u32]| a.iter().zip(b).filter(|(a, b)| a == b).count();
    let comparison = json(&place.ok(&["compare", "plain", "aligned", "three", "--json"]));
    assert_eq!(comparison["ari"][0][1], 1.0, "the clusters are the same");
    let matched = comparison["acc"][1][2].as_f64().expect("a share");
    assert_eq!(same(&former, &aligned) as f64 / 120.0, matched, "and their numbers the best ones");
    assert!(same(&former, &aligned) >= same(&former, &plain));
    // The model has the numbers too: predictions, probabilities and samples.
    let predicted = place.ok(&[
        "predict",
        "-m",
        "aligned",
        "-d",
        "t.csv",
        "--label-column",
        "kind",
        "--proba",
        "--no-outlier",
    ]);
    for (line, cluster) in predicted.lines().skip(1).zip(&aligned) {
        let fields: Vec<f64> = line.split(',').map(|f| f.parse().expect("a number")).collect();
        assert_eq!(fields[1], f64::from(*cluster));
        assert!(fields[2..].iter().all(|p| *p <= fields[2 + *cluster as usize]), "{line}");
    }
    let run = json(&String::from_utf8(place.read("aligned/run.json")).expect("text"));
    assert_eq!(run["aligned_to"]["same_number"].as_f64(), Some(matched));
    // The folder is of this alignment, and other data are refused.
    let words = fit(&["--align-to", "two", "-o", "aligned"]);
    let other = place.refused(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(other.contains("aligned_to"), "{other}");
    let half = fit(&["--limit", "60", "--align-to", "three", "-o", "half"]);
    let half = place.refused(&half.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(half.contains("same rows only") && !place.path("half").exists(), "{half}");
}

#[test]
fn without_labels_the_other_criteria_are_printed() {
    let place = fitted();
    let of = |words: &[&str]| json(&place.ok(&[words, &["--json"]].concat()));
    let data = ["-d", "t.csv", "--drop", "kind"];
    let three = of(&[&["score", "--pred", "three"][..], &data].concat());
    let two = of(&[&["score", "--model", "two"][..], &data].concat());
    for (key, sign) in [("pooled_silhouette", 1.0), ("modularity", 1.0), ("davies_bouldin", -1.0)] {
        let value = |of: &Value| of["criteria"][key].as_f64().unwrap_or_else(|| panic!("{key}: {of}"));
        assert!(sign * value(&three) >= sign * value(&two), "{key}: {three} {two}");
    }
    assert_eq!(
        (three["space"].as_str(), &three["criteria"]["smallest_share"]),
        (Some("features"), &(40.0 / 120.0).into())
    );
    let alone = place.ok(&["score", "--pred", "three"]);
    assert!(alone.contains("no labels") && alone.contains("smallest share"), "{alone}");
    let file = place.refused(&["score", "--pred", "three/assignments.npy"]);
    assert!(file.contains("no labels given") && file.contains("criteria that need none"), "{file}");
    let labelled = place.ok(&["score", "--pred", "three", "-d", "t.csv", "--label-column", "kind"]);
    assert!(labelled.contains("ACC"), "{labelled}");
}

/// Tables of the same rows in another order are matched by the names of the rows, which the run
/// knows; other rows are refused.
#[test]
fn rows_are_matched_by_their_names() {
    let place = Place::new();
    let table = groups_csv(120);
    let (head, rows) = table.split_once('\n').expect("a header");
    // What is missing has a word of its own, and it is in the first row.
    let named = |i: usize, row: &str| {
        let rest = row.split_once(',').expect("cells").1;
        if i == 0 { format!("row {i},?,{rest}\n") } else { format!("row {i},{row}\n") }
    };
    let rows: Vec<String> = rows.lines().enumerate().map(|(i, row)| named(i, row)).collect();
    let of = |rows: &mut dyn Iterator<Item = &String>| {
        format!("who,{head}\n{}", rows.cloned().collect::<String>())
    };
    place.write("t.csv", of(&mut rows.iter()));
    place.write("back.csv", of(&mut rows.iter().rev()));
    place.write("fewer.csv", of(&mut rows[..119].iter().chain(&["row 500,0.1,0.1,0.1,red\n".to_owned()])));
    fit(&place, ("t.csv", "3"), &["--id-column", "who", "--missing", "?"], "run");

    let scored = |data: &str| {
        json(&place.ok(&["score", "--pred", "run", "-d", data, "--label-column", "kind", "--json"]))
    };
    assert_eq!(scored("back.csv"), scored("t.csv"));
    let refused = place.refused(&["score", "--pred", "run", "-d", "fewer.csv", "--label-column", "kind"]);
    assert!(refused.contains("`who` of run") && refused.contains("has row 119"), "{refused}");

    let predict =
        ["predict", "-m", "run", "-d", "back.csv", "--append", "--drop", "kind", "-o", "appended.csv"];
    place.ok(&predict);
    let same = json(&place.ok(&["compare", "run", "appended.csv", "--json"]));
    assert_eq!(same["ari"][0][1], 1.0);
    let same = json(&place.ok(&["compare", "appended.csv", "run", "--json"]));
    assert_eq!(same["ari"][0][1], 1.0);
    let scored = |pred: &str| {
        json(&place.ok(&[
            "score",
            "--pred",
            pred,
            "-d",
            "t.csv",
            "--id-column",
            "who",
            "--label-column",
            "kind",
            "--json",
        ]))
    };
    assert_eq!(scored("appended.csv"), scored("run"));

    // Two tables without a run, and a table of labels.
    let forth = ["predict", "-m", "run", "-d", "t.csv", "--append", "--drop", "kind", "-o", "forth.csv"];
    place.ok(&forth);
    let same = json(&place.ok(&["compare", "forth.csv", "appended.csv", "--json"]));
    assert_eq!(same["ari"][0][1], 1.0);
    let kind = |row: &String| row.trim().rsplit(',').next().expect("a label").to_owned();
    let labels: String = rows
        .iter()
        .enumerate()
        .skip(3)
        .chain(rows.iter().enumerate().take(3))
        .map(|(i, row)| format!("row {i},{}\n", kind(row)))
        .collect();
    place.write("labels.csv", format!("who,kind\n{labels}"));
    let by_labels = json(&place.ok(&["score", "--pred", "appended.csv", "--labels", "labels.csv", "--json"]));
    assert_eq!(by_labels["acc"], scored("run")["acc"]);
}
