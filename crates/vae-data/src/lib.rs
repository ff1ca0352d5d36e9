//! Data sets in, ndarray out: formats, a registry of public sets with checksums, a downloader, and
//! an embedded set.
//!
//! [`load`] is the way in. It returns features and labels as two values, so that a fit can be given
//! the one without the other. Nothing here builds on torch.
//!
//! # Example
//!
//! The embedded set needs no file; `"mnist"`, `"my.csv"` or a folder of pictures are read the same
//! way.
//!
//! ```
//! use vae_data::{LoadOptions, load};
//!
//! let (data, labels) = load(&"strokes".parse()?, &LoadOptions::default())?;
//! assert_eq!(data.x.dim(), (10_000, 784)); // f32 in [0, 1]
//! assert_eq!(labels.map(|labels| labels.n_classes()), Some(10));
//! # Ok::<(), vae_data::Error>(())
//! ```

mod assemble;
mod cache_dir;
mod dataset;
mod error;
mod fetch;
mod file_kind;
mod ids;
mod info;
mod known;
mod known_text;
mod labels;
mod load;
mod load_options;
mod matrix;
mod memory;
mod near;
mod note;
mod numpy;
mod offset;
mod places;
mod read;
mod registry;
mod source;
mod stream;
pub mod strokes;
mod text;

pub use cache_dir::cache_dir;
pub use dataset::DataSet;
pub use error::{Attempt, Error, Lacking, Looked, Result, TableProblem, TextColumn, ValueProblem};
pub use fetch::{FetchOptions, FileState, OnProgress, Progress, fetch, fetch_entry};
pub use ids::Ids;
pub use info::{FileInfo, Info, info, table_info};
pub use known::provenance_of;
pub use labels::Labels;
pub use load::{load, load_from, load_labels};
pub use matrix::Matrix;
pub use memory::available as available_memory;
pub use note::{Note, Severity};
pub use places::Places;
pub use read::table::{Block, ColumnInfo, ColumnUse, TableInfo, TableReader, TableText};
pub use registry::{Download, Entry, File, Inner, Reader, Registry, Unpack, registry};
pub use source::{LoadOptions, Quote, Source};
pub use stream::{RowBlock, Stream};
pub use text::{DEFAULT_MAX_TERMS, Vocabulary};
pub use vae_array::{
    Column, ColumnKind, Csr, ImageShape, Schema, Values, as_written, content_sha256, table_sha256,
};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
