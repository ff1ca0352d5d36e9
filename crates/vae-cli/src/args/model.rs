//! Commands that apply a fitted model: `vae predict`, `embed`, `sample` and `score`.

use super::common::ReadArgs;
use clap::Args;
use std::path::PathBuf;
use vae_core::matmul::MatmulChoice;

/// A fitted model and data for it.
#[derive(Debug, Args)]
pub struct ModelOnData {
    /// Run folder or model.safetensors
    #[arg(short, long, value_name = "DIR|FILE")]
    pub model: PathBuf,
    /// Known data set or a path, as for `vae fit`; - is standard input
    #[arg(short, long, value_name = "NAME|PATH")]
    pub data: String,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Number of CPU threads [default: the number of physical cores]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Library for matrix products: auto, blas or onednn [default: that of the fit]
    #[arg(long, value_name = "LIBRARY", value_parser = str::parse::<MatmulChoice>)]
    pub matmul: Option<MatmulChoice>,
}

/// `vae predict`
#[derive(Debug, Args)]
pub struct PredictArgs {
    #[command(flatten)]
    pub input: ModelOnData,
    /// Where to write: .csv (names of the rows if there are some, index, cluster, its name if the
    /// run folder has one, confidence, outlier) or .npy (u32); standard output as CSV when left out
    /// or -
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Put the columns behind the rows of the table as these are written, instead of behind an
    /// index (CSV)
    #[arg(long)]
    pub append: bool,
    /// Write the probabilities of all clusters: beside the cluster (CSV), or instead of it (NPY,
    /// f32 [n, k])
    #[arg(long)]
    pub proba: bool,
    /// Write all clusterings of a model that has several (LTVAE with a tree), one column each (CSV)
    #[arg(long, conflicts_with = "proba")]
    pub facets: bool,
    /// Leave rows unassigned whose largest probability is below P, above 0 and at most 1: they get
    /// -1 (NPY: i32)
    #[arg(long, value_name = "P", value_parser = probability, conflicts_with = "facets")]
    pub min_confidence: Option<f64>,
    /// Leave out the outlier scores, which take time: the share of the fitted samples that are less
    /// unusual, by their ELBO or their distance to the centre of their cluster
    #[arg(long)]
    pub no_outlier: bool,
    /// Print how the data differ from those of the fit as JSON: shares of the clusters, and of
    /// unusual samples
    #[arg(long, conflicts_with = "facets")]
    pub json: bool,
}

/// `vae embed`
#[derive(Debug, Args)]
pub struct EmbedArgs {
    #[command(flatten)]
    pub input: ModelOnData,
    /// Where to write: .npy (f32 [n, latent_dim]) or .csv; - is standard output, as CSV. Names of
    /// the rows are the first column of a CSV, and go into FILE.npy.ids.csv beside an array
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Put the codes behind the rows of the table as these are written (CSV)
    #[arg(long)]
    pub append: bool,
}

/// `vae sample`
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// Run folder or model.safetensors
    #[arg(short, long, value_name = "DIR|FILE")]
    pub model: PathBuf,
    /// Cluster to sample from [default: all; in an image each has a row]
    #[arg(short, long, value_name = "CLUSTER")]
    pub cluster: Option<usize>,
    /// Number of samples per cluster
    #[arg(short, long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub n: u32,
    /// Seed of the samples
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Library for matrix products: auto, blas or onednn [default: that of the fit]
    #[arg(long, value_name = "LIBRARY", value_parser = str::parse::<MatmulChoice>)]
    pub matmul: Option<MatmulChoice>,
    /// File to write: .png (a grid, for models of images), .npy (f32 [n, d], cluster after cluster)
    /// or .csv (with a column `cluster`)
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `vae score`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["pred", "model"]))]
pub struct ScoreArgs {
    /// Assignments: a run folder, a CSV with a column `cluster` (in the order of `index`, if there
    /// is one), one cluster per line, or NPY. A cluster is a whole number or a name; -1 means not
    /// assigned
    #[arg(long, value_name = "DIR|FILE")]
    pub pred: Option<PathBuf>,
    /// Run folder or model.safetensors; it is applied to --data and the assignments are scored
    #[arg(short, long, value_name = "DIR|FILE", requires = "data", conflicts_with = "pred")]
    pub model: Option<PathBuf>,
    /// Known data set or a path, with labels; - is standard input. Without labels, criteria that
    /// need none are printed
    #[arg(short, long, value_name = "NAME|PATH")]
    pub data: Option<String>,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Library for matrix products: auto, blas or onednn [default: that of the fit]
    #[arg(long, value_name = "LIBRARY", value_parser = str::parse::<MatmulChoice>, requires = "model")]
    pub matmul: Option<MatmulChoice>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(p) if p > 0.0 && p <= 1.0 => Ok(p),
        _ => Err("expected a number above 0 and at most 1, such as 0.9".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_least_confidence_is_a_probability_that_leaves_something_out() {
        assert_eq!((probability("0.9"), probability("1")), (Ok(0.9), Ok(1.0)));
        for wrong in ["0", "-0.1", "1.01", "nan", "90%", ""] {
            assert!(probability(wrong).is_err(), "{wrong}");
        }
    }
}
