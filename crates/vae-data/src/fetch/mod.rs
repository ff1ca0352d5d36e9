//! The downloader: gets the files of a known set, checks them, and puts them where
//! [`load`](crate::load) looks.
//!
//! A file is written under a temporary name, checked, and renamed only when it is right: what has a
//! file's name has its content. An interrupted download continues where it stopped, in the same run
//! and in the next.

mod check;
mod http;
mod unpack;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use check::FileState;
pub(crate) use check::{file_sha256, file_state, read_pins};

use crate::error::{Error, Result};
use crate::places::{download_dir, resolve};
use crate::registry::{Download, Entry, Unpack, registry};

/// How to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchOptions {
    /// Where to put the set's folder; `None`: `datasets` in the [`cache_dir`](crate::cache_dir()).
    pub data_dir: Option<PathBuf>,
    /// Never use the network: check what is there and say what is missing.
    pub offline: bool,
    /// How often each address is tried before the next mirror; a try that gets on by a mebibyte
    /// does not count.
    pub tries: u32,
    /// Wait before the second try; doubled for each further one, up to a minute.
    pub backoff: Duration,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the next bytes.
    pub stall_timeout: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            data_dir: None,
            offline: false,
            tries: 4,
            backoff: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(30),
        }
    }
}

/// What a fetch is doing; `file` is the name of the download.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// The files of this download are there and right.
    Present {
        /// Name of the download.
        file: &'a str,
    },
    /// An address answers.
    Started {
        /// Name of the download.
        file: &'a str,
        /// The address.
        url: &'a str,
        /// Bytes there already from an earlier try.
        resumed_at: u64,
        /// Bytes in all, if known.
        total: Option<u64>,
    },
    /// Bytes have come.
    Received {
        /// Name of the download.
        file: &'a str,
        /// Bytes there.
        done: u64,
        /// Bytes in all, if known.
        total: Option<u64>,
    },
    /// A try failed and is repeated after a wait.
    Retrying {
        /// Name of the download.
        file: &'a str,
        /// Why the try failed.
        reason: &'a str,
        /// How long until the next.
        wait: Duration,
    },
    /// Checksums are computed.
    Checking {
        /// Name of the download.
        file: &'a str,
    },
    /// An archive is taken apart.
    Unpacking {
        /// Name of the download.
        file: &'a str,
    },
}

/// A callback for [`Progress`].
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress<'_>);

/// Fetches a known set and returns its folder; files that are there and right are left alone.
///
/// # Errors
/// [`Error::UnknownDataSet`]; [`Error::CannotFetch`] for sets without an address, and offline where
/// files are missing; [`Error::Download`] with the last failure of every address; [`Error::Busy`]
/// where another process fetches the same file.
pub fn fetch(name: &str, options: &FetchOptions, progress: OnProgress<'_>) -> Result<PathBuf> {
    fetch_entry(registry().require(name)?, options, progress)
}

/// [`fetch`] for an entry that need not be in the embedded registry.
///
/// # Errors
/// As [`fetch`].
pub fn fetch_entry(entry: &Entry, options: &FetchOptions, progress: OnProgress<'_>) -> Result<PathBuf> {
    let cannot = |reason: String| Error::CannotFetch { name: entry.name.clone(), reason };
    let Some(folder_name) = entry.folders.first().filter(|_| !entry.downloads.is_empty()) else {
        return Err(cannot("the program generates this set itself, nothing has to be fetched".to_owned()));
    };
    let Some(base) = options.data_dir.clone().or_else(download_dir) else {
        return Err(cannot(
            "there is no home folder for a cache; say where to put it with --data-dir".to_owned(),
        ));
    };
    let folder = base.join(folder_name);
    let mut pins = read_pins(&folder)?;
    let mut missing = Vec::new();
    for download in &entry.downloads {
        if is_present(entry, download, &folder, &pins) {
            progress(Progress::Present { file: &download.name });
        } else {
            missing.push(download);
        }
    }
    let mut needed = String::new();
    for download in &missing {
        if options.offline && archive_by_hand(download, &folder, &pins)?.is_none() {
            needed += &tell_missing(entry, download, &folder, &pins);
        }
    }
    if !needed.is_empty() {
        let reason = format!("offline, and not all files are right in {}:{needed}", folder.display());
        return Err(cannot(reason));
    }
    for download in missing {
        get_one(entry, download, &folder, &mut pins, options, progress)?;
    }
    Ok(folder)
}

