//! Records of a table, taken apart into fields: quotes as in RFC 4180, so that a quoted field may
//! have several lines.
//!
//! Fields are borrowed from buffers that are used for every record: a row costs no allocation.

use crate::error::{Error, Result};
use crate::memory::{self, Problem};
use crate::read::lines::Lines;

/// Why a record with a lost quote cannot be taken apart.
const OPEN_QUOTE: &str =
    "a quote is opened here and not closed; close it, or say --quote none if quotes are text";
const AFTER_QUOTE: &str = "text follows a closing quote, or a quote that is opened here is not closed; put quotes around the whole field and double those inside it, or \
     say --quote none if quotes are text";
const LONG_FIELD: &str = "a quote is opened here and not closed within the longest field there may be; close it, or say \
     --quote none if quotes are text";

/// How the fields of a table are told from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// An ASCII character; a blank stands for any number of blanks.
    pub separator: u8,
    pub quote: Option<u8>,
}

/// Where a field lies: in the text of the record, or in `unquoted`.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    is_quoted: bool,
}

/// The fields of one record.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    spans: Vec<Span>,
    /// What stood in quotes, without them.
    unquoted: String,
    /// How far the text is taken apart.
    position: usize,
    /// Where in `unquoted` the field begins whose quote is still open.
    open: Option<usize>,
}

impl Fields {
    /// Takes `text` apart from the beginning; `false` where a quote is open at its end.
    pub fn split(&mut self, text: &str, syntax: Syntax) -> Result<bool, Problem> {
        self.spans.clear();
        self.unquoted.clear();
        (self.position, self.open) = (0, None);
        self.go_on(text, syntax)
    }

    /// Goes on where a quote was open, now that the text is longer.
    fn go_on(&mut self, text: &str, syntax: Syntax) -> Result<bool, Problem> {
        loop {
            let is_last = match (self.open, syntax.quote) {
                (Some(start), Some(quote)) => match self.close(text, quote) {
                    false => return Ok(false),
                    true => self.end_quoted(text, syntax, start)?,
                },
                _ => self.begin(text, syntax)?,
            };
            if is_last {
                return Ok(true);
            }
        }
    }

    /// Passes a field, or the quote that opens one; `true` behind the last field.
    fn begin(&mut self, text: &str, syntax: Syntax) -> Result<bool, Problem> {
        let Syntax { separator, quote } = syntax;
        let bytes = text.as_bytes();
        let blanks = bytes[self.position..].iter().take_while(|byte| **byte == b' ').count();
        let start = self.position + blanks;
        if separator == b' ' && start == bytes.len() && !self.spans.is_empty() {
            return Ok(true);
        }
        if quote.is_some() && bytes.get(start).copied() == quote {
            self.open = Some(self.unquoted.len());
            self.position = start + 1;
            return Ok(false);
        }
        let length = bytes[start..].iter().position(|byte| *byte == separator);
        let end = length.map_or(bytes.len(), |length| start + length);
        let (start, end) = trimmed(text, start, end);
        memory::push(&mut self.spans, Span { start, end, is_quoted: false })?;
        Ok(self.pass_separator(length.map(|length| self.position + blanks + length + 1)))
    }

    /// Goes behind a separator, if there is one; else `true`.
    fn pass_separator(&mut self, next: Option<usize>) -> bool {
        self.position = next.unwrap_or(usize::MAX);
        next.is_none()
    }

    /// Copies what stands in quotes up to the quote that closes the field; `false` where there is
    /// none.
    fn close(&mut self, text: &str, quote: u8) -> bool {
        loop {
            let rest = &text[self.position..];
            let Some(length) = rest.bytes().position(|byte| byte == quote) else {
                self.unquoted.push_str(rest);
                self.position = text.len();
                return false;
            };
            self.unquoted.push_str(&rest[..length]);
            self.position += length + 1;
            if text.as_bytes().get(self.position) != Some(&quote) {
                return true;
            }
            self.unquoted.push(char::from(quote));
            self.position += 1;
        }
    }

