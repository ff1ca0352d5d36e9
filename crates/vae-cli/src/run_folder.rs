//! A run folder and its states: empty, unfinished, finished, another run's.
//!
//! `identity.json` is written first and says which run the folder belongs to: configuration, seed, device, threads and
//! the content of the data, but never the labels. `DONE` is written last. A lock keeps a second process out.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use vae_core::fsio;

const IDENTITY: &str = "identity.json";
const DONE: &str = "DONE";
const LOCK: &str = ".lock";

/// Everything a run's result depends on, as text by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(pub BTreeMap<String, String>);

impl Identity {
    /// Keys whose values differ, as `key: theirs there, ours here`.
    fn differences(&self, there: &Self) -> Vec<String> {
        let absent = "absent".to_string();
        let keys: std::collections::BTreeSet<_> = self.0.keys().chain(there.0.keys()).collect();
        keys.into_iter()
            .filter(|key| self.0.get(*key) != there.0.get(*key))
            .map(|key| {
                let value = |of: &Self| of.0.get(key).unwrap_or(&absent).clone();
                format!("{key}: {} there, {} here", value(there), value(self))
            })
            .collect()
    }
}

/// What was found in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Empty,
    /// An interrupted or failed run of the same identity.
    Unfinished,
    /// A finished run of the same identity.
    Finished,
}

/// A run folder that this process holds the lock of.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held until the process ends.
    _lock: File,
}

impl RunFolder {
    /// Takes the folder `path` for the run `identity`, and says what is in it.
    ///
    /// # Errors
    /// A folder that cannot be written, is in use, holds another run (the differing keys are named) or other files.
    pub fn open(path: &Path, identity: &Identity) -> Result<(Self, State)> {
        let created = !path.exists();
        fs::create_dir_all(path)
            .with_context(|| format!("cannot create the run folder {}", path.display()))?;
        let opened = Self::claim(path, identity);
        if opened.is_err() && created {
            // Only an empty folder goes; what somebody else put there in the meantime stays.
            let _ = fs::remove_file(path.join(LOCK));
            let _ = fs::remove_dir(path);
        }
        opened
    }

    fn claim(path: &Path, identity: &Identity) -> Result<(Self, State)> {
        let state = look(path, identity)?;
        let lock = lock(path)?;
        let folder = Self { path: path.to_path_buf(), _lock: lock };
        folder.sweep()?;
        match state {
            State::Empty => {
                let text = serde_json::to_string_pretty(identity)? + "\n";
                fsio::write_bytes(&folder.join(IDENTITY), text.as_bytes())?;
            }
            // The process was stopped between the last file and the tidying up.
            State::Finished => folder.remove_phases()?,
            State::Unfinished => {}
        }
        Ok((folder, state))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes `DONE`, then removes the finished phases and checkpoints: they have served.
    ///
    /// # Errors
    /// Files that cannot be written or removed.
    pub fn finish(&self) -> Result<()> {
        fsio::write_bytes(&self.join(DONE), b"")?;
        self.remove_phases()
    }

    fn remove_phases(&self) -> Result<()> {
        let phases = self.join("phases");
        match fs::remove_dir_all(&phases) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(e).with_context(|| format!("cannot remove {}", phases.display()))
            }
            _ => Ok(()),
        }
    }

    /// Removes temporary files of a process that was killed while it wrote.
    fn sweep(&self) -> Result<()> {
        for folder in [self.path.clone(), self.join("phases"), self.join("pictures")] {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if name.starts_with('.') && name.ends_with(".tmp") {
                    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                }
            }
        }
        Ok(())
    }
}

/// Whether `path` holds a finished run.
pub fn is_finished(path: &Path) -> bool {
    path.join(DONE).exists()
}

fn look(path: &Path, identity: &Identity) -> Result<State> {
    let file = path.join(IDENTITY);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let list = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
            let other = list.flatten().map(|e| e.file_name()).find(|n| !n.to_string_lossy().starts_with('.'));
            return match other {
                None => Ok(State::Empty),
                Some(other) => bail!(
                    "{} is not a run folder: it holds {}; choose another --out",
                    path.display(),
                    other.to_string_lossy()
                ),
            };
        }
        Err(e) => return Err(e).with_context(|| format!("cannot read {}", file.display())),
    };
    let there: Identity = serde_json::from_str(&text).with_context(|| {
        format!("{} is damaged; choose another --out or delete the folder", file.display())
    })?;
    let differences = identity.differences(&there);
    if !differences.is_empty() {
        if was_refused(path) {
            return Ok(State::Empty);
        }
        bail!(
            "{} holds another run:\n  {}\nchoose another --out, or delete the folder",
            path.display(),
            differences.join("\n  ")
        );
    }
    Ok(if is_finished(path) { State::Finished } else { State::Unfinished })
}

