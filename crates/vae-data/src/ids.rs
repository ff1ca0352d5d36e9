//! Names of the rows: what a column of identifiers holds, or the files that are the rows.

use std::path::Path;

#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::memory::{self, Shortage};

/// Names of the rows, in their order, with the name of the column they come from; `file` for files.
///
/// They lie one after another in one text: a row costs its name and eight bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    name: String,
    text: String,
    /// Where each name ends.
    ends: Vec<usize>,
}

impl Ids {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Name of the column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Name of row `i` as the file has it; `None` beyond the last.
    pub fn get(&self, i: usize) -> Option<&str> {
        let start = if i == 0 { 0 } else { *self.ends.get(i - 1)? };
        self.text.get(start..*self.ends.get(i)?)
    }

    /// All names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    /// The names of the rows `start..end`, of as many as there are.
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> Self {
        let end = end.min(self.len());
        let start = start.min(end);
        let at = |i: usize| if i == 0 { 0 } else { self.ends[i - 1] };
        Self {
            name: self.name.clone(),
            text: self.text[at(start)..at(end)].to_owned(),
            ends: self.ends[start..end].iter().map(|place| place - at(start)).collect(),
        }
    }

    /// Appends the names of further rows.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the memory does not suffice.
    pub fn append(&mut self, rows: &Self) -> Result<()> {
        let short = |shortage: Shortage| shortage.at(Path::new(&rows.name));
        self.reserve(rows.len()).map_err(short)?;
        rows.iter().try_for_each(|id| self.push(id)).map_err(short)
    }

    /// Makes room for so many rows, but for their texts.
    pub(crate) fn reserve(&mut self, rows: usize) -> Result<(), Shortage> {
        memory::reserve(&mut self.ends, rows)
    }

    pub(crate) fn push(&mut self, id: &str) -> Result<(), Shortage> {
        memory::reserve_text(&mut self.text, id.len())?;
        self.text.push_str(id);
        memory::push(&mut self.ends, self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_pushed() {
        let mut ids = Ids::new("id");
        for id in ["a", "", "über", "4"] {
            ids.push(id).expect("fits");
        }
        assert_eq!(ids.iter().collect::<Vec<_>>(), ["a", "", "über", "4"]);
        assert_eq!((ids.len(), ids.get(2), ids.get(4)), (4, Some("über"), None));
        assert_eq!(ids.slice(1, 3).iter().collect::<Vec<_>>(), ["", "über"]);
        assert_eq!(ids.slice(2, 99).iter().collect::<Vec<_>>(), ["über", "4"]);
        let mut joined = ids.slice(0, 3);
        joined.append(&ids.slice(3, 4)).expect("fits");
        assert_eq!(joined, ids);
        assert!(ids.slice(9, 12).is_empty() && ids.slice(9, 12).name() == "id");
    }
}
