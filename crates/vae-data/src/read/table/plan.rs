//! From what the columns hold to features: what is made of which column, and what people should
//! know about it.

use std::path::Path;

use vae_array::{Column, ColumnKind, Schema};

use crate::error::{Error, Result, TableProblem, TextColumn, ValueProblem};
use crate::note::{Note, counted, listed};
use crate::read::table::cell::{Cells, Decimal};
use crate::read::table::kind::{Kind, kind_of};
use crate::read::table::layout::Layout;
use crate::read::table::levels::Levels;
use crate::read::table::roles::{Role, Roles};
use crate::read::table::survey::{Held, Survey};
use crate::source::LoadOptions;

/// Column names that are labels more often than not.
const LABEL_NAMES: [&str; 6] = ["label", "labels", "class", "target", "y", "species"];

/// What becomes of a table.
#[derive(Debug)]
pub(super) struct Plan {
    pub schema: Schema,
    /// Column of the file for each of the schema's.
    pub sources: Vec<usize>,
    pub id: Option<usize>,
    pub label: Option<usize>,
    pub decimal: Decimal,
    pub notes: Vec<Note>,
}

/// What a plan is made from.
pub(super) struct Facts<'f> {
    pub path: &'f Path,
    pub layout: &'f Layout,
    pub survey: &'f Survey,
    pub roles: &'f Roles,
    pub options: &'f LoadOptions,
}

