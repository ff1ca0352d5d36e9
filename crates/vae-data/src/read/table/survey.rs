//! The first pass over a table: what each column holds. Nothing is kept of the rows.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::error::{Error, Result, ValueProblem};
use crate::memory::{self, Meter, Shortage};
use crate::offset::Moments;
use crate::read::content::Content;
use crate::read::table::cell::{Cell, Cells};
use crate::read::table::date::is_date_or_time;
use crate::read::table::doubts::{Code, Points, is_with_sign};
use crate::read::table::identifier::{Codes, Counter};
use crate::read::table::layout::Layout;
use crate::read::table::levels::{Few, Levels};
use crate::read::table::record::Record;

/// No quoted field of a table has more bytes, so that a lost quote is found near its line.
pub(crate) const LONGEST_FIELD: usize = 1 << 20;

/// What the first pass is to look for in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Not at all.
    Away,
    /// At numbers and words.
    AtValues {
        /// Whether it is worth knowing that all values are different.
        for_ids: bool,
    },
    /// At words, numbers being words too.
    AtWords,
}

/// A cell that says something about its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub line: usize,
    pub text: String,
}

/// What a column holds.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub look: Look,
    pub missing: usize,
    /// Those of them with a word that may be a level, by the word.
    pub words: BTreeMap<&'static str, usize>,
    /// Of the numbers.
    pub moments: Moments,
    pub few: Few,
    pub counter: Counter,
    /// Of the texts.
    pub codes: Codes,
    /// Cells that are neither numbers nor missing, and the first of them.
    pub texts: usize,
    pub first_text: Option<Place>,
    /// The first number that f32 cannot hold.
    pub not_finite: Option<Place>,
    /// The first number with a decimal comma, the first one with a point, and whether a comma is a
    /// decimal one for sure.
    pub comma: Option<Place>,
    pub point: Option<Place>,
    pub is_sure_comma: bool,
    /// How the numbers with a point are written.
    pub points: Points,
    /// Whether one of the numbers may stand for missing values.
    pub code: Code,
    /// Texts that are numbers but for a sign.
    pub with_sign: usize,
    pub levels: Levels,
    /// Texts that are dates or times, that have blanks in them, and bytes of all texts.
    pub dates: usize,
    pub with_blanks: usize,
    pub text_bytes: usize,
    /// Hashes of all values, where these are asked for or codes, and all different so far.
    distinct: Option<HashSet<u64>>,
}

impl Held {
    fn new(look: Look) -> Self {
        Self {
            look,
            missing: 0,
            words: BTreeMap::new(),
            moments: Moments::default(),
            few: Few::default(),
            counter: Counter::default(),
            codes: Codes::default(),
            texts: 0,
            first_text: None,
            not_finite: None,
            comma: None,
            point: None,
            is_sure_comma: false,
            points: Points::default(),
            code: Code::default(),
            with_sign: 0,
            levels: Levels::new(if look == Look::AtWords { Levels::MOST_ASKED } else { Levels::MOST_FOUND }),
            dates: 0,
            with_blanks: 0,
            text_bytes: 0,
            distinct: matches!(look, Look::AtValues { .. }).then(HashSet::new),
        }
    }

    fn add(&mut self, text: &str, line: usize, cells: &Cells, meter: &mut Meter) -> Result<(), Shortage> {
        let place = || Some(Place { line, text: text.chars().take(80).collect() });
        let cell = match self.look {
            Look::Away => return Ok(()),
            Look::AtWords if cells.missing.is(text) => Cell::Missing,
            Look::AtWords => Cell::Text,
            Look::AtValues { .. } => cells.read(text),
        };
        match cell {
            Cell::Text => self.codes.add(text),
            Cell::Missing => {}
            _ => self.codes.stop(),
        }
        match cell {
            Cell::Missing => {
                self.missing += 1;
                if let Some(word) = cells.missing.in_doubt(text) {
                    *self.words.entry(word).or_default() += 1;
                }
                return Ok(());
            }
            Cell::Number(value) => {
                self.add_number(value);
                self.points.add(text, line);
                if self.point.is_none() && text.contains('.') {
                    self.point = place();
                }
            }
            Cell::Comma { value, is_sure } => {
                self.add_number(value);
                self.comma = self.comma.take().or_else(place);
                self.is_sure_comma |= is_sure;
            }
            Cell::NotFinite => self.not_finite = self.not_finite.take().or_else(place),
            Cell::Text => {
                self.first_text = self.first_text.take().or_else(place);
                self.add_text(text, meter)?;
            }
        }
        self.add_distinct(text)
    }

