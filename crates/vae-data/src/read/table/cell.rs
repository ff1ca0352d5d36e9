//! What one cell of a table holds: a number, nothing, or something else.

use crate::error::ValueProblem;
use crate::read::missing::Missing;

/// How decimals are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decimal {
    Point,
    Comma,
    /// The file decides: with points, or with commas if all numbers agree.
    Either,
}

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell {
    Missing,
    Number(f64),
    /// A number if the comma is decimal; not sure where it may as well separate thousands, as in
    /// `1,234`.
    Comma {
        value: f64,
        is_sure: bool,
    },
    /// Infinity, NaN that is not a word for missing cells, or beyond f32.
    NotFinite,
    Text,
}

/// How the cells of a file are read.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    pub missing: Missing,
    pub decimal: Decimal,
}

impl Cells {
    /// What a cell holds.
    pub fn read(&self, text: &str) -> Cell {
        if self.missing.has_number() && self.missing.is(text) {
            return Cell::Missing;
        }
        match self.number(text) {
            Some(number) if number.is_nan() && self.missing.is(text) => Cell::Missing,
            Some(number) if !(number as f32).is_finite() => Cell::NotFinite,
            Some(number) => Cell::Number(number),
            None if self.missing.is(text) => Cell::Missing,
            None if self.decimal == Decimal::Either => match with_point(text) {
                Some(value) => Cell::Comma { value, is_sure: !may_be_thousands(text, ',') },
                None => Cell::Text,
            },
            None => Cell::Text,
        }
    }

    /// Whether a text is a finite number.
    pub fn is_number(&self, text: &str) -> bool {
        matches!(self.read(text), Cell::Number(_) | Cell::Comma { .. })
    }

    /// Whether a text is neither a number nor missing.
    pub fn is_text(&self, text: &str) -> bool {
        self.read(text) == Cell::Text
    }

    /// The number as f32, as if it had never been anything else; NaN where the cell is missing.
    pub fn single(&self, text: &str) -> Result<f32, ValueProblem> {
        if self.missing.has_number() && self.missing.is(text) {
            return Ok(f32::NAN);
        }
        let number = match self.decimal {
            Decimal::Comma => with_point_as(text),
            Decimal::Point | Decimal::Either => text.trim().parse::<f32>().ok(),
        };
        match number {
            Some(number) if number.is_finite() => Ok(number),
            _ if self.missing.is(text) => Ok(f32::NAN),
            _ => Err(self.problem(text)),
        }
    }

    /// The number less `offset`, subtracted in f64; NaN where the cell is missing.
    pub fn moved(&self, text: &str, offset: f64) -> Result<f32, ValueProblem> {
        match self.read(text) {
            Cell::Missing => Ok(f32::NAN),
            Cell::Number(number) if ((number - offset) as f32).is_finite() => Ok((number - offset) as f32),
            _ => Err(self.problem(text)),
        }
    }

    fn number(&self, text: &str) -> Option<f64> {
        match self.decimal {
            Decimal::Comma => with_point_as(text),
            Decimal::Point | Decimal::Either => text.trim().parse().ok(),
        }
    }

    /// Why a text is no number.
    pub fn problem(&self, text: &str) -> ValueProblem {
        let shown = || text.chars().take(40).collect();
        match self.number(text) {
            Some(_) => ValueProblem::NotFinite(text.to_owned()),
            None if self.decimal != Decimal::Comma && with_point(text).is_some() => {
                match may_be_thousands(text, ',') {
                    true => ValueProblem::Thousands(text.to_owned()),
                    false => ValueProblem::DecimalComma(text.to_owned()),
                }
            }
            None if is_number_like(text) => ValueProblem::OtherNotation(shown()),
            None => ValueProblem::AmongNumbers(shown()),
        }
    }
}

/// The number of a text with one decimal comma and no decimal point.
pub(super) fn with_point(text: &str) -> Option<f64> {
    let has_one = text.bytes().filter(|byte| *byte == b',').count() == 1;
    if has_one { with_point_as::<f64>(text).filter(|number| number.is_finite()) } else { None }
}

