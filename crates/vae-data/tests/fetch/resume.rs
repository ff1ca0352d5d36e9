//! Going on with a file in a later run where no checksum is published: only where it is the same
//! file.

use std::fs;

use tempfile::TempDir;
use vae_data::Entry;

use crate::server::*;
use crate::sets::*;

fn unchecked(urls: &[String]) -> Entry {
    entry(urls, "[[file]]\nname = 'f.bin'", "name = 'f.bin'\ngives = ['f.bin']")
}

fn unavailable() -> Reply {
    reply("503 Service Unavailable\r\nContent-Length: 0", b"")
}

fn other() -> Vec<u8> {
    content().into_iter().rev().collect()
}

/// A run that gets a third of the file with these lines in the head, then a run against `second`;
/// what that one was asked first, and the file.
fn two_runs(
    head: &'static str,
    second: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> (Request, Vec<u8>) {
    let server = Server::start(move |request| match request.nth {
        0 => with_head(broken_off(&content(), 100_000), head),
        1..3 => unavailable(),
        _ => second(request),
    });
    let dir = tempfile::tempdir().expect("folder");
    let entry = unchecked(&[format!("{}/f.bin", server.address)]);
    run(&entry, &dir).expect_err("breaks off");
    run(&entry, &dir).expect("arrives");
    let asked = server.requests()[3].clone();
    (asked, arrived(&dir))
}

/// The file; nothing temporary is left.
fn arrived(dir: &TempDir) -> Vec<u8> {
    let folder = dir.path().join("test");
    let mut names: Vec<_> =
        fs::read_dir(&folder).expect("folder").map(|e| e.expect("entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["SHA256SUMS", "f.bin"]);
    fs::read(folder.join("f.bin")).expect("arrived")
}

#[test]
fn the_same_file_is_resumed_in_a_later_run() {
    const DATES: &str = "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nDate: Tue, 02 Jan 2024 00:00:00 GMT";
    for (head, validator) in [("ETag: \"v1\"", "\"v1\""), (DATES, "mon, 01 jan 2024 00:00:00 gmt")] {
        let (asked, file) = two_runs(head, |request| partial(&content(), request.range.expect("a range")));
        assert_eq!(asked.if_range.as_deref(), Some(validator));
        assert!(asked.range.is_some_and(|start| start > 0 && start <= 100_000), "{asked:?}");
        assert!(file == content());
    }
}

#[test]
fn a_file_that_has_changed_starts_over() {
    let (asked, file) = two_runs("ETag: \"v1\"", |_| with_head(ok(&other()), "ETag: \"v2\""));
    assert_eq!(asked.if_range.as_deref(), Some("\"v1\""));
    assert!(file == other());
    // A server that sends the rest of the new file all the same is not believed.
    let (_, file) = two_runs("ETag: \"v1\"", |request| match request.range {
        Some(start) => with_head(partial(&other(), start), "ETag: \"v2\""),
        None => with_head(ok(&other()), "ETag: \"v2\""),
    });
    assert!(file == other());
}

#[test]
fn without_a_strong_validator_nothing_is_resumed_in_a_later_run() {
    const NOW: &str = "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT";
    for head in ["ETag: W/\"v1\"", NOW, "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT", "Server: forgetful"] {
        let (asked, file) = two_runs(head, |_| ok(&other()));
        assert_eq!((asked.range, asked.if_range), (None, None), "{head}");
        assert!(file == other());
    }
}

#[test]
fn the_rest_of_a_file_is_not_asked_of_another_address() {
    let server = Server::start(|request| match (request.path.as_str(), request.nth) {
        ("/first", 0) => with_head(broken_off(&content(), 100_000), "ETag: \"v1\""),
        ("/first", _) => unavailable(),
        _ => ok(&other()),
    });
    let dir = tempfile::tempdir().expect("folder");
    let urls = ["first", "second"].map(|path| format!("{}/{path}", server.address));
    run(&unchecked(&urls), &dir).expect("the mirror has it");
    assert!(arrived(&dir) == other());
    assert_eq!(server.requests().last().expect("asked").range, None);
}

#[test]
fn a_failed_fetch_leaves_nothing_empty_behind() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(|_| unavailable());
    for entry in [plain_entry, unchecked] {
        run(&entry(&[format!("{}/f.bin", server.address)]), &dir).expect_err("unavailable");
        assert_eq!(fs::read_dir(dir.path().join("test")).expect("folder").count(), 0);
    }
}
