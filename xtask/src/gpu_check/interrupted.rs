//! Whether a fit that is stopped and continued on the device ends with the bytes of one that was
//! left alone.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::fit::Fits;
use crate::files;
use crate::step;

/// Files without clock and machine.
const PURE: [&str; 3] = ["history.jsonl", "model.safetensors", "assignments.csv"];

/// The exit code of a fit that saved its state at SIGTERM.
const STOPPED: i32 = 143;

/// How long a fit may take until it has a checkpoint.
const PATIENCE: Duration = Duration::from_secs(300);

/// The phases in which it is stopped.
const PHASES: [&str; 2] = ["pretrain", "train"];

/// Fits twice without and once with interruptions, and compares.
pub fn check(fits: &Fits<'_>) -> Result<String> {
    let words = words();
    let folders = ["whole", "again", "stopped"].map(|name| fits.out.join(name));
    folders.iter().try_for_each(|folder| files::remove_dir_if_there(folder))?;
    let [whole, again, stopped] = &folders;
    for folder in [whole, again] {
        step::stdout(&mut fits.fit(&words, fits.device, folder))?;
    }
    if let Some(name) = differing(whole, again)? {
        bail!(
            "{name} differs between two fits that nobody interrupted: the device's sums depend on their order"
        );
    }
    for phase in PHASES {
        stop_in(phase, fits.fit(&words, fits.device, stopped), stopped)?;
    }
    step::stdout(&mut fits.fit(&words, fits.device, stopped))?;
    match differing(whole, stopped)? {
        Some(name) => bail!("{name} is not that of the fit that nobody interrupted"),
        None => Ok(format!("stopped in {}, it ends with the same bytes", PHASES.join(" and in "))),
    }
}

fn words() -> Vec<String> {
    let mut words: Vec<String> =
        ["--method", "vade", "--data", "strokes", "--limit", "3000", "--checkpoint-every", "0.05"]
            .map(str::to_owned)
            .into();
    for setting in
        ["net.hidden=[256,256]", "pretrain.train.epochs=40", "train.epochs=60", "init.codes.n_init=2"]
    {
        words.extend(["--set".to_owned(), setting.to_owned()]);
    }
    words
}

/// Starts the fit, waits for the first checkpoint of `phase`, and stops it with SIGTERM.
fn stop_in(phase: &str, mut fit: Command, folder: &Path) -> Result<()> {
    let checkpoint = folder.join(format!("phases/{phase}.checkpoint"));
    let started = Instant::now();
    let mut child = fit.stdout(Stdio::null()).spawn().context("cannot start the fit that is stopped")?;
    while !checkpoint.exists() {
        if let Some(status) = child.try_wait().context("cannot wait for the fit")? {
            bail!("the fit ended ({status}) before it could be stopped in {phase}");
        }
        if started.elapsed() > PATIENCE {
            child.kill().context("cannot end the fit")?;
            bail!("no checkpoint of {phase} in {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(2));
    }
    step::stdout(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]))?;
    let status = child.wait().context("cannot wait for the fit")?;
    if status.code() != Some(STOPPED) {
        bail!("the fit was stopped in {phase} and ended with {status}, not with the code {STOPPED}");
    }
    Ok(())
}

/// The first of [`PURE`] that is not the same in both folders.
fn differing(one: &Path, other: &Path) -> Result<Option<&'static str>> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    for name in PURE {
        if read(&one.join(name))? != read(&other.join(name))? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", text]).stderr(Stdio::null());
        command
    }

    #[test]
    fn a_fit_is_stopped_once_its_checkpoint_is_there() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("phases")).unwrap();
        let checkpoint = dir.path().join("phases/train.checkpoint");
        let waits = format!(
            "trap 'exit 143' TERM; sleep 0.1; touch '{}'; while :; do sleep 0.01; done",
            checkpoint.display()
        );
        stop_in("train", script(&waits), dir.path()).unwrap();
        fs::remove_file(&checkpoint).unwrap();
        let text = stop_in("train", script("exit 3"), dir.path()).unwrap_err().to_string();
        assert!(text.contains("before it could be stopped in train"), "{text}");
        let ends_otherwise = waits.replace("143", "1");
        let text = stop_in("train", script(&ends_otherwise), dir.path()).unwrap_err().to_string();
        assert!(text.contains("not with the code 143"), "{text}");
    }

    #[test]
    fn every_pure_file_counts() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        for name in PURE {
            files::write_atomic(&one.join(name), b"same").unwrap();
            files::write_atomic(&other.join(name), b"same").unwrap();
        }
        assert_eq!(differing(&one, &other).unwrap(), None);
        for name in PURE {
            files::write_atomic(&other.join(name), b"else").unwrap();
            assert_eq!(differing(&one, &other).unwrap(), Some(name));
            files::write_atomic(&other.join(name), b"same").unwrap();
        }
        fs::remove_file(other.join(PURE[1])).unwrap();
        assert!(differing(&one, &other).is_err());
    }
}
