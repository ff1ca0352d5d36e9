//! How documents begin, for people to look at. No method sees these.

use crate::memory::{self, Meter, Problem};

/// Bytes of a document, at most.
const LONGEST: usize = 240;
/// Bytes of all, at most: of larger collections nothing is kept.
const MOST: usize = 64 << 20;

/// The beginning of each document, taken one piece at a time.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    open: String,
    all: Vec<String>,
    bytes: usize,
    is_full: bool,
    meter: Meter,
}

impl Beginnings {
    /// Adds text to the open document.
    pub fn text(&mut self, text: &str) {
        let Self { open, is_full, .. } = self;
        if *is_full || open.len() >= LONGEST {
            return;
        }
        // Blanks of any kind and number are one: layout is not to be seen in a line.
        for word in text.split_whitespace() {
            if open.len() >= LONGEST {
                break;
            }
            if !open.is_empty() {
                open.push(' ');
            }
            let room = LONGEST.saturating_sub(open.len());
            open.extend(word.chars().scan(0, |used, c| {
                *used += c.len_utf8();
                (*used <= room).then_some(c)
            }));
        }
    }

    /// Ends the open document. `Err` says that memory is short.
    pub fn end_document(&mut self) -> Result<(), Problem> {
        let text = std::mem::take(&mut self.open);
        if self.is_full {
            return Ok(());
        }
        self.bytes += text.len();
        if self.bytes > MOST {
            *self = Self { is_full: true, ..Self::default() };
            return Ok(());
        }
        self.meter.add(text.len())?;
        Ok(memory::push(&mut self.all, text)?)
    }

    /// A text for each document; none where they were too many.
    pub fn finish(self) -> Option<Vec<String>> {
        (!self.is_full).then_some(self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(documents: &[&[&str]]) -> Option<Vec<String>> {
        let mut beginnings = Beginnings::default();
        for pieces in documents {
            pieces.iter().for_each(|piece| beginnings.text(piece));
            beginnings.end_document().expect("small");
        }
        beginnings.finish()
    }

    #[test]
    fn pieces_are_one_line_of_limited_length() {
        let long = "ä".repeat(300);
        let texts = of(&[&["a\tb ", "", " c\n"], &[], &[&long, "more"]]).expect("few");
        assert_eq!((texts[0].as_str(), texts[1].as_str()), ("a b c", ""));
        assert_eq!(texts[2], "ä".repeat(LONGEST / 2));
    }

    #[test]
    fn of_very_many_documents_nothing_is_kept() {
        let mut beginnings = Beginnings { bytes: MOST - 3, ..Beginnings::default() };
        beginnings.text("abc");
        beginnings.end_document().expect("small");
        assert!(!beginnings.is_full);
        beginnings.text("d");
        beginnings.end_document().expect("small");
        beginnings.text("e");
        beginnings.end_document().expect("small");
        assert_eq!(beginnings.finish(), None);
    }
}
