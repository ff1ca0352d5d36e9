//! `vae fit` and `vae config`: what is fitted, and where it goes.

use super::common::{ComputeArgs, ReadArgs, SelectionArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
    /// Rows to fit: all, or the publisher's training split; the test split is then scored with the
    /// fitted model
    #[arg(long, value_name = "SPLIT", value_enum, default_value_t = FitSplit::All)]
    pub fit_split: FitSplit,
    /// Whether the features lie in a file while the fit runs, so that they need not fit into
    /// memory: auto, if they hardly would; yes; no. For tables, NPY arrays and folders of pictures;
    /// it changes no result
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = OnDisk::Auto)]
    pub on_disk: OnDisk,
    /// Give the clusters the numbers that those of a former run on the same rows have
    #[arg(long, value_name = "DIR")]
    pub align_to: Option<PathBuf>,
    /// Seconds between checkpoints
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub checkpoint_every: f64,
    /// Leave single rows out of the report and of clusters.json: names, values, labels, images of
    /// people
    #[arg(long)]
    pub no_samples: bool,
    /// Layouts of the map in the report: tsne is t-SNE beside the principal components, some
    /// seconds at the end of the fit, a minute at most; pca is the principal components alone
    #[arg(long, value_name = "LAYOUT", value_enum, default_value_t = MapChoice::Tsne)]
    pub map: MapChoice,
    /// Do not share finished phases (such as pretraining) with other runs
    #[arg(long)]
    pub no_cache: bool,
}

/// Whether features lie in a file while a fit runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnDisk {
    /// If they would hardly fit into memory
    Auto,
    /// Always
    Yes,
    /// Never
    No,
}

/// Layouts of the map in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MapChoice {
    /// The principal components alone
    Pca,
    /// t-SNE beside them
    Tsne,
}

impl MapChoice {
    /// As the option names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pca => "pca",
            Self::Tsne => "tsne",
        }
    }
}

/// Which rows a fit sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FitSplit {
    /// All rows
    All,
    /// The publisher's training split
    Train,
}

impl FitSplit {
    /// As records name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Train => "train",
        }
    }
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

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if s.is_finite() && s >= 0.0 => Ok(s),
        _ => Err("expected a number of seconds, such as 60 or 0.5".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_finite_and_not_negative() {
        assert_eq!(seconds("0.5"), Ok(0.5));
        for wrong in ["-1", "nan", "inf", "1m", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