/// Which files of a download are missing or wrong, and where they come from.
fn tell_missing(entry: &Entry, download: &Download, folder: &Path, pins: &Pins) -> String {
    let mut text = String::new();
    for file in download.gives.iter().filter_map(|name| entry.file(name)) {
        let state = match file_state(folder, file, pins) {
            FileState::Verified | FileState::Unchecked => continue,
            FileState::Missing => "is missing".to_owned(),
            FileState::Different { expected, found } => {
                format!("is wrong (SHA-256 {found} instead of {expected})")
            }
            FileState::Unreadable(reason) => format!("cannot be read ({reason})"),
        };
        text += &format!("\n  {} {state}", file.name);
    }
    text + &format!("\n  get {} from {}", download.name, download.urls.join(" or "))
}

fn is_present(entry: &Entry, download: &Download, folder: &Path, pins: &Pins) -> bool {
    let is_right = |name: &String| {
        entry.file(name).is_some_and(|file| {
            matches!(file_state(folder, file, pins), FileState::Verified | FileState::Unchecked)
        })
    };
    download.gives.iter().all(is_right)
}

/// SHA-256 of files as they are on disk, by name: the content of `SHA256SUMS`.
pub(crate) type Pins = BTreeMap<String, String>;

fn get_one(
    entry: &Entry,
    download: &Download,
    folder: &Path,
    pins: &mut Pins,
    options: &FetchOptions,
    progress: OnProgress<'_>,
) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create the folder", folder))?;
    let part = http::Part::lock(folder, &download.name)?;
    let by_hand = archive_by_hand(download, folder, pins)?;
    let sha256 = match &by_hand {
        Some((_, sha256)) => sha256.clone(),
        None => {
            let pin = pins.get(&download.name).cloned();
            let job = http::Job { entry, download, folder, options, pin };
            match job.run(&part, progress) {
                Ok(sha256) => sha256,
                Err(error) => {
                    // The error to tell is the first one.
                    let _ = part.remove_if_empty();
                    return Err(error);
                }
            }
        }
    };
    for name in &download.gives {
        set_aside_damaged(entry, name, folder, pins)?;
    }
    let Some(kind) = download.unpack else {
        part.rename_to(&folder.join(&download.name))?;
        pins.insert(download.name.clone(), sha256);
        return check::write_pins(folder, pins);
    };
    progress(Progress::Unpacking { file: &download.name });
    let archive = by_hand.as_ref().map_or(part.path(), |(path, _)| path);
    let placed = match kind {
        Unpack::Zip => unpack::zip(entry, download, archive, folder)?,
        Unpack::TarGz => unpack::tar_gz(entry, download, archive, folder)?,
    };
    pins.extend(placed);
    part.remove()?;
    check::write_pins(folder, pins)
}

/// An archive that somebody put into the folder, if it is right, with its SHA-256. It is used and
/// left there.
fn archive_by_hand(download: &Download, folder: &Path, pins: &Pins) -> Result<Option<(PathBuf, String)>> {
    let path = folder.join(&download.name);
    if download.unpack.is_none() || !path.is_file() {
        return Ok(None);
    }
    let pin = pins.get(&download.name).map(String::as_str);
    Ok(check::check_download(&path, download, None, pin)?.ok().map(|sha256| (path, sha256)))
}

/// A file that is there and wrong would be found before the right one: it gets another name, and is
/// not deleted.
fn set_aside_damaged(entry: &Entry, name: &str, folder: &Path, pins: &Pins) -> Result<()> {
    let Some(file) = entry.file(name) else { return Ok(()) };
    while let Some(path) = resolve(folder, name) {
        if matches!(file_state(folder, file, pins), FileState::Verified | FileState::Unchecked) {
            break;
        }
        let mut aside = path.clone().into_os_string();
        aside.push(".damaged");
        fs::rename(&path, &aside).map_err(Error::io("rename", &path))?;
    }
    Ok(())
}
