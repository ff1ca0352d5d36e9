//! Finished runs as others look at them: their assignments and what their `run.json` says.

use crate::predictions::Predictions;
use crate::row_names::RowNames;
use crate::run_folder::{self, is_finished};
use crate::run_record::RUN_FILE;
use anyhow::{Context, Result, bail};
use ndarray::{Array1, Array2};
use serde_json::Value;
use std::path::{Path, PathBuf};

const EMBEDDING: &str = "embedding.npy";

/// A finished run, or a file of assignments.
#[derive(Debug)]
pub struct Run {
    /// The folder or the file.
    pub path: PathBuf,
    /// Cluster of each sample, `[n]`.
    pub clusters: Array1<u32>,
    /// `run.json`; null for a file.
    pub record: Value,
    /// What the rows are called, of a file that says so.
    pub row_names: Option<RowNames>,
}

impl Run {
    /// Reads the folder of a finished run, or a file of assignments. A column of the file has the
    /// names of the rows too if it is called `id_column`.
    ///
    /// # Errors
    /// What is not there or not finished, a damaged file, samples without a cluster.
    pub fn read(path: &Path, id_column: Option<&str>) -> Result<Self> {
        if path.is_dir() {
            return Self::of_folder(path);
        }
        if !path.exists() {
            bail!(
                "{} does not exist; a run folder of `vae fit` is expected, or a file of assignments",
                path.display()
            );
        }
        let mut predictions = Predictions::read_beside(path, id_column)?;
        let row_names = predictions.ids.take();
        let clusters = all_assigned(path, predictions)?;
        Ok(Self { path: path.to_owned(), clusters, record: Value::Null, row_names })
    }

    /// Reads the folder of a finished run.
    ///
    /// # Errors
    /// As [`Run::read`].
    pub fn of_folder(path: &Path) -> Result<Self> {
        if run_folder::is_sweep(path) {
            bail!("{} is a sweep; its runs are in {}", path.display(), path.join("runs").display());
        }
        if !is_finished(path) {
            bail!("{} is no folder of a finished run; `vae fit` makes and continues one", path.display());
        }
        let file = path.join(RUN_FILE);
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let record = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged; delete the folder and fit again", file.display()))?;
        let assignments = path.join("assignments.npy");
        let clusters = all_assigned(&assignments, Predictions::read(&assignments)?)?;
        Ok(Self { path: path.to_owned(), clusters, record, row_names: None })
    }

    /// What the rows are called, where a file says so, or the folder of a run whose rows have
    /// names.
    ///
    /// # Errors
    /// Assignments that cannot be read or are damaged.
    pub fn row_names(&self) -> Result<Option<RowNames>> {
        if self.row_names.is_some() || run_folder::id_column(&self.path).is_none() {
            return Ok(self.row_names.clone());
        }
        Ok(Predictions::read(&self.path.join("assignments.csv"))?.ids)
    }

    /// A text of `run.json`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.record[key].as_str()
    }

    /// The latent codes, `[n, latent_dim]`; `None` where the latent space is the data.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged.
    pub fn embedding(&self) -> Result<Option<Array2<f32>>> {
        if !self.has_embedding() {
            return Ok(None);
        }
        let path = self.path.join(EMBEDDING);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let matrix = || -> Option<Array2<f32>> {
            let file = npyz::NpyFile::new(&bytes[..]).ok()?;
            let &[n, d] = file.shape() else { return None };
            Array2::from_shape_vec((n as usize, d as usize), file.into_vec().ok()?).ok()
        };
        let z = matrix().filter(|z| z.nrows() == self.clusters.len());
        Ok(Some(z.with_context(|| format!("{} is damaged; fit again", path.display()))?))
    }

    /// Refuses a run on other data than this one, where both say which.
    ///
    /// # Errors
    /// Another number of samples, other data, other rows of them.
    pub fn check_same_data(&self, other: &Self) -> Result<()> {
        let (here, there) = (self.path.display(), other.path.display());
        let (n, m) = (self.clusters.len(), other.clusters.len());
        if n != m {
            bail!("{here} has {n} samples and {there} has {m}: runs on the same rows are needed");
        }
        if let Some(key) = self.other_data(other.text("data_sha256"), other.text("fit_split")) {
            let [of, also] = [self, other].map(|run| run.text("dataset").unwrap_or("its data"));
            bail!(
                "{here} and {there} are of different data ({of} and {also}; {key} differs): runs on the same rows are needed"
            );
        }
        Ok(())
    }

    /// Which key says that this run is of other data than these, where both are known.
    pub fn other_data(&self, data_sha256: Option<&str>, fit_split: Option<&str>) -> Option<&'static str> {
        let keys = [("data_sha256", data_sha256), ("fit_split", fit_split)];
        let differs = |(key, there): (&'static str, Option<&str>)| {
            let is_other = self.text(key).zip(there).is_some_and(|(here, there)| here != there);
            is_other.then_some(key)
        };
        keys.into_iter().find_map(differs)
    }

    /// Whether its latent codes are kept: not where the latent space is the data.
    pub fn has_embedding(&self) -> bool {
        self.path.join(EMBEDDING).is_file()
    }
}

fn all_assigned(path: &Path, predictions: Predictions) -> Result<Array1<u32>> {
    let n = predictions.clusters.len();
    let clusters: Array1<u32> = predictions.clusters.into_iter().flatten().collect();
    if clusters.len() < n {
        bail!(
            "{} leaves {} of {n} samples unassigned (-1): assignments of all samples are needed",
            path.display(),
            n - clusters.len()
        );
    }
    Ok(clusters)
}

/// Number of clusters that have a sample.
pub fn n_used(clusters: &Array1<u32>) -> usize {
    let mut ids = clusters.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}
