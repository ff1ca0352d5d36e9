//! How a table is written, from what the user says and its first lines: separator, quotes,
//! decimals, header, names.

use std::path::Path;

use crate::error::{Error, Result};
use crate::memory;
use crate::note::Note;
use crate::read::content::Content;
use crate::read::lines::{CARRIAGE_RETURNS, Lines};
use crate::read::missing::Missing;
use crate::read::table::cell::{Cells, Decimal};
use crate::read::table::delimiter::separator_of;
use crate::read::table::header::{find_column, header_names, is_header, lacks_row_names};
use crate::read::table::reader::TableText;
use crate::read::table::record::{Fields, Records, Syntax};
use crate::source::{LoadOptions, Quote};

/// Lines that are looked at, and their bytes; more are not needed to see what they agree on.
const SAMPLE_LINES: usize = 32;
const SAMPLE_BYTES: usize = 256 << 10;
/// The longest field of a first record that has more lines than those.
const LONGEST_FIRST: usize = 16 << 20;

const BLANKS: &str =
    "the fields are separated by blanks; separate them by commas, semicolons or tabs, or say --delimiter ' '";

/// How a table is written.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub syntax: Syntax,
    pub cells: Cells,
    /// Names of all columns: those of the header, else `1`, `2`, `3`, …
    pub names: Vec<String>,
    /// Whether there is a header.
    pub named: bool,
    /// Lines before the records: Excel's `sep=;`.
    preamble: usize,
    /// Fields of the header, where it is there to be passed; one less than there are columns where
    /// row names have none.
    header_fields: Option<usize>,
    pub notes: Vec<Note>,
}

impl Layout {
    /// Looks at the beginning of a table; `header` decides what the options leave open, or its
    /// first lines do.
    pub fn of(content: &Content, options: &LoadOptions, header: Option<bool>) -> Result<Self> {
        let path = content.path();
        let own = content.table_options(options)?;
        let header = if own.header == options.header { header } else { own.header };
        let options = own.as_ref();
        let mut sample = sample(content)?;
        let Some((first_line, first)) = sample.first() else {
            return Err(Error::Empty { path: path.to_owned(), expected: "a table with at least one row" });
        };
        let quote = quote_of(options);
        check_carriage_returns(path, *first_line, first, quote)?;
        let decimal = said_decimal(options)?;
        let missing = Missing::new(&[&options.missing[..], &options.fitted_missing].concat());
        let mut cells = Cells { missing, decimal: decimal.unwrap_or(Decimal::Either) };
        let excel = separator_line(first);
        let preamble = usize::from(excel.is_some());
        sample.drain(..preamble);
        let lines: Vec<&str> = sample.iter().map(|(_, text)| text.as_str()).collect();
        let separator = match excel.filter(|_| options.delimiter.is_none()) {
            Some(separator) => separator,
            None => separator_of(path, &lines, quote, &cells, options)?,
        };
        let syntax = Syntax { separator, quote };
        if decimal.is_none() && separator == b',' {
            cells.decimal = Decimal::Point;
        }
        if options.delimiter.is_none() && options.text_column.is_none() {
            check_blanks(path, &sample, separator)?;
        }
        let mut records = first_records(path, &sample, syntax)?;
        if records.is_empty() {
            // A quote is open for longer than the first lines.
            records.push(first_record(content, preamble, syntax)?);
        }
        Self::with_header(path, options, header, syntax, cells, preamble, &records)
    }

    fn with_header(
        path: &Path,
        options: &LoadOptions,
        header: Option<bool>,
        syntax: Syntax,
        cells: Cells,
        preamble: usize,
        records: &[Vec<String>],
    ) -> Result<Self> {
        let known: Vec<&str> = match &options.schema {
            Some(schema) if schema.named => {
                schema.columns.iter().map(|column| column.name.as_str()).collect()
            }
            _ => Vec::new(),
        };
        let first = records.first().map(Vec::as_slice).unwrap_or_default();
        let (named, note) = match header {
            Some(said) => (said, None),
            None => is_header(records, &known, &cells),
        };
        let mut notes: Vec<Note> = note.into_iter().collect();
        let (names, header_fields) = match named {
            true => {
                // Commas in documents without quotes look alike.
                let lacks_row_names = options.text_column.is_none() && lacks_row_names(records, &cells);
                if lacks_row_names {
                    notes.push(Note::warning(
                        "the header has a name less than the rows have fields: the first column is taken for row names",
                    ));
                }
                (header_names(path, first, lacks_row_names)?, Some(first.len()))
            }
            false => ((1..=first.len()).map(|i| i.to_string()).collect(), None),
        };
        Ok(Self { syntax, cells, names, named, preamble, header_fields, notes })
    }

    /// Where a column stands.
    pub fn find(&self, path: &Path, name: &str) -> Result<usize> {
        find_column(path, &self.names, self.named, name)
    }

    /// The rows, behind the header; no quoted field has more than `longest` bytes.
    pub fn records(&self, content: &Content, longest: usize) -> Result<Records<'static>> {
        let mut lines = Lines::new(content.open()?);
        for _ in 0..self.preamble {
            lines.read_line()?;
        }
        let mut records = Records::new(lines, self.syntax, self.header_fields, longest);
        if self.header_fields.is_some() {
            records.next()?;
        }
        records.expect(self.names.len());
        Ok(records)
    }
}

