//! The command line.

mod common;
mod data;
mod fit;
mod model;
mod table;

pub use self::common::{ReadArgs, SelectionArgs};
pub use self::data::{CacheCommand, DataCommand, FeatureModel, FeaturesArgs};
pub use self::fit::{ConfigArgs, FitArgs, FitSplit};
pub use self::model::{EmbedArgs, ModelOnData, PredictArgs, SampleArgs, ScoreArgs};
pub use self::table::TableArgs;

use crate::made_from;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Deep clustering with variational auto-encoders.
#[derive(Debug, Parser)]
#[command(name = "vae", about, max_term_width = 100, disable_help_subcommand = true)]
#[command(version = made_from::short(), long_version = made_from::long())]
#[command(after_help = "Start with:  vae fit --data my.csv --out run\n\
    No data:     vae fit --method vade --data strokes --out run")]
pub struct Cli {
    /// Say more on stderr: -v what is done, -vv details. VAE_LOG takes a filter such as
    /// vae_models=debug.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = 900)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Cluster a data set; the run folder holds model, assignments, embedding, pictures and a
    /// report
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
    /// VAE_CACHE_MAX is the most that they may take, such as 500MB [default: 20GB]; those go first
    /// that were not used for longest. 0 shares none.
    #[command(subcommand)]
    Cache(CacheCommand),
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
