//! Files as `xz` 5.4, `zstd` 1.5 and `bzip2` 1.0 write them: `printf 'a,b\n1,2\n3,4\n' > t.csv; xz
//! t.csv`.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::memory::tests::with_memory;
use crate::read::input::Input;

const TEXT: &str = "a,b\n1,2\n3,4\n";
const XZ: &[u8] = b"\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4F\x02\x00!\x01\x16\x00\x00\x00t/\xe5\xa3\x01\x00\x0ba,b\n1,2\n3,4\n\x00\x10U\
\xe3\x962/\x91^\x00\x01$\x0c\xa6\x18\xd8\xd8\x1f\xb6\xf3}\x01\x00\x00\x00\x00\x04YZ";
const ZSTD: &[u8] = b"(\xb5/\xfd$\x0ca\x00\x00a,b\n1,2\n3,4\n\xe1\xb3\xcb.";
const BZIP2: &[u8] = b"BZh91AY&SY\x03\x0c\x1f\x1b\x00\x00\x05Y\x00\x00\x10\x00\x04<\x000\x00 \x00\"\x1e\xa1\x88C\x02\'4\xe3\x80\
\x1e.\xe4\x8ap\xa1 \x06\x18>6";

fn text_of(bytes: &[u8]) -> Result<String> {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("t.bin");
    fs::write(&path, bytes).expect("file");
    let mut input = Input::open(&path)?;
    let mut bytes = Vec::new();
    let mut byte = [0];
    while input.fill_or_end(&mut byte)? {
        bytes.push(byte[0]);
    }
    input.finish()?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn packed_files_read_as_their_content_whatever_their_name() {
    for bytes in [XZ, ZSTD] {
        assert_eq!(text_of(bytes).expect("sound"), TEXT);
        // Both programs read files put together as one.
        assert_eq!(text_of(&[bytes, bytes].concat()).expect("sound"), TEXT.repeat(2));
    }
    let skipped = [b"\x50\x2a\x4d\x18\x03\0\0\0abc".as_slice(), ZSTD].concat();
    assert_eq!(text_of(&skipped).expect("sound"), TEXT);
}

#[test]
fn a_packed_file_that_is_cut_or_changed_is_an_error() {
    for whole in [XZ, ZSTD] {
        for keep in 10..whole.len() {
            assert!(text_of(&whole[..keep]).is_err(), "{keep} of {}", whole.len());
        }
    }
    let mut wrong = ZSTD.to_vec();
    wrong[12] = b'7';
    assert!(text_of(&wrong).expect_err("changed").to_string().contains("checksum"), "Zstandard");
    let mut wrong = XZ.to_vec();
    wrong[30] = b'7';
    assert!(text_of(&wrong).is_err(), "xz");
    let skipped = b"\x50\x2a\x4d\x18\xff\0\0\0abc";
    assert!(matches!(text_of(skipped), Err(Error::Truncated { .. })));
}

#[test]
fn what_is_not_unpacked_names_the_command_that_does() {
    for (start, part) in [
        (BZIP2, "is compressed with bzip2, which is not read; unpack it first: bunzip2 -k"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "7z x"),
        (b"Rar!\x1a\x07\x01\0", "unrar x"),
        (b"LZIP\x01", "lzip -dk"),
        (b"\x04\x22\x4d\x18d@", "lz4 -dk"),
        (b"\x1f\x9d\x90", "gzip -dk"),
    ] {
        let text = text_of(start).expect_err("not read").to_string();
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(text_of(b"BZh9,1\n2,3\n").expect("text that begins so"), "BZh9,1\n2,3\n");
    assert_eq!([uncompressed_name("a.csv.xz"), uncompressed_name("a.npy.zst")], ["a.csv", "a.npy"]);
}

/// A header that asks for a large window is refused where there is little memory.
#[test]
fn windows_are_bounded() {
    // No content size, one segment no, window descriptor: 2^(10 + 17) = 128 MiB.
    let large = [b"\x28\xb5\x2f\xfd\x00".as_slice(), &[17 << 3], &[1, 0, 0]].concat();
    assert_eq!(text_of(&large).expect("an empty block"), "");
    assert!(with_memory(1 << 20, || text_of(&large)).is_err());
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        at in any::<prop::sample::Index>(), value in any::<u8>(), keep in any::<prop::sample::Index>(), which in 0..2_usize,
    ) {
        let mut bytes = [XZ, ZSTD][which].to_vec();
        let place = at.index(bytes.len());
        bytes[place] = value;
        let _ = text_of(&bytes);
        bytes.truncate(keep.index(bytes.len()));
        let _ = text_of(&bytes);
    }
}
