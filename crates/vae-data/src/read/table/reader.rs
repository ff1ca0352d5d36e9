//! A table read in blocks of rows, after one pass over it has shown what it holds.

use std::path::Path;

use ndarray::Array2;
use vae_array::Schema;

use crate::error::{Error, Result, TableProblem};
use crate::ids::Ids;
use crate::labels::RawLabels;
use crate::memory;
use crate::note::{Note, counted, listed};
use crate::read::content::Content;
use crate::read::table::cell::Decimal;
use crate::read::table::layout::Layout;
use crate::read::table::plan::{Facts, Plan};
use crate::read::table::record::Records;
use crate::read::table::roles::Roles;
use crate::read::table::rows::{Rows, Sink};
use crate::read::table::survey::{LONGEST_FIELD, Survey};
use crate::source::{LoadOptions, Source};

/// Reads a table in blocks of rows, so that it need not fit into memory.
///
/// Opening it reads the file once: every fault in it is told then, and no block comes before one.
/// The blocks read it a second time.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("vae-data-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir)?;
/// # let path = dir.join("t.csv");
/// # std::fs::write(&path, "a,colour\n1,red\n2,blue\n3,red\n4,blue\n")?;
/// use vae_data::{LoadOptions, Source, TableReader};
///
/// let mut reader = TableReader::open(&Source::Path(path), &LoadOptions::default())?;
/// assert_eq!(reader.schema().feature_names(), ["a", "colour=blue", "colour=red"]);
/// while let Some(block) = reader.next_block(3)? {
///     assert_eq!(block.x.ncols(), 3); // 3 rows, then 1
/// }
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TableReader {
    content: Content,
    plan: Plan,
    id_name: Option<String>,
    label_name: Option<String>,
    notes: Vec<Note>,
    records: Option<Records<'static>>,
    rows: Rows,
    n: usize,
    layout: Layout,
    keeps_text: bool,
}

/// How a table is written, for columns that are put beside its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableText {
    /// What stands above the rows, as the file has it; the last of it is the header where there is
    /// one.
    pub head: Vec<String>,
    /// Whether there is a header.
    pub named: bool,
    /// Names of the columns.
    pub names: Vec<String>,
    /// What separates the fields.
    pub separator: char,
    /// Whether decimals are written with commas.
    pub decimal_comma: bool,
    /// The quotes around fields, if there are any.
    pub quote: Option<char>,
}

/// Some rows of a table, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Features `[rows, d]`, NaN where a cell is missing.
    pub x: Array2<f32>,
    /// Names of the rows, where a column has them.
    pub ids: Option<Ids>,
    /// Number of the first row, from 0.
    pub start: usize,
    /// Missing cells.
    pub n_missing: usize,
    /// The rows as the file has them, where [`TableReader::keep_text`] asked for them.
    pub text: Option<Vec<String>>,
}

impl TableReader {
    /// Opens a table: a path or standard input, with the columns of `options.schema` if there is
    /// one.
    ///
    /// # Errors
    /// Everything that is wrong with the table: [`Error::Value`], [`Error::Ragged`],
    /// [`Error::Line`], [`Error::Table`], [`Error::OtherColumns`], [`Error::NoSuchColumn`] and
    /// others of files; [`Error::Option`] for a known set.
    pub fn open(source: &Source, options: &LoadOptions) -> Result<Self> {
        let content = match source {
            Source::Path(path) => Content::of_path(path)?,
            Source::StandardInput => Content::of_standard_input()?,
            Source::Known(name) => {
                let reason = format!("`{name}` is a known set and no table; load it whole");
                return Err(Error::Option { option: "--data", reason });
            }
        };
        Self::of(content, options)
    }

    pub(crate) fn of(content: Content, options: &LoadOptions) -> Result<Self> {
        let layout = Layout::of(&content, options, options.header)?;
        let roles = Roles::said(content.path(), &layout, options)?;
        let survey = Survey::of(&content, &layout, &roles.looks(&layout.names), LONGEST_FIELD)?;
        let facts = Facts { path: content.path(), layout: &layout, survey: &survey, roles: &roles, options };
        let plan = match &options.schema {
            Some(schema) => facts.fitted_plan(schema)?,
            None => facts.plan()?,
        };
        let mut notes = layout.notes.clone();
        notes.extend_from_slice(&plan.notes);
        notes.extend(of_lines(&survey, layout.names.len()));
        let rows = Rows::new(&plan, &layout.cells);
        let records = Some(layout.records(&content, LONGEST_FIELD)?);
        let name = |i: usize| layout.names[i].clone();
        let (id_name, label_name) = (plan.id.map(name), plan.label.map(name));
        let n = survey.n;
        Ok(Self { plan, id_name, label_name, notes, records, rows, n, layout, keeps_text: false, content })
    }

