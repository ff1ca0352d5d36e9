//! From pinned wheels to a libtorch folder in the user's cache: locked, checked, atomic,
//! restartable.
//!
//! ```text
//! <cache>/libtorch-2.11.0-cpu            the finished folder, with manifest.json
//! <cache>/libtorch-2.11.0-cpu.lock       one process at a time
//! <cache>/libtorch-2.11.0-cpu.download   wheels; complete ones survive an interruption
//! <cache>/libtorch-2.11.0-cpu.partial    the folder while it is unpacked; renamed at the end
//! ```

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::pins::{Flavour, VERSION};
use super::wheel::{self, Unpacked};
use crate::files;
use crate::step::{Step, human_bytes, human_seconds};

const MANIFEST: &str = "manifest.json";

/// The list of a finished folder's files. It is written last: a folder without it is not finished.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    version: String,
    flavour: String,
    wheels: Vec<String>,
    files: Vec<Unpacked>,
}

/// The finished folder of `flavour` in `cache`; what is not there yet is fetched with `download`
/// and unpacked. `anew` makes it again even if it is whole. Waits while another process does the
/// same.
pub fn provide(
    flavour: &Flavour,
    cache: &Path,
    anew: bool,
    download: &dyn Fn(&Flavour, &Path) -> Result<()>,
) -> Result<PathBuf> {
    if !anew && let Some(folder) = cached(flavour, cache) {
        return Ok(folder);
    }
    let name = name(flavour);
    let beside = |ending: &str| cache.join(format!("{name}.{ending}"));
    let folder = cache.join(&name);
    fs::create_dir_all(cache).with_context(|| format!("cannot make the cache folder {}", cache.display()))?;
    let _lock = lock(&beside("lock"))?;
    match damage(&folder) {
        // Another process was faster while this one waited for the lock.
        None if !anew => return Ok(folder),
        Some(what) if folder.exists() => {
            eprintln!("    {} is not whole ({what}): making it again", folder.display())
        }
        _ => {}
    }

    let (downloads, partial) = (beside("download"), beside("partial"));
    files::remove_dir_if_there(&partial)?;
    fs::create_dir_all(&downloads).with_context(|| format!("cannot make {}", downloads.display()))?;
    check_space(flavour, cache, &downloads)?;
    let step = Step::start(
        &format!("download libtorch {VERSION} for {}", flavour.name),
        &format!(
            "{}, {} at 100 Mbit/s",
            human_bytes(flavour.download_bytes),
            estimate(flavour.download_bytes, 12.5e6)
        ),
    );
    files::remove_dir_if_there(&downloads.join("tmp"))?;
    download(flavour, &downloads)?;
    step.done();

    let step = Step::start(
        "unpack it",
        &format!("{}, about {}", human_bytes(flavour.unpacked_bytes), estimate(flavour.unpacked_bytes, 80e6)),
    );
    assemble(flavour, &downloads, &partial)?;
    replace(&partial, &folder, &beside("old"))?;
    files::remove_dir_if_there(&downloads)?;
    step.done();
    Ok(folder)
}

/// The finished folder of `flavour` in `cache`, if it is there and whole.
pub fn cached(flavour: &Flavour, cache: &Path) -> Option<PathBuf> {
    Some(cache.join(name(flavour))).filter(|folder| damage(folder).is_none())
}

fn name(flavour: &Flavour) -> String {
    format!("libtorch-{VERSION}-{}", flavour.name)
}

/// What is wrong with the finished folder `folder`; `None` if every file is there with its size.
pub fn damage(folder: &Path) -> Option<String> {
    let Ok(text) = fs::read_to_string(folder.join(MANIFEST)) else { return Some(format!("no {MANIFEST}")) };
    let Ok(manifest) = serde_json::from_str::<Manifest>(&text) else {
        return Some(format!("{MANIFEST} cannot be read"));
    };
    if manifest.version != VERSION {
        return Some(format!("version {} instead of {VERSION}", manifest.version));
    }
    manifest.files.iter().find_map(|file| match fs::metadata(folder.join(&file.path)) {
        Ok(meta) if meta.len() == file.bytes => None,
        Ok(meta) => Some(format!("{} has {} bytes, not {}", file.path, meta.len(), file.bytes)),
        Err(_) => Some(format!("{} is missing", file.path)),
    })
}

