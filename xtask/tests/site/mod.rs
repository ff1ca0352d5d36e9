//! A Slurm that `cargo xtask test --slurm` started, as the tests ask it, and a clone with the real
//! `vae`.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::clone::{Clone, names, ok};

/// Few epochs in two phases, so that a fit can end in the middle of either.
const RECIPE: &str = r#"title = "Tiny"
text = "For a test."
metric = "acc"
profile = "quick"
seeds = 1

[[dataset]]
id = "strokes"
title = "strokes"

[[row]]
id = "vade"
title = "VaDE"
method = "vade"
set = ["pretrain.train.epochs=3", "train.epochs=3"]
"#;

/// The one run of [`RECIPE`].
pub const RUN: &str = "strokes-vade-quick-s0";

/// A clone whose `vae` is the real one. The undisturbed run is made before: nothing else then keeps
/// the clone's own waiting.
pub fn real_clone() -> Clone {
    LazyLock::force(&REFERENCE);
    undisturbed_clone()
}

fn undisturbed_clone() -> Clone {
    let clone = Clone::new();
    clone.write("results/tiny/recipe.toml", RECIPE);
    clone.write("bin/vae", "#!/bin/sh\nexec \"$VAE_TEST_PROGRAM\" \"$@\"\n");
    clone
}

/// `cargo xtask reproduce tiny`, with a cache that no other clone fills.
pub fn reproduce(clone: &Clone, words: &[&str]) -> Output {
    let words = [&["tiny"], words].concat();
    clone.command(&words).env("VAE_CACHE_DIR", clone.path("cache")).output().unwrap()
}

/// Submits what is missing; returns the numbers of the arrays.
pub fn submit(clone: &Clone, words: &[&str]) -> Vec<String> {
    let said = ok(&reproduce(clone, &[&["--launcher", "slurm"], words].concat()));
    let number = |line: &str| line.strip_prefix("Submitted batch job ").map(str::to_owned);
    said.lines().filter_map(number).collect()
}

/// The tasks of an array, ended ones too: state and node of each.
pub fn tasks(array: &str) -> BTreeMap<usize, (String, String)> {
    let format = "--format=%K|%T|%N";
    let said = ask("squeue", &["--noheader", "--array", "--states=all", "--jobs", array, format]);
    let task = |line: &str| {
        let mut fields = line.split('|');
        let (task, state, node) = (fields.next()?, fields.next()?, fields.next()?);
        Some((task.parse().ok()?, (state.to_owned(), node.to_owned())))
    };
    said.lines().filter_map(task).collect()
}

/// The state of the first task of an array.
pub fn state(array: &str) -> String {
    tasks(array).get(&1).map_or_else(String::new, |(state, _)| state.clone())
}

/// What a program of Slurm prints.
pub fn ask(program: &str, words: &[&str]) -> String {
    ok(&Command::new(program).args(words).output().unwrap())
}

