//! `vae data`, `features` and `cache`: what lies on this machine.

use super::common::ReadArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use vae_core::device::DeviceChoice;

/// `vae data`
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the known data sets and whether they are on this machine
    List {
        /// Folder with data sets, searched before VAE_DATA_DIR and the cache
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Download a known data set and verify it
    Fetch {
        /// Name, see `vae data list`
        name: String,
        /// Folder to put it in [default: the user's cache folder]
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Only verify what is there, never use the network
        #[arg(long)]
        offline: bool,
        /// Weights of torchvision's ResNet-50, as for `vae features`: needed for stl10, whose
        /// features are computed from images
        #[arg(long, value_name = "FILE", env = "VAE_RESNET50_WEIGHTS", hide_env_values = true)]
        weights: Option<PathBuf>,
    },
    /// Verify the files of data sets by their published checksums
    Verify {
        /// Names, see `vae data list` [default: all that are on this machine]
        names: Vec<String>,
        /// Folder with data sets, searched before VAE_DATA_DIR and the cache
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Load a data set, say what it holds and show some of it; of a table, what each column is
    /// taken for. Fails when it cannot be read
    Info(Box<InfoArgs>),
}

/// `vae data info`
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Known data set or a path; - is standard input
    #[arg(value_name = "NAME|PATH", required_unless_present = "data_option")]
    pub data: Option<String>,
    /// The same, as other commands take it
    #[arg(short, long = "data", value_name = "NAME|PATH", conflicts_with = "data")]
    pub data_option: Option<String>,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `vae features`
#[derive(Debug, Args)]
pub struct FeaturesArgs {
    /// Network
    #[arg(short, long, value_name = "NAME", value_enum)]
    pub model: FeatureModel,
    /// Weights of the network, safetensors or torchvision's .pth; they are never downloaded
    #[arg(short, long, value_name = "FILE", env = "VAE_RESNET50_WEIGHTS", hide_env_values = true)]
    pub weights: PathBuf,
    /// Known data set of images (such as stl10) or a path: a folder of PNG images, NPY, NPZ, IDX
    #[arg(short, long, value_name = "NAME|PATH")]
    pub images: String,
    /// File to write, f32 [n, 2048] [default for stl10: in the folder of the data set]
    #[arg(short, long, value_name = "FILE.npy")]
    pub out: Option<PathBuf>,
    /// Folder with data sets, searched before VAE_DATA_DIR and the cache
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = str::parse::<DeviceChoice>)]
    pub device: DeviceChoice,
    /// Number of CPU threads [default: the number of physical cores]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// Networks that give features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FeatureModel {
    /// ResNet-50 as in torchvision; features are the average-pooled last feature maps
    Resnet50,
}

/// `vae cache`
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Print the folder of the cache
    Path,
    /// Print the number of phases, their size and the limit
    Size {
        /// Print one JSON object, sizes in bytes
        #[arg(long)]
        json: bool,
    },
    /// Remove all phases that no running fit uses; data sets and libtorch stay
    Clear,
}
