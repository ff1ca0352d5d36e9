//! The columns of a table for a model that is fitted already: by name, or by place where there are
//! no names.

use std::collections::{HashMap, HashSet};

use vae_array::{ColumnKind, Schema};

use crate::error::{Error, Lacking, Result, TableProblem};
use crate::near::nearest;
use crate::note::{Note, listed};
use crate::read::table::header::some_of;
use crate::read::table::plan::{Facts, Plan};
use crate::read::table::roles::Role;

impl Facts<'_> {
    /// The plan that gives the features of `schema`.
    pub fn fitted_plan(&self, schema: &Schema) -> Result<Plan> {
        if !self.options.categorical.is_empty() {
            let reason = "the model knows which of its columns are categories; leave it out".to_owned();
            return Err(Error::Option { option: "--categorical", reason });
        }
        schema.check().map_err(|problem| self.error(TableProblem::Schema(problem.to_string())))?;
        let mut notes = Vec::new();
        let sources = match schema.named && self.layout.named {
            true => self.by_name(schema)?,
            false => self.by_place(schema, &mut notes)?,
        };
        let numbers = || {
            let pairs = schema.columns.iter().zip(&sources);
            pairs.filter(|(column, _)| matches!(column.kind, ColumnKind::Number { .. })).map(|(_, i)| *i)
        };
        self.check_numbers(numbers())?;
        let decimal = self.decimal(numbers(), &mut notes)?;
        self.tell_of_points(numbers(), &mut notes);
        let id = self.fitted_id(&sources);
        self.tell_of_extra(&sources, id, &mut notes);
        let label = self.roles.one(Role::Label);
        Ok(Plan { schema: schema.clone(), sources, id, label, decimal, notes })
    }

    fn by_name(&self, schema: &Schema) -> Result<Vec<usize>> {
        let places: HashMap<&str, usize> = self.roles.features().map(|i| (self.name(i), i)).collect();
        let wanted = || schema.columns.iter().map(|column| column.name.as_str());
        if wanted().all(|name| places.contains_key(name)) {
            return Ok(wanted().map(|name| places[name]).collect());
        }
        let known: HashSet<&str> = wanted().collect();
        let ids = self.ids(&mut Vec::new()).columns;
        let unknown: Vec<&str> = self
            .roles
            .features()
            .filter(|i| !ids.contains(i))
            .map(|i| self.name(i))
            .filter(|name| !known.contains(name))
            .collect();
        let missing = wanted().filter(|name| !places.contains_key(name)).map(|name| Lacking {
            name: name.to_owned(),
            near: nearest(name, unknown.iter().copied()).map(str::to_owned),
            is_taken: self.layout.names.iter().any(|other| other == name),
        });
        Err(Error::OtherColumns {
            path: self.path.to_owned(),
            missing: some_of(missing),
            unknown: some_of(unknown.iter().map(|name| (*name).to_owned())),
        })
    }

    /// Columns in their order, if there are as many; or those of the model's places, if what it
    /// left out stands before them.
    fn by_place(&self, schema: &Schema, notes: &mut Vec<Note>) -> Result<Vec<usize>> {
        let usable: Vec<usize> = self.roles.features().collect();
        let sources = match usable.len() == schema.columns.len() {
            true => Some(usable.clone()),
            false => self.of_the_same_places(schema, &usable),
        };
        let Some(sources) = sources else {
            let names = schema.columns.iter().map(|column| column.name.clone());
            return Err(self.error(TableProblem::ColumnCount {
                expected: schema.columns.len(),
                places: names.collect(),
                found: usable.len(),
                columns: usable.iter().map(|i| self.name(*i).to_owned()).collect(),
            }));
        };
        let pairs = schema.columns.iter().zip(&sources);
        let differ = pairs.clone().any(|(column, i)| column.name != self.name(*i));
        if schema.named || self.layout.named || differ {
            let pairs = pairs.map(|(column, i)| format!("`{}` as `{}`", self.name(*i), column.name));
            notes.push(Note::warning(format!(
                "columns go by their place, since {} no names: {} of the model",
                if self.layout.named { "those of the model have" } else { "the table has" },
                listed(pairs)
            )));
        }
        Ok(sources)
    }

    /// A model without names knows the places it was fitted on. Others before the last of these
    /// were left out then, too.
    fn of_the_same_places(&self, schema: &Schema, usable: &[usize]) -> Option<Vec<usize>> {
        if schema.named || self.layout.named {
            return None;
        }
        let sources: Option<Vec<usize>> = schema
            .columns
            .iter()
            .map(|column| usable.iter().copied().find(|i| self.name(*i) == column.name))
            .collect();
        sources.filter(|sources| sources.iter().max() == usable.last())
    }

    /// The names of the rows: the column that is said, else the one that named the rows of the fit,
    /// else one the model does not know that looks like them.
    fn fitted_id(&self, sources: &[usize]) -> Option<usize> {
        let is_extra = |i: &usize| !sources.contains(i);
        let of_the_fit = || {
            let name = self.options.fitted_id.as_deref().filter(|_| self.layout.named)?;
            self.roles.features().find(|i| self.name(*i) == name).filter(is_extra)
        };
        self.roles.one(Role::Id).or_else(of_the_fit).or_else(|| {
            let ids = self.ids(&mut Vec::new());
            ids.names.filter(is_extra).or_else(|| ids.columns.into_iter().find(is_extra))
        })
    }

    fn tell_of_extra(&self, sources: &[usize], id: Option<usize>, notes: &mut Vec<Note>) {
        if let Some(i) = id.filter(|i| self.roles.roles[*i] != Role::Id) {
            notes.push(Note::info(format!("column `{}` is kept as the names of the rows", self.name(i))));
        }
        let used: HashSet<usize> = sources.iter().copied().chain(id).collect();
        let extra: Vec<String> = self
            .roles
            .features()
            .filter(|i| !used.contains(i))
            .map(|i| format!("`{}`", self.name(i)))
            .collect();
        if !extra.is_empty() {
            notes.push(Note::info(format!(
                "columns that the model does not know are left out: {}",
                listed(extra)
            )));
        }
    }
}
