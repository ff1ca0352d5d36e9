//! Lines of a text file as UTF-8 text, for all readers of text.

use std::path::Path;

use crate::error::{Error, Result};
use crate::memory::Problem;
use crate::read::input::Input;
use crate::read::numbered::Numbered;

/// No line of a table is longer; a file that is no table at all ends here and not in memory.
const MAX_LINE_BYTES: u64 = 64 << 20;
/// What some programs put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What is wrong with text of another encoding or with other line ends.
const UTF_16: &str = "the text is UTF-16; save the file as UTF-8";
const NOT_UTF_8: &str =
    "the line is not UTF-8 text; it may be Latin-1 or Windows-1252: save the file as UTF-8";
pub(crate) const CARRIAGE_RETURNS: &str =
    "lines end with carriage returns alone, as on old Macs; save the file with line feeds";

/// Lines of a file, numbered from 1, without line ends; empty lines are skipped.
pub(crate) struct Lines<'a> {
    numbered: Numbered<'a>,
    buffer: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub fn new(input: Input<'a>) -> Self {
        Self { numbered: Numbered::new(input), buffer: Vec::new() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.numbered.path
    }

    /// The next line that is not blank, with its number.
    pub fn next_line(&mut self) -> Result<Option<(usize, &str)>> {
        loop {
            self.buffer.clear();
            let n = self.numbered.read(MAX_LINE_BYTES, &mut self.buffer)?;
            if n == 0 {
                return Ok(None);
            }
            if n as u64 == MAX_LINE_BYTES {
                return Err(self.problem("the line is longer than 64 MiB; this is no table"));
            }
            if self.numbered.line == 1 {
                if is_utf_16(&self.buffer) {
                    return Err(self.problem(UTF_16));
                }
                if self.buffer.starts_with(BYTE_ORDER_MARK) {
                    self.buffer.drain(..BYTE_ORDER_MARK.len());
                }
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let mut bytes = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some((self.numbered.line, text))),
            Err(_) => Err(self.problem(NOT_UTF_8)),
        }
    }

    /// After the last line: checks the checksum of a published file.
    pub fn finish(self) -> Result<()> {
        self.numbered.finish()
    }

    /// [`Lines::problem`], where it may be the memory.
    pub fn stop(&self, problem: Problem) -> Error {
        problem.at_line(self.path(), self.numbered.line)
    }

    /// An error at the line that was read last.
    pub fn problem(&self, problem: &'static str) -> Error {
        self.numbered.problem(problem)
    }
}

/// Whether a first line has the mark of UTF-16, or zeros in half of its bytes as Latin text in UTF-16 has.
fn is_utf_16(line: &[u8]) -> bool {
    let zeros = line.iter().filter(|byte| **byte == 0).count();
    line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") || (zeros > 0 && zeros >= line.len() / 2)
}
