//! A run folder and its states: empty, unfinished, finished, another run's.
//!
//! `identity.json` is written first and says which run the folder belongs to: configuration, seed,
//! device, threads and the content of the data, but never the labels. `DONE` is written last. A
//! lock keeps a second process out; nothing in the folder is looked at or changed without it.

mod identity;

pub use identity::{CONFIG, Identity, MATMUL, PRECISION, SWEEP};

use crate::input::{SCHEMA_FILE, VOCABULARY_FILE};
use crate::reference::REFERENCE_FILE;
use crate::report::names::NAMES;
use crate::report::{CLUSTERS_CSV, CLUSTERS_JSON, KEPT, PAGE};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::{fs, io};
use vae_core::fsio;
use vae_core::lock::Lock;

/// The fitted model.
pub const MODEL: &str = "model.safetensors";

/// Written last.
pub const DONE: &str = "DONE";

const IDENTITY: &str = "identity.json";
const LOCK: &str = ".lock";

/// All files that a fit writes into its folder; `phases` and `pictures` are folders.
const FILES: [&str; 24] = [
    IDENTITY,
    DONE,
    LOCK,
    MODEL,
    "config.toml",
    "run.json",
    "history.jsonl",
    "timings.jsonl",
    "assignments.csv",
    "assignments.npy",
    "facets.csv",
    "embedding.npy",
    "metrics.json",
    "confusion.csv",
    CLUSTERS_JSON,
    CLUSTERS_CSV,
    NAMES,
    KEPT,
    PAGE,
    SCHEMA_FILE,
    VOCABULARY_FILE,
    REFERENCE_FILE,
    "phases",
    "pictures",
];

/// How often the folder may vanish while it is entered.
const ATTEMPTS: usize = 100;

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

/// A run folder that this process holds the lock of, until it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: Lock,
}

/// Moments of taking a folder at which tests let other processes act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The folder is there and not yet locked.
    Made,
    /// It is locked and nobody has looked into it.
    Locked,
    /// What it holds is known and nothing is changed.
    Looked,
    /// It is refused and still locked.
    Refused,
}

impl RunFolder {
    /// Takes the folder `path` for the run `identity`, and says what is in it: makes it, locks it,
    /// looks, and acts on what it saw, in this order. Where it is refused, only what this call made
    /// is removed, under its lock.
    ///
    /// # Errors
    /// A folder that cannot be written, is in use, holds another run (the differing keys are named)
    /// or other files.
    pub fn open(path: &Path, identity: &Identity) -> Result<(Self, State)> {
        Self::open_in_steps(path, identity, &mut |_| ())
    }

    fn open_in_steps(path: &Path, identity: &Identity, at: &mut impl FnMut(Step)) -> Result<(Self, State)> {
        let (lock, made) = enter(path, at)?;
        at(Step::Locked);
        let claimed = look(path, identity).and_then(|state| {
            at(Step::Looked);
            claim(path, identity, state)
        });
        match claimed {
            Ok(state) => Ok((Self { path: path.to_path_buf(), _lock: lock }, state)),
            Err(refusal) => {
                at(Step::Refused);
                if made || lock.is_new() {
                    drop(lock);
                } else {
                    lock.leave();
                }
                if made {
                    // Only an empty folder goes; what somebody else put there in the meantime
                    // stays.
                    let _ = fs::remove_dir(path);
                }
                Err(refusal)
            }
        }
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
        remove_phases(&self.path)
    }
}

/// Makes the folder if need be and takes its lock; with whether it was made.
fn enter(path: &Path, at: &mut impl FnMut(Step)) -> Result<(Lock, bool)> {
    if let Some(file) = in_the_way(path) {
        let (path, file) = (path.display(), file.display());
        bail!(
            "cannot create the run folder {path}: {file} is a file; choose another --out, or move that file away"
        );
    }
    for _ in 0..ATTEMPTS {
        let made = make(path).with_context(|| format!("cannot create the run folder {}", path.display()))?;
        at(Step::Made);
        match Lock::try_acquire(&path.join(LOCK)) {
            Ok(Some(lock)) => return Ok((lock, made)),
            Ok(None) => {
                bail!("another process is working on {}; wait for it or choose another --out", path.display())
            }
            // Another process was refused and has removed the folder that it had made.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => {
                if made {
                    let _ = fs::remove_dir(path);
                }
                return Err(e)
                    .with_context(|| format!("cannot write into the run folder {}", path.display()));
            }
        }
    }
    bail!("the run folder {} is removed again and again; choose another --out", path.display())
}

