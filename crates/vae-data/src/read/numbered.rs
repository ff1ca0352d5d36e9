//! Lines of a text file with their numbers, for errors that name them.

use super::input::Input;
use crate::{Error, Result};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

/// A text file that knows which line it is at.
pub(crate) struct Numbered<'a> {
    pub path: PathBuf,
    reader: BufReader<Input<'a>>,
    /// The line that was read last, from 1; 0 before the first.
    pub line: usize,
}

impl<'a> Numbered<'a> {
    pub fn new(input: Input<'a>) -> Self {
        Self { path: input.path.clone(), reader: BufReader::with_capacity(64 * 1024, input), line: 0 }
    }

    /// Appends the next line, of at most `limit` bytes, with its line feed. 0 at the end of the
    /// file.
    pub fn read(&mut self, limit: u64, buffer: &mut Vec<u8>) -> Result<usize> {
        match Read::by_ref(&mut self.reader).take(limit).read_until(b'\n', buffer) {
            Ok(n) => {
                self.line += usize::from(n > 0);
                Ok(n)
            }
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(self.problem("the compressed file is cut short near here; copy or fetch it again"))
            }
            Err(e) => Err(Error::io("read", &self.path)(e)),
        }
    }

    /// An error at this line.
    pub fn problem(&self, problem: &'static str) -> Error {
        Error::Line { path: self.path.clone(), line: self.line, problem }
    }

    /// After the last line: checks the checksum of a published file.
    pub fn finish(self) -> Result<()> {
        self.reader.into_inner().finish()
    }
}
