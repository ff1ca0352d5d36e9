//! `cargo xtask bundle --try DIR`: an archive is unpacked in a Debian root that has nothing of the
//! project, and run there without network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::root::Root;
use crate::files;
use crate::step::{self, Step, human_bytes, human_seconds};

/// Where the archive is unpacked, in the root.
const PLACE: &str = "opt/vae-trial";

/// What is run in the folder of the bundle, and a file that must be there afterwards.
const RUNS: [(&[&str], Option<&str>); 5] = [
    (&["./vae", "doctor"], None),
    (
        &[
            "./vae",
            "fit",
            "--method",
            "vade",
            "--data",
            "strokes",
            "--profile",
            "quick",
            "--threads",
            "1",
            "--out",
            "out/fit",
        ],
        Some("out/fit/DONE"),
    ),
    (
        &["./vae", "predict", "--model", "out/fit", "--data", "strokes", "--out", "out/labels.csv"],
        Some("out/labels.csv"),
    ),
    (&["./run.sh", "--dry-run"], None),
    (
        &["./run.sh", "demo", "--profile", "quick", "--methods", "kmeans,dec", "--seeds", "1"],
        Some("results/demo/runs/strokes-dec-quick-s0.json"),
    ),
];

/// Unpacks `archive` in `root` and runs it; says sizes and times.
pub fn run(root: &Root, archive: &Path) -> Result<()> {
    let place = root.path().join(PLACE);
    files::remove_dir_if_there(&place)?;
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let step = Step::start(&format!("unpack {}", archive.display()), "seconds");
    // Outside: the smallest root has no zstd.
    let mut tar = Command::new("tar");
    tar.args(["--use-compress-program", "zstd", "-xf"]).arg(archive).arg("-C").arg(&place);
    step::run(&mut tar)?;
    step.done();
    let folder = only_folder(&place)?;
    let size = files::folder_bytes(&folder);
    println!("unpacked: {}, in Debian {} without network", human_bytes(size), root.release()?);
    let inside =
        Path::new("/").join(folder.strip_prefix(root.path()).context("a folder outside of its root")?);
    for (words, made) in RUNS {
        let mut inner = Command::new("/bin/sh");
        inner.args(["-c", "cd \"$0\" && exec \"$@\""]).arg(&inside).args(words);
        let mut clean = Command::new("env");
        clean.args(["-i", "PATH=/usr/bin:/bin", "HOME=/tmp"]).arg(inner.get_program()).args(inner.get_args());
        let started = Instant::now();
        step::run(&mut root.command(&[], &clean))?;
        println!("{}: {}", words.join(" "), human_seconds(started.elapsed().as_secs_f64()));
        if let Some(made) = made {
            ensure!(
                folder.join(made).is_file(),
                "`{}` left no {made} in {}",
                words.join(" "),
                folder.display()
            );
        }
    }
    println!("the bundle runs in Debian {}; what it left is in {}", root.release()?, folder.display());
    Ok(())
}

/// The one folder in `place`.
fn only_folder(place: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(place).with_context(|| format!("cannot read {}", place.display()))?;
    let folders: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    match folders.as_slice() {
        [folder] => Ok(folder.clone()),
        found => anyhow::bail!("a bundle is one folder, and the archive has {}", found.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_one_folder() {
        let dir = tempfile::tempdir().unwrap();
        assert!(only_folder(dir.path()).is_err());
        fs::create_dir(dir.path().join("vae")).unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        assert_eq!(only_folder(dir.path()).unwrap(), dir.path().join("vae"));
        fs::create_dir(dir.path().join("more")).unwrap();
        assert!(only_folder(dir.path()).unwrap_err().to_string().ends_with("has 2"));
    }
}
