//! `vae report`: the page of a finished run or of a sweep, written anew, or one page that compares
//! runs.

use crate::args::ReportArgs;
use crate::commands::outputs::tell_of_replacing;
use crate::commands::{compare, sweep};
use crate::output::say;
use crate::{comparison, report, run_folder};
use anyhow::{Result, bail};
use std::path::Path;
use vae_core::fsio::write_bytes;

/// The page of several runs, where no other name is given.
const COMPARISON: &str = "comparison.html";

/// Writes `report.html`, `clusters.json` and `clusters.csv` from the files of the run folder, the
/// page of a sweep from its record, or the page that compares several runs.
///
/// # Errors
/// A folder without a finished run, runs on different rows, files that cannot be read or written.
pub fn run(args: &ReportArgs) -> Result<()> {
    match &args.runs[..] {
        [one] => of_one(one, args),
        _ => of_several(args),
    }
}

fn of_one(run: &Path, args: &ReportArgs) -> Result<()> {
    if let Some(out) = &args.out {
        bail!(
            "--out {} is for the page of several runs; the page of one run is {}: leave out --out, or name another run",
            out.display(),
            run.join(report::PAGE).display()
        );
    }
    if run_folder::is_sweep(run) {
        return say(&format!("{}\n", sweep::page_again(run)?.display()));
    }
    if !run_folder::is_finished(run) {
        bail!("{} is no folder of a finished run; `vae fit` makes and continues one", run.display());
    }
    let path = report::write(run, args.no_samples, args.map)?;
    say(&format!("{}\n", path.display()))
}

/// No single row is on this page.
fn of_several(args: &ReportArgs) -> Result<()> {
    if args.map.is_some() {
        bail!("--map is for the page of one run: the page of several has no map; leave it out");
    }
    let out = args.out.as_deref().unwrap_or(Path::new(COMPARISON));
    compare::check_out(out)?;
    let comparison = comparison::of_paths(&args.runs)?;
    tell_of_replacing(out);
    write_bytes(out, comparison.render()?.as_bytes())?;
    say(&format!("{}\n", out.display()))
}
