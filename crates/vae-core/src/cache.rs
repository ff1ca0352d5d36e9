//! The phase cache: results of phases that fits share, up to a limit in bytes.
//!
//! An entry is one file, `<key>.safetensors`. The cache only saves time: an error here loses no
//! result. Where the limit would be exceeded, the least recently used entries are removed; the time
//! of use is the modification time of the file, which every hit sets, since many file systems keep
//! no time of access.
//!
//! A process that reads, computes or removes an entry holds its lock, `<key>.lock`
//! ([`crate::lock`]). What a killed process left of an entry, its lock file and half-written files
//! `.<key>.safetensors.<pid>.tmp`, is recognised by the free lock, also across machines on a shared
//! folder, and is removed by the next process that takes the lock.

use crate::bundle::{self, Tensors};
use crate::fsio::{target_of, write_bytes};
use crate::lock::Lock;
use crate::{Error, Result};
use bytesize::ByteSize;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The default limit of a cache in bytes: 20 GB.
pub const DEFAULT_LIMIT: u64 = 20_000_000_000;

/// The variable with another limit; see [`parse_limit`].
pub const LIMIT_VARIABLE: &str = "VAE_CACHE_MAX";

const ENTRY: &str = ".safetensors";
const LOCK: &str = ".lock";

/// Age from which a half-written file counts as that of a killed process, on a file system without
/// locks.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder of finished phases. Clones share the folder.
#[derive(Clone, Debug)]
pub struct PhaseCache {
    folder: PathBuf,
    limit: u64,
}

/// Number and size of the entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Number of phases.
    pub entries: usize,
    /// Size of their files.
    pub bytes: u64,
}

/// What [`PhaseCache::clear`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// The phases removed.
    pub removed: Usage,
    /// Phases not removed, since a process reads, computes or writes them.
    pub in_use: usize,
}

/// What the folder holds of one key.
#[derive(Default)]
struct Found {
    /// Size of the entry and when it was last used.
    entry: Option<(u64, SystemTime)>,
    /// Whether there is a lock file or a half-written file.
    unfinished: bool,
}

/// The bytes that `text` stands for: `20GB`, `500 MB`, `1.5TiB`, a plain number of bytes; 0 means
/// no cache.
///
/// # Errors
/// [`Error::Config`] naming the variable [`LIMIT_VARIABLE`].
pub fn parse_limit(text: &str) -> Result<u64> {
    let size = text.trim().parse::<ByteSize>().map(|size| size.0);
    let expected = "a size such as 20GB, 500MB or 8GiB, or 0 for no cache";
    size.map_err(|_| Error::config(LIMIT_VARIABLE, format!("`{text}`"), expected))
}

impl PhaseCache {
    /// The phases in the folder `cache`, of which at most `limit` bytes are kept. Nothing is
    /// created yet.
    pub fn new(cache: &Path, limit: u64) -> Self {
        Self { folder: cache.join("phases"), limit }
    }

