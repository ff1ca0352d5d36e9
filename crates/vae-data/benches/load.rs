//! Whole ways from files to a matrix: MNIST with all checksums, Reuters-21578 from SGML to tf-idf,
//! RCV1's token files.
//!
//! `VAE_DATA_DIR=… cargo bench --profile dev -p vae-data`. Sets that are not there are told as
//! skipped; the token file is generated. Recorded timings are in `docs/bench/data.md`.

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use vae_data::{Error, LoadOptions, Places, Source, load, load_from};

fn known(criterion: &mut Criterion) {
    let places = Places::new(None, std::env::var_os("VAE_DATA_DIR").map(Into::into), None);
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for name in ["mnist", "reuters21578"] {
        let source = Source::Known(name.to_owned());
        if let Err(Error::DataSetNotFound { .. }) = load_from(&source, &LoadOptions::default(), &places) {
            eprintln!("SKIPPED: {name} is not in VAE_DATA_DIR");
            continue;
        }
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(load_from(&source, &LoadOptions::default(), &places).expect("sound")));
        });
    }
    group.finish();
}

/// 10,000 documents of 75 tokens in RCV1's files.
fn rcv1(criterion: &mut Criterion) {
    const DOCUMENTS: u64 = 10_000;
    let dir = tempfile::tempdir().expect("folder");
    let gzip = |name: &str| GzEncoder::new(create(dir.path(), name), Compression::fast());
    let mut qrels = gzip("rcv1-v2.topics.qrels.gz");
    let mut tokens = gzip("lyrl2004_tokens_train.dat.gz");
    for part in 0..4 {
        gzip(&format!("lyrl2004_tokens_test_pt{part}.dat.gz")).finish().expect("file");
    }
    let mut state = 1_u64;
    for id in 1..=DOCUMENTS {
        writeln!(qrels, "CCAT {id} 1").expect("file");
        write!(tokens, ".I {id}\n.W\n").expect("file");
        for _ in 0..75 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // The square of a uniform number: small ones are frequent, as words are.
            let u = (state >> 40) as f64 / f64::from(1 << 24);
            write!(tokens, "t{} ", (u * u * u * 40_000.0) as u32).expect("file");
        }
        tokens.write_all(b"\n\n").expect("file");
    }
    qrels.finish().expect("file");
    tokens.finish().expect("file");
    let source = Source::Path(dir.path().to_owned());
    let mut group = criterion.benchmark_group("rcv1");
    group.sample_size(10).throughput(Throughput::Elements(DOCUMENTS));
    group.bench_function("10,000 documents", |bencher| {
        bencher.iter(|| black_box(load(&source, &LoadOptions::default()).expect("sound")));
    });
    group.finish();
}

fn create(folder: &Path, name: &str) -> std::fs::File {
    std::fs::File::create(folder.join(name)).expect("file")
}

criterion_group!(benches, known, rcv1);
criterion_main!(benches);