impl<'f> Facts<'f> {
    pub fn name(&self, column: usize) -> &'f str {
        &self.layout.names[column]
    }

    pub fn held(&self, column: usize) -> &'f Held {
        &self.survey.columns[column]
    }

    pub fn error(&self, problem: TableProblem) -> Error {
        Error::table(self.path, problem)
    }

    /// The plan for a table whose columns decide themselves what they are.
    pub fn plan(&self) -> Result<Plan> {
        let mut notes = Vec::new();
        let ids = self.ids(&mut notes);
        let features: Vec<usize> = self.roles.features().filter(|i| !ids.columns.contains(i)).collect();
        if features.is_empty() {
            return Err(self.error(TableProblem::NoFeatures { taken: self.taken() }));
        }
        let kinds: Vec<(usize, Kind)> =
            features.iter().map(|i| (*i, kind_of(self.name(*i), self.held(*i)))).collect();
        let numbers = kinds.iter().filter(|(_, kind)| matches!(kind, Kind::Number | Kind::Mixed));
        self.check_numbers(numbers.map(|(i, _)| *i))?;
        self.check_kinds(&kinds)?;
        let of_kind = |of: Kind| kinds.iter().filter(move |(_, kind)| *kind == of).map(|(i, _)| *i);
        let decimal = self.decimal(of_kind(Kind::Number), &mut notes)?;
        let columns = kinds.iter().map(|(i, kind)| self.column(*i, kind == &Kind::Category)).collect();
        let schema = Schema { named: self.layout.named, columns };
        self.tell_of_categories(&schema, &mut notes);
        self.tell_of_words(of_kind(Kind::Category), &mut notes);
        self.tell_of_signs(of_kind(Kind::Category), &mut notes);
        self.tell_of_offsets(&schema, &mut notes);
        self.tell_of_points(of_kind(Kind::Number), &mut notes);
        self.tell_of_codes(of_kind(Kind::Number), &mut notes);
        self.tell_of_few_numbers(of_kind(Kind::Number), &mut notes);
        self.tell_of_constants(features.iter().copied(), &mut notes);
        self.tell_of_label_names(&features, &mut notes);
        let label = self.roles.one(Role::Label);
        Ok(Plan { schema, sources: features, id: ids.names, label, decimal, notes })
    }

    /// What all columns are used for, for an error.
    fn taken(&self) -> Vec<String> {
        let role = |role: &Role| match role {
            Role::Label => "labels",
            Role::Id => "names of the rows",
            Role::Documents => "documents",
            Role::Left => "left out",
            Role::Feature | Role::Category => "feature",
        };
        let pairs = self.layout.names.iter().zip(&self.roles.roles);
        pairs.map(|(name, said)| format!("`{name}` ({})", role(said))).collect()
    }

    fn column(&self, i: usize, is_category: bool) -> Column {
        match self.held(i).levels.counts().filter(|_| is_category) {
            Some(counts) => Column::category(self.name(i), counts.keys().map(String::as_str)),
            None => {
                let offset = self.held(i).moments.offset();
                Column { name: self.name(i).to_owned(), kind: ColumnKind::Number { offset } }
            }
        }
    }

    /// The first cell, by line and column, that is no number in a column of numbers.
    pub fn check_numbers(&self, columns: impl Iterator<Item = usize>) -> Result<()> {
        let is_first_row = |line| line == self.survey.first_line && !self.layout.named;
        let faults = columns.filter_map(|i| {
            let (line, problem) = self.held(i).first_fault(&self.layout.cells, is_first_row)?;
            Some((line, i, problem))
        });
        match faults.min_by_key(|(line, column, _)| (*line, *column)) {
            Some((line, column, problem)) => Err(self.value(line, column, problem)),
            None => Ok(()),
        }
    }

    fn value(&self, line: usize, column: usize, problem: ValueProblem) -> Error {
        let name = self.layout.named.then(|| self.name(column).to_owned());
        Error::Value { path: self.path.to_owned(), line, column: column + 1, name, problem }
    }

    /// Refuses columns that can be no features.
    fn check_kinds(&self, kinds: &[(usize, Kind)]) -> Result<()> {
        let name = |i: &usize| self.name(*i).to_owned();
        for (i, kind) in kinds {
            match kind {
                Kind::Empty => return Err(self.error(TableProblem::NoValues { column: name(i) })),
                Kind::TooMany => {
                    let (column, most) = (name(i), Levels::MOST_ASKED);
                    return Err(self.error(TableProblem::TooManyLevels { column, most }));
                }
                _ => {}
            }
        }
        let texts: Vec<TextColumn> = kinds
            .iter()
            .filter_map(|(_, kind)| match kind {
                Kind::Text(column) | Kind::Dates(column) => Some(column.clone()),
                _ => None,
            })
            .collect();
        if texts.is_empty() { Ok(()) } else { Err(self.error(TableProblem::TextColumns(texts))) }
    }

    /// How the numbers of these columns write decimals, where nobody says it.
    pub fn decimal(&self, columns: impl Iterator<Item = usize>, notes: &mut Vec<Note>) -> Result<Decimal> {
        let Cells { decimal, .. } = self.layout.cells;
        if decimal != Decimal::Either {
            return Ok(decimal);
        }
        let columns: Vec<usize> = columns.collect();
        let commas = columns.iter().filter_map(|i| Some((self.held(*i).comma.as_ref()?, *i)));
        let Some((comma, column)) = commas.min_by_key(|(place, i)| (place.line, *i)) else {
            return Ok(Decimal::Point);
        };
        let points = columns.iter().filter_map(|i| self.held(*i).point.as_ref());
        if let Some(point) = points.min_by_key(|place| place.line) {
            let (comma_text, point_text) = (comma.text.clone(), point.text.clone());
            let problem =
                ValueProblem::BothDecimals { comma: comma_text, point: point_text, line: point.line };
            return Err(self.value(comma.line, column, problem));
        }
        if !columns.iter().any(|i| self.held(*i).is_sure_comma) {
            return Err(self.value(comma.line, column, ValueProblem::Thousands(comma.text.clone())));
        }
        notes.push(Note::info(format!(
            "decimals are written with commas, as `{}` on line {}; if that is wrong, say --decimal .",
            comma.text, comma.line
        )));
        Ok(Decimal::Comma)
    }

    fn tell_of_categories(&self, schema: &Schema, notes: &mut Vec<Note>) {
        let found = schema.columns.iter().filter_map(|column| {
            let levels = column.levels()?;
            Some(format!("`{}` ({})", column.name, counted(levels.len(), "value")))
        });
        let found: Vec<String> = found.collect();
        if !found.is_empty() {
            notes
                .push(Note::info(format!("categories, each value of which is a feature: {}", listed(found))));
        }
    }

    fn tell_of_offsets(&self, schema: &Schema, notes: &mut Vec<Note>) {
        for column in &schema.columns {
            if let ColumnKind::Number { offset } = column.kind
                && offset != 0.0
            {
                notes.push(Note::info(format!(
                    "{offset} is subtracted from column `{}`: 32-bit numbers do not tell its values apart without",
                    column.name
                )));
            }
        }
    }

    fn tell_of_label_names(&self, features: &[usize], notes: &mut Vec<Note>) {
        if self.roles.one(Role::Label).is_some() || !self.layout.named {
            return;
        }
        let is_named_so = |i: &&usize| LABEL_NAMES.contains(&self.name(**i).to_lowercase().as_str());
        let (classes, scales): (Vec<usize>, Vec<usize>) =
            features.iter().filter(is_named_so).partition(|i| self.held(**i).may_be_classes());
        if let Some(i) = classes.first() {
            notes.push(Note::warning(format!(
                "column `{}` is used as a feature; if it holds labels, name it with --label-column",
                self.name(*i)
            )));
        } else if let Some(i) = scales.first() {
            notes.push(Note::info(format!(
                "column `{}` is used as a feature; if it is to have no part in the clusters, leave it out with --drop",
                self.name(*i)
            )));
        }
    }
}
