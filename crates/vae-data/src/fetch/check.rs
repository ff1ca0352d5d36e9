//! Checksums of files: of downloads before they get their name, and of files that are there.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use md5::Md5;
use sha2::{Digest, Sha256};
use vae_array::hex;

use crate::error::{Error, Result};
use crate::fetch::Pins;
use crate::places::resolve;
use crate::read::input::Input;
use crate::registry;

/// Where the checksums of fetched files are kept, in the notation of `sha256sum`.
const PINS_FILE: &str = "SHA256SUMS";

/// What is known about a file of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// Its content is the published one, or, where nothing is published, that of the first fetch.
    Verified,
    /// It is there, and there is no checksum to hold it against.
    Unchecked,
    /// It is not there.
    Missing,
    /// It is there with other content.
    Different {
        /// SHA-256 it should have.
        expected: String,
        /// SHA-256 it has.
        found: String,
    },
    /// It is there and cannot be read.
    Unreadable(String),
}

/// Checks one file of a set in its folder.
pub(crate) fn file_state(folder: &Path, file: &registry::File, pins: &Pins) -> FileState {
    let Some(path) = resolve(folder, &file.name) else { return FileState::Missing };
    let on_disk = path.strip_prefix(folder).ok().map(|name| name.to_string_lossy().replace('\\', "/"));
    let pin = on_disk.and_then(|name| pins.get(&name));
    let result = match (&file.sha256, pin) {
        (Some(expected), _) => file_sha256(&path).map(|found| Some((expected.clone(), found))),
        (None, Some(pin)) => digests(&path).map(|d| Some((pin.clone(), d.sha256))),
        (None, None) => file_sha256(&path).map(|_| None),
    };
    match result {
        Err(error) => FileState::Unreadable(error.to_string()),
        Ok(None) => FileState::Unchecked,
        Ok(Some((expected, found))) if expected == found => FileState::Verified,
        Ok(Some((expected, found))) => FileState::Different { expected, found },
    }
}

/// SHA-256 of the uncompressed content.
pub(crate) fn file_sha256(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    each_chunk(&mut Input::open(path)?, |chunk| hash.update(chunk)).map_err(Error::io("read", path))?;
    Ok(hex(&hash.finalize()))
}

pub(super) struct Digests {
    pub md5: String,
    pub sha256: String,
}

/// Checksums of a file as it is on disk.
pub(super) fn digests(path: &Path) -> Result<Digests> {
    let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    each_chunk(&mut file, |chunk| {
        md5.update(chunk);
        sha256.update(chunk);
    })
    .map_err(Error::io("read", path))?;
    Ok(Digests { md5: hex(&md5.finalize()), sha256: hex(&sha256.finalize()) })
}

/// Hands a reader's content on in pieces; returns its length.
pub(super) fn each_chunk(reader: &mut dyn Read, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut buffer = vec![0; 128 * 1024];
    let mut total = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(n) => {
                take(&buffer[..n]);
                total += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Checks a finished download; `Err` is the reason for a person. Returns the SHA-256 of the file.
pub(super) fn check_download(
    path: &Path,
    download: &registry::Download,
    content: Option<&registry::File>,
    pin: Option<&str>,
) -> Result<Result<String, String>> {
    let digests = digests(path)?;
    let found = [&digests.md5, &digests.sha256, &digests.sha256];
    let expected = [download.md5.as_deref(), download.sha256.as_deref(), pin];
    let kinds = ["published MD5", "published SHA-256", "SHA-256 of the first fetch"];
    // What is published outranks what was once fetched.
    let is_published = download.md5.is_some() || download.sha256.is_some();
    for ((found, expected), kind) in
        found.into_iter().zip(expected).zip(kinds).take(if is_published { 2 } else { 3 })
    {
        if let Some(expected) = expected.filter(|expected| expected != found) {
            return Ok(Err(format!(
                "wrong content: it differs from the {kind} ({found} instead of {expected})"
            )));
        }
    }
    if let Some(content) = content {
        match file_sha256(path) {
            Err(error) => return Ok(Err(format!("wrong content: {error}"))),
            Ok(found) if content.sha256.as_ref().is_some_and(|expected| *expected != found) => {
                return Ok(Err(format!("wrong content: the SHA-256 inside is {found}")));
            }
            Ok(_) => {}
        }
    }
    Ok(Ok(digests.sha256))
}

/// Reads the checksums of earlier fetches; a line that is none is an error, since it would weaken
/// the check.
pub(crate) fn read_pins(folder: &Path) -> Result<Pins> {
    let path = folder.join(PINS_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Pins::new()),
        Err(e) => return Err(Error::io("read", &path)(e)),
    };
    let pin = |line: &str| {
        let (sum, name) = line.split_once("  ")?;
        (sum.len() == 64).then(|| (name.trim_start_matches("./").to_owned(), sum.to_owned()))
    };
    text.lines()
        .map(|line| {
            pin(line)
                .ok_or_else(|| Error::format(&path, format!("`{line}` is no line of sha256sum; remove it")))
        })
        .collect()
}

/// Writes the checksums of all fetched files.
pub(super) fn write_pins(folder: &Path, pins: &Pins) -> Result<()> {
    let path = folder.join(PINS_FILE);
    let beside = folder.join(format!(".{PINS_FILE}.part"));
    let text: String = pins.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        sync_folder(folder)
    };
    write().map_err(Error::io("write", &path))
}

/// Makes a rename durable; a system that cannot sync a folder has nothing to say about it.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
