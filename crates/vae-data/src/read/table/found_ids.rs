//! Which columns of a table name or count its rows, and the notes about them.

use crate::note::Note;
use crate::read::table::identifier::is_named_like_one;
use crate::read::table::plan::Facts;
use crate::read::table::roles::Role;
use crate::source::LoadOptions;

/// Columns that are no features because they name or count the rows.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// The one whose values name the rows.
    pub names: Option<usize>,
    /// Those that were recognised.
    pub columns: Vec<usize>,
}

/// Why a column is taken for identifiers.
enum Reason {
    Counts,
    Named,
    /// Its values are codes, no two alike.
    Codes,
}

impl Facts<'_> {
    /// The columns among the possible features that name or count the rows; doubts and decisions
    /// are noted.
    pub fn ids(&self, notes: &mut Vec<Note>) -> Ids {
        let said = self.roles.one(Role::Id);
        let mut ids = Ids { names: said, columns: Vec::new() };
        if self.roles.chosen {
            return ids;
        }
        let found = self.found(notes);
        if found.len() == self.roles.features().count() {
            for (i, _) in found {
                notes.push(Note::warning(format!(
                    "column `{}` looks like names of the rows, and is a feature since there is no other; leave it out with --drop",
                    self.name(i)
                )));
            }
            return ids;
        }
        ids.names = said.or(best(&found).map(|(i, _)| *i));
        for (i, reason) in &found {
            notes.push(self.tell_of_id(*i, reason, ids.names == Some(*i)));
        }
        ids.columns = found.into_iter().map(|(i, _)| i).collect();
        ids
    }

    /// The column that names the rows beside documents, where no other column is a feature, and a
    /// note if nobody said it.
    pub fn id_of_documents(&self) -> (Option<usize>, Option<Note>) {
        if let Some(said) = self.roles.one(Role::Id) {
            return (Some(said), None);
        }
        // What else these columns may be is nobody's question.
        let found = self.found(&mut Vec::new());
        let Some((i, reason)) = best(&found) else { return (None, None) };
        let note = Note::info(format!(
            "column `{}` {}: it is kept as their names; if others are right, name their column with --id-column",
            self.name(*i),
            self.why(*i, reason)
        ));
        (Some(*i), Some(note))
    }

    /// The columns that look like identifiers.
    fn found(&self, notes: &mut Vec<Note>) -> Vec<(usize, Reason)> {
        let candidates = self.roles.features().filter(|i| self.roles.roles[*i] == Role::Feature);
        candidates.filter_map(|i| Some((i, self.reason(i, notes)?))).collect()
    }

    /// Whether the data are for a model, which was fitted on a table or on documents.
    fn is_fitted(&self) -> bool {
        let LoadOptions { schema, vocabulary, text_column, .. } = self.options;
        schema.is_some() || (text_column.is_some() && vocabulary.is_some())
    }

    fn reason(&self, i: usize, notes: &mut Vec<Note>) -> Option<Reason> {
        let held = self.held(i);
        let is_named = is_named_like_one(self.name(i), i == 0);
        let is_whole = held.is_number() && held.counter.is_whole();
        if is_whole && held.missing == 0 && held.counter.is_consecutive(&held.moments) {
            return Some(if is_named { Reason::Named } else { Reason::Counts });
        }
        if !is_named {
            let are_codes =
                held.missing == 0 && held.are_distinct() && held.codes.are_identifiers(self.is_fitted());
            return are_codes.then_some(Reason::Codes);
        }
        let is_texts = held.texts > 0 && held.moments.count() == 0;
        // One row is different from all others, which says nothing; new data may have no more.
        let has_rows = self.survey.n > 1 || self.is_fitted();
        if held.missing == 0 && held.are_distinct() && (is_whole || is_texts) && has_rows {
            return Some(Reason::Named);
        }
        // Texts that are no identifiers are categories or refused, so nothing is silent about them.
        if held.is_number() {
            notes.push(Note::warning(format!(
                "column `{}` is named like names of the rows but its values are not all different whole numbers: it is a \
                 feature; leave it out with --drop, or name it with --id-column",
                self.name(i)
            )));
        }
        None
    }

    fn tell_of_id(&self, i: usize, reason: &Reason, is_kept: bool) -> Note {
        let (name, why) = (self.name(i), self.why(i, reason));
        let kept = if is_kept { ": it is kept as their names, and" } else { " as well: it is left out, and" };
        // Texts that differ in every row can be no feature.
        let way = match self.held(i).is_number() {
            true => "to make it one, name all features with --columns",
            false => "if it is something else, leave it out with --drop",
        };
        Note::info(format!("column `{name}` {why}{kept} is no feature; {way}"))
    }

    /// What a column does that is taken for identifiers.
    fn why(&self, i: usize, reason: &Reason) -> String {
        match (reason, self.held(i).moments.summary()) {
            // No name of a row: notes stand in files that have no rows.
            (Reason::Codes, _) => {
                format!("names the rows (`{}` and a number, no two alike)", self.held(i).codes.prefix())
            }
            (Reason::Counts, Some((min, max, _))) => format!("counts the rows ({min} to {max})"),
            _ => "names the rows".to_owned(),
        }
    }
}

/// The column whose values are the names: a name is a better sign than counting.
fn best(found: &[(usize, Reason)]) -> Option<&(usize, Reason)> {
    found.iter().find(|(_, reason)| matches!(reason, Reason::Named)).or(found.first())
}
