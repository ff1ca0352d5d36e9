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
        // The rename itself must reach the disk; not every file system can sync a folder, so this is best effort.
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
