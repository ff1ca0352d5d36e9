//! Readers, one file per format. Each takes an [`input::Input`], trusts nothing in it, and never panics.

pub(crate) mod element;
pub(crate) mod har;
pub(crate) mod idx;
pub(crate) mod input;
pub(crate) mod labels;
pub(crate) mod npy;
pub(crate) mod npz;
pub(crate) mod pictures;
pub(crate) mod table;

use crate::dataset::{ImageShape, RawLabels};

/// What a reader found: features as rows one after another, and labels if the file holds some.
#[derive(Debug)]
pub(crate) struct Raw {
    /// `n * d` values.
    pub x: Vec<f32>,
    pub n: usize,
    pub d: usize,
    pub image: Option<ImageShape>,
    pub n_train: usize,
    pub labels: Option<RawLabels>,
}
