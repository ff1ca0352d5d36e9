//! The downloader against a server on this machine that lies, stalls, breaks off and forgets.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use vae_data::{Entry, Error, FetchOptions, Progress, fetch, fetch_entry};

/// What the server is asked.
#[derive(Debug, Clone)]
struct Request {
    path: String,
    /// First byte asked for.
    range: Option<usize>,
    /// How many requests came before.
    nth: usize,
}

/// What it answers: bytes, and whether the connection then hangs.
struct Reply {
    bytes: Vec<u8>,
    hang: Duration,
}

fn reply(head: &str, body: &[u8]) -> Reply {
    let bytes = [format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes(), body].concat();
    Reply { bytes, hang: Duration::ZERO }
}

fn ok(body: &[u8]) -> Reply {
    reply(&format!("200 OK\r\nContent-Length: {}", body.len()), body)
}

/// An honest answer to a range request.
fn partial(body: &[u8], start: usize) -> Reply {
    let (end, len) = (body.len() - 1, body.len());
    let left = &body[start..];
    reply(
        &format!(
            "206 Partial Content\r\nContent-Range: bytes {start}-{end}/{len}\r\nContent-Length: {}",
            left.len()
        ),
        left,
    )
}

/// Announces all of the body and sends part of it.
fn broken_off(body: &[u8], keep: usize) -> Reply {
    reply(&format!("200 OK\r\nContent-Length: {}", body.len()), &body[..keep])
}

