//! The second pass over a table: its rows as features.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use vae_array::ColumnKind;

use crate::error::{Error, Result, TableProblem, ValueProblem};
use crate::ids::Ids;
use crate::memory::{self, Interner, Shortage};
use crate::read::table::cell::Cells;
use crate::read::table::plan::Plan;
use crate::read::table::record::Record;

/// What is made of one column.
enum Make {
    /// The number as f32.
    Number,
    /// The number less an offset.
    Moved(f64),
    /// A feature a level.
    Category { places: HashMap<String, usize>, n_levels: usize },
}

/// One column of the features.
struct Maker {
    source: usize,
    make: Make,
    missing: usize,
    /// Cells with a level that the model does not know.
    unknown: usize,
    first_unknown: Option<String>,
}

/// Makes features of records, and counts what is missing.
pub(super) struct Rows {
    cells: Cells,
    makers: Vec<Maker>,
    id: Option<usize>,
    label: Option<usize>,
    texts: Interner,
    /// Rows so far, those without any value, and the number of the first of them, from 0.
    pub n: usize,
    pub n_empty: usize,
    pub first_empty: Option<usize>,
}

/// Where rows go.
#[derive(Debug, Default)]
pub(super) struct Sink {
    /// Row after row.
    pub x: Vec<f32>,
    pub ids: Option<Ids>,
    /// An empty text where a row has no label.
    pub labels: Vec<Arc<str>>,
    /// The rows as the file has them, where they are asked for.
    pub text: Vec<String>,
    pub n: usize,
    pub n_missing: usize,
}

/// How much was missing in one column of the schema.
pub(super) struct Lack<'r> {
    pub missing: usize,
    pub unknown: usize,
    pub first_unknown: Option<&'r str>,
}

impl Rows {
    pub fn new(plan: &Plan, cells: &Cells) -> Self {
        let maker = |(column, source): (&vae_array::Column, &usize)| {
            let make = match &column.kind {
                ColumnKind::Number { offset } if *offset == 0.0 => Make::Number,
                ColumnKind::Number { offset } => Make::Moved(*offset),
                ColumnKind::Category { levels } => Make::Category {
                    places: levels.iter().cloned().enumerate().map(|(i, level)| (level, i)).collect(),
                    n_levels: levels.len(),
                },
            };
            Maker { source: *source, make, missing: 0, unknown: 0, first_unknown: None }
        };
        let cells = Cells { decimal: plan.decimal, ..cells.clone() };
        let makers = plan.schema.columns.iter().zip(&plan.sources).map(maker).collect();
        let (id, label) = (plan.id, plan.label);
        let texts = Interner::default();
        Self { cells, makers, id, label, texts, n: 0, n_empty: 0, first_empty: None }
    }

    /// Room for `n` rows of `d` features.
    pub fn sink(&self, n: usize, d: usize, id_name: Option<&str>) -> Result<Sink, Shortage> {
        let mut sink = Sink { ids: id_name.map(Ids::new), ..Sink::default() };
        memory::reserve(&mut sink.x, n.saturating_mul(d))?;
        if self.label.is_some() {
            memory::reserve(&mut sink.labels, n)?;
        }
        if let Some(ids) = &mut sink.ids {
            ids.reserve(n)?;
        }
        Ok(sink)
    }

    /// Adds the features, label and name of one row.
    pub fn add(&mut self, record: Record<'_>, sink: &mut Sink, path: &Path) -> Result<()> {
        let short = |short: Shortage| short.at(path);
        let mut missing = 0;
        for maker in &mut self.makers {
            let text = record.get(maker.source);
            let is_missing = maker.add(text, &self.cells, &mut sink.x).map_err(|wrong| match wrong {
                Wrong::Memory(short) => short.at(path),
                Wrong::Changed => Error::table(path, TableProblem::Changed),
            })?;
            missing += usize::from(is_missing);
        }
        if let (Some(i), Some(ids)) = (self.id, &mut sink.ids) {
            ids.push(record.get(i)).map_err(short)?;
        }
        if let Some(i) = self.label {
            let text = record.get(i);
            let text = if self.cells.missing.is(text) { "" } else { text };
            memory::push(&mut sink.labels, self.texts.get(text).map_err(short)?).map_err(short)?;
        }
        if missing == self.makers.len() {
            self.n_empty += 1;
            self.first_empty = self.first_empty.or(Some(self.n));
        }
        self.n += 1;
        sink.n += 1;
        sink.n_missing += missing;
        Ok(())
    }

    /// What was missing so far, in the order of the schema.
    pub fn lacks(&self) -> impl Iterator<Item = Lack<'_>> {
        self.makers.iter().map(|maker| Lack {
            missing: maker.missing,
            unknown: maker.unknown,
            first_unknown: maker.first_unknown.as_deref(),
        })
    }
}

/// Why a cell gives no feature.
enum Wrong {
    /// It is not what the first pass has seen.
    Changed,
    Memory(Shortage),
}

impl From<ValueProblem> for Wrong {
    fn from(_: ValueProblem) -> Self {
        Self::Changed
    }
}

impl Maker {
    /// Adds the features of a cell; whether it is missing.
    fn add(&mut self, text: &str, cells: &Cells, x: &mut Vec<f32>) -> Result<bool, Wrong> {
        let number = match &self.make {
            Make::Number => cells.single(text)?,
            Make::Moved(offset) => cells.moved(text, *offset)?,
            Make::Category { places, n_levels } => {
                let place = if cells.missing.is(text) { None } else { places.get(text).copied() };
                memory::reserve(x, *n_levels).map_err(Wrong::Memory)?;
                match place {
                    Some(place) => x.extend((0..*n_levels).map(|i| if i == place { 1.0 } else { 0.0 })),
                    None => x.extend(std::iter::repeat_n(f32::NAN, *n_levels)),
                }
                if place.is_none() && !cells.missing.is(text) {
                    self.unknown += 1;
                    self.first_unknown.get_or_insert_with(|| text.chars().take(40).collect());
                }
                self.missing += usize::from(place.is_none());
                return Ok(place.is_none());
            }
        };
        memory::push(x, number).map_err(Wrong::Memory)?;
        self.missing += usize::from(number.is_nan());
        Ok(number.is_nan())
    }
}
