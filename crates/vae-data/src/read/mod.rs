//! Readers, one file per format. Each takes an [`input::Input`], trusts nothing in it, and never
//! panics.

pub(crate) mod columnar;
mod columns;
pub(crate) mod compressed;
pub(crate) mod content;
pub(crate) mod documents;
pub(crate) mod element;
pub(crate) mod folder;
pub(crate) mod foreign;
pub(crate) mod har;
pub(crate) mod idx;
pub(crate) mod input;
pub(crate) mod label_table;
pub(crate) mod labels;
pub(crate) mod lines;
pub(crate) mod mat;
pub(crate) mod missing;
pub(crate) mod npy;
pub(crate) mod npz;
mod numbered;
pub(crate) mod pictures;
pub(crate) mod precision;
pub(crate) mod rcv1;
pub(crate) mod reuters21578;
pub(crate) mod stl10;
pub(crate) mod table;
mod vocabulary;

#[cfg(test)]
mod bomb_tests;

use vae_array::{Csr, ImageShape};

use crate::labels::RawLabels;
use crate::note::Note;

/// Keys of features in an archive of arrays, best first; a single array of another name is taken as
/// well.
pub(crate) const FEATURE_KEYS: [&str; 6] = ["x", "X", "data", "features", "images", "arr_0"];
/// Keys of labels.
pub(crate) const LABEL_KEYS: [&str; 5] = ["y", "Y", "labels", "label", "target"];

/// Keys said by the user.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    pub x: Option<String>,
    pub y: Option<String>,
}

/// What a reader found: features as rows one after another, and labels if the file holds some.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    /// `n * d` values; none where there is `sparse`.
    pub x: Vec<f32>,
    pub n: usize,
    pub d: usize,
    /// `[n, d]` with the zeros left out, instead of `x`.
    pub sparse: Option<Csr>,
    /// What was subtracted from each of the `d` columns, if anything was.
    pub offsets: Option<Vec<f64>>,
    pub image: Option<ImageShape>,
    pub n_train: usize,
    pub labels: Option<RawLabels>,
    /// What the reader decided.
    pub notes: Vec<Note>,
}
