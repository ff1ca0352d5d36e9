//! A table with a column of documents: where they stand, and which of the other columns names the
//! rows. None of the others is a feature.

use crate::error::Result;
use crate::note::Note;
use crate::read::content::Content;
use crate::read::table::cell::Decimal;
use crate::read::table::layout::Layout;
use crate::read::table::plan::Facts;
use crate::read::table::roles::{Role, Roles};
use crate::read::table::survey::Survey;
use crate::source::LoadOptions;

/// Columns of a table of documents, after a pass over it.
#[derive(Debug)]
pub(crate) struct DocumentTable {
    pub layout: Layout,
    /// Number of documents.
    pub n: usize,
    /// Where the documents stand.
    pub text: usize,
    pub label: Option<usize>,
    /// The column that names the rows: the one that is said, or one that a table of numbers would
    /// take for it.
    pub id: Option<usize>,
    /// Whether other columns have numbers with decimal commas.
    pub decimal_comma: bool,
    pub notes: Vec<Note>,
}

impl DocumentTable {
    /// Looks at a table; no quoted field has more than `longest` bytes. The first record is a
    /// header unless the options say that it is not.
    pub fn of(content: &Content, text_column: &str, options: &LoadOptions, longest: usize) -> Result<Self> {
        let path = content.path();
        let layout = Layout::of(content, options, Some(options.header.unwrap_or(true)))?;
        let roles = Roles::beside_documents(path, &layout, text_column, options)?;
        let survey = Survey::of(content, &layout, &roles.looks(&layout.names), longest)?;
        let facts = Facts { path, layout: &layout, survey: &survey, roles: &roles, options };
        let (id, note) = facts.id_of_documents();
        let has_commas = survey.columns.iter().any(|held| held.is_number() && held.is_sure_comma);
        let decimal_comma = match layout.cells.decimal {
            Decimal::Comma => true,
            Decimal::Point => false,
            Decimal::Either => has_commas,
        };
        let text = layout.find(path, text_column)?;
        let notes = note.into_iter().collect();
        let (n, label) = (survey.n, roles.one(Role::Label));
        Ok(Self { n, text, label, id, decimal_comma, notes, layout })
    }

    /// Name of the column that names the rows.
    pub fn id_name(&self) -> Option<&str> {
        self.id.map(|id| self.layout.names[id].as_str())
    }
}