impl Layout {
    /// How the table is written, for columns behind its own.
    pub fn text(&self, content: &Content, decimal_comma: bool) -> Result<TableText> {
        Ok(TableText {
            head: self.head(content)?,
            named: self.named,
            names: self.names.clone(),
            separator: char::from(self.syntax.separator),
            decimal_comma,
            quote: self.syntax.quote.map(char::from),
        })
    }

    /// What stands above the rows, as the file has it.
    fn head(&self, content: &Content) -> Result<Vec<String>> {
        let mut lines = Lines::new(content.open()?);
        let mut head = Vec::new();
        for _ in 0..self.preamble {
            lines.read_line()?;
            head.push(lines.text().to_owned());
        }
        if self.header_fields.is_some() {
            let mut records = Records::new(lines, self.syntax, self.header_fields, LONGEST_FIRST);
            head.extend(records.next()?.map(|record| record.text().to_owned()));
        }
        Ok(head)
    }
}

fn quote_of(options: &LoadOptions) -> Option<u8> {
    match options.quote.unwrap_or_default() {
        Quote::Double => Some(b'"'),
        Quote::Single => Some(b'\''),
        Quote::None => None,
    }
}

fn said_decimal(options: &LoadOptions) -> Result<Option<Decimal>> {
    match options.decimal {
        None => Ok(None),
        Some('.') => Ok(Some(Decimal::Point)),
        Some(',') => Ok(Some(Decimal::Comma)),
        Some(other) => {
            let reason = format!("`{other}` is no decimal sign; give . or ,");
            Err(Error::Option { option: "--decimal", reason })
        }
    }
}

/// The first lines that are not blank, with their numbers.
fn sample(content: &Content) -> Result<Vec<(usize, String)>> {
    let mut lines = Lines::new(content.open()?);
    let (mut sample, mut bytes) = (Vec::new(), 0);
    while sample.len() < SAMPLE_LINES && (bytes < SAMPLE_BYTES || sample.len() < 2) {
        let Some((line, text)) = lines.next_line()? else { break };
        bytes += text.len();
        memory::check(text.len()).map_err(|short| short.at(content.path()))?;
        sample.push((line, text.to_owned()));
    }
    Ok(sample)
}

/// A lone carriage return ends no line here, so the file would be one line.
fn check_carriage_returns(path: &Path, line: usize, text: &str, quote: Option<u8>) -> Result<()> {
    let has_one = match quote {
        Some(quote) => text.split(char::from(quote)).step_by(2).any(|part| part.trim_end().contains('\r')),
        None => text.trim_end().contains('\r'),
    };
    match has_one {
        true => Err(Error::Line { path: path.to_owned(), line, problem: CARRIAGE_RETURNS }),
        false => Ok(()),
    }
}

/// The separator that Excel writes above a table as `sep=;`.
fn separator_line(text: &str) -> Option<u8> {
    let text = text.trim_matches(['"', ' ']);
    let (word, separator) = text.split_at_checked(4)?;
    let [byte] = separator.as_bytes() else { return None };
    (word.eq_ignore_ascii_case("sep=") && byte.is_ascii()).then_some(*byte)
}

/// The records of the first lines, but for one that they cut short.
fn first_records(path: &Path, sample: &[(usize, String)], syntax: Syntax) -> Result<Vec<Vec<String>>> {
    let mut fields = Fields::default();
    let mut records = Vec::new();
    let (mut text, mut start) = (String::new(), None);
    for (line, more) in sample {
        if start.is_some() {
            text.push('\n');
        } else {
            text.clear();
        }
        text.push_str(more);
        let first = *start.get_or_insert(*line);
        let is_whole = match fields.split(&text, syntax) {
            Ok(is_whole) => is_whole,
            // The pass over the file tells the first fault there is.
            Err(problem) if records.is_empty() => return Err(problem.at_line(path, first)),
            Err(_) => break,
        };
        if is_whole {
            let bytes = fields.len().saturating_mul(size_of::<String>()).saturating_add(text.len());
            memory::check(bytes).map_err(|short| short.at(path))?;
            records.push((0..fields.len()).map(|i| fields.get(&text, i).to_owned()).collect());
            start = None;
        }
    }
    Ok(records)
}

/// The first record, however many lines it has.
fn first_record(content: &Content, preamble: usize, syntax: Syntax) -> Result<Vec<String>> {
    let mut lines = Lines::new(content.open()?);
    for _ in 0..preamble {
        lines.read_line()?;
    }
    let mut records = Records::new(lines, syntax, None, LONGEST_FIRST);
    let record = records.next()?;
    Ok(record.map(|record| record.iter().map(str::to_owned).collect()).unwrap_or_default())
}

/// Refuses a file whose only field is really several numbers with blanks between them, and perhaps
/// a label.
fn check_blanks(path: &Path, sample: &[(usize, String)], separator: u8) -> Result<()> {
    // The first line may be a header, whose name may have blanks.
    let Some((line, text)) = sample.get(1).or(sample.first()) else { return Ok(()) };
    let is_number = |piece: &&str| piece.trim_matches('"').parse::<f32>().is_ok();
    let are_several = text.split_ascii_whitespace().filter(is_number).nth(1).is_some();
    if text.contains(char::from(separator)) || !are_several {
        return Ok(());
    }
    Err(Error::Line { path: path.to_owned(), line: *line, problem: BLANKS })
}
