//! The command line.

use crate::commands::cache::CacheCommand;
use crate::made_from;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use vae_core::device::DeviceChoice;
use vae_core::matmul::MatmulChoice;

/// Deep clustering with variational auto-encoders.
#[derive(Debug, Parser)]
#[command(name = "vae", about, max_term_width = 100, disable_help_subcommand = true)]
#[command(version = made_from::short(), long_version = made_from::long())]
#[command(after_help = "Start with:  vae fit --method vade --data strokes --out run\n\
    Own data:    vae fit --method vade --data my.csv --clusters 5 --out run")]
pub struct Cli {
    /// Say more on stderr: -v what is done, -vv details. VAE_LOG takes a filter such as vae_models=debug.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = 900)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Cluster a data set; the run folder holds model, assignments, embedding, pictures and a report
    Fit(FitArgs),
    /// Assign new data to the clusters of a fitted model
    Predict(PredictArgs),
    /// Write the points of the latent space for data
    Embed(EmbedArgs),
    /// Draw new samples from a generative model
    Sample(SampleArgs),
    /// Compare assignments with labels
    Score(ScoreArgs),
    /// Write report.html of a finished run anew
    Report(ReportArgs),
    /// Print the resolved configuration and where each value comes from
    Config(ConfigArgs),
    /// List the methods and their presets
    Methods(MethodsArgs),
    /// List, fetch, check and look at data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// Turn pictures into features of a trained network
    Features(FeaturesArgs),
    /// Look at or clear the phases (such as pretraining) that fits share
    ///
    /// VAE_CACHE_MAX is the most that they may take, such as 500MB [default: 20GB]; those go first that were not used for
    /// longest. 0 shares none.
    #[command(subcommand)]
    Cache(CacheCommand),
}

/// Which configuration.
#[derive(Clone, Debug, Args)]
pub struct SelectionArgs {
    /// Method, see `vae methods`. With a known data set its preset is used, if there is one
    #[arg(short, long, value_name = "NAME")]
    pub method: Option<String>,
    /// Preset METHOD/DATASET; without --data it also names the data set
    #[arg(short, long, value_name = "METHOD/DATASET")]
    pub preset: Option<String>,
    /// Known data set (see `vae data list`) or a path: CSV, TSV, NPY, NPZ, MAT, IDX, or a folder of images or texts
    #[arg(short, long, value_name = "NAME|PATH")]
    pub data: Option<String>,
    /// Number of clusters
    #[arg(short = 'k', long, value_name = "K")]
    pub clusters: Option<usize>,
    /// Length of the training: quick (for looking), standard, paper (the published schedule)
    #[arg(long, value_name = "PROFILE", default_value = "standard")]
    pub profile: String,
    /// Configuration file (TOML), such as the config.toml of a run folder
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override one value, such as train.lr=1e-3; may be repeated. Few samples train for as many epochs as
    /// train.min_updates asks for: train.min_updates=0 leaves the epochs alone
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// How to compute.
#[derive(Debug, Args)]
pub struct ComputeArgs {
    /// Seed of all random numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = str::parse::<DeviceChoice>)]
    pub device: DeviceChoice,
    /// Threads [default: the number of physical cores]; on cores that other programs keep busy, two are slower than one.
    /// Results depend on it in the last digits
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Library of the matrix products on the CPU: auto, blas or onednn. Results depend on it in the last digits
    #[arg(long, value_name = "LIBRARY", default_value = "auto", value_parser = str::parse::<MatmulChoice>)]
    pub matmul: MatmulChoice,
}

/// How to read data.
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// File with one label a row, used only to score; the method never sees it
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Column of a table that holds the labels, and is no feature
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// Whether the first line of a table is a header
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Header::Auto)]
    pub header: Header,
    /// Column of a table that holds documents; they become tf-idf features
    #[arg(long, value_name = "NAME")]
    pub text_column: Option<String>,
    /// Terms to keep of documents [default: 2000]
    #[arg(long, value_name = "N")]
    pub max_terms: Option<usize>,
    /// Name of the features in a MATLAB or NPZ file
    #[arg(long, value_name = "KEY")]
    pub x_key: Option<String>,
    /// Name of the labels in a MATLAB or NPZ file
    #[arg(long, value_name = "KEY")]
    pub y_key: Option<String>,
    /// Folder with data sets, looked at before VAE_DATA_DIR and the cache
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Use the first N rows only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// Whether a table begins with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Header {
    /// Look at the first two lines
    Auto,
    /// The first line is a header
    Yes,
    /// The first line is data
    No,
}

/// `vae fit`
#[derive(Debug, Args)]
pub struct FitArgs {
    #[command(flatten)]
    pub selection: SelectionArgs,
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
    /// Run folder; an unfinished run of the same configuration in it is continued
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Rows to fit: all, or the publisher's training split; the test split is then scored with the fitted model
    #[arg(long, value_name = "SPLIT", value_enum, default_value_t = FitSplit::All)]
    pub fit_split: FitSplit,
    /// Time between checkpoints
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub checkpoint_every: f64,
    /// Do not share finished phases (such as pretraining) with other runs
    #[arg(long)]
    pub no_cache: bool,
}

/// Which rows a fit sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FitSplit {
    /// All rows
    All,
    /// The publisher's training split
    Train,
}

/// `vae config`
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(flatten)]
    pub selection: SelectionArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
    /// Print one JSON object, with the hash of the configuration
    #[arg(long)]
    pub json: bool,
}

