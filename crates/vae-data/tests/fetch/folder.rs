//! What is in the folder already, or is not, and what is left there.

use std::fs;
use std::io::Write;

use vae_data::{Error, FetchOptions, fetch, fetch_entry};

use crate::server::*;
use crate::sets::*;

#[test]
fn offline_says_what_is_missing() {
    let dir = tempfile::tempdir().expect("folder");
    let entry = plain_entry(&["http://unused.invalid/f.bin".to_owned()]);
    let offline = FetchOptions { offline: true, ..options(dir.path()) };
    let message = || fetch_entry(&entry, &offline, &mut |_| {}).expect_err("missing").to_string();
    assert!(message().contains("offline, and not all files are right in "), "{}", message());
    assert!(
        message().ends_with("f.bin is missing\n  get f.bin from http://unused.invalid/f.bin"),
        "{}",
        message()
    );
    fs::create_dir(dir.path().join("test")).expect("folder");
    fs::write(dir.path().join("test/f.bin"), "damaged").expect("file");
    assert!(
        message().contains(&format!("f.bin is wrong (SHA-256 {} instead", sha256(b"damaged"))),
        "{}",
        message()
    );
}

#[test]
fn a_damaged_file_is_set_aside_and_replaced() {
    let server = Server::start(|_| ok(&content()));
    let dir = tempfile::tempdir().expect("folder");
    fs::create_dir(dir.path().join("test")).expect("folder");
    fs::write(dir.path().join("test/f.bin"), "damaged").expect("file");
    run(&plain_entry(&[format!("{}/f.bin", server.address)]), &dir).expect("arrives");
    assert_arrived(&dir);
    assert_eq!(fs::read(dir.path().join("test/f.bin.damaged")).expect("kept"), b"damaged");
}

#[test]
fn without_a_checksum_the_first_fetch_pins() {
    let server = Server::start(|request| ok(if request.nth == 0 { b"first" } else { b"other" }));
    let dir = tempfile::tempdir().expect("folder");
    let urls = [format!("{}/f.bin", server.address)];
    let entry = entry(&urls, "[[file]]\nname = 'f.bin'", "name = 'f.bin'\ngives = ['f.bin']");
    run(&entry, &dir).expect("pinned");
    fs::remove_file(dir.path().join("test/f.bin")).expect("file");
    let reason = reason(run(&entry, &dir));
    assert!(reason.contains("differs from the SHA-256 of the first fetch"), "{reason}");
    assert_nothing_arrived(&dir);
}

#[test]
fn a_cut_gzip_is_noticed_without_any_checksum() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&content()).expect("memory");
    let gzip = encoder.finish().expect("memory");
    let server = Server::start(move |_| ok(&gzip[..gzip.len() / 2]));
    let dir = tempfile::tempdir().expect("folder");
    let urls = [format!("{}/f.bin.gz", server.address)];
    let entry = entry(&urls, "[[file]]\nname = 'f.bin'", "name = 'f.bin.gz'\ngives = ['f.bin']");
    let reason = reason(run(&entry, &dir));
    assert!(reason.contains("wrong content"), "{reason}");
}

#[test]
fn two_processes_do_not_write_one_file() {
    let dir = tempfile::tempdir().expect("folder");
    fs::create_dir(dir.path().join("test")).expect("folder");
    let other = fs::File::create(dir.path().join("test/.f.bin.part")).expect("file");
    other.lock().expect("lock");
    let error = run(&plain_entry(&["http://unused.invalid/f.bin".to_owned()]), &dir).expect_err("busy");
    assert!(matches!(error, Error::Busy { .. }), "{error}");
}

#[test]
fn generated_and_unknown_sets_are_not_fetched() {
    let dir = tempfile::tempdir().expect("folder");
    let message = |name| fetch(name, &options(dir.path()), &mut |_| {}).expect_err("no address").to_string();
    assert!(message("strokes").contains("nothing has to be fetched"));
    assert!(message("minst").contains("did you mean mnist?"));
}
#[test]
fn the_next_run_goes_on_where_the_last_stopped() {
    let server = Server::start(|request| match request.range {
        Some(start) => partial(&content(), start),
        None => ok(&content()),
    });
    let entry = plain_entry(&[format!("{}/f.bin", server.address)]);
    for (left_over, ranges) in [
        (content()[..123_456].to_vec(), vec![Some(123_456)]),
        (content(), vec![]),
        // The rest of something else: the checksum tells, and the whole is fetched.
        (vec![7; 1000], vec![Some(1000), None]),
        (vec![7; 300_000], vec![None]),
        (vec![7; 400_000], vec![None]),
    ] {
        let dir = tempfile::tempdir().expect("folder");
        fs::create_dir(dir.path().join("test")).expect("folder");
        fs::write(dir.path().join("test/.f.bin.part"), left_over).expect("left over");
        let before = server.requests().len();
        run(&entry, &dir).expect("arrives");
        assert_arrived(&dir);
        let asked: Vec<_> = server.requests()[before..].iter().map(|r| r.range).collect();
        assert_eq!(asked, ranges);
    }
}
