//! The command line.

mod common;
mod data;
mod export;
mod fit;
mod model;
mod sweep;
mod table;

pub use self::common::{ReadArgs, SelectionArgs};
pub use self::data::{CacheCommand, DataCommand, FeatureModel, FeaturesArgs};
pub use self::export::{ExportArgs, ExportFormat};
pub use self::fit::{ConfigArgs, FitArgs, FitSplit, MapChoice, OnDisk};
pub use self::model::{EmbedArgs, ModelOnData, PredictArgs, SampleArgs, ScoreArgs};
pub use self::sweep::{CompareArgs, Launcher, SweepArgs};

use crate::made_from;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use vae_core::device::DeviceChoice;

/// Deep clustering with variational auto-encoders.
#[derive(Debug, Parser)]
#[command(name = "vae", max_term_width = 100, disable_help_subcommand = true)]
#[command(version = made_from::short(), long_version = made_from::long())]
#[command(after_help = "Start with:  vae fit --data my.csv --out run\n\
    No data:     vae fit --method vade --data strokes --out run\n\n\
    Exit codes:  0 done; 1 an error, told on stderr; 2 a wrong call; 130 and 143 stopped by Ctrl-C\n\
    \x20            and by SIGTERM (a fit then goes on when the same command is given again)\n\
    NO_COLOR=1   no colours, as when the output is no terminal")]
pub struct Cli {
    /// Print more messages: -v the steps, -vv the details. VAE_LOG takes a filter, such as
    /// vae_models=debug.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = 900)]
    pub verbose: u8,
    /// Say results, warnings and errors only: no notes, no progress, not what was written
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = 901)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Cluster a data set; writes a run folder with the model, assignments, embedding, figures and
    /// a report
    Fit(FitArgs),
    /// Fit a grid of methods, numbers of clusters and seeds; says how many clusters there are, how
    /// clear that is, and which run to keep
    Sweep(Box<SweepArgs>),
    /// Say how far runs agree, and which clusters split or merge between them
    Compare(CompareArgs),
    /// Assign new data to the clusters of a fitted model
    Predict(PredictArgs),
    /// Write the latent codes of data
    Embed(EmbedArgs),
    /// Write a fitted model for other programs: every step from raw data to clusters, in one file
    Export(ExportArgs),
    /// Draw new samples from the clusters of a generative model
    Sample(SampleArgs),
    /// Score assignments against labels (accuracy, NMI, ARI and others), or by criteria that need
    /// none
    Score(ScoreArgs),
    /// Write the report.html of a finished run again, or the page of a sweep; of several runs, one
    /// page that compares them
    Report(ReportArgs),
    /// Give a cluster of a finished run a name, which clusters.json, clusters.csv, assignments.csv,
    /// report.html and `vae predict --model RUN` then carry
    Name(NameArgs),
    /// Print the complete configuration of a fit and where each value comes from
    Config(ConfigArgs),
    /// List the methods and their presets
    Methods(MethodsArgs),
    /// List, download, verify and describe data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// Compute features of images with a trained network
    Features(FeaturesArgs),
    /// Show or clear the cache of phases (such as pretraining) that fits share
    ///
    /// VAE_CACHE_MAX limits its size, such as 500MB [default: 20GB]; beyond it the least recently
    /// used phases are removed. 0 switches the cache off.
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Say what this machine has: libtorch, threads, GPU, data, cache
    Doctor(DoctorArgs),
    /// Print the script with which a shell completes commands and options
    ///
    /// bash: vae completions bash > ~/.local/share/bash-completion/completions/vae
    ///
    /// zsh: vae completions zsh > a file _vae in a folder of $fpath
    ///
    /// fish: vae completions fish > ~/.config/fish/completions/vae.fish
    #[command(verbatim_doc_comment)]
    Completions(CompletionsArgs),
    /// Write the manual pages: vae.1, and one for each command
    Man(ManArgs),
}

/// `vae report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folder of a finished run, or of a sweep; or two or more runs on the same data (folders, or
    /// files of assignments as for `vae score --pred`), which are compared
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// The page of several runs [default: comparison.html]; that of one run is its report.html
    #[arg(short, long, value_name = "FILE.html")]
    pub out: Option<PathBuf>,
    /// Leave single rows out of the page: names, values, labels, images of people
    #[arg(long)]
    pub no_samples: bool,
    /// Layouts of the map: tsne adds t-SNE where the fit left it out, pca leaves it out of the page
    /// [default: as the fit made it]
    #[arg(long, value_name = "LAYOUT", value_enum)]
    pub map: Option<MapChoice>,
}

/// `vae name`
#[derive(Debug, Args)]
pub struct NameArgs {
    /// Folder of a finished run
    #[arg(value_name = "DIR")]
    pub run: PathBuf,
    /// Number of the cluster, or the name that it has now
    #[arg(value_name = "CLUSTER")]
    pub cluster: String,
    /// Its name; an empty one takes the name away
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// `vae doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Time a training step of VaDE, at its published size, beside its matrix products alone: some
    /// seconds
    #[arg(long)]
    pub time_steps: bool,
    /// Where the steps are timed: auto, cpu, cuda or cuda:N
    #[arg(
        long, value_name = "DEVICE", default_value = "auto", value_parser = str::parse::<DeviceChoice>,
        requires = "time_steps"
    )]
    pub device: DeviceChoice,
    /// Number of CPU threads of the steps [default: the number of physical cores]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..), requires = "time_steps")]
    pub threads: Option<u16>,
}

/// `vae completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: clap_complete::Shell,
}

/// `vae man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder for the pages, such as ~/.local/share/man/man1; made where it is missing
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// `vae methods`
#[derive(Debug, Args)]
pub struct MethodsArgs {
    /// Print a JSON array
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
