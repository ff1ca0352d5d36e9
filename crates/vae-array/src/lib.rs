//! The plain types that data sets and models share: [`Csr`], [`ImageShape`], [`Schema`], and
//! [`content_sha256`], the hash that says whether two sets of features are the same. No libtorch.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod content;
mod csr;
mod image;
mod schema;
mod written;

pub use content::{Values, content_sha256, hex, sha256_hex, table_sha256};
pub use csr::Csr;
pub use image::ImageShape;
pub use schema::{Column, ColumnKind, Schema, SchemaError};
pub use written::as_written;