struct Server {
    address: String,
    log: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("address"));
        let log = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&log);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("connection");
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                thread::spawn(move || {
                    let Some(mut request) = read_request(&mut stream) else { return };
                    {
                        let mut requests = requests.lock().expect("log");
                        request.nth = requests.len();
                        requests.push(request.clone());
                    }
                    let Reply { bytes, hang } = answer(&request);
                    // The client may have given up already.
                    let _ = stream.write_all(&bytes);
                    thread::sleep(hang);
                });
            }
        });
        Self { address, log }
    }

    fn requests(&self) -> Vec<Request> {
        self.log.lock().expect("log").clone()
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("ascii").to_lowercase();
    assert!(head.contains("accept-encoding: identity"), "a .gz must come as it is: {head}");
    let range =
        head.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
    Some(Request { path: head.split(' ').nth(1)?.to_owned(), range, nth: 0 })
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Enough to come in several reads.
fn content() -> Vec<u8> {
    (0..300_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A set with one file, `f.bin`, and the lines given in its `[[download]]`.
fn entry(urls: &[String], file: &str, download: &str) -> Entry {
    let text = format!(
        "name = 'test'\ntitle = ''\nreader = 'unsupported'\nfolders = ['test']\nrows = 1\ntrain_rows = 1\n\
         dim = 1\nclasses = 1\nlicence = ''\npreprocessing = ''\n{file}\n[[download]]\nurls = {urls:?}\n{download}\n"
    );
    toml::from_str(&text).expect("an entry")
}

/// The usual set: `f.bin` with [`content`], size and checksum known.
fn plain_entry(urls: &[String]) -> Entry {
    let (bytes, sum) = (content().len(), sha256(&content()));
    let file = format!("[[file]]\nname = 'f.bin'\nsha256 = '{sum}'");
    entry(urls, &file, &format!("name = 'f.bin'\ngives = ['f.bin']\nbytes = {bytes}\nsha256 = '{sum}'"))
}

fn options(dir: &Path) -> FetchOptions {
    FetchOptions {
        data_dir: Some(dir.to_owned()),
        tries: 3,
        backoff: Duration::from_millis(1),
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_millis(300),
        ..FetchOptions::default()
    }
}

fn run(entry: &Entry, dir: &TempDir) -> Result<(), Error> {
    fetch_entry(entry, &options(dir.path()), &mut |_| {}).map(|_| ())
}

fn reason(result: Result<(), Error>) -> String {
    match result.expect_err("must fail") {
        Error::Download { attempts, .. } => attempts.last().expect("an attempt").reason.clone(),
        other => panic!("{other}"),
    }
}

/// The file is there, right, and nothing temporary is left.
fn assert_arrived(dir: &TempDir) {
    let folder = dir.path().join("test");
    assert!(fs::read(folder.join("f.bin")).expect("arrived") == content());
    assert!(!folder.join(".f.bin.part").exists());
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).expect("sums");
    assert_eq!(sums, format!("{}  f.bin\n", sha256(&content())));
}

fn assert_nothing_arrived(dir: &TempDir) {
    assert!(!dir.path().join("test/f.bin").exists(), "a wrong file must not get the name");
}

/// Runs the usual set against one server and expects it to arrive; returns what the server was asked.
fn arrives(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Vec<Request> {
    let server = Server::start(answer);
    let dir = tempfile::tempdir().expect("folder");
    run(&plain_entry(&[format!("{}/f.bin", server.address)]), &dir).expect("arrives");
    assert_arrived(&dir);
    server.requests()
}

/// Runs the usual set against one server and expects it to fail; returns the reason and the number of requests.
fn fails(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (String, usize) {
    let server = Server::start(answer);
    let dir = tempfile::tempdir().expect("folder");
    let reason = reason(run(&plain_entry(&[format!("{}/f.bin", server.address)]), &dir));
    assert_nothing_arrived(&dir);
    (reason, server.requests().len())
}

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
    let started = std::time::Instant::now();
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
    static GOOD: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(content);
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

#[test]
fn offline_says_what_is_missing() {
    let dir = tempfile::tempdir().expect("folder");
    let entry = plain_entry(&["http://unused.invalid/f.bin".to_owned()]);
    let offline = FetchOptions { offline: true, ..options(dir.path()) };
    let message = fetch_entry(&entry, &offline, &mut |_| {}).expect_err("missing").to_string();
    assert!(
        message.contains("offline, and not there or not right") && message.ends_with("f.bin"),
        "{message}"
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

fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("member");
        zip.write_all(bytes).expect("member");
    }
    zip.finish().expect("archive").into_inner()
}

#[test]
fn an_archive_in_an_archive_gives_its_files_and_goes() {
    let inner =
        zip_of(&[("Set/train/X.txt", b"1 2"), ("Set/train/Inertial/X.txt", b"no"), ("Set/names.txt", b"n")]);
    let outer = zip_of(&[("Set.zip", &inner), ("Set.names", b"")]);
    let (sum, inner_sum) = (sha256(&outer), sha256(&inner));
    let server = Server::start(move |_| ok(&outer));
    let urls = [format!("{}/set.zip", server.address)];
    let with = |x_sum: &str| {
        let file =
            format!("[[file]]\nname = 'train/X.txt'\nsha256 = '{x_sum}'\n[[file]]\nname = 'names.txt'");
        let inner = format!("inner = {{ name = 'Set.zip', sha256 = '{inner_sum}' }}");
        let download = format!(
            "name = 's.zip'\ngives = ['train/X.txt', 'names.txt']\nsha256 = '{sum}'\nunpack = 'zip'\n{inner}"
        );
        entry(&urls, &file, &download)
    };
    let dir = tempfile::tempdir().expect("folder");
    run(&with(&sha256(b"1 2")), &dir).expect("arrives");
    let folder = dir.path().join("test");
    assert_eq!(fs::read(folder.join("train/X.txt")).expect("file"), b"1 2");
    assert_eq!(fs::read(folder.join("names.txt")).expect("file"), b"n");
    let mut names: Vec<_> =
        fs::read_dir(&folder).expect("folder").map(|e| e.expect("entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["SHA256SUMS", "names.txt", "train"]);

    let dir = tempfile::tempdir().expect("folder");
    let error = run(&with(&sha256(b"3 4")), &dir).expect_err("another content");
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    assert!(!dir.path().join("test/train/X.txt").exists());
}

#[test]
fn a_tar_gives_the_listed_files_only() {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, bytes) in [("./f.bin", &b"right"[..]), ("other.txt", b"not listed")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        tar.append_data(&mut header, name, bytes).expect("member");
    }
    let archive = tar.into_inner().and_then(|gzip| gzip.finish()).expect("archive");
    let sum = sha256(&archive);
    let by_hand = archive.clone();
    let server = Server::start(move |_| ok(&archive));
    let urls = [format!("{}/set.tar.gz", server.address)];
    let with = |name: &str| {
        let file = format!("[[file]]\nname = '{name}'");
        entry(
            &urls,
            &file,
            &format!("name = 's.tar.gz'\ngives = ['{name}']\nsha256 = '{sum}'\nunpack = 'tar.gz'"),
        )
    };
    let dir = tempfile::tempdir().expect("folder");
    run(&with("f.bin"), &dir).expect("arrives");
    assert_eq!(fs::read(dir.path().join("test/f.bin")).expect("file"), b"right");
    assert!(!dir.path().join("test/other.txt").exists());
    // An archive that somebody put there does as well, and stays.
    fs::remove_file(dir.path().join("test/f.bin")).expect("file");
    fs::write(dir.path().join("test/s.tar.gz"), &by_hand).expect("file");
    let offline = FetchOptions { offline: true, ..options(dir.path()) };
    fetch_entry(&with("f.bin"), &offline, &mut |_| {}).expect("unpacked");
    assert_eq!(fs::read(dir.path().join("test/f.bin")).expect("file"), b"right");
    assert!(dir.path().join("test/s.tar.gz").exists());
    fs::write(dir.path().join("test/s.tar.gz"), b"not it").expect("file");
    let message = run(&with("g.bin"), &dir).expect_err("not in it").to_string();
    assert!(message.contains("does not hold the file g.bin"), "{message}");
}

#[test]
fn generated_and_unknown_sets_are_not_fetched() {
    let dir = tempfile::tempdir().expect("folder");
    let message = |name| fetch(name, &options(dir.path()), &mut |_| {}).expect_err("no address").to_string();
    assert!(message("strokes").contains("nothing has to be fetched"));
    assert!(message("minst").contains("did you mean mnist?"));
}