    /// Has the blocks from here on hold the rows as the file has them; says how it is written.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn keep_text(&mut self) -> Result<TableText> {
        self.keeps_text = true;
        self.layout.text(&self.content, self.plan.decimal == Decimal::Comma)
    }

    /// The file, or what it is called in messages.
    pub fn path(&self) -> &Path {
        self.content.path()
    }

    /// What the features are made of.
    pub fn schema(&self) -> &Schema {
        &self.plan.schema
    }

    /// Number of rows of the whole table.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The column that names the rows.
    pub fn id_name(&self) -> Option<&str> {
        self.id_name.as_deref()
    }

    /// What was decided about the table; what is missing in it is told when its last block has been
    /// read.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The next `rows` rows, fewer at the end; `None` behind it.
    ///
    /// # Errors
    /// [`Error::TooLarge`], and [`Error::Table`] where the file has changed since it was opened.
    pub fn next_block(&mut self, rows: usize) -> Result<Option<Block>> {
        let start = self.rows.n;
        let sink = self.fill(rows.max(1))?;
        if sink.n == 0 {
            return Ok(None);
        }
        let d = self.plan.schema.n_features();
        let changed = |_| Error::table(self.content.path(), TableProblem::Changed);
        let x = Array2::from_shape_vec((sink.n, d), sink.x).map_err(changed)?;
        let text = self.keeps_text.then_some(sink.text);
        Ok(Some(Block { x, ids: sink.ids, start, n_missing: sink.n_missing, text }))
    }

    /// All rows at once.
    pub(super) fn all(mut self) -> Result<Table> {
        let sink = self.fill(self.n)?;
        // Passes the end of the file.
        self.fill(1)?;
        let labels = match &self.label_name {
            None => None,
            Some(column) if sink.labels.iter().all(|label| label.is_empty()) => {
                let problem = TableProblem::NoLabels { column: column.clone() };
                return Err(Error::table(self.path(), problem));
            }
            Some(_) => Some(RawLabels::Texts(sink.labels)),
        };
        let Self { plan: Plan { schema, .. }, notes, .. } = self;
        let Sink { x, ids, n, n_missing, .. } = sink;
        Ok(Table { x, n, schema, labels, ids, n_missing, notes })
    }

    fn fill(&mut self, most: usize) -> Result<Sink> {
        let path = self.content.path();
        let rest = self.n.saturating_sub(self.rows.n);
        let d = self.plan.schema.n_features();
        let room = self.rows.sink(most.min(rest), d, self.id_name.as_deref());
        let mut sink = room.map_err(|short| short.at(path))?;
        let Some(records) = &mut self.records else { return Ok(sink) };
        while sink.n < most {
            match records.next()? {
                Some(record) if self.rows.n < self.n => {
                    if self.keeps_text {
                        let text = memory::copy_of(record.text());
                        let pushed = text.and_then(|text| memory::push(&mut sink.text, text));
                        pushed.map_err(|short| short.at(path))?;
                    }
                    self.rows.add(record, &mut sink, path)?;
                }
                None if self.rows.n == self.n => {
                    if let Some(records) = self.records.take() {
                        records.finish()?;
                    }
                    self.notes.extend(of_missing(&self.plan.schema, &self.rows));
                    break;
                }
                _ => return Err(Error::table(path, TableProblem::Changed)),
            }
        }
        Ok(sink)
    }
}

/// A table in memory.
#[derive(Debug)]
pub(crate) struct Table {
    /// `n * d` values.
    pub x: Vec<f32>,
    pub n: usize,
    pub schema: Schema,
    pub labels: Option<RawLabels>,
    pub ids: Option<Ids>,
    pub n_missing: usize,
    pub notes: Vec<Note>,
}

/// What the lines of a table may hide.
fn of_lines(survey: &Survey, n_columns: usize) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Some((line, count)) = survey.broken {
        notes.push(Note::info(format!(
            "{} with line breaks inside quotes, the first on line {line}",
            counted(count, "record")
        )));
    }
    if survey.skipped > 0 && n_columns == 1 {
        notes.push(Note::warning(format!(
            "{} between rows left out; if they are missing values, write NA there",
            counted(survey.skipped, "blank line")
        )));
    }
    notes
}

/// Of fewer rows all may lack a value by chance.
const MANY: usize = 10;

/// What was missing, by column and by row.
fn of_missing(schema: &Schema, rows: &Rows) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut lacks: Vec<(usize, &str)> = rows
        .lacks()
        .zip(&schema.columns)
        .filter(|(lack, _)| lack.missing > 0)
        .map(|(lack, column)| (lack.missing, column.name.as_str()))
        .collect();
    // Stable: columns with as many stay in their order.
    lacks.sort_by_key(|(missing, _)| std::cmp::Reverse(*missing));
    let total: usize = lacks.iter().map(|(missing, _)| missing).sum();
    if total > 0 {
        let each = lacks.iter().map(|(missing, name)| format!("{missing} in `{name}`"));
        notes.push(Note::info(format!("{} missing: {}", counted(total, "cell"), listed(each))));
    }
    // A fit refuses a column without any value, so the rows are for a model that was fitted with
    // it.
    let empty = lacks.iter().filter(|(missing, _)| rows.n >= MANY && *missing == rows.n);
    let empty: Vec<String> = empty.map(|(_, name)| format!("`{name}`")).collect();
    if !empty.is_empty() {
        notes.push(Note::warning(format!(
            "no row has a value in {}, with which the model was fitted: the clusters rest on the other columns",
            listed(empty.into_iter())
        )));
    }
    for (lack, column) in rows.lacks().zip(&schema.columns).filter(|(lack, _)| lack.unknown > 0) {
        notes.push(Note::warning(format!(
            "{} of column `{}` hold values that the model does not know, such as `{}`: they count as missing",
            counted(lack.unknown, "cell"),
            column.name,
            lack.first_unknown.unwrap_or_default()
        )));
    }
    if let Some(first) = rows.first_empty {
        notes.push(Note::warning(format!(
            "{} without any value, the first of them row {}: kept, with all features missing; their clusters say nothing",
            counted(rows.n_empty, "row"),
            first + 1
        )));
    }
    notes
}
