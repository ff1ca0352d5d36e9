//! What is each cluster?
//!
//! A clustering is a column of numbers, and its reader wants to know what the numbers stand for.
//! [`explain`] compares every cluster with all other rows on the *original* values and says what
//! sets it apart: columns of numbers, levels of categories, missing cells, words of documents,
//! together with typical members, doubtful ones, and the nearest other cluster. [`Clusters`] is the
//! answer, with stable keys for `clusters.json` and a table for `clusters.csv`; each [`Cluster`]
//! has a line such as
//!
//! ```text
//! cluster 3: 812 rows; high bmi (median 34.1, elsewhere 24.0) and insulin, low age
//! ```
//!
//! [`Page`] is everything that is known of a run, as plain data; [`Page::render`] makes one HTML
//! file of it that needs nothing beside itself and escapes whatever comes from outside.
//!
//! [`Sweep`] is the same for a grid of runs: how many clusters, how clear, which run.
//! [`Comparison`] is about several runs on the same rows: how far they agree, and what becomes of
//! the clusters of each run in the next.
//!
//! No libtorch, no labels, no random numbers: equal inputs give equal bytes.
//!
//! # What the numbers mean
//!
//! | field | meaning |
//! |---|---|
//! | `difference` | standardised difference to all other rows: 0.5 is medium, 0.8 large, beyond 2 hardly any overlap |
//! | `overlap` | what the two distributions have in common: 0 is apart, 1 is alike |
//! | `inside`, `outside` | median, quartiles and mean of the members and of all other rows |
//! | `lift` | how many times as often as in all rows a level is there |
//! | `weight` | class-based tf-idf of a word |
//!
//! A column is told only where it differs by at least a medium effect *and* by three standard
//! errors ([`Options`]), so a cluster of few rows is not described by chance, and only where the
//! cluster differs from the clusters of at least half of the other rows: one cluster far away moves
//! the mean of "all other rows" for every other, and that difference is not theirs. The clusters
//! were made from these values, so no difference is a proof that a cluster exists.

mod clusters;
pub mod comparison;
mod data;
mod error;
mod explain;
pub mod page;
mod summary;
pub mod sweep;
mod text;

pub use clusters::{
    Cluster, Clusters, Detail, Direction, Doubtful, FEW, Feature, Measure, Member, Nearest, NearestBy,
    RunnerUp, SCHEMA, Spread, TypicalBy, Word,
};
pub use comparison::Comparison;
pub use data::{ClusterNames, Confidence, Data, Documents, Images, Subject, Table, Values};
pub use error::{Error, Result};
pub use explain::{Options, explain};
pub use page::Page;
pub use sweep::Sweep;
pub use text::thousands;

/// Compiles the example of the README as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
