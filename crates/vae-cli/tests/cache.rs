//! The phase cache from outside: its commands, its limit, and what killed and running fits leave in
//! it.
#![cfg(unix)]

mod common;

use common::{Place, TINY, groups_csv, names};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn fit(place: &Place, out: &str, seed: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vae"));
    command
        .args(["fit", "-m", "vade", "-d", "x.csv", "--label-column", "kind", "-k", "3", "-o", out])
        .args(["--seed", seed])
        .args(TINY)
        .args(more)
        .current_dir(place.path(""))
        .env("VAE_CACHE_DIR", place.path("cache"))
        .env_remove("VAE_CACHE_MAX")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a fit, which must succeed; returns its stderr.
fn fitted(command: &mut Command) -> String {
    let out = command.output().expect("the program starts");
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{text}");
    text
}

fn phases(place: &Place) -> PathBuf {
    place.path("cache/phases")
}

fn unfinished(place: &Place) -> Vec<String> {
    names(&phases(place)).into_iter().filter(|name| !name.ends_with(".safetensors")).collect()
}

fn size(place: &Place) -> serde_json::Value {
    serde_json::from_str(&place.ok(&["cache", "size", "--json"])).expect("JSON")
}

fn place() -> Place {
    let place = Place::new();
    place.write("x.csv", groups_csv(60));
    place
}

/// A fit that trains for long, in the middle of a phase that it computes.
fn computing(place: &Place, out: &str) -> Child {
    let long = ["--set", "pretrain.train.epochs=1000000"];
    let child = fit(place, out, "7", &long).stderr(Stdio::null()).spawn().expect("the program starts");
    let begun = Instant::now();
    while unfinished(place).is_empty() {
        assert!(begun.elapsed().as_secs() < 60, "no lock appeared");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn kill(mut child: Child) {
    child.kill().expect("kill");
    child.wait().expect("it ends");
}

#[test]
fn the_commands() {
    let place = place();
    assert_eq!(place.ok(&["cache", "path"]), format!("{}\n", phases(&place).display()));
    let empty =
        serde_json::json!({"path": phases(&place), "entries": 0, "bytes": 0, "limit": 20_000_000_000u64});
    assert_eq!(size(&place), empty);
    assert!(place.ok(&["cache", "clear"]).contains("removed 0 phases"));

    fitted(&mut fit(&place, "a", "0", &[]));
    let data_set = place.path("cache/datasets/mine");
    std::fs::create_dir_all(&data_set).expect("folder");
    let files = names(&phases(&place));
    assert!(!files.is_empty() && unfinished(&place).is_empty(), "{files:?}");
    let bytes: u64 =
        files.iter().map(|f| std::fs::metadata(phases(&place).join(f)).expect("entry").len()).sum();
    assert_eq!((&size(&place)["entries"], &size(&place)["bytes"]), (&files.len().into(), &bytes.into()));
    let text = place.ok(&["cache", "size"]);
    assert!(text.contains(&format!("{} phase", files.len())) && text.contains("limit 20.0 GB"), "{text}");

    let text = place.ok(&["cache", "clear"]);
    assert!(text.contains(&format!("removed {} phase", files.len())) && !text.contains("kept"), "{text}");
    assert!(names(&phases(&place)).is_empty() && data_set.exists());
}

#[test]
fn the_limit_of_the_environment() {
    let place = place();
    for words in [&["cache", "size"][..], &["fit", "-m", "kmeans", "-d", "x.csv", "-k", "3", "-o", "bad"]] {
        let out = place.vae(words).env("VAE_CACHE_MAX", "20 bananas").output().expect("the program starts");
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(1), "{text}");
        assert!(
            text.contains("VAE_CACHE_MAX") && text.contains("20 bananas") && text.contains("20GB"),
            "{text}"
        );
    }
    assert!(!place.path("bad").exists());
    // No cache, and one that is too small for anything: the fit is the same.
    fitted(fit(&place, "none", "0", &[]).env("VAE_CACHE_MAX", "0"));
    assert!(!phases(&place).exists());
    let text = fitted(fit(&place, "small", "0", &[]).env("VAE_CACHE_MAX", "1 B"));
    assert!(text.contains("larger than all that the phase cache may hold"), "{text}");
    assert!(names(&phases(&place)).is_empty());
    fitted(&mut fit(&place, "shared", "0", &[]));
    let model = place.read("none/model.safetensors");
    assert!(
        model == place.read("small/model.safetensors") && model == place.read("shared/model.safetensors")
    );
    // What one run takes is the limit: the next run displaces it.
    let one = size(&place)["bytes"].as_u64().expect("bytes");
    fitted(fit(&place, "next", "1", &[]).env("VAE_CACHE_MAX", one.to_string()));
    assert!(size(&place)["bytes"].as_u64().expect("bytes") <= one);
    assert!(fitted(&mut fit(&place, "again", "1", &[])).contains("taken from the cache"));
}

#[test]
fn a_killed_fit_leaves_nothing_in_the_cache_of_the_next() {
    let place = place();
    kill(computing(&place, "killed"));
    let left = unfinished(&place);
    assert_eq!(left.len(), 1, "{left:?}");
    // As if it had been killed while it wrote the entry.
    let key = left[0].strip_suffix(".lock").expect("a lock file");
    std::fs::write(phases(&place).join(format!(".{key}.safetensors.4711.tmp")), b"half").expect("write");
    fitted(&mut fit(&place, "next", "0", &[]));
    assert!(unfinished(&place).is_empty(), "{:?}", unfinished(&place));
}

#[test]
fn clear_leaves_a_running_fit_alone() {
    let place = place();
    fitted(&mut fit(&place, "a", "0", &[]));
    let running = computing(&place, "running");
    let lock = unfinished(&place);
    let text = place.ok(&["cache", "clear"]);
    assert!(text.contains("removed") && text.contains("kept 1 phase that running fits use"), "{text}");
    assert_eq!(names(&phases(&place)), lock);
    kill(running);
    assert!(!place.ok(&["cache", "clear"]).contains("kept"));
    assert!(names(&phases(&place)).is_empty());
}

#[test]
fn two_fits_share_a_phase_that_one_of_them_computes() {
    let place = place();
    let both = ["a", "b"].map(|out| fit(&place, out, "0", &[]).spawn().expect("the program starts"));
    for fit in both {
        let out = fit.wait_with_output().expect("it ends");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    assert!(place.read("a/model.safetensors") == place.read("b/model.safetensors"));
    let cached = |out: &str| -> Vec<bool> {
        let run: serde_json::Value =
            serde_json::from_slice(&place.read(&format!("{out}/run.json"))).expect("JSON");
        let phases = run["phases"].as_array().expect("phases");
        phases.iter().map(|p| p["cached"] == true).collect()
    };
    // Each phase was computed by one of the two.
    assert!(cached("a").iter().zip(cached("b")).all(|(a, b)| *a != b), "{:?} {:?}", cached("a"), cached("b"));
    assert!(unfinished(&place).is_empty());
}