/// The number of a text whose decimal comma, if it has one, stands where others have a point.
fn with_point_as<T: std::str::FromStr>(text: &str) -> Option<T> {
    const LONGEST: usize = 64;
    let text = text.trim();
    let mut bytes = [0; LONGEST];
    let copy = bytes.get_mut(..text.len())?;
    copy.copy_from_slice(text.as_bytes());
    for byte in copy.iter_mut() {
        match byte {
            b'.' => return None,
            b',' => *byte = b'.',
            _ => {}
        }
    }
    std::str::from_utf8(copy).ok()?.parse().ok()
}

/// Whether a text is a number to people, however it is written: `1.234,5`, `1 000`, `1,234,567`.
pub(super) fn is_number_like(text: &str) -> bool {
    let unsigned = text.trim().trim_start_matches(['+', '-']);
    let is_of_number = |byte: u8| byte.is_ascii_digit() || b"., '".contains(&byte);
    unsigned.starts_with(|c: char| c.is_ascii_digit() || c == ',') && unsigned.bytes().all(is_of_number)
}

/// Whether a number with a comma, or another separator, reads as one with thousands apart: `1,234`,
/// but neither `1,5` nor `0,123`.
pub(super) fn may_be_thousands(text: &str, separator: char) -> bool {
    let unsigned = text.trim().trim_start_matches(['+', '-']);
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    unsigned.split_once(separator).is_some_and(|(whole, rest)| {
        (1..=3).contains(&whole.len())
            && !whole.starts_with('0')
            && rest.len() == 3
            && is_digits(whole)
            && is_digits(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(decimal: Decimal) -> Cells {
        Cells { missing: Missing::default(), decimal }
    }

    #[test]
    fn cells_are_numbers_or_missing_or_text() {
        let point = cells(Decimal::Point);
        for (text, cell) in [
            ("1.5", Cell::Number(1.5)),
            (" -2e3 ", Cell::Number(-2000.0)),
            ("nan", Cell::Missing),
            ("?", Cell::Missing),
            ("inf", Cell::NotFinite),
            ("1e39", Cell::NotFinite),
            ("1,5", Cell::Text),
            ("<5", Cell::Text),
        ] {
            assert_eq!(point.read(text), cell, "{text}");
        }
        assert_eq!(cells(Decimal::Either).read("1,5"), Cell::Comma { value: 1.5, is_sure: true });
        assert_eq!(cells(Decimal::Either).read("-1,500"), Cell::Comma { value: -1.5, is_sure: false });
        assert_eq!(cells(Decimal::Either).read("0,500"), Cell::Comma { value: 0.5, is_sure: true });
        assert_eq!(cells(Decimal::Either).read("1,2,3"), Cell::Text);
        let comma = cells(Decimal::Comma);
        assert_eq!(
            (comma.read("1,5"), comma.read("7"), comma.read("1.5")),
            (Cell::Number(1.5), Cell::Number(7.0), Cell::Text)
        );
    }

    #[test]
    fn single_numbers_are_those_of_f32() {
        // Rounded once: by way of f64 it would be the lower neighbour, 1 exactly.
        let text = "1.00000005960464477540";
        assert_eq!(cells(Decimal::Point).single(text).ok(), text.parse().ok());
        assert!(cells(Decimal::Point).single("NA").expect("missing").is_nan());
        assert_eq!(cells(Decimal::Comma).single("2,25").ok(), Some(2.25));
        assert_eq!(cells(Decimal::Point).moved("2460000.25", 2_460_000.0).ok(), Some(0.25));
        let problem = cells(Decimal::Comma).single("1.5").expect_err("a point").to_string();
        assert!(problem.contains("`1.5` is a number in a notation that is not read"), "{problem}");
        let problem = cells(Decimal::Point).single("3,236").expect_err("a comma").to_string();
        assert!(problem.contains("the comma in `3,236` may be decimal or separate thousands"), "{problem}");
    }

    #[test]
    fn a_word_may_be_a_number() {
        let cells = Cells { missing: Missing::new(&["-999".to_owned()]), decimal: Decimal::Point };
        assert_eq!((cells.read("-999"), cells.read("nan")), (Cell::Missing, Cell::Missing));
        let word = Cells { missing: Missing::new(&["x".to_owned()]), decimal: Decimal::Point };
        assert_eq!((word.read("X"), word.read("nan")), (Cell::Missing, Cell::NotFinite));
        assert!(cells.single("-999").expect("missing").is_nan());
    }
}
