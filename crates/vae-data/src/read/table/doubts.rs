//! Columns that are read as they stand, and may be meant otherwise.

use crate::note::{Note, listed};
use crate::read::table::cell::may_be_thousands;
use crate::read::table::levels::Levels;
use crate::read::table::plan::Facts;
use crate::read::table::survey::{Held, Place};

/// What people write beside a number.
const SIGNS: [char; 5] = ['%', '€', '$', '£', '¥'];

/// Numbers that stand for a missing value in many files.
const CODES: [f64; 5] = [-9.0, -99.0, -999.0, -9999.0, -99999.0];

/// Whole numbers of so many values may be codes.
const FEW: std::ops::RangeInclusive<usize> = 3..=10;

/// Rows for each of them, at least: of fewer rows there is nothing to be said.
const ROWS_A_VALUE: usize = 10;

/// Whether a text is a number but for a sign before or behind it.
pub(super) fn is_with_sign(text: &str) -> bool {
    let bare = text.trim().trim_matches(|c: char| SIGNS.contains(&c) || c.is_whitespace());
    bare.len() < text.trim().len() && bare.replace(',', ".").parse::<f64>().is_ok_and(f64::is_finite)
}

/// Sees whether a number that may stand for missing values is the only one below zero.
#[derive(Debug, Clone, Default)]
pub(super) struct Code {
    code: Option<f64>,
    count: usize,
    has_other: bool,
}

impl Code {
    /// Looks at a number.
    pub fn add(&mut self, value: f64) {
        match self.code {
            _ if value >= 0.0 || self.has_other => {}
            None if CODES.contains(&value) => (self.code, self.count) = (Some(value), 1),
            Some(code) if code == value => self.count += 1,
            _ => self.has_other = true,
        }
    }

    /// The number and how often it stands there: more than once.
    fn in_doubt(&self) -> Option<(f64, usize)> {
        self.code.map(|code| (code, self.count)).filter(|(_, count)| *count > 1 && !self.has_other)
    }
}

/// Sees whether the points of a column may separate thousands: each has three digits behind it, and
/// there are whole numbers without one. A column with three decimals everywhere is not in doubt,
/// and it is the same to a scaled feature.
#[derive(Debug, Clone, Default)]
pub(super) struct Points {
    thousands: Option<Place>,
    whole: Option<Place>,
    are_decimal: bool,
    /// The first number that begins with a zero which only fills it up.
    filled: Option<Place>,
}

impl Points {
    /// Looks at a number as the file has it.
    pub fn add(&mut self, text: &str, line: usize) {
        let place = || Place { line, text: text.chars().take(80).collect() };
        let bytes = text.trim().as_bytes();
        if self.filled.is_none()
            && bytes.len() > 1
            && bytes[0] == b'0'
            && bytes.iter().all(u8::is_ascii_digit)
        {
            self.filled = Some(place());
        }
        if self.are_decimal {
            return;
        }
        let is_whole = text.trim().trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
        let first = match (is_whole, may_be_thousands(text, '.')) {
            (true, _) => &mut self.whole,
            (false, true) => &mut self.thousands,
            (false, false) => return self.are_decimal = true,
        };
        first.get_or_insert_with(place);
    }

    /// A number with a point and one without, where the points may separate thousands.
    fn in_doubt(&self) -> Option<(&Place, &Place)> {
        self.thousands.as_ref().zip(self.whole.as_ref()).filter(|_| !self.are_decimal)
    }
}

/// A word that one row in so many has may be a level.
const MANY: usize = 20;

