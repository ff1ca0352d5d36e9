//! Features of a fit in a file instead of in memory.

use super::{About, Input, options, tell};
use crate::args::{FitArgs, OnDisk, ReadArgs};
use crate::output::{remark, thousands};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use vae_core::Features;
use vae_core::features::{Mapped, MappedWriter};
use vae_data::{Ids, Matrix, Source, Stream, available_memory};

/// Values that are read at once, about.
const BLOCK: usize = 2 << 20;

/// A fit in memory holds its features so many times: as they were read, scaled, filled, and on the
/// device.
const COPIES: u64 = 4;

/// A byte of a table is at most so many bytes of features: `0,` is a number.
const OF_TEXT: u64 = 2;

/// Loads the features of a fit into a file, where that is asked for or where memory is short;
/// `None` where they are to be loaded into memory.
///
/// # Errors
/// As [`super::load`]; data whose rows do not come one after another, where a file was asked for.
pub fn load(source: &Source, args: &FitArgs) -> Result<Option<Input>> {
    let read = &args.read;
    let is_asked = args.on_disk == OnDisk::Yes;
    let is_possible = matches!(source, Source::Path(_)) && read.labels.is_none();
    if is_asked && !is_possible {
        bail!(
            "--on-disk yes is for a file or folder without --labels: leave one of them out (`vae score` scores afterwards)"
        );
    }
    if !is_possible || args.on_disk == OnDisk::No || !(is_asked || is_large_file(source)) {
        return Ok(None);
    }
    let stream = Stream::open(source, &options(read))?;
    if !stream.is_in_blocks() || stream.is_documents() {
        if is_asked {
            bail!(
                "--on-disk yes is for tables, NPY arrays with rows first and folders of pictures: leave it out, or save {source} as one of these"
            );
        }
        return Ok(None);
    }
    let (n, d) = (stream.n().min(limit(read)), stream.dim());
    let bytes = 4 * (n * d) as u64;
    if !is_asked && !exceeds_memory(bytes) {
        return Ok(None);
    }
    let folder = existing(&args.out);
    remark(format_args!(
        "the {} x {} features lie in a file on the disk of {} until the fit ends ({:.1} GiB, and as much again when they are scaled)",
        thousands(n),
        thousands(d),
        folder.display(),
        bytes as f64 / f64::from(1 << 30)
    ));
    written(stream, &folder, read).map(Some)
}

/// Whether a file may hold more than fits.
fn is_large_file(source: &Source) -> bool {
    let Source::Path(path) = source else { return false };
    path.metadata().is_ok_and(|file| file.is_file() && exceeds_memory(OF_TEXT * file.len()))
}

/// Whether a fit in memory would need more than there is.
fn exceeds_memory(bytes: u64) -> bool {
    available_memory().is_some_and(|available| COPIES * bytes > available)
}

fn limit(args: &ReadArgs) -> usize {
    args.limit.map_or(usize::MAX, |rows| usize::try_from(rows).unwrap_or(usize::MAX))
}

/// The folder itself, or the nearest above it that there is.
fn existing(folder: &Path) -> PathBuf {
    let all = folder.ancestors().filter(|path| !path.as_os_str().is_empty());
    let found = all.map(Path::to_path_buf).find(|path| path.is_dir());
    found.unwrap_or_else(|| PathBuf::from("."))
}

/// Reads the rows into a file.
fn written(mut stream: Stream, folder: &Path, args: &ReadArgs) -> Result<Input> {
    stream.notes().iter().for_each(tell);
    if let Some(column) = &args.table.label_column {
        remark(format_args!(
            "the labels in `{column}` are left out, as the data are read in blocks: `vae score` scores afterwards"
        ));
    }
    let mut out = Mapped::begin(folder, stream.dim())?;
    let mut ids: Option<Ids> = None;
    let mut left = stream.n().min(limit(args));
    let at_once = (BLOCK / stream.dim().max(1)).max(1);
    while left > 0 {
        let Some(block) = stream.next_block(at_once.min(left))? else { break };
        push(&mut out, &block.x)?;
        left = left.saturating_sub(block.x.n());
        match (&mut ids, block.ids) {
            (Some(all), Some(of_block)) => all.append(&of_block)?,
            (all, of_block) => *all = of_block,
        }
    }
    let cut = limit(args) < stream.n();
    if !cut {
        // Passes the end, which counts what is missing.
        stream.next_block(1)?;
    }
    let notes = stream.notes();
    notes.iter().for_each(tell);
    let schema = stream.schema().cloned();
    let features = Features::mapped(out.finish()?, schema.clone()).context("the data cannot be clustered")?;
    let features = match stream.image() {
        Some(image) => features.with_image(image)?,
        None => features,
    };
    let about = About {
        name: stream.name().to_owned(),
        n: features.n(),
        dim: features.dim(),
        sha256: features.sha256().to_owned(),
        limit: cut.then(|| limit(args)),
        missing: options(args).missing,
    };
    let (labels, vocabulary, beginnings) = (None, None, None);
    Ok(Input { features, labels, about, schema, vocabulary, ids, beginnings, notes })
}

fn push(out: &mut MappedWriter, rows: &Matrix) -> Result<()> {
    match rows.as_dense() {
        Some(rows) => Ok(out.push(rows.view())?),
        None => bail!("sparse rows cannot be kept in a file: leave out --on-disk"),
    }
}
