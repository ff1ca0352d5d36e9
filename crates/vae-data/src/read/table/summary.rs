//! What each column of a table holds, in one pass, for people to look at. Nothing is refused that
//! can be described.

use crate::error::Result;
use crate::note::Note;
use crate::read::content::Content;
use crate::read::table::kind::{Kind, kind_of};
use crate::read::table::layout::Layout;
use crate::read::table::plan::Facts;
use crate::read::table::roles::{Role, Roles};
use crate::read::table::survey::{LONGEST_FIELD, Look, Survey};
use crate::source::LoadOptions;

/// What a table holds.
#[derive(Debug, Clone, PartialEq)]
pub struct TableInfo {
    /// Rows, without the header.
    pub n: usize,
    /// Whether the columns have names in the file.
    pub named: bool,
    /// What stands between the fields; a blank stands for any number of them.
    pub delimiter: char,
    /// All columns, in their order.
    pub columns: Vec<ColumnInfo>,
    /// What was decided.
    pub notes: Vec<Note>,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// What loading makes of it.
    pub used_as: ColumnUse,
    /// Missing cells.
    pub missing: usize,
    /// Of the numbers: smallest, largest, mean; `None` where there are none.
    pub min: Option<f64>,
    /// Largest number.
    pub max: Option<f64>,
    /// Mean of the numbers.
    pub mean: Option<f64>,
    /// Different words, sorted, and how often each occurs; empty for numbers and where there are
    /// too many.
    pub levels: Vec<(String, usize)>,
}

/// What loading makes of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnUse {
    /// One feature.
    Number,
    /// One feature a level.
    Category,
    /// Names of the rows, or a counter of them: no feature.
    Identifier,
    /// The labels.
    Label,
    /// Left out by an option.
    LeftOut,
    /// Dates or times: refused until an option says what to do.
    Date,
    /// Other texts: refused until an option says what to do.
    Text,
    /// Numbers with words among them: refused.
    Mixed,
    /// No value in any row: refused.
    Empty,
}

/// Looks at a table.
pub(crate) fn describe(content: &Content, options: &LoadOptions) -> Result<TableInfo> {
    let layout = Layout::of(content, options, options.header)?;
    let roles = Roles::said(content.path(), &layout, options)?;
    let looks = roles.looks(&layout.names).into_iter().zip(&roles.roles).map(|(look, role)| match role {
        Role::Label => Look::AtWords,
        Role::Documents | Role::Left | Role::Id => Look::AtValues { for_ids: false },
        Role::Feature | Role::Category => look,
    });
    let looks: Vec<Look> = looks.collect();
    let survey = Survey::of(content, &layout, &looks, LONGEST_FIELD)?;
    let facts = Facts { path: content.path(), layout: &layout, survey: &survey, roles: &roles, options };
    let mut notes = layout.notes.clone();
    let ids = facts.ids(&mut notes);
    let column = |(i, name): (usize, &String)| {
        let held = &survey.columns[i];
        let used_as = match roles.roles[i] {
            Role::Label => ColumnUse::Label,
            Role::Id => ColumnUse::Identifier,
            Role::Documents | Role::Left => ColumnUse::LeftOut,
            _ if ids.columns.contains(&i) => ColumnUse::Identifier,
            Role::Feature | Role::Category => use_of(&kind_of(name, held)),
        };
        let summary = held.moments.summary();
        let levels = held.levels.counts().into_iter().flatten();
        ColumnInfo {
            name: name.clone(),
            used_as,
            missing: held.missing,
            min: summary.map(|(min, _, _)| min),
            max: summary.map(|(_, max, _)| max),
            mean: summary.map(|(_, _, mean)| mean),
            levels: levels.map(|(text, count)| (text.clone(), *count)).collect(),
        }
    };
    let columns = layout.names.iter().enumerate().map(column).collect();
    let delimiter = char::from(layout.syntax.separator);
    Ok(TableInfo { n: survey.n, named: layout.named, delimiter, columns, notes })
}

fn use_of(kind: &Kind) -> ColumnUse {
    match kind {
        Kind::Number => ColumnUse::Number,
        Kind::Category => ColumnUse::Category,
        Kind::Empty => ColumnUse::Empty,
        Kind::Mixed => ColumnUse::Mixed,
        Kind::Dates(_) => ColumnUse::Date,
        Kind::Text(_) | Kind::TooMany => ColumnUse::Text,
    }
}