/// Waits for something that must happen; the limit is there so that a broken test ends.
#[track_caller]
pub fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(300);
    while !happened() {
        assert!(Instant::now() < deadline, "{what}: it never happened");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until the task of the only run is in the middle of its fit, at a moment that is another
/// one in each test.
pub fn somewhere_in_the_fit(clone: &Clone) {
    // It is never later than half of an undisturbed fit, which has no work to wait for.
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let part = 0.5 * f64::from(nanos % 1000) / 1000.0;
    let wait = Duration::from_secs_f64(part * REFERENCE.file["wall_s"].as_f64().unwrap());
    wait_for("a fit", || fit_of(clone).is_some());
    eprintln!("the fit is disturbed after {wait:?}");
    thread::sleep(wait);
}

/// The number of the process `vae fit` of a clone.
pub fn fit_of(clone: &Clone) -> Option<String> {
    // The shell in the place of vae has its own name before these.
    processes(clone).into_iter().find(|number| words_of(number).get(1).is_some_and(|word| word == "fit"))
}

/// The numbers of all processes whose command lines name the clone: the tasks and the fits.
pub fn processes(clone: &Clone) -> Vec<String> {
    let folder = clone.path("");
    let is_ours = |word: &String| word.starts_with(folder.to_str().unwrap());
    names("/proc".as_ref()).into_iter().filter(|number| words_of(number).iter().any(is_ours)).collect()
}

/// The command line of a process; nothing if it has ended.
fn words_of(process: &str) -> Vec<String> {
    let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

pub fn kill(signal: &str, processes: &[String]) {
    ok(&Command::new("kill").args(["-s", signal]).args(processes).output().unwrap());
}

/// For tasks whose time [`end_its_time`] ends: they are asked to stop 170 s before.
pub const WARNED: &str = "--sbatch=--signal=B:USR1@170";

/// Gives a task three minutes: they are up, less 170 s, when Slurm looks at its clock the next
/// time, which it does twice a minute.
pub fn end_its_time(task: &str) {
    ask("scontrol", &["update", &format!("jobid={task}"), "timelimit=3"]);
}

/// A task that goes back into the queue waits there for two minutes: in a test for three seconds,
/// as a node starts nothing with the number of what it has just killed.
pub fn begin_now(task: &str) {
    let pending = || ask("squeue", &["--noheader", "--array", "--states=all", "--jobs", task, "--format=%T"]);
    wait_for("the task is in the queue again", || pending() == "PENDING\n");
    ask("scontrol", &["update", &format!("jobid={task}"), "starttime=now+3", "timelimit=10"]);
}

/// All that two equal runs have in common.
pub struct Results {
    /// The run file without what belongs to one moment or one machine.
    file: Value,
    /// Files of the run's folder, whole.
    bytes: BTreeMap<&'static str, Vec<u8>>,
}

/// The run, made on this machine without a disturbance, once for all tests.
static REFERENCE: LazyLock<Results> = LazyLock::new(|| {
    let clone = undisturbed_clone();
    ok(&reproduce(&clone, &[]));
    results(&clone)
});

fn results(clone: &Clone) -> Results {
    let text = clone.read(&format!("results/tiny/runs/{RUN}.json"));
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{RUN} has no run file: {text}"));
    let out = clone.path("out/runs/tiny");
    let folders = names(&out).into_iter().filter(|name| name.starts_with(RUN) && !name.ends_with(".log"));
    let folders: Vec<_> = folders.collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    let read = |name| (name, fs::read(out.join(&folders[0]).join(name)).unwrap());
    let bytes = ["assignments.csv", "embedding.npy", "history.jsonl", "model.safetensors"].map(read);
    Results { file, bytes: bytes.into() }
}

/// The run of `clone` is the same as without a disturbance, to the byte.
#[track_caller]
pub fn equals_an_undisturbed_run(clone: &Clone) {
    let (mut found, mut expected) = (results(clone), REFERENCE.file.clone());
    assert!(
        found.file["assignments_sha256"].is_string() && found.file.get("error").is_none(),
        "{}",
        found.file
    );
    for file in [&mut found.file, &mut expected] {
        remove(file, &["wall_s", "cpu_s", "peak_rss_mib", "cached"]);
    }
    assert_eq!(found.file, expected);
    for (name, bytes) in &REFERENCE.bytes {
        assert!(found.bytes[name] == *bytes, "{name} differs from that of an undisturbed run");
    }
}

fn remove(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(map) => {
            keys.iter().for_each(|key| drop(map.remove(*key)));
            map.values_mut().for_each(|value| remove(value, keys));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| remove(value, keys)),
        _ => {}
    }
}

/// All that the tasks of a clone printed.
pub fn logs(clone: &Clone) -> String {
    let folder = "out/runs/tiny";
    let logs = names(&clone.path(folder)).into_iter().filter(|name| name.ends_with(".log"));
    logs.map(|name| clone.read(&format!("{folder}/{name}"))).collect()
}

/// Whether the program is there that the tests need; the command that starts them names it.
pub fn check() {
    let program = env::var_os("VAE_TEST_PROGRAM").map(std::path::PathBuf::from);
    let is_there = program.is_some_and(|program| program.is_file()) && env::var_os("SLURM_CONF").is_some();
    assert!(is_there, "these tests are started by `cargo xtask test --slurm`");
}
