//! What a program or a library asks of the machine: the libraries that its dynamic section names,
//! and the versions of symbols that it needs of them (`.gnu.version_r`, as `readelf -V` shows it).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use object::elf;
use object::read::elf::{Dyn, ElfFile64, FileHeader};
use object::{Endianness, ReadCache};

/// A version such as 2.28, part by part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<u32>);

impl Version {
    /// Numbers with points between.
    pub fn parse(text: &str) -> Option<Self> {
        text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>().map(Self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

/// What one file needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Names of libraries (`DT_NEEDED`).
    pub libraries: BTreeSet<String>,
    /// The newest version of each kind of symbol, such as GLIBC and GLIBCXX.
    pub versions: BTreeMap<String, Version>,
}

/// The first glibc that relocates in the compact form; linkers ask for it by a name without number.
const COMPACT_RELOCATIONS: (&str, [u32; 2]) = ("GLIBC_ABI_DT_RELR", [2, 36]);

impl Needs {
    /// Reads the ELF file `path`.
    pub fn of(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Self::read(file).with_context(|| format!("{} is no 64-bit ELF file that can be read", path.display()))
    }

    fn read(file: File) -> Result<Self> {
        // A library of libtorch has half a gigabyte: only its tables are read.
        let data = ReadCache::new(file);
        let file = ElfFile64::<Endianness, _>::parse(&data)?;
        let (endian, data) = (file.endian(), file.data());
        let sections = file.elf_header().sections(endian, data)?;
        let mut needs = Self::default();
        if let Some((entries, link)) = sections.dynamic(endian, data)? {
            let names = sections.strings(endian, data, link)?;
            for entry in entries.iter().filter(|entry| entry.tag(endian) == elf::DT_NEEDED) {
                let name = entry.string(endian, names)?;
                needs.libraries.insert(String::from_utf8_lossy(name).into_owned());
            }
        }
        if let Some((mut files, link)) = sections.gnu_verneed(endian, data)? {
            let names = sections.strings(endian, data, link)?;
            while let Some((_, mut versions)) = files.next()? {
                while let Some(version) = versions.next()? {
                    needs.add(&String::from_utf8_lossy(version.name(endian, names)?));
                }
            }
        }
        Ok(needs)
    }

    /// Takes in a version's name, such as `GLIBC_2.28`.
    fn add(&mut self, name: &str) {
        let found = match name {
            _ if name == COMPACT_RELOCATIONS.0 => Some(("GLIBC", Version(COMPACT_RELOCATIONS.1.to_vec()))),
            _ => name.rsplit_once('_').and_then(|(kind, text)| Some((kind, Version::parse(text)?))),
        };
        // Names without a number, of libraries that travel along, say nothing of the machine.
        let Some((kind, version)) = found else { return };
        let newest = self.versions.entry(kind.to_owned()).or_insert_with(|| version.clone());
        if *newest < version {
            *newest = version;
        }
    }

    /// The newest version of `kind` that any of `all` needs.
    pub fn newest<'a>(all: impl IntoIterator<Item = &'a Self>, kind: &str) -> Option<&'a Version> {
        all.into_iter().filter_map(|needs| needs.versions.get(kind)).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step;
    use std::process::Command;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_are_compared_part_by_part() {
        assert!(version("2.9") < version("2.28") && version("3.4.9") < version("3.4.22"));
        assert_eq!(version("2.28").to_string(), "2.28");
        assert!(Version::parse("ABI").is_none() && Version::parse("").is_none());
    }

    #[test]
    fn the_newest_of_each_kind_is_kept() {
        let mut needs = Needs::default();
        for name in
            ["GLIBC_2.2.5", "GLIBC_2.28", "GLIBC_2.17", "GLIBCXX_3.4.22", "GLIBC_PRIVATE", "libcudart.so.13"]
        {
            needs.add(name);
        }
        assert_eq!(needs.versions["GLIBC"], version("2.28"));
        assert_eq!(needs.versions["GLIBCXX"], version("3.4.22"));
        assert_eq!(needs.versions.len(), 2);
        needs.add("GLIBC_ABI_DT_RELR");
        assert_eq!(needs.versions["GLIBC"], version("2.36"));
        let other = Needs { versions: [("GLIBC".to_owned(), version("2.31"))].into(), ..Needs::default() };
        assert_eq!(Needs::newest([&other, &needs], "GLIBC"), Some(&version("2.36")));
        assert_eq!(Needs::newest([&other], "GLIBCXX"), None);
    }

    /// This test's own program, against binutils where they are there.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_program_s_needs_are_those_that_readelf_shows() {
        let program = std::env::current_exe().unwrap();
        let needs = Needs::of(&program).unwrap();
        assert!(needs.libraries.iter().any(|name| name.starts_with("libc.so.")), "{:?}", needs.libraries);
        assert!(needs.versions["GLIBC"] >= version("2.17"), "{:?}", needs.versions);
        let Ok(shown) = step::stdout(Command::new("readelf").arg("-VW").arg(&program)) else {
            eprintln!("skipped: there is no readelf to compare with");
            return;
        };
        let mut by_readelf = Needs::default();
        shown
            .split("Name: ")
            .skip(1)
            .filter_map(|rest| rest.split_whitespace().next())
            .for_each(|name| by_readelf.add(name));
        assert_eq!(by_readelf.versions, needs.versions);
    }

    #[test]
    fn what_is_no_elf_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libtorch.so");
        std::fs::write(&path, "INPUT(libtorch_cpu.so)\n").unwrap();
        let text = format!("{:#}", Needs::of(&path).unwrap_err());
        assert!(text.contains("libtorch.so is no 64-bit ELF file"), "{text}");
    }
}
