//! `vae sweep` and `vae compare`: many fits, and what they have in common.

use super::common::ReadArgs;
use super::fit::MapChoice;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use vae_core::device::DeviceChoice;
use vae_core::matmul::MatmulChoice;
use vae_core::precision::PrecisionChoice;

/// `vae sweep`
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// Known data set (see `vae data list`) or a path, as for `vae fit`
    #[arg(short, long, value_name = "NAME|PATH")]
    pub data: String,
    /// Methods, separated by commas; see `vae methods`
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', default_value = "auto")]
    pub methods: Vec<String>,
    /// Numbers of clusters: a range with both its ends (2..15) or a list (2,4,8)
    #[arg(short = 'k', long, value_name = "RANGE|LIST", default_value = "2..15", value_parser = Numbers::clusters)]
    pub clusters: Numbers,
    /// Seeds of each: a count (5 is the seeds 0 to 4), a range (100..104) or a list (0,7)
    #[arg(long, value_name = "COUNT|RANGE|LIST", default_value = "5", value_parser = Numbers::seeds)]
    pub seeds: Numbers,
    /// Length of the trainings: quick (a first look), standard, or paper (the published schedule)
    #[arg(long, value_name = "PROFILE", default_value = "standard")]
    pub profile: String,
    /// Override one setting in every fit, such as train.lr=1e-3; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Folder of the sweep; fits that are in it are kept, the others are begun or continued. The
    /// grid may grow
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// How many fits run at once [default: as many as there are physical cores for]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Number of CPU threads of each fit. Results depend on it in the last digits
    #[arg(long, value_name = "T", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: u16,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = str::parse::<DeviceChoice>)]
    pub device: DeviceChoice,
    /// Library for matrix products on the CPU: auto, blas or onednn. Results depend on it in the
    /// last digits
    #[arg(long, value_name = "LIBRARY", default_value = "auto", value_parser = str::parse::<MatmulChoice>)]
    pub matmul: MatmulChoice,
    /// Number format of the large matrix products in training steps: f32, bf16 or auto; see `vae
    /// fit --help`
    #[arg(long, value_name = "FORMAT", default_value = "f32", value_parser = str::parse::<PrecisionChoice>)]
    pub precision: PrecisionChoice,
    /// Where the fits run
    #[arg(long, value_enum, default_value_t)]
    pub launcher: Launcher,
    /// One more option for sbatch, for example --sbatch=--partition=gpu
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
    /// Leave single rows out of the reports of the fits
    #[arg(long)]
    pub no_samples: bool,
    /// Layouts of the map in the reports of the fits, as for `vae fit`; `vae report RUN --map tsne`
    /// adds one later
    #[arg(long, value_name = "LAYOUT", value_enum, default_value_t = MapChoice::Pca)]
    pub map: MapChoice,
    /// Do not share finished phases (such as pretraining) between the fits
    #[arg(long)]
    pub no_cache: bool,
}

/// Where fits run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Launcher {
    /// On this machine
    #[default]
    Local,
    /// As job arrays on the user's Slurm; the same command without it, when they have ended, makes
    /// the page
    Slurm,
}

/// `vae compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Folders of finished runs on the same data, or files of assignments as for `vae score --pred`
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    pub runs: Vec<PathBuf>,
    /// Write the JSON object to a file
    #[arg(short, long, value_name = "FILE.json")]
    pub out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The most numbers of one option: a typing error would otherwise ask for millions of fits.
const MOST_NUMBERS: usize = 1000;

/// Different whole numbers, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers(pub Vec<u64>);

impl Numbers {
    fn clusters(text: &str) -> Result<Self, String> {
        let numbers = match text.parse() {
            Ok(one) => Self(vec![one]),
            Err(_) => Self::parse(text)?,
        };
        match numbers.0.first() {
            Some(0 | 1) => Err("a number of clusters is at least 2".into()),
            _ => Ok(numbers),
        }
    }

    fn seeds(text: &str) -> Result<Self, String> {
        match text.parse::<u64>() {
            Ok(0) => Err("at least one seed is needed".into()),
            Ok(count) => Self::range(0, count - 1),
            Err(_) => Self::parse(text),
        }
    }

    /// A range with both its ends, or a list.
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no range such as 2..15 and no list such as 2,4,8");
        let number = |word: &str| word.trim().parse::<u64>().map_err(|_| wrong());
        if let Some((first, last)) = text.split_once("..") {
            return Self::range(number(first)?, number(last.strip_prefix('=').unwrap_or(last))?);
        }
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let mut numbers = words.map(number).collect::<Result<Vec<u64>, String>>()?;
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.is_empty() { Err(wrong()) } else { Ok(Self(numbers)) }
    }

    fn range(first: u64, last: u64) -> Result<Self, String> {
        match last.checked_sub(first) {
            None => Err(format!("the range {first}..{last} is empty: the smaller number comes first")),
            Some(more) if more >= MOST_NUMBERS as u64 => {
                Err(format!("these are more than {MOST_NUMBERS} numbers"))
            }
            Some(_) => Ok(Self((first..=last).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ranges_or_lists() {
        assert_eq!(Numbers::clusters("2..5"), Ok(Numbers(vec![2, 3, 4, 5])));
        assert_eq!(Numbers::clusters("2..=3"), Ok(Numbers(vec![2, 3])));
        assert_eq!(Numbers::clusters("8, 4,4,2"), Ok(Numbers(vec![2, 4, 8])));
        assert_eq!(Numbers::clusters("6"), Ok(Numbers(vec![6])));
        assert_eq!(Numbers::seeds("3"), Ok(Numbers(vec![0, 1, 2])));
        assert_eq!(Numbers::seeds("7,"), Ok(Numbers(vec![7])));
        assert_eq!(Numbers::seeds("100..101"), Ok(Numbers(vec![100, 101])));
        for wrong in ["1..3", "0", "5..2", "", "a", "2..x", "2..99999", "-1"] {
            assert!(Numbers::clusters(wrong).is_err(), "{wrong}");
        }
        assert!(Numbers::seeds("0").is_err());
    }
}
