//! A fit that is killed again and again ends with the bytes of one that was left alone.
//!
//! `VAE_KILL_ROUNDS=10` runs the long form.
#![cfg(unix)]

mod common;

use common::{PURE, Place, Sequence};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const FIT: [&str; 21] = [
    "fit",
    "-p",
    "vade/strokes",
    "--limit",
    "1200",
    "--threads",
    "1",
    "--no-cache",
    "--checkpoint-every",
    "0.02",
    "--set",
    "net.hidden=[64]",
    "--set",
    "pretrain.train.epochs=25",
    "--set",
    "train.epochs=25",
    "--set",
    "init.codes.n_init=2",
    "--set",
    "train.observe_every_epochs=1",
    "--out",
];

fn command(place: &Place, out: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vae"));
    command.args(FIT).arg(out).current_dir(place.path("")).env("VAE_CACHE_DIR", place.path("cache"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Sends `signal` after `wait`, unless the fit ends before.
fn stopped(place: &Place, out: &str, wait: Duration, signal: &str) -> ExitStatus {
    let mut child = command(place, out).spawn().expect("the program starts");
    std::thread::sleep(wait);
    let id = child.id().to_string();
    // Fails when the child has ended already, which is fine.
    let _ = Command::new("kill").args(["-s", signal, &id]).stderr(Stdio::null()).status();
    child.wait().expect("the program ends")
}

fn assert_same(place: &Place, out: &str) {
    for name in PURE.into_iter().chain(["assignments.csv", "pictures/latent.svg", "pictures/generated.svg"]) {
        let same = place.read(&format!("whole/{name}")) == place.read(&format!("{out}/{name}"));
        assert!(same, "{name} differs after interruptions");
    }
    let rest = common::names(&place.path(out));
    assert!(!rest.iter().any(|n| n.ends_with(".tmp") || n == "phases"), "{rest:?}");
}

#[test]
fn killed_at_random_moments_a_fit_ends_with_the_same_bytes() {
    let rounds: usize =
        std::env::var("VAE_KILL_ROUNDS").map_or(3, |v| v.parse().expect("VAE_KILL_ROUNDS is a number"));
    let place = Place::new();
    let started = Instant::now();
    assert!(command(&place, "whole").status().expect("the program starts").success());
    let whole = started.elapsed().as_secs_f64();

    let mut random = Sequence(20);
    let (mut killed, mut runs) = (0, 0);
    // A fit that ends before its signal counts as no interruption: begin the next folder.
    while killed < rounds {
        let out = format!("killed-{runs}");
        runs += 1;
        assert!(runs <= 4 * rounds + 4, "only {killed} of {rounds} kills hit a running fit");
        while killed < rounds {
            let wait = Duration::from_secs_f64(whole * (0.05 + 0.85 * random.next()));
            if stopped(&place, &out, wait, "KILL").success() {
                break;
            }
            killed += 1;
        }
        assert!(command(&place, &out).status().expect("the program starts").success());
        assert_same(&place, &out);
    }
}

#[test]
fn a_termination_saves_the_state_and_says_so_by_its_code() {
    let place = Place::new();
    let started = Instant::now();
    assert!(command(&place, "whole").status().expect("the program starts").success());
    let whole = started.elapsed().as_secs_f64();
    // In the middle of training; the waits differ since a busy machine may not be there yet, or be
    // done.
    for share in [0.5, 0.35, 0.65, 0.25, 0.45] {
        let out = format!("stopped-{share}");
        let status = stopped(&place, &out, Duration::from_secs_f64(whole * share), "TERM");
        let saved = place.path(&out).join("phases").exists();
        if status.code() == Some(143) && saved {
            assert!(!place.path(&out).join("DONE").exists() && !place.path(&out).join("run.json").exists());
            assert!(command(&place, &out).status().expect("the program starts").success());
            assert_same(&place, &out);
            return;
        }
    }
    panic!("no signal reached a training fit");
}
