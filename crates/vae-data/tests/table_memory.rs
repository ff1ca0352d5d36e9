//! The memory of this process while it reads a table. A test of its own: the largest memory is that
//! of a process.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};

use vae_data::{LoadOptions, Source, TableReader, load};

/// The largest memory this process has had so far, in MiB.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line of the peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

/// 400,000 rows of 20 numbers: 60 MB of text, 31 MiB of features. Blocks take next to nothing, and
/// the whole its features.
#[test]
fn a_table_takes_the_memory_of_its_features() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("t.csv");
    let mut out = BufWriter::new(File::create(&path).expect("file"));
    for i in 0..400_000_u64 {
        let values: Vec<String> =
            (0..20).map(|j| format!("{}.{:04}", i * 7 % 10, (i * 20 + j) * 7919 % 10_000)).collect();
        writeln!(out, "{}", values.join(",")).expect("file");
    }
    drop(out);
    let source = Source::Path(path);
    let before = peak_mib();
    let mut reader = TableReader::open(&source, &LoadOptions::default()).expect("sound");
    let mut rows = 0;
    while let Some(block) = reader.next_block(1000).expect("sound") {
        rows += block.x.nrows();
    }
    let blocks = peak_mib() - before;
    assert!(rows == 400_000 && blocks < 8, "{blocks} MiB");
    let (data, _) = load(&source, &LoadOptions::default()).expect("sound");
    let whole = peak_mib() - before;
    assert!(data.x.dim() == (400_000, 20) && (30..44).contains(&whole), "{whole} MiB");
}