    fn add_number(&mut self, value: f64) {
        self.moments.add(value);
        self.few.add(value);
        self.counter.add(value);
        self.code.add(value);
    }

    fn add_text(&mut self, text: &str, meter: &mut Meter) -> Result<(), Shortage> {
        self.texts += 1;
        self.text_bytes += text.len();
        self.with_blanks += usize::from(text.contains(' '));
        self.with_sign += usize::from(is_with_sign(text));
        // Where one text is no date, the others need not be looked at.
        if self.dates + 1 == self.texts && is_date_or_time(text) {
            self.dates += 1;
        }
        self.levels.add(text, meter)
    }

    fn add_distinct(&mut self, text: &str) -> Result<(), Shortage> {
        if self.codes.is_broken() && self.look != (Look::AtValues { for_ids: true }) {
            self.distinct = None;
        }
        let Some(distinct) = &mut self.distinct else { return Ok(()) };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        memory::reserve_value(distinct)?;
        if !distinct.insert(hasher.finish()) {
            self.distinct = None;
        }
        Ok(())
    }

    /// Whether no value came twice; `false` where that was neither asked for nor are they codes.
    pub fn are_distinct(&self) -> bool {
        self.distinct.is_some()
    }

    /// Whether it holds numbers alone, or nothing.
    pub fn is_number(&self) -> bool {
        self.texts == 0 && self.look != Look::AtWords
    }

    /// Whether it may hold classes: anything but numbers on a scale, of which there are many or
    /// which have fractions and hardly come again.
    pub fn may_be_classes(&self) -> bool {
        let come_again = |few: usize| 2 * few <= self.moments.count();
        !self.is_number() || self.few.count().is_some_and(|few| self.counter.is_whole() || come_again(few))
    }

    /// The first cell of a column of numbers that is none.
    pub fn first_fault(
        &self,
        cells: &Cells,
        is_first_row: impl Fn(usize) -> bool,
    ) -> Option<(usize, ValueProblem)> {
        let text = self.first_text.as_ref().map(|place| {
            let problem = match cells.problem(&place.text) {
                ValueProblem::AmongNumbers(text) if is_first_row(place.line) => ValueProblem::FirstLine(text),
                problem => problem,
            };
            (place.line, problem)
        });
        let number =
            self.not_finite.as_ref().map(|place| (place.line, ValueProblem::NotFinite(place.text.clone())));
        text.into_iter().chain(number).min_by_key(|(line, _)| *line)
    }
}

/// What a table holds.
#[derive(Debug)]
pub(super) struct Survey {
    /// Rows, without the header.
    pub n: usize,
    /// A column each.
    pub columns: Vec<Held>,
    /// Line of the first row.
    pub first_line: usize,
    /// The first record of several lines, and how many there are.
    pub broken: Option<(usize, usize)>,
    /// Blank lines between records.
    pub skipped: usize,
}

impl Survey {
    /// Reads the whole file, and looks at each column as said; no quoted field has more than
    /// `longest` bytes.
    pub fn of(content: &Content, layout: &Layout, looks: &[Look], longest: usize) -> Result<Self> {
        let short = |short: Shortage| short.at(content.path());
        let bytes = looks.len().saturating_mul(size_of::<Held>());
        memory::check(bytes).map_err(short)?;
        let mut columns: Vec<Held> = looks.iter().map(|look| Held::new(*look)).collect();
        let mut records = layout.records(content, longest)?;
        let (mut n, mut first_line) = (0, 0);
        let mut meter = Meter::default();
        while let Some(record) = records.next()? {
            if n == 0 {
                first_line = record.line;
            }
            add_row(&mut columns, record, &layout.cells, &mut meter).map_err(short)?;
            n += 1;
        }
        let (broken, skipped) = (records.broken(), records.skipped());
        records.finish()?;
        if n == 0 {
            return Err(only_a_header(content, layout));
        }
        Ok(Self { n, columns, first_line, broken, skipped })
    }
}

fn add_row(
    columns: &mut [Held],
    record: Record<'_>,
    cells: &Cells,
    meter: &mut Meter,
) -> Result<(), Shortage> {
    let mut columns = columns.iter_mut().enumerate();
    columns.try_for_each(|(i, held)| held.add(record.get(i), record.line, cells, meter))
}

fn only_a_header(content: &Content, layout: &Layout) -> Error {
    let shown: String = layout.names.join(", ").chars().take(40).collect();
    let problem = format!(
        "holds one line, taken for a header ({shown}), and no row below it; add rows, or say --header no"
    );
    Error::format(content.path(), problem)
}
