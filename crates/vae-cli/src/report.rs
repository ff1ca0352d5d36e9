//! `clusters.json`, `clusters.csv` and `report.html`: what each cluster is, and one page about a
//! finished run.
//!
//! What only a fit knows, the rows themselves, is kept as `report.json`. Everything else of the
//! page is read from the other files of the folder, so that it can be written again at any time:
//! with names of clusters, or without rows.

mod curves;
mod explained;
mod facts;
pub mod names;

pub use explained::Clustering;
pub use facts::scores;

use crate::pictures::{OF_ROWS, PICTURES};
use crate::predictions::Predictions;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use vae_core::fsio::write_bytes;
use vae_report::page::Picture;
use vae_report::{Clusters, Page};

/// What each cluster is.
pub const CLUSTERS_JSON: &str = "clusters.json";
/// The same as a table.
pub const CLUSTERS_CSV: &str = "clusters.csv";
/// The page.
pub const PAGE: &str = "report.html";
/// The parts of the page that only a fit knows.
pub const KEPT: &str = "report.json";

/// Pictures that the page has in another form.
const REPLACED: [&str; 4] = ["latent.svg", "sizes.svg", "losses.svg", "accuracy.svg"];

/// Keeps what a fit knows of its rows, for [`write()`]; without single rows if they are to be left
/// out.
///
/// # Errors
/// Parts of the fit that do not fit each other, a file that cannot be written.
pub fn keep(dir: &Path, clustering: &Clustering<'_>, without_rows: bool) -> Result<()> {
    let page = clustering.page()?;
    let page = if without_rows { page.without_rows() } else { page };
    let text = serde_json::to_string(&page)? + "\n";
    Ok(write_bytes(&dir.join(KEPT), text.as_bytes())?)
}

/// Writes `clusters.json`, `clusters.csv` and `report.html` from the files of the folder; the page
/// without single rows if they are to be left out.
///
/// # Errors
/// Files that are missing or damaged, files that cannot be written.
pub fn write(dir: &Path, without_rows: bool) -> Result<PathBuf> {
    let run: Value = serde_json::from_str(&read(dir, "run.json")?)
        .with_context(|| format!("{} is damaged", dir.join("run.json").display()))?;
    let (mut page, is_kept) = kept(dir, &run)?;
    page.rename(&names::read(dir)?);
    facts::fill(&mut page, &run);
    page.curves = curves::of(dir)?;
    page.pictures = pictures(dir, if is_kept { &REPLACED } else { &[] });
    page.configuration = read(dir, "config.toml")?;
    let clusters = serde_json::to_string_pretty(&page.clusters)? + "\n";
    write_bytes(&dir.join(CLUSTERS_JSON), clusters.as_bytes())?;
    write_bytes(&dir.join(CLUSTERS_CSV), page.clusters.to_csv().as_bytes())?;
    let page = if without_rows || page.is_without_rows { page.without_rows() } else { page };
    let path = dir.join(PAGE);
    write_bytes(&path, page.render()?.as_bytes())?;
    Ok(path)
}

/// What the fit kept, and whether it did: folders of former versions have the sizes of the clusters
/// only.
fn kept(dir: &Path, run: &Value) -> Result<(Page, bool)> {
    let path = dir.join(KEPT);
    if path.is_file() {
        let page = serde_json::from_str(&read(dir, KEPT)?);
        let page = page.with_context(|| format!("{} is damaged: fit again or restore it", path.display()))?;
        return Ok((page, true));
    }
    let assignments = Predictions::read(&dir.join("assignments.npy"))?.clusters;
    let k = run["n_clusters"].as_u64().unwrap_or(0) as usize;
    Ok((Page::new(String::new(), explained::sizes_only(assignments, k)?), false))
}

fn read(dir: &Path, name: &str) -> Result<String> {
    let path = dir.join(name);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The pictures of the folder, but for `left_out`. Not every run has every picture.
fn pictures(dir: &Path, left_out: &[&str]) -> Vec<Picture> {
    let shown = PICTURES.iter().filter(|(name, _)| !left_out.contains(name));
    let picture = |(name, title): &(&str, &str)| {
        let svg = fs::read_to_string(dir.join("pictures").join(name)).ok()?;
        Some(Picture { title: (*title).to_owned(), svg, shows_rows: OF_ROWS.contains(name) })
    };
    shown.filter_map(picture).collect()
}

/// Number of clusters of the run.
///
/// # Errors
/// A run file that cannot be read or is damaged.
pub fn n_clusters(dir: &Path) -> Result<usize> {
    let run: Value = serde_json::from_str(&read(dir, "run.json")?)
        .with_context(|| format!("{} is damaged", dir.join("run.json").display()))?;
    Ok(run["n_clusters"].as_u64().unwrap_or(0) as usize)
}

/// What is said of the clusters, a line each.
///
/// # Errors
/// A file that cannot be read.
pub fn lines(dir: &Path) -> Result<Vec<String>> {
    let clusters: Clusters = serde_json::from_str(&read(dir, CLUSTERS_JSON)?)?;
    Ok(clusters.clusters.into_iter().map(|cluster| cluster.summary).collect())
}