/// Whether the folder holds no more than a run that failed before its first phase: nothing that another run could spoil.
fn was_refused(path: &Path) -> bool {
    let has_phases = fs::read_dir(path.join("phases")).is_ok_and(|mut entries| entries.next().is_some());
    let record = fs::read(path.join("run.json")).unwrap_or_default();
    let failed =
        serde_json::from_slice::<serde_json::Value>(&record).is_ok_and(|run| run["error"].is_string());
    failed && !has_phases && !is_finished(path)
}

fn lock(path: &Path) -> Result<File> {
    let file = path.join(LOCK);
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&file)
        .with_context(|| format!("cannot write into the run folder {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            bail!("another process is working on {}; wait for it or choose another --out", path.display())
        }
        // File systems without locks: the user keeps them apart.
        Err(TryLockError::Error(_)) => Ok(lock),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(pairs: &[(&str, &str)]) -> Identity {
        Identity(pairs.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect())
    }

    #[test]
    fn a_folder_goes_from_empty_to_finished() {
        let root = tempfile::tempdir().expect("temp dir");
        let dir = root.path().join("deep/run");
        let id = identity(&[("seed", "0")]);
        let (folder, state) = RunFolder::open(&dir, &id).expect("new");
        assert_eq!(state, State::Empty);
        drop(folder);
        fs::create_dir(dir.join("phases")).expect("phases");
        fs::write(dir.join("phases/.x.1.tmp"), b"half").expect("left over");
        let (folder, state) = RunFolder::open(&dir, &id).expect("again");
        assert_eq!(state, State::Unfinished);
        assert!(!dir.join("phases/.x.1.tmp").exists());
        folder.finish().expect("finish");
        drop(folder);
        assert!(!dir.join("phases").exists());
        assert_eq!(RunFolder::open(&dir, &id).expect("finished").1, State::Finished);
    }

    #[test]
    fn another_run_is_refused_by_its_keys_and_left_alone() {
        let dir = tempfile::tempdir().expect("temp dir");
        drop(RunFolder::open(dir.path(), &identity(&[("seed", "0"), ("k", "3")])).expect("new"));
        let before = fs::read(dir.path().join(IDENTITY)).expect("identity");
        let e = RunFolder::open(dir.path(), &identity(&[("seed", "1"), ("limit", "9")])).expect_err("other");
        let text = e.to_string();
        assert!(text.contains("seed: 0 there, 1 here"), "{text}");
        assert!(
            text.contains("k: 3 there, absent here") && text.contains("limit: absent there, 9 here"),
            "{text}"
        );
        assert_eq!(fs::read(dir.path().join(IDENTITY)).expect("identity"), before);
    }

    #[test]
    fn a_run_that_was_refused_makes_way() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (refused, corrected) = (identity(&[("k", "121")]), identity(&[("k", "4")]));
        drop(RunFolder::open(dir.path(), &refused).expect("new"));
        fs::write(dir.path().join("run.json"), br#"{"error": "k is too large"}"#).expect("record");
        let (folder, state) = RunFolder::open(dir.path(), &corrected).expect("corrected");
        assert_eq!(state, State::Empty);
        drop(folder);
        // Its failure after a phase is worth keeping.
        fs::create_dir(dir.path().join("phases")).expect("phases");
        fs::write(dir.path().join("phases/pretrain.safetensors"), b"x").expect("phase");
        assert!(RunFolder::open(dir.path(), &refused).is_err());
    }

    #[test]
    fn other_peoples_files_and_busy_folders_are_refused() {
        let dir = tempfile::tempdir().expect("temp dir");
        fs::write(dir.path().join("thesis.tex"), b"x").expect("file");
        let e = RunFolder::open(dir.path(), &identity(&[])).expect_err("not ours").to_string();
        assert!(e.contains("thesis.tex"), "{e}");
        let run = dir.path().join("run");
        let _held = RunFolder::open(&run, &identity(&[])).expect("new");
        let e = RunFolder::open(&run, &identity(&[])).expect_err("busy").to_string();
        assert!(e.contains("another process"), "{e}");
    }
}
