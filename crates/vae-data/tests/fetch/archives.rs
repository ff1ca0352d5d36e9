//! Files that come in archives.

use std::fs;
use std::io::Write;

use vae_data::{Error, FetchOptions, fetch_entry};

use crate::server::*;
use crate::sets::*;

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
fn a_bomb_is_unpacked_no_further_than_the_file_may_be_long() {
    // 32 MiB of zeros under a name whose content has two bytes.
    let zip = zip_of(&[("X.txt", &vec![0; 32 << 20])]);
    assert!(zip.len() < 1 << 20);
    let sum = sha256(&zip);
    let server = Server::start(move |_| ok(&zip));
    let urls = [format!("{}/set.zip", server.address)];
    let download = format!("name = 's.zip'\ngives = ['X.txt']\nsha256 = '{sum}'\nunpack = 'zip'");
    let entry = entry(&urls, "[[file]]\nname = 'X.txt'\nbytes = 2", &download);
    let dir = tempfile::tempdir().expect("folder");
    let message = run(&entry, &dir).expect_err("too long").to_string();
    assert!(message.contains("is larger than the 2 bytes expected"), "{message}");
    let left = fs::read_dir(dir.path().join("test")).expect("folder").map(|e| e.expect("entry").metadata());
    assert!(left.map(|m| m.expect("metadata").len()).sum::<u64>() < 1 << 20, "nothing of it is left");
}
