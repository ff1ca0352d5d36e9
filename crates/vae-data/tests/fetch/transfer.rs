//! From the first byte to the last: progress, resuming, redirects, refusals, mirrors.

use std::net::TcpListener;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use vae_data::{FetchOptions, Progress, fetch_entry};

use crate::server::*;
use crate::sets::*;

#[test]
fn an_honest_server_needs_one_request_and_progress_is_told() {
    let server = Server::start(|_| ok(&content()));
    let dir = tempfile::tempdir().expect("folder");
    let entry = plain_entry(&[format!("{}/f.bin", server.address)]);
    let mut last = (0, None);
    let mut checked = false;
    fetch_entry(&entry, &options(dir.path()), &mut |progress| match progress {
        Progress::Received { done, total, .. } => {
            assert!(done > last.0, "it only grows");
            last = (done, total);
        }
        Progress::Checking { .. } => checked = true,
        _ => {}
    })
    .expect("arrives");
    assert_eq!((last, checked), ((300_000, Some(300_000)), true));
    assert_arrived(&dir);
    // What is there and right is not fetched again, and needs no network.
    let offline = FetchOptions { offline: true, ..options(dir.path()) };
    fetch_entry(&entry, &offline, &mut |_| {}).expect("there already");
    run(&entry, &dir).expect("there already");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_broken_connection_is_resumed() {
    let requests = arrives(|request| match request.range {
        None => broken_off(&content(), 100_000),
        Some(start) => partial(&content(), start),
    });
    assert_eq!(requests.len(), 2);
    let resumed_at = requests[1].range.expect("resumed");
    assert!(resumed_at > 0 && resumed_at <= 100_000, "{resumed_at}");
}

#[test]
fn a_server_that_ignores_range_starts_over() {
    let requests =
        arrives(|request| if request.nth == 0 { broken_off(&content(), 100_000) } else { ok(&content()) });
    assert!(requests.len() == 2 && requests[1].range.is_some());
}

#[test]
fn a_server_with_another_range_than_asked_for_is_not_believed() {
    let (reason, _) = fails(|request| match request.range {
        None => broken_off(&content(), 100_000),
        Some(start) => partial(&content(), start + 1),
    });
    assert!(reason.contains("another range"), "{reason}");
}

#[test]
fn a_stalled_connection_is_cut_and_resumed() {
    let started = Instant::now();
    let requests = arrives(|request| match request.range {
        None => Reply { hang: Duration::from_millis(900), ..broken_off(&content(), 100_000) },
        Some(start) => partial(&content(), start),
    });
    assert_eq!(requests.len(), 2);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn wrong_bytes_never_get_the_name_and_the_mirror_is_asked() {
    let wrong: Vec<u8> = content().into_iter().rev().collect();
    let lie = wrong.clone();
    let (reason, requests) = fails(move |_| ok(&lie));
    assert!(reason.contains("differs from the published SHA-256"), "{reason}");
    assert_eq!(requests, 1, "a whole wrong file is not asked for twice");

    let server = Server::start(move |request| ok(if request.path == "/bad" { &wrong } else { &GOOD }));
    static GOOD: LazyLock<Vec<u8>> = LazyLock::new(content);
    let dir = tempfile::tempdir().expect("folder");
    let urls = ["bad", "good"].map(|path| format!("{}/{path}", server.address));
    run(&plain_entry(&urls), &dir).expect("the mirror is right");
    assert_arrived(&dir);
}

#[test]
fn wrong_lengths_are_refused() {
    let (reason, requests) = fails(|_| ok(b"<html>404, politely</html>"));
    assert!(reason.contains("offers 26 bytes, 300000 are expected"), "{reason}");
    assert_eq!(requests, 1);
    // No announced length: the end of the connection is the end of the file.
    let (reason, _) = fails(|_| reply("200 OK", &[content(), vec![0; 1000]].concat()));
    assert!(reason.contains("more than the expected 300000 bytes"), "{reason}");
    let (reason, requests) = fails(|_| reply("200 OK", &content()[..1000]));
    assert!(reason.contains("after 1000 of 300000 bytes"), "{reason}");
    assert_eq!(requests, 3);
}

#[test]
fn redirects_are_followed() {
    let requests = arrives(|request| match request.path.as_str() {
        "/f.bin" => reply("302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0", b""),
        _ => ok(&content()),
    });
    assert_eq!(requests.last().map(|r| r.path.clone()), Some("/elsewhere".to_owned()));
}

#[test]
fn not_found_is_final_and_unavailable_is_not() {
    let (reason, requests) = fails(|_| reply("404 Not Found\r\nContent-Length: 0", b""));
    assert_eq!((reason.as_str(), requests), ("the server answered 404", 1));
    let (reason, requests) = fails(|_| reply("503 Service Unavailable\r\nContent-Length: 0", b""));
    assert_eq!((reason.as_str(), requests), ("the server answered 503", 3));
    let busy_once = arrives(|request| match request.nth {
        0 => reply("503 Service Unavailable\r\nContent-Length: 0", b""),
        _ => ok(&content()),
    });
    assert_eq!(busy_once.len(), 2);
}

#[test]
fn no_server_at_all_is_told_with_its_address() {
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}/f.bin", listener.local_addr().expect("address"))
    };
    let dir = tempfile::tempdir().expect("folder");
    let message = run(&plain_entry(std::slice::from_ref(&url)), &dir).expect_err("nobody there").to_string();
    assert!(message.contains(&format!("{url} (tried 3 times)")), "{message}");
    assert!(message.contains("by hand"), "{message}");
}

#[test]
fn a_mirror_is_asked_where_the_first_address_has_nothing() {
    let server = Server::start(|request| match request.path.as_str() {
        "/gone" => reply("404 Not Found\r\nContent-Length: 0", b""),
        _ => ok(&content()),
    });
    let dir = tempfile::tempdir().expect("folder");
    let urls = ["gone", "here"].map(|path| format!("{}/{path}", server.address));
    run(&plain_entry(&urls), &dir).expect("the mirror has it");
    assert_arrived(&dir);
    let asked: Vec<String> = server.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(asked, ["/gone", "/here"]);
}

#[test]
fn without_network_every_address_and_the_place_for_the_file_are_named() {
    let dir = tempfile::tempdir().expect("folder");
    let urls = ["http://a.invalid/f.bin", "http://b.invalid/f.bin"].map(str::to_owned);
    let message = run(&plain_entry(&urls), &dir).expect_err("no such hosts").to_string();
    assert!(urls.iter().all(|url| message.contains(url.as_str())), "{message}");
    let place = dir.path().join("test").display().to_string();
    assert!(message.contains(&format!("put the file into {place} by hand")), "{message}");
}

#[test]
fn redirects_without_end_are_given_up() {
    let (reason, requests) = fails(|_| reply("302 Found\r\nLocation: /f.bin\r\nContent-Length: 0", b""));
    assert!(requests < 100, "{requests} requests: {reason}");
}