    /// Ends a field behind its closing quote; `true` behind the last field.
    fn end_quoted(&mut self, text: &str, syntax: Syntax, start: usize) -> Result<bool, Problem> {
        self.open = None;
        memory::push(&mut self.spans, Span { start, end: self.unquoted.len(), is_quoted: true })?;
        let bytes = text.as_bytes();
        if syntax.separator != b' ' {
            self.position += bytes[self.position..].iter().take_while(|byte| **byte == b' ').count();
        }
        match bytes.get(self.position) {
            None => Ok(self.pass_separator(None)),
            Some(byte) if *byte == syntax.separator => Ok(self.pass_separator(Some(self.position + 1))),
            Some(_) => Err(AFTER_QUOTE.into()),
        }
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Field `i`, from 0, of the text that was taken apart; empty beyond the last.
    pub fn get<'t>(&'t self, text: &'t str, i: usize) -> &'t str {
        let Some(span) = self.spans.get(i) else { return "" };
        let from = if span.is_quoted { &self.unquoted } else { text };
        &from[span.start..span.end]
    }

    /// Bytes of the field whose quote is open.
    fn open_length(&self) -> usize {
        self.open.map_or(0, |start| self.unquoted.len() - start)
    }
}

/// Without blanks around it.
fn trimmed(text: &str, start: usize, end: usize) -> (usize, usize) {
    let is_plain = |byte: &u8| byte.is_ascii() && !byte.is_ascii_whitespace() && !byte.is_ascii_control();
    let bytes = &text.as_bytes()[start..end];
    if bytes.first().is_none_or(is_plain) && bytes.last().is_none_or(is_plain) {
        return (start, end);
    }
    let field = &text[start..end];
    let start = end - field.trim_start().len();
    (start, start + text[start..end].trim_end().len())
}

/// One record.
#[derive(Clone, Copy)]
pub(crate) struct Record<'t> {
    /// Line on which it begins.
    pub line: usize,
    text: &'t str,
    fields: &'t Fields,
}

impl<'t> Record<'t> {
    /// Field `i`, from 0.
    pub fn get(&self, i: usize) -> &'t str {
        self.fields.get(self.text, i)
    }

    /// The record as the file has it, without its line end.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = &'t str> {
        let (text, fields) = (self.text, self.fields);
        (0..fields.len()).map(move |i| fields.get(text, i))
    }
}

/// Records of one file, all with as many fields as the first.
pub(crate) struct Records<'a> {
    lines: Lines<'a>,
    syntax: Syntax,
    /// No quoted field has more bytes, so that a lost quote is found near its line.
    longest: usize,
    fields: Fields,
    n_fields: Option<usize>,
    /// The first record of several lines, and how many there are.
    broken: Option<(usize, usize)>,
}

impl<'a> Records<'a> {
    /// The records that `lines` holds from here on. With `n_fields` the first one is held against
    /// it, too.
    pub fn new(lines: Lines<'a>, syntax: Syntax, n_fields: Option<usize>, longest: usize) -> Self {
        Self { lines, syntax, longest, fields: Fields::default(), n_fields, broken: None }
    }

    /// From here on, each record has so many fields.
    pub fn expect(&mut self, n_fields: usize) {
        self.n_fields = Some(n_fields);
    }

    /// The next record.
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        let Some(line) = self.lines.read_line()? else { return Ok(None) };
        let is_whole = self
            .fields
            .split(self.lines.text(), self.syntax)
            .map_err(|problem| problem.at_line(self.lines.path(), line))?;
        if !is_whole {
            self.complete(line)?;
        }
        let found = self.fields.len();
        let expected = *self.n_fields.get_or_insert(found);
        if found != expected {
            return Err(Error::Ragged { path: self.lines.path().to_owned(), line, expected, found });
        }
        Ok(Some(Record { line, text: self.lines.text(), fields: &self.fields }))
    }

    /// Appends lines while a quote is open; errors name the line on which it was opened.
    fn complete(&mut self, first_line: usize) -> Result<()> {
        let mut opened = first_line;
        let (first, count) = self.broken.unwrap_or((first_line, 0));
        self.broken = Some((first, count + 1));
        loop {
            if self.fields.open_length() > self.longest {
                return Err(self.at(opened, LONG_FIELD));
            }
            if !self.lines.append_line()? {
                return Err(self.at(opened, OPEN_QUOTE));
            }
            let before = self.fields.open;
            let is_whole = self
                .fields
                .go_on(self.lines.text(), self.syntax)
                .map_err(|problem| problem.at_line(self.lines.path(), opened))?;
            if is_whole {
                return Ok(());
            }
            if self.fields.open != before {
                opened = self.lines.line();
            }
        }
    }

    fn at(&self, line: usize, problem: &'static str) -> Error {
        Error::Line { path: self.lines.path().to_owned(), line, problem }
    }

    /// The line of the first record of several lines so far, and how many there are.
    pub fn broken(&self) -> Option<(usize, usize)> {
        self.broken
    }

    /// How many blank lines stood between records so far.
    pub fn skipped(&self) -> usize {
        self.lines.skipped()
    }

    /// After the last record.
    pub fn finish(self) -> Result<()> {
        self.lines.finish()
    }
}
