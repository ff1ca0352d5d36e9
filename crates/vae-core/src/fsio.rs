//! Files are never written in place: write beside, fsync, rename.

use crate::{Error, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

pub use vae_array::{hex, sha256_hex};

/// Writes `path` so that a reader, or a crash, sees either the old content or the whole new one.
///
/// # Errors
/// [`Error::Io`] naming the file; the temporary file beside it is removed.
pub fn write_atomic(path: &Path, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("file");
    let temp = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let attempt = || -> std::io::Result<()> {
        let mut out = std::io::BufWriter::with_capacity(1 << 20, File::create(&temp)?);
        fill(&mut out)?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&temp, path)?;
        // The rename itself must reach the disk; not every file system can sync a folder, so this
        // is best effort.
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty())
            && let Ok(dir) = File::open(parent)
        {
            let _ = dir.sync_all();
        }
        Ok(())
    };
    attempt().map_err(|e| {
        let _ = fs::remove_file(&temp);
        Error::io(path, e)
    })
}

/// The name of the file that a temporary file of [`write_atomic`] is for: `x` for `.x.123.tmp`,
/// where 123 is the writer's process.
pub fn target_of(temporary: &str) -> Option<&str> {
    let (target, pid) = temporary.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    (!pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit())).then_some(target)
}

/// [`write_atomic`] for bytes that are already there.
///
/// # Errors
/// [`Error::Io`] naming the file.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic(path, |out| out.write_all(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_told_from_others() {
        assert_eq!(target_of(".a.bin.123.tmp"), Some("a.bin"));
        for other in [".notes.tmp", "a.bin.123.tmp", ".a.bin.123", ".a.x1.tmp", ".a..tmp"] {
            assert_eq!(target_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("a.bin");
        write_bytes(&path, b"old").expect("first write");
        let failed = write_atomic(&path, |out| {
            out.write_all(b"half of the new")?;
            Err(std::io::Error::other("disk full"))
        });
        assert!(failed.is_err_and(|e| e.to_string().contains("a.bin")));
        assert_eq!(fs::read(&path).expect("read"), b"old");
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 1);
    }
}
