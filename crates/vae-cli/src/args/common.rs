//! Options that several commands have: which configuration, how to compute, how to read data.

use super::table::TableArgs;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;
use vae_core::device::DeviceChoice;
use vae_core::matmul::MatmulChoice;
use vae_core::precision::PrecisionChoice;

/// Which configuration.
#[derive(Clone, Debug, Args)]
pub struct SelectionArgs {
    /// Method, see `vae methods` [default: auto]. With a known data set its preset is used, if
    /// there is one
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
    #[arg(short = 'k', long, value_name = "K", allow_negative_numbers = true)]
    pub clusters: Option<usize>,
    /// Length of the training: quick (a first look), standard, or paper (the published schedule)
    #[arg(long, value_name = "PROFILE", default_value = "standard")]
    pub profile: String,
    /// Configuration file (TOML), such as the config.toml of a run folder
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override one setting of `vae config`, such as train.lr=1e-3; may be repeated. On few samples
    /// the epochs are raised until there are train.min_updates updates; train.min_updates=0 keeps
    /// the epochs
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// How to compute.
#[derive(Debug, Args)]
pub struct ComputeArgs {
    /// Seed of the random numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = str::parse::<DeviceChoice>)]
    pub device: DeviceChoice,
    /// Number of CPU threads [default: the number of physical cores]; give fewer where other
    /// programs keep cores busy. Results depend on it in the last digits
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Library for matrix products on the CPU: auto, blas or onednn. Results depend on it in the
    /// last digits
    #[arg(long, value_name = "LIBRARY", default_value = "auto", value_parser = str::parse::<MatmulChoice>)]
    pub matmul: MatmulChoice,
    /// Number format of the large matrix products in training steps: f32, bf16 (bfloat16, for wide
    /// networks twice as fast where the processor has fast instructions) or auto (bf16 where it has
    /// them). All else is computed in f32
    #[arg(long, value_name = "FORMAT", default_value = "f32", value_parser = str::parse::<PrecisionChoice>)]
    pub precision: PrecisionChoice,
}

/// How to read data.
#[derive(Clone, Debug, Args)]
pub struct ReadArgs {
    /// File with one label per row, or a table with the names of the rows and their labels; used
    /// for scores only, the method never sees it
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// How many terms of documents are kept, the most frequent ones [default: 2000]
    #[arg(long, value_name = "N")]
    pub max_terms: Option<usize>,
    /// Size of the pictures of a folder, height x width, such as 28x28 [default: the most common
    /// size of the folder]
    #[arg(long, value_name = "HxW", value_parser = image_size)]
    pub image_size: Option<(usize, usize)>,
    /// Name of the features in a MATLAB or NPZ file
    #[arg(long, value_name = "KEY")]
    pub x_key: Option<String>,
    /// Name of the labels in a MATLAB or NPZ file
    #[arg(long, value_name = "KEY")]
    pub y_key: Option<String>,
    /// Folder with data sets, searched before VAE_DATA_DIR and the cache
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Use the first N rows only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    #[command(flatten)]
    pub table: TableArgs,
}

impl ReadArgs {
    /// All that was said, as words of another command.
    pub fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        let mut put = |option: &str, value: Option<OsString>| {
            words.extend(value.into_iter().flat_map(|value| [option.into(), value]));
        };
        put("--labels", self.labels.clone().map(Into::into));
        put("--max-terms", self.max_terms.map(|n| n.to_string().into()));
        put("--image-size", self.image_size.map(|(height, width)| format!("{height}x{width}").into()));
        put("--x-key", self.x_key.clone().map(Into::into));
        put("--y-key", self.y_key.clone().map(Into::into));
        put("--data-dir", self.data_dir.clone().map(Into::into));
        put("--limit", self.limit.map(|n| n.to_string().into()));
        words.extend(self.table.words().into_iter().map(OsString::from));
        words
    }

    /// The options that new data of the same kind need as well, as words of a command. Terms and
    /// the columns' uses are known to a fitted model, and labels are not needed.
    pub fn of_new_data(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut put = |option: &str, value: Option<String>| {
            words.extend(value.into_iter().flat_map(|value| [option.to_owned(), value]));
        };
        put("--image-size", self.image_size.map(|(height, width)| format!("{height}x{width}")));
        put("--x-key", self.x_key.clone());
        words.extend(self.table.of_new_data());
        words
    }
}

/// `28x28` as height and width.
fn image_size(text: &str) -> Result<(usize, usize), String> {
    let sides = text.split_once(['x', 'X', '×']);
    let sides = sides.and_then(|(h, w)| Some((h.trim().parse().ok()?, w.trim().parse().ok()?)));
    match sides {
        Some((height, width)) if height > 0 && width > 0 => Ok((height, width)),
        _ => Err("a height and a width in pixels are expected, such as 28x28".into()),
    }
}
