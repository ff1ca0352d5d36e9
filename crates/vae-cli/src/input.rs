//! Data for a command: features for a method, and labels that stay here.

use crate::args::{Header, ReadArgs};
use anyhow::{Context, Result, bail};
use ndarray::{Array1, s};
use std::path::{Path, PathBuf};
use vae_core::{Csr, Features, ImageShape};
use vae_data::{Labels, LoadOptions, Matrix, Source, Vocabulary};

/// Terms and weights of the documents a model was fitted on, beside the model.
pub const VOCABULARY_FILE: &str = "vocabulary.tsv";

/// A loaded data set.
#[derive(Debug)]
pub struct Input {
    /// What a method may see.
    pub features: Features,
    /// What it may not: used to score, after the fit.
    pub labels: Option<Labels>,
    /// What the run file says about the data.
    pub about: About,
    /// What the columns are, where the rows are documents.
    pub vocabulary: Option<Vocabulary>,
}

/// Facts about the data.
#[derive(Debug, Clone)]
pub struct About {
    /// Name in the registry, or the file name.
    pub name: String,
    /// Rows.
    pub n: usize,
    /// Columns.
    pub dim: usize,
    /// Rows of the publisher's training split; `n` where there is none.
    pub n_train: usize,
    /// SHA-256 of shape and values.
    pub sha256: String,
    /// The `--limit`, if it cut something off.
    pub limit: Option<usize>,
}

/// How `vae-data` is to load.
pub fn options(args: &ReadArgs) -> LoadOptions {
    LoadOptions {
        data_dir: args.data_dir.clone(),
        labels: args.labels.clone(),
        label_column: args.label_column.clone(),
        header: match args.header {
            Header::Auto => None,
            Header::Yes => Some(true),
            Header::No => Some(false),
        },
        text_column: args.text_column.clone(),
        x_key: args.x_key.clone(),
        y_key: args.y_key.clone(),
        max_terms: args.max_terms,
        vocabulary: None,
    }
}

/// Loads features and labels for a fit.
///
/// # Errors
/// Everything `vae-data` finds wrong, with the file and the place in it.
pub fn load(source: &Source, args: &ReadArgs) -> Result<Input> {
    load_with(source, args, None)
}

/// Loads features and labels for a fitted model, a run folder or a file. Documents get the columns of those it was
/// fitted on.
///
/// # Errors
/// As [`load`]; documents where the model has no vocabulary beside it.
pub fn load_for(model: &Path, source: &Source, args: &ReadArgs) -> Result<Input> {
    let folder = if model.is_dir() { model } else { model.parent().unwrap_or(model) };
    let vocabulary = Some(folder.join(VOCABULARY_FILE)).filter(|path| path.is_file());
    let has_vocabulary = vocabulary.is_some();
    let input = load_with(source, args, vocabulary)?;
    if input.vocabulary.is_some() && !has_vocabulary {
        bail!(
            "{} is missing: documents can only be used with the terms the model was fitted on; copy that file of the run folder beside the model",
            folder.join(VOCABULARY_FILE).display()
        );
    }
    Ok(input)
}

fn load_with(source: &Source, args: &ReadArgs, vocabulary: Option<PathBuf>) -> Result<Input> {
    let (set, mut labels) = vae_data::load(source, &LoadOptions { vocabulary, ..options(args) })?;
    let (n, dim) = set.x.dim();
    let mut about = About { name: set.name, n, dim, n_train: set.n_train, sha256: set.sha256, limit: None };
    let mut x = set.x;
    if let Some(limit) = args.limit.map(|l| usize::try_from(l).unwrap_or(usize::MAX)).filter(|l| *l < about.n)
    {
        x = x.head(limit);
        if let Some(labels) = &mut labels {
            labels.y = labels.y.slice(s![..limit]).to_owned();
        }
        about.sha256 = x.sha256();
        (about.n, about.n_train, about.limit) = (limit, about.n_train.min(limit), Some(limit));
    }
    // The matrix moves: 70,000 images exist once.
    let features = match x {
        Matrix::Dense(x) => Features::dense(x),
        Matrix::Sparse(vae_data::Csr { indptr, indices, values, n_columns }) => {
            Features::sparse(Csr { indptr, indices, values, n_columns })
        }
    };
    let mut features = features.with_context(|| format!("{source} cannot be clustered"))?;
    if let Some(image) = set.image {
        let image = ImageShape { channels: image.channels, height: image.height, width: image.width };
        features = features.with_image(image)?;
    }
    Ok(Input { features, labels, about, vocabulary: set.vocabulary })
}

/// Labels for `rows` assignments, from a file with one label a row.
///
/// # Errors
/// An unreadable file, or another number of labels.
pub fn labels_for(path: &Path, rows: usize) -> Result<Array1<u32>> {
    Ok(vae_data::load_labels(path, rows)?.y)
}
