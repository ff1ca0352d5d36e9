//! Small sets to fetch, and what is expected of a fetch.

use std::fs;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use vae_data::{Entry, Error, FetchOptions, fetch_entry};

use crate::server::{Reply, Request, Server};

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Enough to come in several reads.
pub fn content() -> Vec<u8> {
    (0..300_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A set with one file, `f.bin`, and the lines given in its `[[download]]`.
pub fn entry(urls: &[String], file: &str, download: &str) -> Entry {
    let text = format!(
        "name = 'test'\ntitle = ''\nreader = 'unsupported'\nfolders = ['test']\nrows = 1\ntrain_rows = 1\n\
         dim = 1\nclasses = 1\nlicence = ''\npreprocessing = ''\n{file}\n[[download]]\nurls = {urls:?}\n{download}\n"
    );
    toml::from_str(&text).expect("an entry")
}

/// The usual set: `f.bin` with [`content`], size and checksum known.
pub fn plain_entry(urls: &[String]) -> Entry {
    let (bytes, sum) = (content().len(), sha256(&content()));
    let file = format!("[[file]]\nname = 'f.bin'\nsha256 = '{sum}'");
    entry(urls, &file, &format!("name = 'f.bin'\ngives = ['f.bin']\nbytes = {bytes}\nsha256 = '{sum}'"))
}

pub fn options(dir: &Path) -> FetchOptions {
    FetchOptions {
        data_dir: Some(dir.to_owned()),
        tries: 3,
        backoff: Duration::from_millis(1),
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_millis(300),
        ..FetchOptions::default()
    }
}

pub fn run(entry: &Entry, dir: &TempDir) -> Result<(), Error> {
    fetch_entry(entry, &options(dir.path()), &mut |_| {}).map(|_| ())
}

pub fn reason(result: Result<(), Error>) -> String {
    match result.expect_err("must fail") {
        Error::Download { attempts, .. } => attempts.last().expect("an attempt").reason.clone(),
        other => panic!("{other}"),
    }
}

/// The file is there, right, and nothing temporary is left.
pub fn assert_arrived(dir: &TempDir) {
    let folder = dir.path().join("test");
    assert!(fs::read(folder.join("f.bin")).expect("arrived") == content());
    assert!(!folder.join(".f.bin.part").exists());
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).expect("sums");
    assert_eq!(sums, format!("{}  f.bin\n", sha256(&content())));
}

pub fn assert_nothing_arrived(dir: &TempDir) {
    assert!(!dir.path().join("test/f.bin").exists(), "a wrong file must not get the name");
}

/// Runs the usual set against one server and expects it to arrive; returns what the server was
/// asked.
pub fn arrives(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Vec<Request> {
    let server = Server::start(answer);
    let dir = tempfile::tempdir().expect("folder");
    run(&plain_entry(&[format!("{}/f.bin", server.address)]), &dir).expect("arrives");
    assert_arrived(&dir);
    server.requests()
}

/// Runs the usual set against one server and expects it to fail; returns the reason and the number
/// of requests.
pub fn fails(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (String, usize) {
    let server = Server::start(answer);
    let dir = tempfile::tempdir().expect("folder");
    let reason = reason(run(&plain_entry(&[format!("{}/f.bin", server.address)]), &dir));
    assert_nothing_arrived(&dir);
    (reason, server.requests().len())
}
