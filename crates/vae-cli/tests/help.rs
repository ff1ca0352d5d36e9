//! The words of the program: help, the answer to a wrong call, and the main errors.

mod common;

use common::Place;

fn stdout(place: &Place, words: &[&str]) -> String {
    place.ok(words).replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn help() {
    let place = Place::new();
    insta::assert_snapshot!("help", stdout(&place, &["--help"]));
    for command in [
        "fit",
        "sweep",
        "compare",
        "predict",
        "embed",
        "export",
        "sample",
        "score",
        "report",
        "config",
        "data",
        "features",
        "cache",
        "doctor",
        "completions",
        "man",
    ] {
        insta::assert_snapshot!(format!("help_{command}"), stdout(&place, &[command, "--help"]));
    }
}

#[test]
fn main_errors() {
    let place = Place::new();
    place.write("x.csv", "1,2\n3,oops\n");
    place.write("my.toml", "method = \"kmeans\"\nclusters = 4\n");
    let errors = [
        place.refused(&["fit", "-m", "vade", "-k", "3", "-o", "run"]),
        place.refused(&["fit", "-m", "kmeans", "-d", "minst", "-o", "run"]),
        place.refused(&["fit", "-m", "kmeans", "-d", "x.csv", "-k", "2", "-o", "run"]),
        place.refused(&["fit", "--config", "my.toml", "-d", "strokes", "-o", "run"]),
        place.refused(&["fit", "-m", "kmeans", "-d", "strokes", "-k", "0", "-o", "run"]),
        place.refused(&["fit", "-m", "kmeans", "-d", "strokes", "--device", "cuda:99", "-o", "run"]),
    ];
    // The loader's reason why there is no GPU is the machine's own.
    let text = errors.join("\n");
    let (before, device) = text.split_once("error: cuda:99").expect("the last one");
    assert!(device.contains("use --device cpu"), "{device}");
    insta::assert_snapshot!("main_errors", before);
}

#[test]
fn a_wrong_call_is_answered_with_code_2() {
    let place = Place::new();
    for words in [
        &["fit"][..],
        &["fly"],
        &["score"],
        &["fit", "-o", "x", "--threads", "0"],
        &["fit", "-o", "x", "--device", "gpu"],
    ] {
        let out = place.vae(words).output().expect("the program starts");
        assert_eq!(out.status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn lists_for_programs() {
    let place = Place::new();
    let parse =
        |words: &[&str]| -> serde_json::Value { serde_json::from_str(&place.ok(words)).expect("JSON") };
    let methods = parse(&["methods", "--json"]);
    let names: Vec<_> =
        methods.as_array().expect("array").iter().filter_map(|m| m["name"].as_str()).collect();
    assert!(names.contains(&"kmeans") && names.contains(&"vade"), "{names:?}");
    let sets = parse(&["data", "list", "--json"]);
    let strokes = sets.as_array().expect("array").iter().find(|s| s["name"] == "strokes").expect("strokes");
    assert_eq!((&strokes["available"], &strokes["n"]), (&true.into(), &10_000.into()));

    let plain = parse(&["config", "-m", "vade", "-d", "strokes", "--json"]);
    assert_eq!((plain["method"].as_str(), plain["preset"].as_str()), (Some("vade"), Some("vade/strokes")));
    assert_eq!((plain["profile"].as_str(), &plain["revisions"]["vade"]), (Some("standard"), &1.into()));
    assert_eq!(plain["defaults"], serde_json::json!([]), "a preset leaves nothing to the defaults");
    assert!(plain["data_sha256"]["all"].is_string() && plain["data_sha256"]["train"].is_null(), "{plain}");
    let hash = |words: &[&str]| parse(words)["config_sha256"].as_str().expect("hash").to_string();
    let preset = ["config", "-p", "vade/strokes", "--json"];
    assert_eq!(hash(&preset), plain["config_sha256"].as_str().expect("hash"));
    assert_eq!(hash(&[&preset[..], &["--seed", "3", "--threads", "1"]].concat()), hash(&preset));
    assert_ne!(hash(&[&preset[..], &["--set", "train.epochs=1"]].concat()), hash(&preset));
    let blas = parse(&[&preset[..], &["--matmul", "blas"]].concat());
    assert_eq!((blas["matmul"].as_str(), &blas["config_sha256"]), (Some("blas"), &plain["config_sha256"]));
}

#[test]
fn settings_are_shown_without_a_number_of_clusters() {
    let place = Place::new();
    let shown = place.ok(&["config", "-m", "vade"]);
    let row = shown.lines().find(|line| line.starts_with("n_clusters")).expect("a row");
    assert!(row.contains("not given") && row.contains("--clusters K"), "{row}");
    assert!(shown.contains("train.lr") && !shown.contains("sha256"), "{shown}");
    let none = place.refused(&["config", "-m", "vade", "--set", "n_clusters=0"]);
    assert!(none.contains("`n_clusters` is 0"), "{none}");
    let twice = place.ok(&["config", "-m", "vade", "--set", "n_clusters=3", "-k", "3"]);
    assert!(twice.contains("sha256"), "the two agree: {twice}");
}

#[test]
fn the_configuration_of_a_run_is_a_configuration() {
    let place = Place::new();
    let out = place.ok(&["config", "-m", "kmeans", "-d", "strokes", "--set", "kmeans.n_init=3"]);
    assert!(out.contains("--set kmeans.n_init=3") && out.contains("preset kmeans/strokes"), "{out}");
    place.ok(&[
        "fit",
        "-m",
        "kmeans",
        "-d",
        "strokes",
        "--limit",
        "60",
        "--set",
        "kmeans.n_init=3",
        "-o",
        "run",
    ]);
    let from_run: serde_json::Value =
        serde_json::from_str(&place.ok(&["config", "--config", "run/config.toml", "--json"])).expect("JSON");
    let run: serde_json::Value = serde_json::from_slice(&place.read("run/run.json")).expect("JSON");
    assert_eq!(from_run["config_sha256"], run["config_sha256"]);
}

#[test]
fn information_about_data() {
    let place = Place::new();
    let strokes = place.ok(&["data", "info", "strokes"]);
    assert!(strokes.contains("10,000") && strokes.contains("1x28x28"), "{strokes}");
    let missing = place.vae(&["data", "info", "mnist"]).output().expect("the program starts");
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("vae data fetch mnist"));
    place.write("x.csv", "a,b,kind\n1,2,u\n3,4,v\n");
    let own = place.ok(&["data", "info", "x.csv", "--label-column", "kind"]);
    assert!(own.contains("u, v"), "{own}");
    let offline = place.refused(&["data", "fetch", "mnist", "--offline"]);
    assert!(offline.contains("mnist"), "{offline}");
}

#[test]
fn a_machine_is_described_and_shells_can_complete() {
    let place = Place::new();
    let shown = place.ok(&["doctor"]);
    for word in ["libtorch", "threads", "GPU", "data sets", "strokes", "cache"] {
        assert!(shown.contains(word), "{word} in\n{shown}");
    }
    assert!(shown.lines().count() <= 24, "one screen");
    let json: serde_json::Value = serde_json::from_str(&place.ok(&["doctor", "--json"])).expect("JSON");
    assert!(json["cores"].as_u64().is_some_and(|cores| cores > 0), "{json}");
    assert_eq!(json["problems"], serde_json::json!([]));
    let words = ["doctor", "--time-steps", "--json", "--device", "cpu", "--threads", "1"];
    let timed: serde_json::Value = serde_json::from_str(&place.ok(&words)).expect("JSON");
    assert_eq!((&timed["device"], &timed["steps"][0]["batch"]), (&"cpu".into(), &256.into()));
    let [step, floor, ratio] = ["step_ms", "floor_ms", "ratio"].map(|name| timed["steps"][1][name].as_f64());
    assert!(floor > Some(0.0) && step > Some(0.0) && ratio > Some(0.0), "{timed}");
    let out = place.vae(&["doctor", "--threads", "1"]).output().expect("starts");
    assert_eq!(out.status.code(), Some(2), "threads are those of the timed steps");
    let out = place.vae(&["doctor"]).env("VAE_DATA_DIR", "nowhere").output().expect("starts");
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr.contains("VAE_DATA_DIR names nowhere, which is no folder"), "{stderr}");

    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.ok(&["completions", shell]);
        assert!(script.contains("min-confidence"), "{shell}");
    }
    let said = place.ok(&["man", "pages/man1"]);
    assert!(said.starts_with("pages/man1/vae.1 and a page"), "{said}");
    let page =
        |name: &str| String::from_utf8_lossy(&place.read(&format!("pages/man1/{name}.1"))).into_owned();
    assert!(page("vae").contains("vae\\-predict"), "every command is named");
    assert!(page("vae-predict").contains("min\\-confidence"));
    assert!(page("vae-data-list").contains(".TH"), "commands of commands have pages too");
    place.write("file", "");
    assert!(place.refused(&["man", "file"]).contains("cannot write manual pages into file"));
    let unknown = place.vae(&["completions", "cmd"]).output().expect("starts");
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn verified_data_sets_are_listed_for_programs() {
    let place = Place::new();
    let sets: serde_json::Value =
        serde_json::from_str(&place.ok(&["data", "verify", "strokes", "--json"])).expect("JSON");
    assert_eq!((&sets[0]["name"], &sets[0]["state"]), (&"strokes".into(), &"built in".into()));
}
