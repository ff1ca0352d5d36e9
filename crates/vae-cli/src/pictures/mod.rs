//! Pictures of a finished fit, as SVG.

pub mod chart;
mod confusion;
mod curves;
mod images;
pub mod pca;
pub mod raster;
mod scatter;
mod sizes;
pub mod svg;

use crate::results::Evaluation;
use anyhow::{Context, Result};
use ndarray::Array2;
use std::fs;
use std::path::Path;
use vae_core::Features;
use vae_core::fsio::write_bytes;
use vae_models::{Clusterer, FitSummary};

/// What there is to draw.
pub struct Subject<'a> {
    pub model: &'a dyn Clusterer,
    pub features: &'a Features,
    pub summary: &'a FitSummary,
    /// `[n, latent_dim]`.
    pub embedding: &'a Array2<f32>,
    pub sizes: &'a [usize],
    pub evaluation: Option<&'a Evaluation>,
    pub seed: u64,
}

/// File name and heading of each picture, in the order of the report.
pub const PICTURES: [(&str, &str); 9] = [
    ("samples.svg", "Samples of each cluster"),
    ("generated.svg", "Generated samples of each cluster"),
    ("walks.svg", "Ways between clusters"),
    ("reconstructions.svg", "Reconstructions"),
    ("latent.svg", "Latent space"),
    ("confusion.svg", "Clusters and classes"),
    ("accuracy.svg", "Scores over the training"),
    ("losses.svg", "Losses"),
    ("sizes.svg", "Cluster sizes"),
];

/// Pictures in which rows of the data can be seen; a way may begin at a cluster of one row.
pub const OF_ROWS: [&str; 3] = ["samples.svg", "reconstructions.svg", "walks.svg"];

/// Draws every picture that makes sense into `dir`, without single rows of the data if they are to
/// be left out; returns their file names.
///
/// # Errors
/// What the model says about its own data, files that cannot be written.
pub fn draw(dir: &Path, subject: &Subject<'_>, without_rows: bool) -> Result<Vec<&'static str>> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let mut drawn = Vec::new();
    for (name, _) in PICTURES.into_iter().filter(|(name, _)| !(without_rows && OF_ROWS.contains(name))) {
        let picture = match name {
            "samples.svg" => images::samples(subject),
            "generated.svg" => images::generated(subject)?,
            "walks.svg" => images::walks(subject)?,
            "reconstructions.svg" => images::reconstructions(subject)?,
            "latent.svg" => Some(scatter::latent(subject)),
            "confusion.svg" => {
                subject.evaluation.and_then(|e| confusion::heat_map(&e.confusion, &e.class_names))
            }
            "accuracy.svg" => subject.evaluation.and_then(curves::scores),
            "losses.svg" => curves::losses(&subject.summary.phases),
            _ => Some(sizes::bars(subject.sizes)),
        };
        if let Some(svg) = picture {
            write_bytes(&dir.join(name), svg.finish().as_bytes())?;
            drawn.push(name);
        }
    }
    Ok(drawn)
}
