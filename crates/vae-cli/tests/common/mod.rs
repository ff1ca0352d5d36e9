//! What the tests share: the program with its own cache, small data, tiny networks.

#![allow(dead_code, clippy::allow_attributes, reason = "every test file uses its own part of these helpers")]

use assert_cmd::Command;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// A temporary place with a phase cache of its own and a known data folder that is empty.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The program, as a user calls it.
    pub fn vae(&self, words: &[&str]) -> Command {
        let mut command = Command::cargo_bin("vae").expect("the program is built");
        command
            .args(words)
            .current_dir(self.dir.path())
            .env("VAE_CACHE_DIR", self.path("cache"))
            .env_remove("VAE_DATA_DIR")
            .env_remove("VAE_LOG");
        command
    }

    /// Runs the program, which must succeed; returns its stdout.
    pub fn ok(&self, words: &[&str]) -> String {
        let out = self.vae(words).output().expect("the program starts");
        let (stdout, stderr) = texts(&out);
        assert!(out.status.success(), "vae {}\n{stdout}\n{stderr}", words.join(" "));
        stdout
    }

    /// Runs the program, which must fail with exit code 1; returns its stderr.
    pub fn refused(&self, words: &[&str]) -> String {
        let out = self.vae(words).output().expect("the program starts");
        let (stdout, stderr) = texts(&out);
        assert_eq!(out.status.code(), Some(1), "vae {}\n{stdout}\n{stderr}", words.join(" "));
        assert!(!stderr.contains("this is a bug"), "{stderr}");
        stderr
    }

    /// The names of all methods, as the program lists them.
    pub fn methods(&self) -> Vec<String> {
        let list: serde_json::Value = serde_json::from_str(&self.ok(&["methods", "--json"])).expect("JSON");
        let names = list.as_array().expect("array").iter().map(|m| m["name"].as_str().expect("name").into());
        names.collect()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("write test data");
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

fn texts(out: &std::process::Output) -> (String, String) {
    (String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned())
}

/// Three groups around corners of a triangle, `n` rows with a header and a label column,
/// deterministic.
pub fn groups_csv(n: usize) -> String {
    let centres = [(0.0, 0.0, 3.0), (6.0, 0.0, -3.0), (0.0, 6.0, 0.0)];
    let mut text = String::from("a,b,c,kind\n");
    for i in 0..n {
        let (a, b, c) = centres[i % 3];
        // The fractional parts of multiples of irrational numbers are spread evenly.
        let noise = |step: f64| (i as f64 * step).fract() - 0.5;
        let kind = ["red", "green", "blue"][i % 3];
        let _ = writeln!(
            text,
            "{:.4},{:.4},{:.4},{kind}",
            a + noise(0.618_034),
            b + noise(0.754_878),
            c + noise(0.569_840)
        );
    }
    text
}

/// A VaDE that trains in a moment, on one thread: a second one only waits for its turn on a busy
/// machine.
pub const TINY: [&str; 18] = [
    "--threads",
    "1",
    "--set",
    "net.hidden=[16]",
    "--set",
    "net.latent_dim=2",
    "--set",
    "pretrain.train.epochs=2",
    "--set",
    "pretrain.train.min_updates=0",
    "--set",
    "train.epochs=3",
    "--set",
    "train.min_updates=0",
    "--set",
    "init.codes.n_init=2",
    "--set",
    "train.observe_every_epochs=1",
];

/// Files of a run that depend on nothing but configuration, data and seed.
pub const PURE: [&str; 5] =
    ["model.safetensors", "history.jsonl", "assignments.npy", "embedding.npy", "config.toml"];

/// The names in a folder, sorted; empty when it is not there.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Numbers that need no seed of the system: a fixed sequence in [0, 1).
pub struct Sequence(pub u64);

impl Sequence {
    pub fn next(&mut self) -> f64 {
        // Knuth's MMIX constants.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
