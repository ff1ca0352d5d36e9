//! Takes the files of a set out of its archive: each goes to a temporary name, is checked, and is
//! renamed.
//!
//! Only names the registry lists are written, so a member's own path never decides where something
//! goes.

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use vae_array::hex;
use zip::ZipArchive;

use crate::error::{Error, Result};
use crate::fetch::Pins;
use crate::fetch::check::sync_folder;
use crate::registry::{Download, Entry};

/// Limit for members whose size the registry does not know.
const MAX_MEMBER_BYTES: u64 = 4 << 30;

/// Unpacks a ZIP archive, or the archive inside it; returns the checksums of the files.
pub(super) fn zip(entry: &Entry, download: &Download, archive: &Path, folder: &Path) -> Result<Pins> {
    let mut outer = open_zip(archive)?;
    let Some(inner) = &download.inner else {
        return zip_members(entry, download, &mut outer, archive, folder);
    };
    let beside = folder.join(".inner.zip.part");
    let member = outer.by_name(&inner.name).map_err(|e| broken(archive, e))?;
    let limit = member.size().min(MAX_MEMBER_BYTES);
    let expected = Some((entry.name.as_str(), inner.sha256.as_str()));
    copy_checked(member, &beside, limit, expected)?;
    let placed =
        open_zip(&beside).and_then(|mut zip| zip_members(entry, download, &mut zip, archive, folder));
    fs::remove_file(&beside).map_err(Error::io("remove", &beside))?;
    placed
}

fn open_zip(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    ZipArchive::new(BufReader::new(file)).map_err(|e| broken(path, e))
}

fn zip_members<R: Read + Seek>(
    entry: &Entry,
    download: &Download,
    zip: &mut ZipArchive<R>,
    archive: &Path,
    folder: &Path,
) -> Result<Pins> {
    let mut placed = Pins::new();
    for name in &download.gives {
        let found = zip.file_names().find(|member| Path::new(member).ends_with(name)).map(str::to_owned);
        let Some(found) = found else { return Err(lacking(archive, name)) };
        let member = zip.by_name(&found).map_err(|e| broken(archive, e))?;
        placed.insert(name.clone(), place(entry, name, member, folder)?);
    }
    Ok(placed)
}

/// Unpacks a TAR archive in gzip; returns the checksums of the files.
pub(super) fn tar_gz(entry: &Entry, download: &Download, archive: &Path, folder: &Path) -> Result<Pins> {
    let file = File::open(archive).map_err(Error::io("open", archive))?;
    let mut tar = tar::Archive::new(MultiGzDecoder::new(BufReader::new(file)));
    let mut placed = Pins::new();
    for member in tar.entries().map_err(|e| broken(archive, e))? {
        let member = member.map_err(|e| broken(archive, e))?;
        let path = member.path().map_err(|e| broken(archive, e))?.into_owned();
        let wanted = download.gives.iter().find(|name| path.ends_with(name) && !placed.contains_key(*name));
        if let Some(name) = wanted.filter(|_| member.header().entry_type().is_file()) {
            placed.insert(name.clone(), place(entry, name, member, folder)?);
        }
    }
    match download.gives.iter().find(|name| !placed.contains_key(*name)) {
        None => Ok(placed),
        Some(name) => Err(lacking(archive, name)),
    }
}

/// Writes one file of a set; returns its SHA-256.
fn place(entry: &Entry, name: &str, member: impl Read, folder: &Path) -> Result<String> {
    let path = folder.join(name);
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(Error::io("create the folder", parent))?;
    let beside = parent.join(format!(".{}.part", path.file_name().unwrap_or_default().to_string_lossy()));
    let file = entry.file(name);
    let expected = file.and_then(|file| file.sha256.as_deref()).map(|sha256| (entry.name.as_str(), sha256));
    let limit = file.and_then(|file| file.bytes).unwrap_or(MAX_MEMBER_BYTES);
    let sha256 = copy_checked(member, &beside, limit, expected)?;
    fs::rename(&beside, &path).and_then(|()| sync_folder(parent)).map_err(Error::io("write", &path))?;
    Ok(sha256)
}

/// Copies at most `limit` bytes to a new file and checks them; a wrong copy is removed.
fn copy_checked(source: impl Read, to: &Path, limit: u64, expected: Option<(&str, &str)>) -> Result<String> {
    let mut hash = Sha256::new();
    let copy = || -> std::io::Result<u64> {
        let mut file = File::create(to)?;
        let mut limited = source.take(limit.saturating_add(1));
        let mut buffer = vec![0; 128 * 1024];
        let mut total = 0;
        loop {
            let n = limited.read(&mut buffer)?;
            if n == 0 {
                file.sync_all()?;
                return Ok(total);
            }
            hash.update(&buffer[..n]);
            file.write_all(&buffer[..n])?;
            total += n as u64;
        }
    };
    let copied = copy().map_err(Error::io("unpack", to));
    let found = hex(&hash.finalize());
    let checked = copied.and_then(|total| match expected {
        _ if total > limit => {
            Err(Error::format(to, format!("is larger than the {limit} bytes expected; fetch again")))
        }
        Some((name, sha256)) if sha256 != found => Err(Error::Checksum {
            path: to.to_owned(),
            name: name.to_owned(),
            expected: sha256.to_owned(),
            found: found.clone(),
        }),
        _ => Ok(found.clone()),
    });
    if checked.is_err() {
        // The error to tell is the first one.
        let _ = fs::remove_file(to);
    }
    checked
}

fn broken(archive: &Path, error: impl std::fmt::Display) -> Error {
    Error::format(archive, format!("cannot be unpacked ({error}); delete it and fetch again"))
}

fn lacking(archive: &Path, name: &str) -> Error {
    Error::format(archive, format!("does not hold the file {name}; the publisher may have changed it"))
}
