//! A clone in a temporary folder, and a shell script in the place of `vae`.

#![allow(dead_code, clippy::allow_attributes, reason = "every test file uses its own part of these helpers")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub const RECIPE: &str = r#"title = "Tiny"
text = "For a test."
metric = "acc"
profile = "standard"
seeds = 2

[smoke]
profile = "quick"
set = ["epochs=1"]
limit = 300

[[dataset]]
id = "strokes"
title = "strokes"

[[row]]
id = "kmeans"
title = "k-means"
method = "kmeans"

[[row]]
id = "vade-warm"
title = "VaDE"
method = "vade"
set = ["warm=true"]

[[row.cell]]
dataset = "strokes"
published = "94.46"
"#;

/// Answers like `vae`. Files in its folder say how: `revision`, `content`, `unpinned`,
/// `fail-METHOD`, `slow`, `no-data`, `confused`, `crash`, `no-SET`.
const FAKE_VAE: &str = r#"#!/bin/sh
here=$(dirname "$0")
case "$1" in
methods) echo '[{"name":"kmeans"},{"name":"vade"}]'; exit ;;
data)
    if [ "$2" = fetch ]; then echo "$3" >> "$here/fetches"; fi
    if [ -e "$here/no-data" ]; then echo "error: $3 is not on this disk" >&2; exit 1; fi
    if [ -e "$here/no-$3" ]; then
        printf 'error: data set `%s` was not found; looked in:\n  %s (cache): no such folder\nget it\n' "$3" "$here" >&2
        cat "$here/no-$3" >&2; exit 1
    fi
    exit ;;
esac
command=$1; shift
all="$*"; sets=""
while [ $# -gt 0 ]; do
    case "$1" in
    --method) method=$2 ;;
    --profile) profile=$2 ;;
    --seed) seed=$2 ;;
    --set) sets="$sets $2" ;;
    --out) out=$2 ;;
    esac
    shift
done
revision=$(cat "$here/revision")
commit=""
if [ -e "$here/commit" ]; then commit=",\"commit\":\"$(cat "$here/commit")\",\"dirty\":false,\"rustc\":\"rustc 0\""; fi
hash=$(printf '%s %s %s' "$method" "$profile" "$sets" | cksum | tr -d ' ')
identity="\"config_sha256\":\"0000000$hash\",\"revisions\":{\"k-means\":$revision}"
known=null; if [ -e "$here/content" ]; then known="\"$(cat "$here/content")\""; fi
if [ -e "$here/unpinned" ]; then defaults='"train.lr"'; fi
if [ "$command" = config ]; then
    echo "{\"method\":\"$method\",$identity,\"data_sha256\":{\"all\":$known,\"train\":null},\"defaults\":[$defaults]}"
    exit
fi
identity="$identity,\"data_sha256\":$known"
if [ -e "$here/confused" ]; then echo "error: the folder is of another run" >&2; exit 1; fi
if [ -e "$here/crash" ]; then kill -s KILL $$; fi
echo "$all" >> "$here/calls"
mkdir -p "$out"
if [ -e "$here/slow" ]; then
    trap 'touch "$here/was-stopped"; exit 143' TERM
    touch "$here/started"
    while [ -e "$here/slow" ]; do sleep 0.05; done
fi
if [ -e "$here/fail-$method" ]; then
    echo "{\"seed\":$seed,$identity,\"error\":\"the loss is NaN in step 7\"}" > "$out/run.json"
    echo "epoch 1"; echo "error: the loss is NaN in step 7" >&2; exit 1
fi
echo "{\"schema\":1,\"method\":\"$method\",\"dataset\":\"strokes\",\"seed\":$seed,$identity,
  \"metrics\":{\"fit\":{\"acc\":0.9$seed,\"nmi\":0.8,\"ari\":0.7,\"purity\":0.9}},\"wall_s\":61.5,\"peak_rss_mib\":300,
  \"threads\":1,\"device\":\"cpu\",\"versions\":{\"workspace\":\"0.1.0\"$commit},\"hardware\":{\"cpu\":\"Abacus\",\"cores\":2,\"gpu\":null}}" > "$out/run.json"
touch "$out/report.html" "$out/DONE"
"#;

pub struct Clone {
    dir: TempDir,
}

impl Clone {
    pub fn new() -> Self {
        let clone = Self { dir: tempfile::tempdir().unwrap() };
        clone.write("results/tiny/recipe.toml", RECIPE);
        clone.write("README.md", "# Title\n\n<!-- table: tiny -->\n<!-- /table -->\n\nend\n");
        clone.write("bin/vae", FAKE_VAE);
        clone.write("bin/revision", "1");
        fs::set_permissions(clone.path("bin/vae"), fs::Permissions::from_mode(0o755)).unwrap();
        clone
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.env("CARGO_MANIFEST_DIR", self.path("xtask")).current_dir(self.dir.path());
        command.arg("reproduce").args(words).arg("--vae").arg(self.path("bin/vae"));
        command
    }

    pub fn reproduce(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// How often `vae fit` was called so far.
    pub fn calls(&self) -> usize {
        self.read("bin/calls").lines().count()
    }

    pub fn runs(&self) -> Vec<String> {
        names(&self.path("results/tiny/runs"))
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
pub fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    text(output)
}

#[track_caller]
pub fn not_ok(output: &Output) -> String {
    assert!(!output.status.success(), "{}", text(output));
    text(output)
}