/// Whether `folder` is one that [`provide`] made.
pub fn is_ours(folder: &Path) -> bool {
    folder.join(MANIFEST).exists()
}

fn estimate(bytes: u64, bytes_per_second: f64) -> String {
    human_seconds(bytes as f64 / bytes_per_second)
}

fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot create the lock {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("    another process is providing libtorch: waiting for it");
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    Ok(file)
}

fn check_space(flavour: &Flavour, cache: &Path, downloads: &Path) -> Result<()> {
    let to_download = flavour.download_bytes.saturating_sub(files::folder_bytes(downloads));
    // pip holds a wheel in its temporary folder before it copies it to its place; the largest
    // counts twice at most.
    let need = to_download + flavour.unpacked_bytes + flavour.download_bytes / 4;
    match files::free_bytes(cache) {
        Some(free) if free < need => bail!(
            "libtorch needs {} on the disk of {}, and {} are free: make room, or set VAE_CACHE_DIR to a folder on another disk",
            human_bytes(need),
            cache.display(),
            human_bytes(free)
        ),
        _ => Ok(()),
    }
}

fn assemble(flavour: &Flavour, downloads: &Path, partial: &Path) -> Result<()> {
    let bar = ProgressBar::new(flavour.unpacked_bytes);
    if let Ok(style) = ProgressStyle::with_template("    [{bar:40}] {bytes}/{total_bytes}, {eta} left") {
        bar.set_style(style);
    }
    let mut unpacked = Vec::new();
    for wheel in flavour.wheels {
        unpacked.extend(wheel::unpack(&downloads.join(wheel.file), wheel.take, partial, &bar)?);
    }
    bar.finish_and_clear();
    // The wheel's own libtorch.so needs the CUDA half. Everything it offers is in libtorch_cpu.so.
    unpacked.retain(|file| file.path != "lib/libtorch.so");
    for (name, text) in [("lib/libtorch.so", "INPUT(libtorch_cpu.so)\n"), ("build-version", "2.11.0\n")] {
        let path = partial.join(name);
        files::write_atomic(&path, text.as_bytes())?;
        unpacked.push(Unpacked {
            path: name.to_owned(),
            bytes: text.len() as u64,
            sha256: files::sha256_file(&path)?,
        });
    }
    for file in unpacked.iter().filter(|file| file.path.starts_with("lib/")) {
        let path = partial.join(&file.path);
        File::open(&path)
            .and_then(|file| file.sync_all())
            .with_context(|| format!("cannot sync {}", path.display()))?;
    }
    let manifest = Manifest {
        version: VERSION.to_owned(),
        flavour: flavour.name.to_owned(),
        wheels: flavour
            .wheels
            .iter()
            .map(|wheel| format!("{} sha256:{}", wheel.file, wheel.sha256))
            .collect(),
        files: unpacked,
    };
    files::write_atomic(&partial.join(MANIFEST), &serde_json::to_vec(&manifest)?)
}

