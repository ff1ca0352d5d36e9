//! Records of a table whose fields are text: as RFC 4180 says, a quoted field may have several lines.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::read::input::Input;
use crate::read::lines::{CARRIAGE_RETURNS, Lines};
use crate::read::table::{OPEN_QUOTE, TableOptions, find_column, header_names, separator_of, split};

/// A lost quote is found here and not at the end of a large file.
const MAX_RECORD_BYTES: usize = 16 << 20;

/// Records of one file.
pub(crate) struct Records<'a> {
    path: PathBuf,
    lines: Lines<'a>,
    separator: char,
    names: Option<Vec<String>>,
    n_fields: usize,
    text: String,
    /// Line on which the record in `text` begins; `text` is to be handed out next.
    pending: Option<usize>,
}

/// One record.
pub(crate) struct Record<'t> {
    /// Line on which it begins.
    pub line: usize,
    /// As many as the first record has.
    pub fields: Vec<Cow<'t, str>>,
}

impl<'a> Records<'a> {
    /// Looks at the first record, which is a header unless the options say that it is not.
    pub fn new(input: Input<'a>, options: &TableOptions) -> Result<Self> {
        let path = input.path.clone();
        let mut lines = Lines::new(input);
        let mut text = String::new();
        let Some(line) = next_line(&mut lines, &mut text)? else {
            return Err(Error::Empty { path, expected: "a table with at least one row" });
        };
        // What stands in quotes says nothing about the separator, and a quoted field may go on below.
        let mut quotes = text.matches('"').count();
        while quotes % 2 == 1 {
            let Some(more) = append_line(&mut lines, &mut text)? else { break };
            quotes += more;
        }
        let unquoted: String = text.split('"').step_by(2).collect();
        if unquoted.trim_end().contains('\r') {
            return Err(lines.problem(CARRIAGE_RETURNS));
        }
        let separator = separator_of(&path, &unquoted);
        let first = split(&text, separator).map_err(|problem| problem.at_line(&path, line))?;
        let n_fields = first.len();
        let names = options.header.unwrap_or(true).then(|| header_names(&path, &first)).transpose()?;
        let pending = names.is_none().then_some(line);
        Ok(Self { path, lines, separator, names, n_fields, text, pending })
    }

    /// Place of a column, by its name or, without a header, its number from 1.
    pub fn column(&self, name: &str) -> Result<usize> {
        find_column(&self.path, &self.names, self.n_fields, name)
    }

    /// The next record.
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        let line = match self.pending.take() {
            Some(line) => line,
            None => {
                let Some(line) = next_line(&mut self.lines, &mut self.text)? else { return Ok(None) };
                complete(&mut self.lines, &mut self.text, self.separator)?;
                line
            }
        };
        let fields =
            split(&self.text, self.separator).map_err(|problem| problem.at_line(&self.path, line))?;
        let (expected, found) = (self.n_fields, fields.len());
        if found != expected {
            return Err(Error::Ragged { path: self.path.clone(), line, expected, found });
        }
        Ok(Some(Record { line, fields }))
    }

    /// After the last record.
    pub fn finish(self) -> Result<()> {
        self.lines.finish()
    }
}

fn next_line(lines: &mut Lines<'_>, text: &mut String) -> Result<Option<usize>> {
    text.clear();
    let Some((line, first)) = lines.next_line()? else { return Ok(None) };
    text.push_str(first);
    Ok(Some(line))
}

/// Appends lines while a quote is open. A quote inside a field is doubled, so the record can only be complete where
/// the number of its quotes is even, and only there is it taken apart again.
fn complete(lines: &mut Lines<'_>, text: &mut String, separator: char) -> Result<()> {
    let mut quotes = text.matches('"').count();
    while quotes > 0 && split(text, separator).is_err_and(|problem| problem == OPEN_QUOTE.into()) {
        loop {
            let Some(more) = append_line(lines, text)? else { return Ok(()) };
            quotes += more;
            if more > 0 && quotes.is_multiple_of(2) {
                break;
            }
        }
    }
    Ok(())
}

/// Appends the next line to a record; returns how many quotes it has.
fn append_line(lines: &mut Lines<'_>, text: &mut String) -> Result<Option<usize>> {
    let Some((_, more)) = lines.next_line()? else { return Ok(None) };
    let quotes = more.matches('"').count();
    text.push('\n');
    text.push_str(more);
    if text.len() > MAX_RECORD_BYTES {
        return Err(lines.problem("a record is longer than 16 MiB; a closing quote may be missing above"));
    }
    Ok(Some(quotes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_text(text: &str, header: Option<bool>) -> Result<Vec<(usize, Vec<String>)>> {
        let options = TableOptions { header, ..TableOptions::default() };
        let mut records = Records::new(Input::bytes(text.as_bytes()), &options)?;
        let mut found = Vec::new();
        while let Some(Record { line, fields }) = records.next()? {
            found.push((line, fields.into_iter().map(Cow::into_owned).collect()));
        }
        records.finish()?;
        Ok(found)
    }

    fn strings(fields: &[&str]) -> Vec<String> {
        fields.iter().map(|f| (*f).to_owned()).collect()
    }

    #[test]
    fn quoted_fields_may_have_lines_and_quotes() {
        let text = "id,text\n1,\"two\nlines, \"\"quoted\"\"\n\"\"x\"\"\"\r\n2,plain 5\" pipe\n";
        let found = read_text(text, None).expect("sound");
        assert_eq!(found[0], (2, strings(&["1", "two\nlines, \"quoted\"\n\"x\""])));
        assert_eq!(found[1], (5, strings(&["2", "plain 5\" pipe"])));
    }

    #[test]
    fn without_a_header_the_first_record_is_data() {
        let found = read_text("\"a\nb\";1\n", Some(false)).expect("sound");
        assert_eq!(found, [(1, strings(&["a\nb", "1"]))]);
    }

    #[test]
    fn damage_is_named_by_line() {
        let message = |text: &str| read_text(text, None).expect_err("damaged").to_string();
        assert!(message("").contains("is empty"));
        assert!(message("a,b\r1,2\r").contains("line 1: lines end with carriage returns alone"));
        assert!(message("a,b\n1\n").contains("line 2: 1 fields, expected 2"));
        assert!(message("a,b\n1,\"open\nto the end\n").contains("line 2: a quote is opened"));
        let long = format!("a,b\n1,\"{}", "x\n".repeat(MAX_RECORD_BYTES / 2));
        assert!(message(&long).contains("a record is longer than 16 MiB"));
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in "[a\",;\n\r\t ]{0,60}", header in any::<bool>()) {
            let _ = read_text(&text, Some(header));
        }

        #[test]
        fn what_is_quoted_is_read(fields in prop::collection::vec("[a-c\",;\n]{0,8}[a-c]", 2..4)) {
            let line: Vec<String> = fields.iter().map(|f| format!("\"{}\"", f.replace('"', "\"\""))).collect();
            let found = read_text(&format!("{}\n", line.join("\t")), Some(false));
            // Blank lines inside a field are left out.
            let mut expected = fields.clone();
            for field in &mut expected {
                let lines: Vec<&str> = field.split('\n').collect();
                let last = lines.len() - 1;
                let kept = lines.iter().enumerate().filter(|(i, l)| *i == 0 || *i == last || !l.is_empty());
                *field = kept.map(|(_, l)| *l).collect::<Vec<_>>().join("\n");
            }
            prop_assert_eq!(found.expect("quoted").remove(0).1, expected);
        }
    }
}
