//! `vae report`: the page of a finished run, written anew.

use crate::args::ReportArgs;
use crate::commands::sweep;
use crate::output::say;
use crate::{report, run_folder};
use anyhow::{Result, bail};

/// Writes `report.html`, `clusters.json` and `clusters.csv` from the files of the run folder, or
/// the page of a sweep from its record.
///
/// # Errors
/// A folder without a finished run, files that cannot be read or written.
pub fn run(args: &ReportArgs) -> Result<()> {
    if run_folder::is_sweep(&args.run) {
        return say(&format!("{}\n", sweep::page_again(&args.run)?.display()));
    }
    if !run_folder::is_finished(&args.run) {
        bail!("{} is no folder of a finished run", args.run.display());
    }
    let path = report::write(&args.run, args.no_samples)?;
    say(&format!("{}\n", path.display()))
}
