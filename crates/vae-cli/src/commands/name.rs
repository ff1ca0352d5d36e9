//! `vae name`: a cluster gets a name, which everything that is said of the run then carries.

use crate::args::NameArgs;
use crate::assignments;
use crate::output::say;
use crate::report::{self, names};
use crate::run_folder;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use vae_core::fsio::write_bytes;

/// Writes the name into the run folder, and `clusters.json`, `clusters.csv`, `assignments.csv` and
/// `report.html` again.
///
/// # Errors
/// A folder without a finished run, a cluster that it has not, a name that another one has, files
/// that cannot be read or written.
pub fn run(args: &NameArgs) -> Result<()> {
    if !run_folder::is_finished(&args.run) {
        bail!("{} is no folder of a finished run", args.run.display());
    }
    let cluster = names::find(&args.run, report::n_clusters(&args.run)?, &args.cluster)?;
    names::set(&args.run, cluster, &args.name)?;
    report::write(&args.run, false, None)?;
    name_assignments(&args.run)?;
    let line = report::lines(&args.run)?.into_iter().nth(cluster as usize).unwrap_or_default();
    say(&format!("{line}\n"))
}

/// The names as a column of the run's `assignments.csv`.
fn name_assignments(run: &Path) -> Result<()> {
    let path = run.join("assignments.csv");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let named = assignments::with_names(&text, &names::read(run)?);
    let named = named.with_context(|| format!("{} is damaged: fit again or restore it", path.display()))?;
    Ok(write_bytes(&path, named.as_bytes())?)
}
