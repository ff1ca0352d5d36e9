//! The lengths that an Arrow file promises, held against the file and the memory before `arrow-ipc`
//! believes them: it allocates what a length says, and one that cannot be had would end the
//! program.
//!
//! Source: the Arrow columnar format, "IPC File Format": blocks that the footer lists, each a
//! message and a body of buffers. A compressed buffer begins with its length, -1 where it is stored
//! as it is.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use arrow_ipc::{Block, root_as_footer, root_as_message};

use crate::error::{Error, Result};
use crate::memory;
use crate::read::columnar::Columnar;
use crate::read::columnar::rows::broken;

/// The length of the footer and the magic number at the end.
const END_BYTES: u64 = 10;

/// Checks all blocks of a file.
pub(super) fn check(path: &Path, file: &mut File) -> Result<()> {
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    let mut pieces = Pieces { path, file, length };
    let end = pieces.read(length.saturating_sub(END_BYTES), END_BYTES)?;
    let footer_bytes = end.first_chunk().map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
    let start = length.checked_sub(END_BYTES + footer_bytes).ok_or_else(|| pieces.wrong())?;
    let footer = pieces.read(start, footer_bytes)?;
    let footer = root_as_footer(&footer).map_err(|_| pieces.wrong())?;
    let dictionaries = footer.dictionaries().into_iter().flatten();
    for block in dictionaries.chain(footer.recordBatches().into_iter().flatten()) {
        pieces.check(block)?;
    }
    Ok(())
}

/// A file that is read in pieces.
struct Pieces<'a> {
    path: &'a Path,
    file: &'a mut File,
    length: u64,
}

impl Pieces<'_> {
    fn wrong(&self) -> Error {
        broken(self.path, Columnar::Arrow, &"it is cut short, or its lengths are wrong")
    }

    /// `count` bytes, which must be in the file.
    fn read(&mut self, start: u64, count: u64) -> Result<Vec<u8>> {
        if start.checked_add(count).is_none_or(|end| end > self.length) {
            return Err(self.wrong());
        }
        let mut bytes = Vec::new();
        memory::reserve(&mut bytes, count as usize).map_err(|short| short.at(self.path))?;
        self.file.seek(SeekFrom::Start(start)).map_err(Error::io("read", self.path))?;
        Read::by_ref(self.file).take(count).read_to_end(&mut bytes).map_err(Error::io("read", self.path))?;
        Ok(bytes)
    }

    fn check(&mut self, block: &Block) -> Result<()> {
        let (Ok(start), Ok(header), Ok(body)) = (
            u64::try_from(block.offset()),
            u64::try_from(block.metaDataLength()),
            u64::try_from(block.bodyLength()),
        ) else {
            return Err(self.wrong());
        };
        let body_start = start.checked_add(header).ok_or_else(|| self.wrong())?;
        if body_start.checked_add(body).is_none_or(|end| end > self.length) {
            return Err(self.wrong());
        }
        let message = self.read(start, header)?;
        // Since version 0.15 four bytes of ones stand before the length.
        let prefix = if message.starts_with(&[0xff; 4]) { 8 } else { 4 };
        let message = message.get(prefix..).ok_or_else(|| self.wrong())?;
        let message = root_as_message(message).map_err(|_| self.wrong())?;
        let batch = match message.header_as_dictionary_batch() {
            Some(dictionary) => dictionary.data(),
            None => message.header_as_record_batch(),
        };
        let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else { return Ok(()) };
        let mut needed: usize = 0;
        for buffer in batch.buffers().into_iter().flatten().filter(|buffer| buffer.length() > 0) {
            let offset =
                u64::try_from(buffer.offset()).ok().and_then(|offset| offset.checked_add(body_start));
            let bytes = self.read(offset.ok_or_else(|| self.wrong())?, 8)?;
            let unpacked = bytes.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes));
            needed = needed.saturating_add(usize::try_from(unpacked).unwrap_or(0));
        }
        memory::check(needed).map_err(|short| short.at(self.path))
    }
}
