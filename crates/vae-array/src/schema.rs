//! What the features of a table are made of: numbers, perhaps moved towards 0, and categories.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What the features of a table are made of, in the order of the features.
///
/// A fitted model keeps it beside itself, so that new rows get the features of the rows it was
/// fitted on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Whether the names are those of the file; if not, columns are called `1`, `2`, `3`, … by
    /// their places in it.
    pub named: bool,
    /// The columns that are features.
    pub columns: Vec<Column>,
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a column holds, and the features that are made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ColumnKind {
    /// One feature: the number minus `offset`, NaN where the cell is missing.
    Number {
        /// 0 unless f32 would lose what tells the numbers apart, as with Unix seconds; subtracted
        /// in f64.
        offset: f64,
    },
    /// One feature a level: 1 for the level of the row and 0 elsewhere; all NaN where the cell is
    /// missing.
    Category {
        /// The values there are, sorted.
        levels: Vec<String>,
    },
}

impl Column {
    /// A column of numbers as they are.
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: ColumnKind::Number { offset: 0.0 } }
    }

    /// A column with one feature a level.
    pub fn category(name: impl Into<String>, levels: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let levels = levels.into_iter().map(Into::into).collect();
        Self { name: name.into(), kind: ColumnKind::Category { levels } }
    }

    /// Number of features that are made of it.
    pub fn n_features(&self) -> usize {
        match &self.kind {
            ColumnKind::Number { .. } => 1,
            ColumnKind::Category { levels } => levels.len(),
        }
    }

    /// The levels of a category; `None` for numbers.
    pub fn levels(&self) -> Option<&[String]> {
        match &self.kind {
            ColumnKind::Number { .. } => None,
            ColumnKind::Category { levels } => Some(levels),
        }
    }
}

impl Schema {
    /// Columns of numbers as they are, with these names.
    pub fn plain(named: bool, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { named, columns: names.into_iter().map(Column::number).collect() }
    }

    /// Number of features, `d`.
    pub fn n_features(&self) -> usize {
        self.columns.iter().map(Column::n_features).sum()
    }

    /// The features of each column: ranges of `0..n_features()`, one after another.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let mut end = 0;
        self.columns.iter().map(move |column| {
            let start = end;
            end += column.n_features();
            start..end
        })
    }

    /// Names of the features, `[d]`: of a number its column's, of a category `colour=red`.
    pub fn feature_names(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.n_features());
        for column in &self.columns {
            match column.levels() {
                None => names.push(column.name.clone()),
                Some(levels) => names.extend(levels.iter().map(|level| format!("{}={level}", column.name))),
            }
        }
        names
    }

    /// The columns that are categories, each with its features.
    pub fn categories(&self) -> impl Iterator<Item = (&Column, Range<usize>)> {
        self.columns.iter().zip(self.ranges()).filter(|(column, _)| column.levels().is_some())
    }

    /// Whether every feature is a number as the table has it: no offset, no category.
    pub fn is_plain(&self) -> bool {
        self.columns
            .iter()
            .all(|column| matches!(column.kind, ColumnKind::Number { offset } if offset == 0.0))
    }

    /// Checks what a schema from a file may get wrong.
    ///
    /// # Errors
    /// No column; two columns of one name; an offset that is not finite; a category without levels
    /// or with one twice.
    pub fn check(&self) -> Result<(), SchemaError> {
        if self.columns.is_empty() {
            return Err(SchemaError("it has no columns".to_owned()));
        }
        if let Some(name) = twice(self.columns.iter().map(|column| &column.name)) {
            return Err(SchemaError(format!("two of its columns are called `{name}`")));
        }
        for Column { name, kind } in &self.columns {
            let problem = match kind {
                ColumnKind::Number { offset } if !offset.is_finite() => {
                    format!("the offset of column `{name}` is {offset}, expected a finite number")
                }
                ColumnKind::Category { levels } if levels.is_empty() => {
                    format!("column `{name}` is a category without levels")
                }
                ColumnKind::Category { levels } => match twice(levels) {
                    Some(level) => format!("column `{name}` has the level `{level}` twice"),
                    None => continue,
                },
                ColumnKind::Number { .. } => continue,
            };
            return Err(SchemaError(problem));
        }
        Ok(())
    }
}

/// The first text that occurs a second time.
fn twice<'t>(texts: impl IntoIterator<Item = &'t String>) -> Option<&'t String> {
    let mut seen = HashSet::new();
    texts.into_iter().find(|text| !seen.insert(text.as_str()))
}

/// What is wrong with a [`Schema`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError(String);

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SchemaError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed() -> Schema {
        let time = Column { name: "time".to_owned(), kind: ColumnKind::Number { offset: 1_700_000_000.5 } };
        let columns = vec![Column::number("a"), Column::category("colour", ["blue", "red"]), time];
        Schema { named: true, columns }
    }

    #[test]
    fn features_are_counted_and_named_in_order() {
        let schema = mixed();
        assert_eq!(schema.n_features(), 4);
        assert_eq!(schema.ranges().collect::<Vec<_>>(), [0..1, 1..3, 3..4]);
        assert_eq!(schema.feature_names(), ["a", "colour=blue", "colour=red", "time"]);
        let categories: Vec<_> =
            schema.categories().map(|(column, range)| (column.name.as_str(), range)).collect();
        assert_eq!(categories, [("colour", 1..3)]);
    }

    #[test]
    fn plain_is_without_offset_and_category() {
        assert!(Schema::plain(true, ["a", "b"]).is_plain());
        let [a, colour, time] = <[Column; 3]>::try_from(mixed().columns).expect("three");
        for column in [colour, time] {
            assert!(!Schema { named: false, columns: vec![a.clone(), column] }.is_plain());
        }
    }

    #[test]
    fn it_is_written_and_read_alike() {
        let text = serde_json::to_string(&mixed()).expect("written");
        assert_eq!(
            text,
            r#"{"named":true,"columns":[{"name":"a","kind":{"number":{"offset":0.0}}},{"name":"colour","kind":{"category":{"levels":["blue","red"]}}},{"name":"time","kind":{"number":{"offset":1700000000.5}}}]}"#
        );
        assert_eq!(serde_json::from_str::<Schema>(&text).expect("read"), mixed());
        for wrong in
            ["{}", r#"{"named":true}"#, &text.replace("offset", "shift"), &text.replace("category", "set")]
        {
            assert!(serde_json::from_str::<Schema>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_contradictory_schema_is_told() {
        mixed().check().expect("sound");
        let of =
            |columns: Vec<Column>| Schema { named: true, columns }.check().expect_err("wrong").to_string();
        assert_eq!(of(vec![]), "it has no columns");
        assert_eq!(of(vec![Column::number("a"), Column::number("a")]), "two of its columns are called `a`");
        assert_eq!(of(vec![Column::category("c", ["x", "y", "x"])]), "column `c` has the level `x` twice");
        assert!(of(vec![Column::category("c", [""; 0])]).contains("without levels"));
        let nan = Column { name: "n".to_owned(), kind: ColumnKind::Number { offset: f64::NAN } };
        assert!(of(vec![nan]).contains("the offset of column `n` is NaN"));
    }
}
