//! Several processes on one `--out`: one run owns the folder and is whole, the others are refused.

mod common;

use common::{Place, groups_csv, names};
use std::process::{Child, Command, Output, Stdio};

fn start(place: &Place, out: &str, seed: usize) -> Child {
    let seed = seed.to_string();
    let words = ["fit", "-m", "kmeans", "-d", "x.csv", "--label-column", "kind", "-k", "3", "--threads", "1"];
    Command::new(env!("CARGO_BIN_EXE_vae"))
        .args(words)
        .args(["--set", "kmeans.n_init=1", "--seed", &seed, "-o", out])
        .current_dir(place.path(""))
        .env("VAE_CACHE_DIR", place.path("cache"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn json(place: &Place, name: &str) -> serde_json::Value {
    serde_json::from_slice(&place.read(name)).expect("JSON")
}

/// Starts one process for each seed 1, 2, ... on one folder; returns how many were refused while
/// the winner worked.
fn race(place: &Place, out: &str, processes: usize) -> usize {
    let all: Vec<Child> = (1..=processes).map(|seed| start(place, out, seed)).collect();
    let all: Vec<Output> = all.into_iter().map(|p| p.wait_with_output().expect("it ends")).collect();
    let texts: Vec<String> = all.iter().map(|o| String::from_utf8_lossy(&o.stderr).into_owned()).collect();
    let winners: Vec<usize> = (0..processes).filter(|&i| all[i].status.success()).collect();
    assert_eq!(winners.len(), 1, "{out}: {winners:?} of {processes} succeeded\n{}", texts.join("\n"));
    let mut busy = 0;
    for i in (0..processes).filter(|&i| i != winners[0]) {
        assert_eq!(all[i].status.code(), Some(1), "{}", texts[i]);
        let (working, another) =
            (texts[i].contains("another process is working on"), texts[i].contains("holds another run"));
        assert!(working || another, "{}", texts[i]);
        assert!(texts[i].contains(out) && texts[i].contains("choose another --out"), "{}", texts[i]);
        busy += usize::from(working);
    }
    let seed = winners[0] + 1;
    assert_eq!(json(place, &format!("{out}/identity.json"))["seed"], seed.to_string());
    let record = json(place, &format!("{out}/run.json"));
    assert!(record["seed"] == seed && record["error"].is_null(), "{record}");
    // A header and a line for each sample.
    let assignments = String::from_utf8(place.read(&format!("{out}/assignments.csv"))).expect("text");
    assert_eq!(assignments.lines().count(), 31);
    let files = names(&place.path(out));
    for name in ["DONE", "assignments.npy", "config.toml", "model.safetensors", "report.html"] {
        assert!(files.iter().any(|f| f == name), "no {name}: {files:?}");
    }
    assert!(!files.iter().any(|f| f.starts_with('.')), "{files:?}");
    busy
}

#[test]
fn of_processes_on_one_folder_one_wins_and_the_others_are_refused() {
    let place = Place::new();
    place.write("x.csv", groups_csv(30));
    for i in 0..50 {
        race(&place, &format!("pair-{i}"), 2);
    }
    for i in 0..8 {
        // The folder is there before, as after `mkdir`.
        let out = format!("triple-{i}");
        if i % 2 == 0 {
            std::fs::create_dir(place.path(&out)).expect("folder");
        }
        race(&place, &out, 3);
    }
}
