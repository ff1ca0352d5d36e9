//! Tables of text: comma-, tab- or semicolon-separated values with quotes as in RFC 4180.
//!
//! A table is read twice. The first pass holds nothing of the rows and finds out what each column
//! is: numbers, a category, names of the rows. It also finds all that is wrong. The second pass
//! makes features of the rows, all at once or in blocks.
//!
//! Deviation from the RFC: no quoted field is longer than 1 MiB, so that a lost quote is found
//! where it is.

mod cell;
mod date;
mod delimiter;
mod documents;
mod doubts;
mod fitted;
mod found_ids;
mod header;
mod identifier;
mod kind;
mod layout;
mod levels;
mod plan;
mod reader;
mod record;
mod roles;
mod rows;
mod summary;
mod survey;

#[cfg(test)]
mod tests;

pub(crate) use documents::DocumentTable;
pub(crate) use layout::Layout;
pub(crate) use reader::Table;
pub use reader::{Block, TableReader, TableText};
pub(crate) use record::Records;
pub(crate) use summary::describe;
pub use summary::{ColumnInfo, ColumnUse, TableInfo};
pub(crate) use survey::LONGEST_FIELD;

use crate::error::Result;
use crate::read::content::Content;
use crate::source::LoadOptions;

/// Reads a whole table into memory.
pub(crate) fn read(content: Content, options: &LoadOptions) -> Result<Table> {
    TableReader::of(content, options)?.all()
}
