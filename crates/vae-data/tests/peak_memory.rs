//! The memory of this process while it reads a small file that holds enormous content. A test of
//! its own: the largest memory is that of a process.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use vae_data::{Error, LoadOptions, Source, load};

/// The largest memory this process has had so far, in MiB.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line of the peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

/// 50 million labels in 100 kB for a table of 60 rows: counted, and not held.
#[test]
fn labels_beyond_the_rows_take_no_memory() {
    let dir = tempfile::tempdir().expect("folder");
    let table = dir.path().join("t.csv");
    fs::write(&table, "1,2\n".repeat(60)).expect("file");
    let labels = dir.path().join("labels.gz");
    let mut gz = GzEncoder::new(File::create(&labels).expect("file"), Compression::best());
    let many = b"a\n".repeat(100_000);
    (0..500).for_each(|_| gz.write_all(&many).expect("file"));
    gz.finish().expect("file");
    let before = peak_mib();
    let options = LoadOptions { labels: Some(labels), ..LoadOptions::default() };
    let error = load(&Source::Path(table), &options).expect_err("too many labels");
    assert!(matches!(error, Error::LabelCount { rows: 60, labels: 50_000_000, .. }), "{error}");
    let grown = peak_mib() - before;
    assert!(grown < 32, "{grown} MiB");
}
