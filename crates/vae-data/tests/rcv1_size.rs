//! RCV1 at its full size, generated: 804,414 documents of 120 tokens from 300,000 terms, all of
//! them kept.
//!
//! `cargo test -p vae-data --test rcv1_size -- --ignored --nocapture`; what it said is in
//! `docs/bench/data.md`.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use vae_data::{LoadOptions, Matrix, Source, load};

const DOCUMENTS: usize = 804_414;
const TOKENS: usize = 120;
const TERMS: f64 = 300_000.0;
const FOUR_GIB_IN_KIB: u64 = 4 << 20;

/// The largest memory this process has had so far, in KiB, as Linux tells it.
fn peak_rss_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line of the peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
#[ignore = "writes half a gigabyte and takes minutes: run it by name, on Linux"]
fn all_of_rcv1_fits_into_four_gibibytes() {
    let dir = tempfile::tempdir().expect("folder");
    let create = |name: &str| {
        let file = BufWriter::new(File::create(dir.path().join(name)).expect("file"));
        GzEncoder::new(file, Compression::fast())
    };
    let roots = ["CCAT", "GCAT", "MCAT", "ECAT"];
    let mut qrels = create("rcv1-v2.topics.qrels.gz");
    let names = ["test_pt0", "test_pt1", "test_pt2", "test_pt3", "train"];
    let mut parts = names.map(|name| create(&format!("lyrl2004_tokens_{name}.dat.gz")));
    let (mut state, mut written) = (1_u64, 0_usize);
    let mut line = String::new();
    for id in 1..=DOCUMENTS {
        writeln!(qrels, "{} {id} 1", roots[id % 4]).expect("file");
        line.clear();
        line.push_str(&format!(".I {id}\n.W\n"));
        for _ in 0..TOKENS {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // A power of a uniform number: few terms are frequent and most are rare, as words are.
            let u = (state >> 40) as f64 / f64::from(1 << 24);
            line.push_str(&format!("t{} ", (u.powi(4) * TERMS) as u32));
        }
        line.push_str("\n\n");
        written += line.len();
        parts[id * 5 / (DOCUMENTS + 1)].write_all(line.as_bytes()).expect("file");
    }
    for encoder in parts.into_iter().chain([qrels]) {
        encoder.finish().and_then(|mut file| file.flush()).expect("file");
    }
    let before = peak_rss_kib();
    let started = Instant::now();
    let (data, labels) = load(&Source::Path(dir.path().to_owned()), &LoadOptions::default()).expect("sound");
    let time = started.elapsed();
    let peak = peak_rss_kib();
    let Matrix::Sparse(x) = &data.x else { panic!("text is sparse") };
    println!(
        "{DOCUMENTS} documents, {} MB of text: {:.1} s, {} values, peak {} MiB ({} MiB before)",
        written / 1_000_000,
        time.as_secs_f64(),
        x.values.len(),
        peak / 1024,
        before / 1024
    );
    assert_eq!((x.n(), x.n_columns, labels.expect("topics").n_classes()), (DOCUMENTS, 2000, 4));
    assert!(peak < FOUR_GIB_IN_KIB, "{peak} KiB");
}
