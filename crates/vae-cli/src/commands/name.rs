//! `vae name`: a cluster gets a name, which everything that is said of the run then carries.

use crate::args::NameArgs;
use crate::output::say;
use crate::report::{self, names};
use crate::run_folder;
use anyhow::{Result, bail};

/// Writes the name into the run folder, and `clusters.json`, `clusters.csv` and `report.html`
/// again.
///
/// # Errors
/// A folder without a finished run, a cluster that it has not, files that cannot be read or
/// written.
pub fn run(args: &NameArgs) -> Result<()> {
    if !run_folder::is_finished(&args.run) {
        bail!("{} is no folder of a finished run", args.run.display());
    }
    names::set(&args.run, args.cluster, report::n_clusters(&args.run)?, &args.name)?;
    report::write(&args.run, false)?;
    let line = report::lines(&args.run)?.into_iter().nth(args.cluster as usize).unwrap_or_default();
    say(&format!("{line}\n"))
}
