//! `vae sweep`: a grid of fits, and what it says about the number of clusters and about the runs.
//!
//! Every fit is a process of its own and a run folder in `runs`, continued where it was stopped.
//! Everything else is computed from the finished runs and the data, without a clock or a random
//! number of its own, so that a sweep that was killed ends with the files of one that was not.
//! Labels are not looked at: the fits score themselves with them, and that is all.

mod consensus;
mod data;
mod grid;
mod launch;
mod number;
mod over_runs;
mod table;

use self::consensus::{Among, Found};
use self::grid::Cell;
use crate::args::SweepArgs;
use crate::assignments::{Assignments, Beside, numbers};
use crate::commands::fit::new_data;
use crate::criteria::{MOST_ROWS, Sample};
use crate::input::{self, About, Input};
use crate::output::{counted, remark, say, shell_word, thousands};
use crate::run_folder::{Identity, RunFolder, SWEEP};
use crate::runs::Run;
use crate::selection::scale_set;
use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vae_core::Features;
use vae_core::device::configure_process;
use vae_core::fsio::{sha256_hex, write_atomic, write_bytes};
use vae_core::phase::FitContext;
use vae_data::{Ids, Source};
use vae_report::sweep::{Grid, SCHEMA, Sweep};

/// The record.
pub const RECORD: &str = "sweep.json";
/// The page.
pub const PAGE: &str = "sweep.html";
/// The consensus of every row.
pub const CONSENSUS: &str = "consensus.csv";

/// Fits what is missing of the grid, then says what the runs have in common.
///
/// # Errors
/// Unknown methods or settings, data that cannot be read, a folder of something else, fits that
/// failed (the others are evaluated all the same), an interruption, after which the same command
/// continues.
pub fn run(args: &SweepArgs) -> Result<()> {
    let source = args.data.parse::<Source>()?;
    if matches!(source, Source::StandardInput) {
        bail!("every fit of a sweep reads the data anew: save them to a file and give its name");
    }
    let cells = grid::cells(args)?;
    configure_process(usize::from(args.threads));
    args.matmul.apply()?;
    // The labels end here.
    let Input { features, about, ids, schema, .. } = input::load(&source, &args.read)?;
    grid::check_rows(args, &features, &about)?;
    let (folder, _) =
        RunFolder::open(&args.out, &identity(args, &about, ids.as_ref()).of_columns(schema.as_ref())?)?;
    announce(args, &about, &cells);
    let launched = launch::launch(args, &cells, folder.path())?;
    if launched.is_left_to_slurm() {
        return say(&launched.about_slurm());
    }
    end_at_signals().context("cannot listen for signals")?;
    let sweep = evaluate(args, (&features, &about), &cells, folder.path(), ids.as_ref())?;
    say(&table::text(&sweep, folder.path(), &new_data(&source, &args.read)))?;
    launched.check_failures(folder.path())
}

/// What everything depends on but the grid, which may grow.
fn identity(args: &SweepArgs, about: &About, ids: Option<&Ids>) -> Identity {
    let mut identity = BTreeMap::from([
        (SWEEP.to_owned(), "1".to_owned()),
        ("data".to_owned(), about.name.clone()),
        ("data_sha256".to_owned(), about.sha256.clone()),
        ("rows".to_owned(), about.n.to_string()),
        ("profile".to_owned(), args.profile.clone()),
        ("set".to_owned(), args.set.join("; ")),
        ("threads".to_owned(), args.threads.to_string()),
        ("device".to_owned(), args.device.to_string()),
        ("matmul".to_owned(), args.matmul.to_string()),
        ("precision".to_owned(), args.precision.to_string()),
        ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ]);
    if let Some(ids) = ids {
        let names: String = ids.iter().map(|id| format!("{id}\0")).collect();
        identity.insert("row_names".into(), format!("{} {}", ids.name(), sha256_hex(names.as_bytes())));
    }
    Identity(identity)
}

fn announce(args: &SweepArgs, about: &About, cells: &[Cell]) {
    let About { name, n, dim, .. } = about;
    remark(format_args!(
        "sweep of {name}: {} samples, {dim} features; {} ({}, {} of clusters, {})",
        thousands(*n),
        counted(cells.len(), "fit"),
        counted(args.methods.len(), "method"),
        counted(args.clusters.0.len(), "number"),
        counted(args.seeds.0.len(), "seed")
    ));
}