/// The file that stands where the folder `path` or one above it would be.
fn in_the_way(path: &Path) -> Option<&Path> {
    path.ancestors().find(|place| place.exists() && !place.is_dir())
}

/// Creates a folder and those above it; `false` when it was there.
fn make(path: &Path) -> io::Result<bool> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    match fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && !path.is_file() => Ok(false),
        Err(e) => Err(e),
    }
}

/// Tidies up and writes the identity where there is none.
fn claim(path: &Path, identity: &Identity, state: State) -> Result<State> {
    sweep(path)?;
    match state {
        State::Empty => {
            let text = serde_json::to_string_pretty(identity)? + "\n";
            fsio::write_bytes(&path.join(IDENTITY), text.as_bytes())?;
        }
        // The process was stopped between the last file and the tidying up.
        State::Finished => remove_phases(path)?,
        State::Unfinished => {}
    }
    Ok(state)
}

fn remove_phases(path: &Path) -> Result<()> {
    let phases = path.join("phases");
    match fs::remove_dir_all(&phases) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("cannot remove {}", phases.display()))
        }
        _ => Ok(()),
    }
}

/// Removes temporary files of a process that was killed while it wrote.
fn sweep(path: &Path) -> Result<()> {
    for folder in [path.to_path_buf(), path.join("phases"), path.join("pictures")] {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if fsio::target_of(&name).is_some() {
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
    }
    Ok(())
}

/// Whether `file` is, or would become, one that a fit writes: by its name, in a folder that a fit
/// took.
pub fn is_of_a_fit(file: &Path) -> bool {
    let Some(folder) = file.parent() else { return false };
    let has_name = |names: &[&str], path: &Path| {
        path.file_name().is_some_and(|name| names.iter().any(|of_fit| name == *of_fit))
    };
    let is_run = |folder: &Path| folder.join(IDENTITY).is_file();
    is_run(folder) && has_name(&FILES, file)
        || has_name(&["phases", "pictures"], folder) && folder.parent().is_some_and(is_run)
}

/// Whether `path` holds a finished run.
pub fn is_finished(path: &Path) -> bool {
    path.join(DONE).exists()
}

/// Whether another process works on the run folder `path`.
///
/// # Errors
/// A folder that cannot be written.
pub fn is_locked(path: &Path) -> io::Result<bool> {
    match Lock::try_acquire(&path.join(LOCK)) {
        Ok(Some(lock)) if lock.is_new() => Ok(false),
        Ok(Some(lock)) => {
            lock.leave();
            Ok(false)
        }
        Ok(None) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// What the setting is called that holds the column which names the rows, and a hash of the names.
pub const ROW_NAMES: &str = "row_names";

/// The column that names the rows of the run in `path`; `None` where they have no names.
pub fn id_column(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path.join(IDENTITY)).ok()?;
    let identity: Identity = serde_json::from_str(&text).ok()?;
    Some(identity.0.get(ROW_NAMES)?.rsplit_once(' ')?.0.to_owned())
}

/// Whether `path` is the folder of a sweep.
pub fn is_sweep(path: &Path) -> bool {
    let text = fs::read_to_string(path.join(IDENTITY)).unwrap_or_default();
    serde_json::from_str::<Identity>(&text).is_ok_and(|identity| identity.0.contains_key(SWEEP))
}

fn look(path: &Path, identity: &Identity) -> Result<State> {
    let file = path.join(IDENTITY);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
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
    let differences = identity.differences(&there.with_columns_of(path, identity)?);
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

/// Whether the folder holds no more than a run that failed before its first phase: nothing that
/// another run could spoil.
fn was_refused(path: &Path) -> bool {
    let has_phases = fs::read_dir(path.join("phases")).is_ok_and(|mut entries| entries.next().is_some());
    let record = fs::read(path.join("run.json")).unwrap_or_default();
    let failed =
        serde_json::from_slice::<serde_json::Value>(&record).is_ok_and(|run| run["error"].is_string());
    failed && !has_phases && !is_finished(path)
}

#[cfg(test)]
mod tests;
