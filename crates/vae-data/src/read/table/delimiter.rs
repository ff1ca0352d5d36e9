//! What separates the fields of a table, where nobody says it.

use std::path::Path;

use crate::error::{Error, Result, TableProblem};
use crate::read::table::cell::{Cell, Cells};
use crate::source::LoadOptions;

/// Separators that are recognised, the likeliest last.
const CANDIDATES: [u8; 4] = [BAR, b'\t', b';', b','];

/// Only where the first line has none of the others: lists within a field are written with it too.
const BAR: u8 = b'|';

/// The separator of a file: what the options say, the tab for `.tsv`, else what its first lines
/// agree on.
///
/// `lines` are the first lines, blank ones left out. Quoted text does not count.
pub(super) fn separator_of(
    path: &Path,
    lines: &[&str],
    quote: Option<u8>,
    cells: &Cells,
    options: &LoadOptions,
) -> Result<u8> {
    if let Some(said) = options.delimiter {
        let reason =
            |reason: &str| Error::Option { option: "--delimiter", reason: format!("`{said}` {reason}") };
        return match u8::try_from(said).ok().filter(u8::is_ascii) {
            None => {
                Err(reason("is no ASCII character; write the file with one of comma, semicolon, tab or |"))
            }
            Some(byte) if Some(byte) == quote || byte == b'\n' || byte == b'\r' => {
                Err(reason("cannot separate fields; it is the quote or a line end"))
            }
            Some(byte) => Ok(byte),
        };
    }
    if path.file_name().is_some_and(|name| name.to_string_lossy().contains(".tsv")) {
        return Ok(b'\t');
    }
    let counts = counts(lines, quote);
    let Some(first) = counts.first() else { return Ok(b',') };
    let mut used: Vec<usize> = (0..CANDIDATES.len()).filter(|c| first[*c] > 0).collect();
    if used.len() > 1 {
        used.retain(|c| CANDIDATES[*c] != BAR);
    }
    let steady: Vec<usize> =
        used.iter().copied().filter(|c| counts.iter().all(|count| count[*c] == first[*c])).collect();
    let pool = if steady.is_empty() { used } else { steady };
    let has = |separator: u8| pool.iter().any(|c| CANDIDATES[*c] == separator);
    if has(b',') && has(b';') {
        if options.decimal == Some(',') {
            return Ok(b';');
        }
        if are_decimal_commas(lines, cells) {
            return match names_a_column(options) {
                // `1,2;3` with a label may be 1.2 and 3, or 1 and `2;3`.
                true => Err(Error::table(path, TableProblem::AmbiguousDelimiter)),
                false => Ok(b';'),
            };
        }
    }
    // The last of equals wins: the comma.
    Ok(pool.into_iter().max_by_key(|c| first[*c]).map_or(b',', |c| CANDIDATES[c]))
}

/// How often each candidate stands in each record, outside quotes. A record that the lines cut
/// short does not count.
fn counts(lines: &[&str], quote: Option<u8>) -> Vec<[usize; 4]> {
    let mut counts = Vec::new();
    let (mut count, mut is_quoted) = ([0; 4], false);
    for line in lines {
        for byte in line.bytes() {
            if Some(byte) == quote {
                is_quoted = !is_quoted;
            } else if !is_quoted && let Some(c) = CANDIDATES.iter().position(|c| *c == byte) {
                count[c] += 1;
            }
        }
        if !is_quoted {
            counts.push(std::mem::take(&mut count));
        }
    }
    if counts.is_empty() {
        counts.push(count);
    }
    counts
}

/// Whether semicolons separate numbers only, some of them with decimal commas, and commas do not.
fn are_decimal_commas(lines: &[&str], cells: &Cells) -> bool {
    // The first line may be a header.
    let lines = if lines.len() > 1 { &lines[1..] } else { lines };
    let fields = |separator: char| lines.iter().flat_map(move |line| line.split(separator));
    let is_sound = |text: &str| !matches!(cells.read(text), Cell::Text | Cell::NotFinite);
    let has_comma = fields(';').any(|field| matches!(cells.read(field), Cell::Comma { .. }));
    has_comma && fields(';').all(is_sound) && !fields(',').all(is_sound)
}

/// Whether an option names a column, which could be the one that is no number.
fn names_a_column(options: &LoadOptions) -> bool {
    let LoadOptions { label_column, id_column, drop, categorical, columns, .. } = options;
    label_column.is_some()
        || id_column.is_some()
        || [drop, categorical, columns].iter().any(|list| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::missing::Missing;
    use crate::read::table::cell::Decimal;

    fn of(name: &str, lines: &[&str], options: &LoadOptions) -> Result<u8> {
        let cells = Cells { missing: Missing::default(), decimal: Decimal::Either };
        separator_of(Path::new(name), lines, Some(b'"'), &cells, options)
    }

    #[test]
    fn the_first_lines_agree_on_it() {
        let none = LoadOptions::default();
        for (lines, separator) in [
            (&["a,b", "1,2"][..], b','),
            (&["a;b", "1,5;2"], b';'),
            (&["1,5;2,5", "3,5;4,5"], b';'),
            (&["1,5;2", "2;3"], b';'),
            (&["price, EUR;n", "1,5;2"], b';'),
            (&["a\tb;c,d", "1\t2"], b'\t'),
            (&["\"a;b;c\",d", "\"x\",1"], b','),
            (&["1,x;3"], b','),
            (&["1"], b','),
            (&["a|b", "1,5|2"], b'|'),
            (&["name,tags", "x,a|b|c"], b','),
            (&["1,a|b|c", "2,a|b|c"], b','),
        ] {
            assert_eq!(of("t.csv", lines, &none).expect("separator"), separator, "{lines:?}");
        }
        assert_eq!(of("t.tsv.gz", &["a,b"], &none).expect("separator"), b'\t');
    }

    #[test]
    fn what_is_said_wins_and_must_be_possible() {
        let said = |c| LoadOptions { delimiter: Some(c), ..LoadOptions::default() };
        assert_eq!(of("t.tsv", &["a\tb|c"], &said('|')).expect("said"), b'|');
        for c in ['¦', '"', '\n'] {
            assert!(of("t.csv", &["a"], &said(c)).expect_err("refused").to_string().contains("--delimiter"));
        }
    }

    #[test]
    fn two_readings_with_a_named_column_are_asked_about() {
        let label = LoadOptions { label_column: Some("2".into()), ..LoadOptions::default() };
        let text = of("t.csv", &["1,2;3", "4,5;6"], &label).expect_err("two readings").to_string();
        assert!(text.contains("say --delimiter , or --delimiter ';'"), "{text}");
        let comma = LoadOptions { decimal: Some(','), ..label };
        assert_eq!(of("t.csv", &["1,2;3", "4,5;6"], &comma).expect("said"), b';');
    }
}
