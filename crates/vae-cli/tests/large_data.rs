//! Data larger than memory: features in a file instead of in memory, where nothing else may change,
//! and methods that fit a sample of the rows.

mod common;

use common::{Place, groups_csv};
use std::fmt::Write as _;

/// Files that hold no time and no machine.
const SAME: [&str; 6] = [
    "model.safetensors",
    "history.jsonl",
    "assignments.csv",
    "assignments.npy",
    "embedding.npy",
    "clusters.json",
];

/// Three groups with names of rows, a category, and cells that are missing.
fn with_gaps(n: usize) -> String {
    let mut text = String::from("id,a,b,c,colour\n");
    for (i, line) in groups_csv(n).lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').take(3).collect();
        let cell = |at: usize| if i % 17 == at { "" } else { cells[at] };
        let _ = writeln!(text, "r{i},{},{},{},{}", cell(0), cell(1), cell(2), ["red", "blue"][i % 2]);
    }
    text
}

fn fit(place: &Place, out: &str, more: &[&str]) {
    let words =
        ["fit", "-m", "vade", "-k", "3", "--profile", "quick", "--threads", "1", "--no-cache", "-o", out];
    let small = ["--set", "net.hidden=[16]", "--set", "train.epochs=2", "--set", "train.min_updates=0"];
    place.ok(&[&words[..], &small, &["--set", "pretrain.train.min_updates=0"], more].concat());
}

#[test]
fn a_fit_from_disk_is_the_fit_in_memory() {
    let place = Place::new();
    place.write("my.csv", with_gaps(300));
    // Blocks of rows too, which are set for data of any size.
    let blocks = ["--set", "train.shuffle_block_rows=5"];
    for (name, more) in [("plain", &[][..]), ("blocks", &blocks)] {
        let [memory, disk] = ["no", "yes"].map(|on_disk| {
            let out = format!("{name}-{on_disk}");
            fit(&place, &out, &[&["-d", "my.csv", "--on-disk", on_disk], more].concat());
            out
        });
        for file in SAME {
            let [a, b] = [&memory, &disk].map(|out| place.read(&format!("{out}/{file}")));
            assert!(a == b, "{name}: {file} differs");
        }
        let left = std::fs::read_dir(place.path(&disk)).expect("folder").count();
        assert_eq!(left, std::fs::read_dir(place.path(&memory)).expect("folder").count());
    }
    let order = |out: &str| place.read(&format!("{out}/history.jsonl"));
    assert_ne!(order("plain-no"), order("blocks-no"), "the order of the rows is another one");
}

#[test]
fn what_cannot_lie_on_disk_is_refused() {
    let place = Place::new();
    place.write("my.csv", groups_csv(60));
    place.write("labels.txt", "0\n".repeat(60));
    let refused = |words: &[&str]| {
        let fit = ["fit", "-m", "kmeans", "-k", "3", "--on-disk", "yes", "-o", "run"];
        place.refused(&[&fit[..], words].concat())
    };
    let error = refused(&["-d", "my.csv", "--labels", "labels.txt"]);
    assert!(error.contains("without --labels") && error.contains("vae score"), "{error}");
    let error = refused(&["-d", "strokes"]);
    assert!(error.contains("--on-disk yes is for a file or folder"), "{error}");
    assert!(!place.path("run").exists());
    // Labels of a column are told to be left out.
    let out = place
        .vae(&[
            "fit",
            "-m",
            "kmeans",
            "-k",
            "3",
            "-d",
            "my.csv",
            "--label-column",
            "kind",
            "--on-disk",
            "yes",
            "-o",
            "run",
        ])
        .output()
        .expect("the program starts");
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && stderr.contains("the labels in `kind` are left out"), "{stderr}");
}

#[test]
fn a_sample_is_fitted_and_all_rows_are_assigned() {
    let place = Place::new();
    place.write("my.csv", groups_csv(300));
    let short =
        ["--set", "train.epochs=2", "--set", "train.min_updates=0", "--set", "pretrain.train.min_updates=0"];
    for (method, more) in [("spectral", &[][..]), ("auto", &short)] {
        let words =
            ["fit", "-m", method, "-d", "my.csv", "--label-column", "kind", "-k", "3", "--threads", "1"];
        let own = ["--set", "max_rows=90", "-o", method];
        let out = place.vae(&[&words[..], &own, more].concat()).output().expect("the program starts");
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{method}: {stderr}");
        assert!(stderr.contains("fitted on a random sample of 90 of the 300 rows"), "{method}: {stderr}");
        let run: serde_json::Value =
            serde_json::from_slice(&place.read(&format!("{method}/run.json"))).expect("JSON");
        assert_eq!((&run["n"], &run["metrics"]["fit"]["acc"]), (&300.into(), &1.0.into()), "{method}");
        assert_eq!(
            place.ok(&["predict", "-m", method, "-d", "my.csv", "--drop", "kind"]).lines().count(),
            301
        );
    }
}
