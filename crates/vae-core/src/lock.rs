//! A lock between processes: a file that its holder may remove.
//!
//! A lock file that is unlinked without care does not exclude: a process that opened it before
//! holds a file without a name, a later one makes a new file, and both hold a lock. Here
//!
//! 1. the file is opened or created, and locked with [`File::try_lock`], whose lock ends with the
//!    process;
//! 2. only then is it compared with what the path names: where that is another file or none, step 1
//!    is repeated;
//! 3. the file is removed only while its lock is held, so that a process that opened it meanwhile
//!    sees this in step 2.
//!
//! A killed process leaves its file behind, unlocked; the next one takes it over. Whatever is
//! protected by a lock is looked at and changed after step 2, never before.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// How often the file may be removed between steps 1 and 2 before the lock counts as held
/// elsewhere.
const ATTEMPTS: usize = 100;

/// A lock that is held until it is dropped, which removes the file.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
    is_new: bool,
    is_exclusive: bool,
    removes: bool,
}

/// Points during the acquisition at which tests let other processes act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The file is open and not yet locked.
    Opened,
    /// It is locked and not yet compared with what the path names.
    Locked,
}

impl Lock {
    /// Takes the lock `path`; `None` while it is held elsewhere, in this process or another. On a
    /// file system without locks it is always taken, and [`is_exclusive`](Self::is_exclusive) says
    /// so.
    ///
    /// # Errors
    /// The file cannot be opened for writing or be created: no such folder, no permission.
    pub fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        Self::acquire_in_steps(path, &mut |_| ())
    }

    fn acquire_in_steps(path: &Path, at: &mut impl FnMut(Step)) -> io::Result<Option<Self>> {
        for _ in 0..ATTEMPTS {
            let Some((file, is_new)) = open(path)? else { continue };
            at(Step::Opened);
            let is_exclusive = match file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(TryLockError::Error(_)) => false,
            };
            at(Step::Locked);
            if !is_exclusive || names(path, &file)? {
                let path = path.to_path_buf();
                return Ok(Some(Self { path, file, is_new, is_exclusive, removes: is_exclusive }));
            }
        }
        Ok(None)
    }

    /// Whether this call created the file.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether the lock excludes others; `false` on file systems without locks.
    pub fn is_exclusive(&self) -> bool {
        self.is_exclusive
    }

    /// Gives the lock back and leaves the file where it is.
    pub fn leave(mut self) {
        self.removes = false;
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Compared again: the file may have been deleted by hand, and another process may have made
        // a new one.
        if self.removes && cfg!(unix) && names(&self.path, &self.file).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The file, opened or created, and which of both; `None` when it was removed in between.
fn open(path: &Path) -> io::Result<Option<(File, bool)>> {
    match File::options().write(true).create_new(true).open(path) {
        Ok(file) => return Ok(Some((file, true))),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(e),
    }
    match File::options().write(true).open(path) {
        Ok(file) => Ok(Some((file, false))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Whether `path` is a name of the open `file`. Its device and inode number are unique while it is
/// open.
#[cfg(unix)]
fn names(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// On other systems lock files are never removed, so there is nothing to compare.
#[cfg(not(unix))]
fn names(_: &Path, _: &File) -> io::Result<bool> {
    Ok(true)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn take(path: &Path) -> Option<Lock> {
        Lock::try_acquire(path).expect("the file can be opened")
    }

    /// Takes the lock, with `other` acting once at `step`.
    fn take_while(path: &Path, step: Step, other: impl FnOnce()) -> Option<Lock> {
        let mut other = Some(other);
        let at = &mut |now| {
            if now == step
                && let Some(other) = other.take()
            {
                other();
            }
        };
        Lock::acquire_in_steps(path, at).expect("the file can be opened")
    }

    #[test]
    fn one_holder_at_a_time_and_nothing_left_behind() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("x.lock");
        let held = take(&path).expect("free");
        assert!(held.is_new() && held.is_exclusive());
        assert!(take(&path).is_none());
        drop(held);
        assert!(!path.exists());
        take(&path).expect("free again").leave();
        let after_a_kill = take(&path).expect("a file that no process holds");
        assert!(!after_a_kill.is_new() && after_a_kill.is_exclusive());
        drop(after_a_kill);
        assert!(!path.exists());
        assert!(Lock::try_acquire(&path.join("below")).is_err());
    }

    #[test]
    fn a_file_that_was_removed_before_it_was_locked_is_no_lock() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("x.lock");
        let held = take_while(&path, Step::Opened, || drop(take(&path).expect("free")));
        assert!(held.is_some() && path.exists());
        assert!(take(&path).is_none(), "two hold one lock");
    }

    #[test]
    fn of_three_the_one_with_the_named_file_holds_the_lock() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("x.lock");
        let mut third = None;
        let first = take_while(&path, Step::Opened, || {
            drop(take(&path).expect("the second takes and removes it"));
            third = take(&path);
        });
        assert!(first.is_none() && third.is_some(), "two hold one lock");
        drop(first);
        assert!(path.exists() && take(&path).is_none());
    }

    #[test]
    fn no_process_locks_between_locking_and_comparing() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("x.lock");
        let held = take_while(&path, Step::Locked, || assert!(take(&path).is_none()));
        assert!(held.is_some_and(|lock| lock.is_exclusive()));
    }

    #[test]
    fn a_new_file_in_place_of_a_deleted_one_is_not_removed() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("x.lock");
        let first = take(&path).expect("free");
        fs::remove_file(&path).expect("by hand");
        let second = take(&path).expect("a new file");
        drop(first);
        assert!(path.exists() && take(&path).is_none());
        drop(second);
        assert!(!path.exists());
    }
}
