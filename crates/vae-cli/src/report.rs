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
mod tsne;

pub use explained::Clustering;
pub use facts::scores;

use crate::args::MapChoice;
use crate::output::remark;
use crate::pictures::{OF_ROWS, PICTURES};
use crate::predictions::Predictions;
use crate::runs::Run;
use anyhow::{Context, Result, bail};
use ndarray::{ArrayView2, Axis};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use vae_core::fsio::write_bytes;
use vae_report::page::{Map, Picture};
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

/// What of a fit is kept for its page.
pub struct Kept {
    /// Whether single rows are left out.
    pub without_rows: bool,
    /// Layouts of the map.
    pub map: MapChoice,
    /// Seed of the run.
    pub seed: u64,
}

/// Keeps what a fit knows of its rows, for [`write()`].
///
/// # Errors
/// Parts of the fit that do not fit each other, a file that cannot be written.
pub fn keep(dir: &Path, clustering: &Clustering<'_>, kept: &Kept) -> Result<()> {
    let mut page = clustering.page()?;
    if let Some(map) = page.map.as_mut().filter(|_| kept.map == MapChoice::Tsne) {
        add_tsne(map, clustering.codes(), kept.seed)?;
    }
    write_kept(dir, if kept.without_rows { page.without_rows() } else { page })
}

fn write_kept(dir: &Path, page: Page) -> Result<()> {
    let text = serde_json::to_string(&page)? + "\n";
    Ok(write_bytes(&dir.join(KEPT), text.as_bytes())?)
}

/// Adds the t-SNE of the codes `[n, latent_dim]`, where they have one.
fn add_tsne(map: &mut Map, codes: ArrayView2<'_, f32>, seed: u64) -> Result<()> {
    let of_map = codes.select(Axis(0), &map.rows);
    map.more.extend(tsne::layout(&of_map, &map.points, seed)?);
    Ok(())
}

/// Writes `clusters.json`, `clusters.csv` and `report.html` from the files of the folder; the page
/// without single rows if they are to be left out, and with the layouts of `map` where it is said.
///
/// # Errors
/// Files that are missing or damaged, files that cannot be written; a layout whose codes are not
/// there.
pub fn write(dir: &Path, without_rows: bool, map: Option<MapChoice>) -> Result<PathBuf> {
    let run: Value = serde_json::from_str(&read(dir, "run.json")?)
        .with_context(|| format!("{} is damaged", dir.join("run.json").display()))?;
    let (mut page, is_kept) = kept(dir, &run)?;
    match map {
        Some(MapChoice::Pca) => page.map.iter_mut().for_each(|map| map.more.clear()),
        Some(MapChoice::Tsne) => add_later(dir, &mut page, &run)?,
        None => {}
    }
    page.rename(&names::read(dir)?);
    facts::fill(&mut page, &run);
    page.curves = curves::of(dir)?;
    page.pictures = pictures(dir, if is_kept { &REPLACED } else { &[] });
    page.configuration = read(dir, "config.toml")?;
    if without_rows && !page.is_without_rows {
        remark(format_args!(
            "single rows are left out of {PAGE} and {CLUSTERS_JSON}; {KEPT} keeps them, for pages with them: share it like the data"
        ));
    }
    let page = if without_rows || page.is_without_rows { page.without_rows() } else { page };
    let clusters = serde_json::to_string_pretty(&page.clusters)? + "\n";
    write_bytes(&dir.join(CLUSTERS_JSON), clusters.as_bytes())?;
    write_bytes(&dir.join(CLUSTERS_CSV), page.clusters.to_csv().as_bytes())?;
    let path = dir.join(PAGE);
    write_bytes(&path, page.render()?.as_bytes())?;
    Ok(path)
}

/// Adds the t-SNE that a fit left out, and keeps it.
fn add_later(dir: &Path, page: &mut Page, run: &Value) -> Result<()> {
    let Some(map) = page.map.as_mut() else {
        bail!("{} has no map: it is of a former version, and only a new fit makes one", dir.display());
    };
    if !map.more.is_empty() {
        return Ok(());
    }
    let Some(codes) = Run::of_folder(dir)?.embedding()? else {
        bail!(
            "{} has no latent codes (its latent space is its data, or embedding.npy was removed): fit again with --map tsne",
            dir.display()
        );
    };
    add_tsne(map, codes.view(), run["seed"].as_u64().unwrap_or(0))?;
    write_kept(dir, page.clone())
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
