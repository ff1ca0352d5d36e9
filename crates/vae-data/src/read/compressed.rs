//! Compressed files, told by how they begin: gzip, xz and Zstandard are unpacked on the way, others
//! are named with the command that unpacks them.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::error::{Error, Result};
use crate::memory;

/// Deflate cannot compress better than this (258 bytes in two bits, RFC 1951).
pub(crate) const MAX_DEFLATE_RATIO: u64 = 1032;
/// Nor Zstandard (a block of 128 KiB in four bytes, RFC 8878), nor LZMA (273 bytes in a third of a
/// bit).
const MAX_WINDOW_RATIO: u64 = 1 << 15;
/// Memory for what a decoder must look back at; the strongest usual setting of `xz` needs 65 MiB,
/// `zstd --long` 128.
const WINDOW_BYTES: usize = 256 << 20;
/// As much where there is little memory: enough for the usual settings.
const SMALL_WINDOW_BYTES: usize = 16 << 20;
const BUFFER_BYTES: usize = 256 * 1024;
/// Bytes that tell formats from each other.
const START_BYTES: u64 = 10;

/// What a file holds, unpacked.
pub(crate) struct Unpacked {
    pub reader: Box<dyn Read>,
    /// No more bytes than this can come.
    pub bound: u64,
    /// Whether `bound` is the length itself.
    pub exact: bool,
}

/// Unpacks an open file called `path` by how it begins; its name does not matter.
pub(crate) fn unpack(path: &Path, mut file: File) -> Result<Unpacked> {
    let metadata = file.metadata().map_err(Error::io("read", path))?;
    if metadata.is_dir() {
        return Err(Error::format(path, "is a folder where a file is expected"));
    }
    // A pipe does not say how much will come.
    let len = if metadata.is_file() { metadata.len() } else { u64::MAX };
    let mut start = Vec::with_capacity(START_BYTES as usize);
    Read::by_ref(&mut file).take(START_BYTES).read_to_end(&mut start).map_err(Error::io("read", path))?;
    if let Some((kind, command)) = other_compression(&start) {
        let problem = format!("is compressed with {kind}, which is not read; unpack it first: {command}");
        return Err(Error::format(path, problem));
    }
    let is = |magic: &[u8]| start.starts_with(magic);
    let (gzip, xz, zstd) = (is(b"\x1f\x8b"), is(b"\xfd7zXZ\0"), is_zstd(&start));
    let whole = Cursor::new(start).chain(file);
    if !(gzip || xz || zstd) {
        return Ok(Unpacked { reader: Box::new(whole), bound: len, exact: metadata.is_file() });
    }
    let whole = BufReader::with_capacity(BUFFER_BYTES, whole);
    let reader: Box<dyn Read> = match () {
        () if gzip => Box::new(MultiGzDecoder::new(whole)),
        () if xz => Box::new(XzReader::new_mem_limit(whole, true, (window_bytes() >> 10) as u32)),
        () => Box::new(Zstd::new(whole)),
    };
    let ratio = if gzip { MAX_DEFLATE_RATIO } else { MAX_WINDOW_RATIO };
    Ok(Unpacked { reader, bound: len.saturating_mul(ratio), exact: false })
}

/// Compressions that are not read, and a command for each.
fn other_compression(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let is_bzip2 = start.len() >= 10 && start.starts_with(b"BZh") && &start[4..10] == b"1AY&SY";
    match () {
        () if is_bzip2 => Some(("bzip2", "bunzip2 -k FILE")),
        () if start.starts_with(b"7z\xbc\xaf\x27\x1c") => Some(("7-Zip", "7z x FILE")),
        () if start.starts_with(b"Rar!\x1a\x07") => Some(("RAR", "unrar x FILE")),
        () if start.starts_with(b"LZIP") => Some(("lzip", "lzip -dk FILE")),
        () if start.starts_with(b"\x04\x22\x4d\x18") => Some(("LZ4", "lz4 -dk FILE")),
        () if start.starts_with(b"\x1f\x9d") => Some(("compress", "gzip -dk FILE")),
        () => None,
    }
}

/// A frame, or one to be skipped.
fn is_zstd(start: &[u8]) -> bool {
    start.starts_with(b"\x28\xb5\x2f\xfd")
        || (start.len() > 3 && start[0] >> 4 == 5 && start[1..4] == *b"\x2a\x4d\x18")
}

/// The name of a file without what says how it is compressed.
pub(crate) fn uncompressed_name(name: &str) -> &str {
    [".gz", ".xz", ".zst"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

fn window_bytes() -> usize {
    if memory::check(WINDOW_BYTES).is_ok() { WINDOW_BYTES } else { SMALL_WINDOW_BYTES }
}

/// Zstandard frames one after another, each held against its checksum if it has one.
struct Zstd<R> {
    source: R,
    frame: Option<FrameDecoder>,
    window_bytes: usize,
}

impl<R: Read> Zstd<R> {
    fn new(source: R) -> Self {
        Self { source, frame: None, window_bytes: window_bytes() }
    }

    /// Goes to the next frame that holds something; `None` at the end.
    fn next_frame(&mut self) -> io::Result<Option<FrameDecoder>> {
        loop {
            let mut first = [0];
            if self.source.read(&mut first)? == 0 {
                return Ok(None);
            }
            let mut frame = FrameDecoder::new();
            frame.set_max_window_size(self.window_bytes as u64);
            let header = first.chain(&mut self.source);
            match frame.init(header) {
                Ok(()) => return Ok(Some(frame)),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped =
                        io::copy(&mut Read::by_ref(&mut self.source).take(length.into()), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(cut_short());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the compressed file is cut short")
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(frame) = &mut self.frame else {
                self.frame = self.next_frame()?;
                match self.frame {
                    Some(_) => continue,
                    None => return Ok(0),
                }
            };
            while frame.can_collect() == 0 && !frame.is_finished() {
                let strategy = BlockDecodingStrategy::UptoBlocks(1);
                frame.decode_blocks(&mut self.source, strategy).map_err(io::Error::other)?;
            }
            let n = frame.read(buffer)?;
            if n > 0 || buffer.is_empty() {
                return Ok(n);
            }
            let promised = frame.get_checksum_from_data();
            if promised.is_some() && promised != frame.get_calculated_checksum() {
                return Err(io::Error::other(
                    "the checksum of the compressed content is wrong; copy the file again",
                ));
            }
            self.frame = None;
        }
    }
}

#[cfg(test)]
#[path = "compressed_tests.rs"]
mod tests;