/// A fitted model and data for it.
#[derive(Debug, Args)]
pub struct ModelOnData {
    /// Run folder or model.safetensors
    #[arg(short, long, value_name = "DIR|FILE")]
    pub model: PathBuf,
    /// Known data set or a path, as for `vae fit`
    #[arg(short, long, value_name = "NAME|PATH")]
    pub data: String,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Threads [default: the number of physical cores]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Library of the matrix products: auto, blas or onednn [default: that of the fit]
    #[arg(long, value_name = "LIBRARY", value_parser = str::parse::<MatmulChoice>)]
    pub matmul: Option<MatmulChoice>,
}

/// `vae predict`
#[derive(Debug, Args)]
pub struct PredictArgs {
    #[command(flatten)]
    pub input: ModelOnData,
    /// Where to write: .csv (index, cluster) or .npy (u32); stdout as CSV when left out
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the probability of every cluster as well (CSV), or instead (NPY, f32 [n, k])
    #[arg(long)]
    pub proba: bool,
    /// Write all clusterings of a model that has several (LTVAE with a tree), a column each (CSV)
    #[arg(long, conflicts_with = "proba")]
    pub facets: bool,
}

/// `vae embed`
#[derive(Debug, Args)]
pub struct EmbedArgs {
    #[command(flatten)]
    pub input: ModelOnData,
    /// Where to write: .npy (f32 [n, latent_dim]) or .csv
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `vae sample`
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// Run folder or model.safetensors
    #[arg(short, long, value_name = "DIR|FILE")]
    pub model: PathBuf,
    /// Cluster to sample from; without it every cluster gives n samples, one row each in a picture
    #[arg(short, long, value_name = "CLUSTER")]
    pub cluster: Option<usize>,
    /// Number of samples per cluster
    #[arg(short, long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub n: u32,
    /// Seed of the samples
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Library of the matrix products: auto, blas or onednn [default: that of the fit]
    #[arg(long, value_name = "LIBRARY", value_parser = str::parse::<MatmulChoice>)]
    pub matmul: Option<MatmulChoice>,
    /// Where to write: .png (a grid, for models of images), .npy (f32 [n, d], cluster after cluster) or .csv (with a
    /// column `cluster`)
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `vae score`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["pred", "model"]))]
pub struct ScoreArgs {
    /// Assignments: a run folder, a CSV with a column `cluster` (rows go by `index` if there is one), one number a line, or NPY
    #[arg(long, value_name = "DIR|FILE")]
    pub pred: Option<PathBuf>,
    /// Run folder or model.safetensors, to be applied to --data
    #[arg(short, long, value_name = "DIR|FILE", requires = "data", conflicts_with = "pred")]
    pub model: Option<PathBuf>,
    /// Known data set or a path, with labels
    #[arg(short, long, value_name = "NAME|PATH")]
    pub data: Option<String>,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Library of the matrix products: auto, blas or onednn [default: that of the fit]
    #[arg(long, value_name = "LIBRARY", value_parser = str::parse::<MatmulChoice>, requires = "model")]
    pub matmul: Option<MatmulChoice>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `vae report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folder of a finished run
    #[arg(value_name = "DIR")]
    pub run: PathBuf,
}

/// `vae methods`
#[derive(Debug, Args)]
pub struct MethodsArgs {
    /// Print a JSON array
    #[arg(long)]
    pub json: bool,
}

/// `vae features`
#[derive(Debug, Args)]
pub struct FeaturesArgs {
    /// The network
    #[arg(short, long, value_name = "NAME", value_enum)]
    pub model: FeatureModel,
    /// Its weights: safetensors, or what PyTorch saves of torchvision's network; they are never downloaded
    #[arg(short, long, value_name = "FILE", env = "VAE_RESNET50_WEIGHTS", hide_env_values = true)]
    pub weights: PathBuf,
    /// Known data set of images (such as stl10) or a path: a folder of PNG images, NPY, NPZ, IDX
    #[arg(short, long, value_name = "NAME|PATH")]
    pub images: String,
    /// Where to write f32 [n, 2048]; for stl10 the folder of the set when left out
    #[arg(short, long, value_name = "FILE.npy")]
    pub out: Option<PathBuf>,
    /// Folder with data sets, looked at before VAE_DATA_DIR and the cache
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = str::parse::<DeviceChoice>)]
    pub device: DeviceChoice,
    /// Threads [default: the number of physical cores]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// Networks that give features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FeatureModel {
    /// ResNet-50 in torchvision's form, averages of its last maps
    Resnet50,
}

/// `vae data`
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the known data sets and whether they are on this machine
    List {
        /// Folder with data sets, looked at before VAE_DATA_DIR and the cache
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Download a known data set and check it
    Fetch {
        /// Name, see `vae data list`
        name: String,
        /// Folder to put it in [default: the user's cache folder]
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Only check what is there, never use the network
        #[arg(long)]
        offline: bool,
        /// For stl10, whose features are made of its pictures: torchvision's ResNet-50, as for `vae features`
        #[arg(long, value_name = "FILE", env = "VAE_RESNET50_WEIGHTS", hide_env_values = true)]
        weights: Option<PathBuf>,
    },
    /// Check the files of data sets against the published checksums
    Verify {
        /// Names, see `vae data list` [default: all that are on this machine]
        names: Vec<String>,
        /// Folder with data sets, looked at before VAE_DATA_DIR and the cache
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
    /// Load a data set, say what it holds and show some of it; fails when it cannot be read
    Info {
        /// Known data set or a path
        #[arg(value_name = "NAME|PATH")]
        data: String,
        #[command(flatten)]
        read: ReadArgs,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if s.is_finite() && s >= 0.0 => Ok(s),
        _ => Err("expected a number of seconds, such as 60 or 0.5".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seconds_are_finite_and_not_negative() {
        assert_eq!(seconds("0.5"), Ok(0.5));
        for wrong in ["-1", "nan", "inf", "1m", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