/// Puts `new` in the place of `folder`, which may be there and in use: that is renamed to `old`,
/// then removed.
fn replace(new: &Path, folder: &Path, old: &Path) -> Result<()> {
    files::remove_dir_if_there(old)?;
    if folder.exists() {
        fs::rename(folder, old).with_context(|| format!("cannot move {} aside", folder.display()))?;
    }
    fs::rename(new, folder).with_context(|| format!("cannot rename {} to its place", new.display()))?;
    files::remove_dir_if_there(old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libtorch::pins::{Take, Wheel};
    use std::cell::Cell;

    const TINY: Flavour = Flavour {
        name: "tiny",
        download_bytes: 10,
        unpacked_bytes: 10,
        wheels: &[Wheel {
            package: "torch",
            version: "2.11.0",
            file: "torch.whl",
            sha256: "",
            take: &[Take::Tree { from: "torch/lib/", to: "lib/" }],
        }],
    };

    fn fetch(_: &Flavour, folder: &Path) -> Result<()> {
        let members: [(&str, &[u8]); 2] =
            [("torch/lib/libc10.so", b"c10"), ("torch/lib/libtorch_cpu.so", b"cpu")];
        wheel::tests::fake_wheel(&folder.join("torch.whl"), &members);
        Ok(())
    }

    fn names(cache: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(cache)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn provided_once_then_found() {
        let cache = tempfile::tempdir().unwrap();
        let calls = Cell::new(0);
        let counting = |flavour: &Flavour, folder: &Path| {
            calls.set(calls.get() + 1);
            fetch(flavour, folder)
        };
        assert_eq!(cached(&TINY, cache.path()), None);
        let folder = provide(&TINY, cache.path(), false, &counting).unwrap();
        assert_eq!(cached(&TINY, cache.path()).as_ref(), Some(&folder));
        assert_eq!(provide(&TINY, cache.path(), false, &counting).unwrap(), folder);
        assert_eq!(calls.get(), 1);
        assert_eq!(fs::read_to_string(folder.join("build-version")).unwrap(), "2.11.0\n");
        assert_eq!(fs::read_to_string(folder.join("lib/libtorch.so")).unwrap(), "INPUT(libtorch_cpu.so)\n");
        assert_eq!(names(cache.path()), ["libtorch-2.11.0-tiny", "libtorch-2.11.0-tiny.lock"]);
        provide(&TINY, cache.path(), true, &counting).unwrap();
        assert_eq!(calls.get(), 2);
    }

    #[test]
    fn an_interrupted_unpack_is_recovered() {
        let cache = tempfile::tempdir().unwrap();
        let partial = cache.path().join("libtorch-2.11.0-tiny.partial/lib");
        fs::create_dir_all(&partial).unwrap();
        fs::write(partial.join("libc10.so"), "half").unwrap();
        let folder = provide(&TINY, cache.path(), false, &fetch).unwrap();
        assert_eq!(fs::read(folder.join("lib/libc10.so")).unwrap(), b"c10");
        assert!(!partial.exists());
    }

    #[test]
    fn a_failed_download_leaves_no_folder_and_the_next_try_works() {
        let cache = tempfile::tempdir().unwrap();
        let fail = |_: &Flavour, _: &Path| bail!("no network");
        assert!(provide(&TINY, cache.path(), false, &fail).unwrap_err().to_string().contains("no network"));
        assert!(!cache.path().join("libtorch-2.11.0-tiny").exists());
        assert!(provide(&TINY, cache.path(), false, &fetch).is_ok());
    }

    #[test]
    fn a_truncated_or_missing_file_makes_it_again() {
        let cache = tempfile::tempdir().unwrap();
        let folder = provide(&TINY, cache.path(), false, &fetch).unwrap();
        fs::write(folder.join("lib/libc10.so"), "x").unwrap();
        assert_eq!(damage(&folder).unwrap(), "lib/libc10.so has 1 bytes, not 3");
        provide(&TINY, cache.path(), false, &fetch).unwrap();
        assert_eq!(damage(&folder), None);
        fs::remove_file(folder.join("lib/libtorch_cpu.so")).unwrap();
        assert_eq!(damage(&folder).unwrap(), "lib/libtorch_cpu.so is missing");
    }

    #[test]
    fn too_little_disk_is_told_before_the_download() {
        let cache = tempfile::tempdir().unwrap();
        let huge = Flavour { unpacked_bytes: 1 << 60, ..TINY };
        let never = |_: &Flavour, _: &Path| panic!("nothing may be downloaded");
        let text = provide(&huge, cache.path(), false, &never).unwrap_err().to_string();
        assert!(text.contains("make room") && text.contains("VAE_CACHE_DIR"), "{text}");
    }

    #[test]
    fn two_at_once_make_it_once() {
        let cache = tempfile::tempdir().unwrap();
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let slow = |flavour: &Flavour, folder: &Path| {
            calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(100));
            fetch(flavour, folder)
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| provide(&TINY, cache.path(), false, &slow).unwrap());
            }
        });
        assert_eq!(calls.into_inner(), 1);
    }
}