/// From here on a signal ends the process at once: there is nothing to save, and files are written
/// beside and renamed.
fn end_at_signals() -> std::io::Result<()> {
    let now = Arc::new(AtomicBool::new(true));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&now))?;
    }
    Ok(())
}

/// Computes and writes everything that the finished runs say.
fn evaluate(
    args: &SweepArgs,
    (features, about): (&Features, &About),
    cells: &[Cell],
    dir: &Path,
    ids: Option<&Ids>,
) -> Result<Sweep> {
    remark("comparing the runs");
    let (done, failed): (Vec<&Cell>, Vec<&Cell>) = cells.iter().partition(|cell| cell.is_done(dir));
    if done.is_empty() {
        bail!("no fit of the sweep finished; their logs are in {}", dir.join(grid::RUNS).display());
    }
    let runs = done.iter().map(|cell| Run::of_folder(&cell.folder(dir))).collect::<Result<Vec<Run>>>()?;
    for run in &runs[1..] {
        runs[0].check_same_data(run)?;
    }
    let context = FitContext::in_memory(0);
    let sample = Sample::new(features, MOST_ROWS, scale_set(&args.set).unwrap_or_default())?;
    let clusters: Vec<usize> = args.clusters.0.iter().map(|&k| k as usize).collect();
    let graph = sample.graph(&context)?;
    let (of_data, estimate) = data::of((features, &sample), &clusters, &context)?;
    let records = over_runs::records(&done, &runs, (&sample, &graph), of_data.are_latent_classes())?;
    let over_seeds = over_runs::over_seeds(&records, &runs)?;
    let number = number::decide(&clusters, &of_data, estimate.as_ref(), &over_seeds);
    let among = Among {
        records: &records,
        runs: &runs,
        relative_conductance: &|at| sample.relative_conductance(&graph, &runs[at].clusters),
        least_share: sample.least_share(),
        of_graph: of_data.relative_conductance.get(&number.used).copied(),
    };
    let found = consensus::of(number.used, &among)?;
    let sweep = Sweep {
        schema: SCHEMA,
        dataset: about.name.clone(),
        n: about.n,
        dim: about.dim,
        data_sha256: about.sha256.clone(),
        profile: args.profile.clone(),
        set: args.set.clone(),
        grid: Grid { methods: grid::methods(args), clusters, seeds: args.seeds.0.clone() },
        agreement: over_runs::agreement(&runs)?,
        runs: records,
        failed: failed.iter().map(|cell| cell.id.clone()).collect(),
        over_seeds,
        data: of_data,
        number,
        recommended: found.recommended.clone(),
        consensus: found.facts.clone(),
    };
    write(&sweep, &found, dir, ids)?;
    Ok(sweep)
}

/// Writes the consensus, the page, and the record last.
fn write(sweep: &Sweep, found: &Found, dir: &Path, ids: Option<&Ids>) -> Result<()> {
    let path = dir.join(CONSENSUS);
    match &found.votes {
        Some((clusters, confidence)) => {
            let clusters = numbers(clusters.view());
            let beside = Beside::Confidence(confidence.view());
            let assignments =
                Assignments { ids, clusters: clusters.view(), cluster_names: None, beside, outlier: None };
            write_atomic(&path, |out| assignments.write_csv(out))?;
        }
        None if path.exists() => {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        None => {}
    }
    write_bytes(&dir.join(PAGE), sweep.render()?.as_bytes())?;
    let text = serde_json::to_string_pretty(sweep)? + "\n";
    Ok(write_bytes(&dir.join(RECORD), text.as_bytes())?)
}

/// The page of a finished sweep, written anew from its record; where it is.
///
/// # Errors
/// A record that is not there or damaged, a page that cannot be written.
pub fn page_again(dir: &Path) -> Result<std::path::PathBuf> {
    let path = dir.join(RECORD);
    let text = std::fs::read_to_string(&path).with_context(|| {
        let folder = shell_word(&dir.display().to_string());
        format!("cannot read {}; `vae sweep … --out {folder}` finishes the sweep", path.display())
    })?;
    let sweep: Sweep =
        serde_json::from_str(&text).with_context(|| format!("{} is damaged; sweep again", path.display()))?;
    let page = dir.join(PAGE);
    write_bytes(&page, sweep.render()?.as_bytes())?;
    Ok(page)
}
