//! Data for a command: features for a method, and labels that stay here.

use crate::args::{Header, ReadArgs};
use anyhow::{Context, Result};
use ndarray::{Array1, s};
use std::path::Path;
use vae_core::{Features, ImageShape};
use vae_data::{Labels, LoadOptions, Source};

/// A loaded data set.
#[derive(Debug)]
pub struct Input {
    /// What a method may see.
    pub features: Features,
    /// What it may not: used to score, after the fit.
    pub labels: Option<Labels>,
    /// What the run file says about the data.
    pub about: About,
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
    }
}

/// Loads features and labels.
///
/// # Errors
/// Everything `vae-data` finds wrong, with the file and the place in it.
pub fn load(source: &Source, args: &ReadArgs) -> Result<Input> {
    let (set, mut labels) = vae_data::load(source, &options(args))?;
    let mut about = About {
        name: set.name,
        n: set.x.nrows(),
        dim: set.x.ncols(),
        n_train: set.n_train,
        sha256: set.sha256,
        limit: None,
    };
    let mut x = set.x;
    if let Some(limit) = args.limit.map(|l| usize::try_from(l).unwrap_or(usize::MAX)).filter(|l| *l < about.n)
    {
        x = x.slice(s![..limit, ..]).to_owned();
        if let Some(labels) = &mut labels {
            labels.y = labels.y.slice(s![..limit]).to_owned();
        }
        about.sha256 = vae_data::content_sha256(x.view());
        (about.n, about.n_train, about.limit) = (limit, about.n_train.min(limit), Some(limit));
    }
    // The matrix moves: 70,000 images exist once.
    let mut features = Features::dense(x).with_context(|| format!("{source} cannot be clustered"))?;
    if let Some(image) = set.image {
        let image = ImageShape { channels: image.channels, height: image.height, width: image.width };
        features = features.with_image(image)?;
    }
    Ok(Input { features, labels, about })
}

/// Labels for `rows` assignments, from a file with one label a row.
///
/// # Errors
/// An unreadable file, or another number of labels.
pub fn labels_for(path: &Path, rows: usize) -> Result<Array1<u32>> {
    Ok(vae_data::load_labels(path, rows)?.y)
}