    /// Where the entries are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The most that is kept, in bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    fn file(&self, key: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{key}{ending}"))
    }

    /// Takes the lock of the entry `key` and removes what a killed process left of it; `None` while
    /// it is held elsewhere.
    ///
    /// # Errors
    /// The folder or the lock file cannot be written.
    pub(crate) fn try_lock(&self, key: &str) -> io::Result<Option<Lock>> {
        fs::create_dir_all(&self.folder)?;
        let lock = Lock::try_acquire(&self.file(key, LOCK))?;
        if let Some(lock) = &lock {
            self.remove_half_written(key, lock.is_exclusive());
        }
        Ok(lock)
    }

    /// The entry `key`, whose lock the caller holds; it counts as used now. `None` when there is
    /// none or it is damaged.
    pub(crate) fn lookup<R: DeserializeOwned>(&self, key: &str) -> Option<(Tensors, R)> {
        let path = self.file(key, ENTRY);
        let found = bundle::load(&path).ok()?;
        // Fails for files of other users on a shared cache; they age from when they were written.
        let _ = File::options().write(true).open(&path).and_then(|f| f.set_modified(SystemTime::now()));
        Some(found)
    }

    /// Keeps an entry whose lock the caller holds, and removes the least recently used ones where
    /// the limit asks for it. `false`: the entry alone is larger than the limit; it is not kept and
    /// no other is removed.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file, [`Error::Torch`].
    pub(crate) fn store<R: Serialize>(&self, key: &str, tensors: &Tensors, record: &R) -> Result<bool> {
        let path = self.file(key, ENTRY);
        let bytes = bundle::to_bytes(&path, tensors, record)?;
        let size = bytes.len() as u64;
        if size > self.limit {
            return Ok(false);
        }
        fs::create_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, e))?;
        self.make_room(key, size)?;
        write_bytes(&path, &bytes)?;
        // Another process may have stored an entry meanwhile.
        self.make_room(key, size)?;
        Ok(true)
    }

    /// The number and size of all entries.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be listed.
    pub fn usage(&self) -> Result<Usage> {
        let mut usage = Usage::default();
        for (bytes, _) in self.list()?.values().filter_map(|found| found.entry) {
            usage.add(bytes);
        }
        Ok(usage)
    }

    /// Removes all entries but those in use, and what killed processes left.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file that cannot be removed.
    pub fn clear(&self) -> Result<Cleared> {
        let mut cleared = Cleared::default();
        for (key, found) in self.list()? {
            match (self.remove(&key)?, found.entry) {
                (false, _) => cleared.in_use += 1,
                (true, Some((bytes, _))) => cleared.removed.add(bytes),
                (true, None) => {}
            }
        }
        Ok(cleared)
    }

    /// Removes least recently used entries other than `key` until `size` bytes fit below the limit.
    /// Entries in use, and those that cannot be removed, stay.
    fn make_room(&self, key: &str, size: u64) -> Result<()> {
        let mut others = self.list()?;
        others.remove(key);
        for (other, found) in &others {
            if found.unfinished {
                // Taking the lock removes what a killed process left, giving it back removes its
                // file.
                let _ = self.try_lock(other);
            }
        }
        let mut entries: Vec<_> = others.into_iter().filter_map(|(k, f)| f.entry.map(|e| (e, k))).collect();
        entries.sort_by(|((_, a), k), ((_, b), l)| (a, k).cmp(&(b, l)));
        let mut total: u64 = entries.iter().map(|((bytes, _), _)| bytes).sum();
        for ((bytes, _), other) in entries {
            if total <= self.limit.saturating_sub(size) {
                break;
            }
            if self.remove(&other).unwrap_or(false) {
                total -= bytes;
            }
        }
        Ok(())
    }

    /// Removes the entry `key` under its lock, if there is one; `false` when it is in use.
    fn remove(&self, key: &str) -> Result<bool> {
        let lock = self.try_lock(key).map_err(|e| Error::io(self.file(key, LOCK), e))?;
        let Some(_lock) = lock else { return Ok(false) };
        let path = self.file(key, ENTRY);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io(path, e)),
            _ => Ok(true),
        }
    }

    /// Removes the half-written files of `key`: all when its lock is held, else those that are old.
    fn remove_half_written(&self, key: &str, is_locked: bool) {
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = file.file_name();
            if name.to_str().and_then(half_written) != Some(key) {
                continue;
            }
            let age = file.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
            if is_locked || age.is_some_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(file.path());
            }
        }
    }

    /// What is in the folder, by key; files with other names are not ours.
    fn list(&self) -> Result<BTreeMap<String, Found>> {
        let mut all: BTreeMap<String, Found> = BTreeMap::new();
        let files = match fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(all),
            Err(e) => return Err(Error::io(&self.folder, e)),
        };
        for file in files {
            let file = file.map_err(|e| Error::io(&self.folder, e))?;
            let name = file.file_name();
            let Some(name) = name.to_str() else { continue };
            if let Some(key) = name.strip_suffix(ENTRY).filter(|key| is_key(key)) {
                // An entry may have been removed meanwhile.
                let Ok(about) = file.metadata() else { continue };
                let used = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                all.entry(key.into()).or_default().entry = Some((about.len(), used));
            } else if let Some(key) =
                half_written(name).or_else(|| name.strip_suffix(LOCK).filter(|key| is_key(key)))
            {
                all.entry(key.into()).or_default().unfinished = true;
            }
        }
        Ok(all)
    }
}

impl Usage {
    fn add(&mut self, bytes: u64) {
        self.entries += 1;
        self.bytes += bytes;
    }
}

/// Keys are hashes in hexadecimal.
fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The key in the name of a half-written entry.
fn half_written(name: &str) -> Option<&str> {
    target_of(name)?.strip_suffix(ENTRY).filter(|key| is_key(key))
}

#[cfg(test)]
mod tests;
