//! Options that several commands have: which configuration, how to compute, how to read data.

use super::table::TableArgs;
use clap::Args;
use std::path::PathBuf;
use vae_core::device::DeviceChoice;
use vae_core::matmul::MatmulChoice;

/// Which configuration.
#[derive(Clone, Debug, Args)]
pub struct SelectionArgs {
    /// Method, see `vae methods` [default: auto]. With a known data set its preset is used, if there
    /// is one
    #[arg(short, long, value_name = "NAME")]
    pub method: Option<String>,
    /// Preset METHOD/DATASET; without --data it also names the data set
    #[arg(short, long, value_name = "METHOD/DATASET")]
    pub preset: Option<String>,
    /// Known data set (see `vae data list`) or a path: CSV, TSV, NPY, NPZ, MAT, IDX, or a folder of
    /// images or texts; - is standard input
    #[arg(short, long, value_name = "NAME|PATH")]
    pub data: Option<String>,
    /// Number of clusters; the methods auto and spectral estimate it when it is left out
    #[arg(short = 'k', long, value_name = "K")]
    pub clusters: Option<usize>,
    /// Length of the training: quick (for looking), standard, paper (the published schedule)
    #[arg(long, value_name = "PROFILE", default_value = "standard")]
    pub profile: String,
    /// Configuration file (TOML), such as the config.toml of a run folder
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override one value, such as train.lr=1e-3; may be repeated. Few samples train for as many
    /// epochs as train.min_updates asks for: train.min_updates=0 leaves the epochs alone
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
    /// Threads [default: the number of physical cores]; on cores that other programs keep busy, two
    /// are slower than one. Results depend on it in the last digits
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Library of the matrix products on the CPU: auto, blas or onednn. Results depend on it in the
    /// last digits
    #[arg(long, value_name = "LIBRARY", default_value = "auto", value_parser = str::parse::<MatmulChoice>)]
    pub matmul: MatmulChoice,
}

/// How to read data.
#[derive(Clone, Debug, Args)]
pub struct ReadArgs {
    /// File with one label a row, used only to score; the method never sees it
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
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
    #[command(flatten)]
    pub table: TableArgs,
}
