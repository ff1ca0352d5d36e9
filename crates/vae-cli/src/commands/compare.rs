//! `vae compare`: how far runs on the same data agree, and which clusters split or merge between
//! them. No labels.

use crate::args::CompareArgs;
use crate::comparison;
use crate::output::{percent, say, say_json, table, thousands};
use crate::run_folder::is_of_a_fit;
use anyhow::{Result, bail};
use std::fmt::Write as _;
use std::path::Path;
use vae_core::fsio::write_bytes;
use vae_report::comparison::{Comparison, Pair, Run};

/// Lines about one pair of runs, at most.
const LINES: usize = 40;

/// Prints the agreement of all pairs, and what happens to the clusters from each run to the next.
///
/// # Errors
/// Runs that are not finished or not on the same data, files that cannot be read or written.
pub fn run(args: &CompareArgs) -> Result<()> {
    if let Some(out) = &args.out {
        check_out(out)?;
    }
    let comparison = comparison::of_paths(&args.runs)?;
    if let Some(out) = &args.out {
        let text = serde_json::to_string_pretty(&comparison)? + "\n";
        write_bytes(out, text.as_bytes())?;
    }
    if args.json { say_json(&comparison) } else { say(&text(&comparison)) }
}

/// Refuses a file that cannot be written, or that is one of a run.
///
/// # Errors
/// As said.
pub fn check_out(out: &Path) -> Result<()> {
    if is_of_a_fit(out) {
        bail!("{} is a file of a run; choose another --out", out.display());
    }
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => bail!("the folder {} does not exist", folder.display()),
        _ if out.is_dir() => bail!("{} is a folder; name a file", out.display()),
        _ => Ok(()),
    }
}

fn text(comparison: &Comparison) -> String {
    let Comparison { runs, pairs, n, .. } = comparison;
    let about = |(i, run): (usize, &Run)| {
        let method = run.method.clone().unwrap_or_default();
        let seed = run.seed.map_or_else(String::new, |seed| format!("seed {seed}"));
        vec![(i + 1).to_string(), run.run.clone(), method, seed, format!("{} clusters", run.n_clusters)]
    };
    let mut text = format!("{} samples\n", thousands(*n));
    text += &table(&runs.iter().enumerate().map(about).collect::<Vec<_>>());
    let head = ["pair", "ARI", "NMI", "ACC after matching"].map(String::from).to_vec();
    let row = |pair: &Pair| {
        let which = format!("{} {}", pair.a + 1, pair.b + 1);
        vec![which, format!("{:.4}", pair.ari), format!("{:.4}", pair.nmi), percent(pair.acc)]
    };
    text += "\n";
    text += &table(&std::iter::once(head).chain(pairs.iter().map(row)).collect::<Vec<_>>());
    for pair in comparison.consecutive() {
        let _ = writeln!(text, "\nfrom run {} to run {}:", pair.a + 1, pair.b + 1);
        let lines = comparison.changes(pair);
        lines.iter().take(LINES).for_each(|line| text += &format!("  {line}\n"));
        if lines.len() > LINES {
            let _ = writeln!(text, "  {} more lines; --json has everything", lines.len() - LINES);
        }
    }
    text
}
