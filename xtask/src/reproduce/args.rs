//! The words after `cargo xtask reproduce`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::plan;
use super::recipe::Profile;

/// Fill and render a table.
#[derive(clap::Args, Clone, Default)]
pub struct Args {
    /// A folder of results/ that holds a recipe.toml; without it the recipes are listed (or all
    /// checked with --check, --check-runs)
    pub recipe: Option<String>,
    /// Settings: quick (minutes, a first look), standard (two cores), paper (the published
    /// schedule)
    #[arg(long)]
    pub profile: Option<Profile>,
    /// Only these rows, or all rows of these methods; a name that is both means the row
    #[arg(long, value_delimiter = ',')]
    pub methods: Vec<String>,
    /// Only these data sets
    #[arg(long, value_delimiter = ',')]
    pub datasets: Vec<String>,
    /// A count (3 is seeds 0, 1 and 2) or a list (0,1,2)
    #[arg(long, value_parser = Seeds::parse)]
    pub seeds: Option<Seeds>,
    /// Threads of one run
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Runs at once [default: 2 where there are the cores for it: two single-thread runs beat one
    /// with two threads]
    #[arg(long)]
    pub jobs: Option<usize>,
    /// `vae fit --device` for every run
    #[arg(long)]
    pub device: Option<String>,
    /// `vae fit --matmul` for every run
    #[arg(long)]
    pub matmul: Option<String>,
    /// `vae fit --set`, in every run; it changes the configuration, so recorded runs of the recipe
    /// are replaced
    #[arg(long)]
    pub set: Vec<String>,
    /// Fail if a rendered table is not what the recipe and the run files give; nothing is run or
    /// written
    #[arg(long)]
    pub check: bool,
    /// Render the tables from the run files that are there; nothing is built or run
    #[arg(long, conflicts_with = "check")]
    pub render: bool,
    /// Fail if a recorded run is of other settings than the present ones; nothing is run or written
    #[arg(long, conflicts_with_all = ["check", "render", "smoke"])]
    pub check_runs: bool,
    /// Say what would be run, and download nothing for it
    #[arg(long)]
    pub dry_run: bool,
    /// The small form of the recipe in a temporary folder, as continuous integration runs it
    #[arg(long)]
    pub smoke: bool,
    /// Make failed runs again
    #[arg(long)]
    pub retry_failed: bool,
    /// Never try to download a data set
    #[arg(long)]
    pub offline: bool,
    /// Where the runs are made
    #[arg(long, value_enum, default_value_t)]
    pub launcher: Launcher,
    /// One more option for sbatch, for example --sbatch=--partition=gpu
    #[arg(long, allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
    /// This binary instead of one built now
    #[arg(long, hide = true)]
    pub vae: Option<PathBuf>,
    /// The first rows only: for the small form, which nobody records
    #[arg(skip)]
    pub limit: Option<u64>,
    /// This run alone, without rendering: what a task of a job array does
    #[arg(long, hide = true)]
    pub only: Option<String>,
}

/// Where runs are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Launcher {
    /// On this machine
    #[default]
    Local,
    /// As job arrays on the user's Slurm; the same command submits what was cancelled or killed
    Slurm,
}

/// Seeds as one argument.
#[derive(Debug, Clone)]
pub struct Seeds(pub Vec<u64>);

impl Seeds {
    fn parse(text: &str) -> Result<Self, String> {
        plan::parse_seeds(text).map(Self)
    }
}
