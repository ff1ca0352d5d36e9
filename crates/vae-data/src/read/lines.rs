//! Lines of a text file as UTF-8 text, for all readers of text.

use std::path::Path;

use crate::error::{Error, Result};
use crate::memory::Problem;
use crate::read::input::Input;
use crate::read::numbered::Numbered;

/// No line of a table is longer; a file that is no table at all ends here and not in memory.
const MAX_LINE_BYTES: u64 = 64 << 20;
const LONG_LINE: &str = "the line is longer than 64 MiB; this is no table";
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
    /// What was read last: a line, or a line and those appended to it.
    text: String,
    /// A line on its way to the end of `text`.
    more: Vec<u8>,
    /// Blank lines since the last one that is not.
    blank: usize,
    /// Blank lines with others above and below.
    skipped: usize,
}

impl<'a> Lines<'a> {
    pub fn new(input: Input<'a>) -> Self {
        Self { numbered: Numbered::new(input), text: String::new(), more: Vec::new(), blank: 0, skipped: 0 }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.numbered.path
    }

    /// The next line that is not blank, with its number.
    pub fn next_line(&mut self) -> Result<Option<(usize, &str)>> {
        Ok(self.read_line()?.map(|line| (line, self.text.as_str())))
    }

    /// Reads the next line that is not blank into [`Lines::text`]; returns its number.
    pub fn read_line(&mut self) -> Result<Option<usize>> {
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        let leading = self.numbered.line == 0;
        loop {
            if !self.read(&mut bytes)? {
                return Ok(None);
            }
            if !bytes.trim_ascii().is_empty() {
                break;
            }
            self.blank += usize::from(!leading);
        }
        self.skipped += std::mem::take(&mut self.blank);
        self.text = String::from_utf8(bytes).map_err(|_| self.problem(NOT_UTF_8))?;
        Ok(Some(self.numbered.line))
    }

    /// Appends a line feed and the next line, blank or not, to [`Lines::text`]; `false` at the end
    /// of the file.
    pub fn append_line(&mut self) -> Result<bool> {
        let mut more = std::mem::take(&mut self.more);
        let is_there = self.read(&mut more)?;
        if is_there {
            let text = std::str::from_utf8(&more).map_err(|_| self.problem(NOT_UTF_8))?;
            if (self.text.len() + text.len()) as u64 >= MAX_LINE_BYTES {
                return Err(self.problem(LONG_LINE));
            }
            self.text.push('\n');
            self.text.push_str(text);
        }
        self.more = more;
        Ok(is_there)
    }

    /// What was read last.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line that was read last, from 1.
    pub fn line(&self) -> usize {
        self.numbered.line
    }

    /// How many blank lines stood between others so far.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Replaces `bytes` by the next line without its end; `false` at the end of the file.
    fn read(&mut self, bytes: &mut Vec<u8>) -> Result<bool> {
        bytes.clear();
        let n = self.numbered.read(MAX_LINE_BYTES, bytes)?;
        if n as u64 == MAX_LINE_BYTES {
            return Err(self.problem(LONG_LINE));
        }
        if self.numbered.line == 1 {
            if is_utf_16(bytes) {
                return Err(self.problem(UTF_16));
            }
            if bytes.starts_with(BYTE_ORDER_MARK) {
                bytes.drain(..BYTE_ORDER_MARK.len());
            }
        }
        if bytes.ends_with(b"\n") {
            bytes.pop();
            if bytes.ends_with(b"\r") {
                bytes.pop();
            }
        } else if bytes.ends_with(b"\r") {
            bytes.pop();
        }
        Ok(n > 0)
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

/// Whether a first line has the mark of UTF-16, or zeros in half of its bytes as Latin text in
/// UTF-16 has.
fn is_utf_16(line: &[u8]) -> bool {
    let zeros = line.iter().filter(|byte| **byte == 0).count();
    line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") || (zeros > 0 && zeros >= line.len() / 2)
}