impl Facts<'_> {
    /// Points in columns of numbers that may separate thousands.
    pub fn tell_of_points(&self, columns: impl Iterator<Item = usize>, notes: &mut Vec<Note>) {
        for i in columns {
            let Some((thousands, whole)) = self.held(i).points.in_doubt() else { continue };
            notes.push(Note::warning(format!(
                "column `{}`: every point has three digits behind it, as in `{}` on line {}, beside whole numbers such as `{}`: \
                 the points are read as decimal ones; if they separate thousands, remove them",
                self.name(i),
                thousands.text,
                thousands.line,
                whole.text
            )));
        }
    }

    /// Numbers that may be codes: of places or things, or of missing values.
    pub fn tell_of_codes(&self, columns: impl Iterator<Item = usize>, notes: &mut Vec<Note>) {
        for i in columns {
            let (name, held) = (self.name(i), self.held(i));
            if let Some(filled) = &held.points.filled {
                notes.push(Note::warning(format!(
                    "column `{name}` has numbers that begin with a zero, such as `{}`, and is read as numbers; if they are codes, \
                     say --categorical '{name}' or --drop '{name}'",
                    filled.text
                )));
            }
            if let Some((code, count)) = held.code.in_doubt() {
                notes.push(Note::warning(format!(
                    "column `{name}` has {code} in {count} rows and no other number below 0; if it stands for a missing value, say \
                     --missing={code}"
                )));
            }
        }
    }

    /// Whole numbers of few values: answers, counts, or codes, whose order says nothing. Two values
    /// have none.
    pub fn tell_of_few_numbers(&self, columns: impl Iterator<Item = usize>, notes: &mut Vec<Note>) {
        let found = columns.filter_map(|i| {
            let held = self.held(i);
            let count = held.few.count().filter(|count| FEW.contains(count) && held.counter.is_whole())?;
            (self.survey.n >= ROWS_A_VALUE * count).then(|| format!("`{}` ({count} values)", self.name(i)))
        });
        let found: Vec<String> = found.collect();
        if !found.is_empty() {
            notes.push(Note::info(format!(
                "whole numbers of few values, which count as amounts: {}; if some are codes, name them with --categorical",
                listed(found)
            )));
        }
    }

    /// Columns whose values are all equal.
    pub fn tell_of_constants(&self, columns: impl Iterator<Item = usize>, notes: &mut Vec<Note>) {
        let is_constant = |held: &Held| {
            let is_word = held.texts > 0 && held.levels.counts().is_some_and(|levels| levels.len() == 1);
            is_word || held.texts == 0 && held.moments.summary().is_some_and(|(min, max, _)| min == max)
        };
        let constant = columns.filter(|i| self.held(*i).missing == 0 && is_constant(self.held(*i)));
        let constant: Vec<String> = constant.map(|i| format!("`{}`", self.name(i))).collect();
        if self.survey.n > 1 && !constant.is_empty() {
            notes.push(Note::info(format!(
                "the same value in all rows, which tells none of them apart: {}",
                listed(constant)
            )));
        }
    }

    /// Words that are taken for missing values in many rows of a category.
    pub fn tell_of_words(&self, columns: impl Iterator<Item = usize>, notes: &mut Vec<Note>) {
        for i in columns {
            let often = self.held(i).words.iter().filter(|(_, count)| MANY * **count >= self.survey.n);
            for (word, count) in often {
                notes.push(Note::warning(format!(
                    "column `{}` has `{word}` in {count} of {} rows, which is read as a missing value; if it is a category, say \
                     --missing NA (or the words that stand for a missing value here)",
                    self.name(i),
                    self.survey.n
                )));
            }
        }
    }

    /// What may be meant otherwise in categories: numbers with a sign.
    pub fn tell_of_signs(&self, columns: impl Iterator<Item = usize>, notes: &mut Vec<Note>) {
        for i in columns {
            let Some(example) = with_sign(&self.held(i).levels) else { continue };
            notes.push(Note::warning(format!(
                "column `{}` holds numbers with a sign, such as `{example}`, which are a category of words; write them without \
                 it to have numbers",
                self.name(i)
            )));
        }
    }
}

/// The first level, if most of them are numbers but for a sign.
fn with_sign(levels: &Levels) -> Option<&str> {
    let levels = levels.counts()?;
    let mut found = levels.keys().filter(|text| is_with_sign(text));
    let first = found.next()?;
    (2 * (1 + found.count()) > levels.len()).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_doubt(texts: &[&str]) -> bool {
        let mut points = Points::default();
        (2..).zip(texts).for_each(|(line, text)| points.add(text, line));
        points.in_doubt().is_some()
    }

    #[test]
    fn points_that_may_separate_thousands() {
        assert!(in_doubt(&["950", "1.368", "-12.000", "7"]));
        assert!(!in_doubt(&["1.368", "2.500"]), "three decimals everywhere");
        assert!(!in_doubt(&["950", "1.368", "2.5"]), "two notations");
        assert!(!in_doubt(&["950", "0.368"]), "no thousands");
        assert!(!in_doubt(&["950", "1368.250"]) && !in_doubt(&["950", "1e3"]) && !in_doubt(&["950", "12"]));
        assert!(!in_doubt(&[]));
    }

    #[test]
    fn codes_of_missing_values() {
        let in_doubt = |values: &[f64]| {
            let mut code = Code::default();
            values.iter().for_each(|value| code.add(*value));
            code.in_doubt()
        };
        assert_eq!(in_doubt(&[5.0, -999.0, 0.0, -999.0]), Some((-999.0, 2)));
        assert_eq!(in_doubt(&[5.0, -999.0]), None, "once");
        assert_eq!(in_doubt(&[-99.0, -99.0, -3.0]), None, "others are below 0");
        assert_eq!(in_doubt(&[-3.0, -99.0, -99.0]), None);
        assert_eq!(in_doubt(&[-50.0, -50.0]), None, "no usual code");
    }

    #[test]
    fn numbers_with_a_sign() {
        assert!(["12%", "13.4 %", "€13.38", "1,5€"].iter().all(|text| is_with_sign(text)));
        assert!(!["12", "%", "a%", ""].iter().any(|text| is_with_sign(text)));
    }
}
