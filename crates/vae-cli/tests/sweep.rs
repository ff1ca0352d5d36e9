//! A sweep: it finds the number of clusters, keeps what is finished, ends with the same bytes when
//! it was killed, and does not look at labels.
#![cfg(unix)]

mod common;

use common::{Place, TINY, groups_csv, names};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A sweep of VaDE that trains in moments.
fn vade(out: &str) -> Vec<String> {
    let words =
        ["sweep", "-d", "t.csv", "--label-column", "kind", "-m", "vade", "-k", "2..4", "--seeds", "2"];
    let rest = ["--jobs", "2", "--out", out];
    words.iter().chain(&TINY).chain(&rest).map(|word| (*word).to_owned()).collect()
}

fn json(place: &Place, name: &str) -> Value {
    serde_json::from_slice(&place.read(name)).expect("JSON")
}

#[test]
fn a_sweep_finds_the_groups_and_keeps_what_is_finished() {
    let place = Place::new();
    place.write("t.csv", groups_csv(240));
    let sweep = |out: &str, more: &[&str]| {
        let words =
            ["sweep", "-d", "t.csv", "-m", "spectral,kmeans", "-k", "2..5", "--seeds", "2", "-o", out];
        place.ok(&[&words[..], more].concat())
    };
    let text = sweep("s", &["--label-column", "kind"]);
    assert!(text.contains("3 clusters, and clearly so."), "{text}");
    // All criteria that the reasons may name are in the table.
    for part in ["Calinski-", "Harabasz", "Davies-", "entropy", "confidence"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    let record = json(&place, "s/sweep.json");
    assert_eq!(
        (record["number"]["recommended"].as_u64(), record["runs"].as_array().map(Vec::len)),
        (Some(3), Some(16))
    );
    assert_eq!(record["number"]["clarity"], "clear");
    assert_eq!(record["consensus"]["mean_confidence"], 1.0);
    assert!(record["recommended"]["id"].as_str().is_some_and(|id| id.contains("-k3-")), "{record}");
    let text = String::from_utf8(place.read("s/consensus.csv")).expect("text");
    assert!(text.starts_with("index,cluster,confidence\n0,") && text.lines().count() == 241, "{text}");
    let page = String::from_utf8(place.read("s/sweep.html")).expect("text");
    assert!(page.contains("clearly so") && !page.contains("<script") && !page.contains("http://"), "{page}");

    // Labels change nothing, and what is finished is not made again.
    let files = ["sweep.json", "sweep.html", "consensus.csv"];
    sweep("without", &["--drop", "kind"]);
    let before =
        std::fs::metadata(place.path("s/runs/kmeans-k2-s0/DONE")).and_then(|m| m.modified()).expect("there");
    sweep("s", &["--label-column", "kind"]);
    let after =
        std::fs::metadata(place.path("s/runs/kmeans-k2-s0/DONE")).and_then(|m| m.modified()).expect("there");
    assert_eq!(before, after, "a finished fit was made again");
    for file in files {
        assert!(place.read(&format!("s/{file}")) == place.read(&format!("without/{file}")), "{file} differs");
    }
    // The page alone, and the grid grows.
    std::fs::remove_file(place.path("s/sweep.html")).expect("there");
    assert!(place.ok(&["report", "s"]).contains("sweep.html"));
    assert_eq!(place.read("s/sweep.html"), place.read("without/sweep.html"));
    let grown =
        ["sweep", "-d", "t.csv", "--drop", "kind", "-m", "kmeans", "-k", "2..6", "--seeds", "3", "-o", "s"];
    place.ok(&grown);
    assert_eq!(json(&place, "s/sweep.json")["runs"].as_array().map(Vec::len), Some(15));
}

#[test]
fn the_next_command_reads_new_data_as_the_sweep_read_its_own() {
    let place = Place::new();
    let mut texts = String::new();
    for i in 0..40 {
        let words = [["wheat", "corn", "field"], ["ship", "sail", "sea"]][i % 2];
        texts += &format!("d{i}\t{} {} x{}\n", words[i / 2 % 3], words[i / 3 % 3], i % 5);
    }
    place.write("t.tsv", &texts);
    let read = ["--text-column", "2", "--header", "no", "--id-column", "1", "--max-terms", "9"];
    let sweep = ["sweep", "-d", "t.tsv", "-m", "kmeans", "-k", "2,3", "--seeds", "1", "-o", "my sweep"];
    let said = place.ok(&[&sweep[..], &read].concat());
    let next = said.lines().find_map(|line| line.strip_prefix("next: vae ")).expect("a command");
    let rest = "--data NEW.tsv --header no --id-column 1 --text-column 2 --out labels.csv";
    assert!(next.ends_with(rest) && next.contains("--model 'my sweep/runs/kmeans-k"), "{next}");
    place.write("NEW.tsv", &texts);
    let words: Vec<String> = next
        .split('\'')
        .enumerate()
        .flat_map(|(i, part)| match i % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect();
    place.ok(&words.iter().map(String::as_str).collect::<Vec<&str>>());
    let labels = String::from_utf8(place.read("labels.csv")).expect("text");
    assert!(labels.starts_with("1,index,cluster,") && labels.contains("\nd39,39,"), "{labels}");
}

#[test]
fn rows_that_are_too_alike_are_refused_before_any_fit() {
    let place = Place::new();
    place.write("equal.csv", "a,b\n".to_owned() + &"1.5,2\n".repeat(40));
    place.write("three.csv", "a,b\n".to_owned() + &"1.5,2\n3,4\n5,7\n".repeat(20));
    for (data, says) in [("equal.csv", "all rows of equal are equal"), ("three.csv", "has 3 different rows")]
    {
        let said =
            place.refused(&["sweep", "-d", data, "-m", "kmeans", "-k", "2..6", "--seeds", "1", "-o", "s"]);
        assert!(said.contains(says), "{said}");
        assert!(!place.path("s").exists());
    }
    place.ok(&["sweep", "-d", "three.csv", "-m", "kmeans", "-k", "2..3", "--seeds", "1", "-o", "s"]);
}

#[test]
fn data_without_clusters_have_no_clear_number() {
    let place = Place::new();
    let mut random = common::Sequence(7);
    let mut row = || (0..5).map(|_| format!("{:.5}", random.next())).collect::<Vec<_>>().join(",");
    let text: Vec<String> = (0..300).map(|_| row()).collect();
    place.write("noise.csv", text.join("\n") + "\n");
    let said =
        place.ok(&["sweep", "-d", "noise.csv", "-m", "kmeans", "-k", "2..4", "--seeds", "2", "-o", "s"]);
    assert!(said.contains("No clear k"), "{said}");
    let record = json(&place, "s/sweep.json");
    assert_eq!(
        (&record["number"]["recommended"], &record["number"]["clarity"]),
        (&Value::Null, &"none".into())
    );
}

#[test]
fn killed_at_random_moments_a_sweep_ends_with_the_same_bytes() {
    let place = Place::new();
    place.write("t.csv", groups_csv(150));
    let command = |out: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vae"));
        command.args(vade(out)).current_dir(place.path("")).env("VAE_CACHE_DIR", place.path("cache"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let started = Instant::now();
    assert!(command("whole").status().expect("the program starts").success());
    let whole = started.elapsed().as_secs_f64();
    let mut killed = 0;
    for (share, signal) in [(0.2, "KILL"), (0.4, "TERM"), (0.3, "KILL"), (0.5, "KILL")] {
        let mut child = command("killed").spawn().expect("the program starts");
        std::thread::sleep(Duration::from_secs_f64(whole * share));
        // Fails when the child has ended already, which is fine.
        let _ =
            Command::new("kill").args(["-s", signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        let status = child.wait().expect("the program ends");
        killed += usize::from(!status.success());
        assert!(status.code().is_none_or(|code| [0, 130, 143].contains(&code)), "{status}");
    }
    assert!(killed > 0, "no signal hit a running sweep");
    assert!(command("killed").status().expect("the program starts").success());
    for file in ["sweep.json", "sweep.html", "consensus.csv"] {
        assert!(
            place.read(&format!("whole/{file}")) == place.read(&format!("killed/{file}")),
            "{file} differs"
        );
    }
    assert_eq!(names(&place.path("whole")), names(&place.path("killed")));
}

#[test]
fn what_cannot_be_swept_is_told() {
    let place = Place::new();
    place.write("t.csv", groups_csv(30));
    let refused = |more: &[&str]| {
        let words = ["sweep", "-d", "t.csv", "--label-column", "kind", "--seeds", "1", "-k", "2..3"];
        place.refused(&[&words[..], more].concat())
    };
    assert!(refused(&["-m", "nonsense", "-o", "s"]).contains("nonsense"));
    assert!(refused(&["-m", "kmeans", "--set", "n_clusters=3", "-o", "s"]).contains("--clusters"));
    let many = place.refused(&["sweep", "-d", "t.csv", "-m", "kmeans", "-k", "40", "-o", "s"]);
    assert!(many.contains("30 samples"), "{many}");
    assert!(place.refused(&["sweep", "-d", "-", "-o", "s"]).contains("save them"));
    assert!(!place.path("s").exists(), "nothing was begun");
    place.ok(&["fit", "-m", "kmeans", "-d", "t.csv", "--label-column", "kind", "-k", "2", "-o", "run"]);
    assert!(refused(&["-m", "kmeans", "-o", "run"]).contains("holds another run"));
    // A fit that fails is named, and the others are evaluated.
    let failed = refused(&["-m", "kmeans,gmm", "--set", "kmeans.n_init=1", "-o", "s"]);
    assert!(failed.contains("n_init") || failed.contains("kmeans"), "{failed}");
}
