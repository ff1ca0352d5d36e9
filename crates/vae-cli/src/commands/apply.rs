//! A fitted model on data of any size: blocks of rows come in, and lines or numbers go out.

use crate::args::ModelOnData;
use crate::assignments::ids_file;
use crate::commands::outputs::{Target, tell_of_replacing};
use crate::commands::{open_model, threads};
use crate::exit::Stopped;
use crate::files::write_file;
use crate::input::{StreamFor, features_of};
use crate::output::ClosedStdout;
use crate::progress::rows_bar;
use crate::rows::{Place, RowNames, RowWriter, place};
use crate::signals;
use anyhow::{Context, Result};
use indicatif::ProgressBar;
use ndarray::Array2;
use npyz::WriterBuilder;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use vae_core::Features;
use vae_core::features::{BLOCK, CONVOLUTION_BLOCK};
use vae_core::interrupt::Interrupt;
use vae_data::{Ids, Matrix, Source};
use vae_models::Clusterer;

/// The most numbers of a block of rows.
const MOST_VALUES: usize = 16 << 20;

/// Data for a model.
pub struct Applied {
    pub model: Box<dyn Clusterer>,
    /// Where columns stand that are written as text.
    pub place: Place,
    data: StreamFor,
    /// Rows in all.
    n: usize,
    done: usize,
    interrupt: Interrupt,
    bar: ProgressBar,
}

/// Some rows.
#[derive(Debug)]
pub struct Piece {
    pub x: Features,
    pub ids: Option<Ids>,
    /// Number of the first row, from 0.
    pub start: usize,
    /// The rows as they are written, where columns are put behind them.
    text: Option<Vec<String>>,
}

impl Piece {
    /// What the lines of these rows begin with.
    pub fn names(&self) -> RowNames<'_> {
        RowNames { ids: self.ids.as_ref(), n: self.x.n(), text: self.text.as_deref() }
    }
}

impl Applied {
    /// A model and the data to apply it to; with `append` columns are put behind their rows.
    ///
    /// # Errors
    /// Unreadable model or data, data of other columns, `append` for what is no table.
    pub fn open(args: &ModelOnData, append: bool, target: &Target<'_>) -> Result<Self> {
        vae_core::device::configure_process(threads(args.threads));
        let model = open_model(&args.model, args.matmul)?;
        let mut data = StreamFor::open(&args.model, args.data.parse::<Source>()?, &args.read)?;
        let text = if append { data.stream.keep_text()? } else { None };
        let place = place(append, text)?;
        let limit = args.read.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let n = data.stream.n().min(limit);
        let bar = rows_bar(n, target.path.is_some());
        // So far nothing is written that would be left behind.
        let interrupt = signals::interrupt().context("cannot listen for signals")?;
        Ok(Self { model, place, data, n, done: 0, interrupt, bar })
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Size of a latent code.
    ///
    /// # Errors
    /// What the model cannot compute of a row of zeros.
    pub fn latent_dim(&self) -> Result<usize> {
        let zeros = Matrix::Dense(Array2::zeros((1, self.data.stream.dim())));
        let x = features_of(zeros, self.data.stream.image(), None, &self.data.source)?;
        Ok(self.model.embed(&x)?.ncols())
    }

    /// Name of the column that names the rows.
    pub fn id_name(&self) -> Option<&str> {
        self.data.stream.id_name()
    }

    /// The next rows; `None` behind the last, and then all is said that was found out about the
    /// data.
    fn next(&mut self, rows: usize) -> Result<Option<Piece>> {
        if let Some(signal) = self.interrupt.get() {
            return Err(Stopped { signal }.into());
        }
        let wanted = rows.min(self.n - self.done);
        let block = if wanted == 0 { None } else { self.data.stream.next_block(wanted)? };
        let Some(block) = block else {
            if self.n == self.data.stream.n() {
                // Passes the end.
                self.data.stream.next_block(1)?;
            }
            self.bar.finish_and_clear();
            self.data.finish();
            return Ok(None);
        };
        let source = &self.data.source;
        let stream = &self.data.stream;
        let x = features_of(block.x, stream.image(), stream.schema().cloned(), source);
        let x = within(x, block.start)?;
        self.data.look_at(&x);
        self.done += x.n();
        Ok(Some(Piece { x, ids: block.ids, start: block.start, text: block.text }))
    }

    /// Hands all rows to `f`, piece by piece; another number of rows in a piece would change the
    /// last digits of results.
    ///
    /// # Errors
    /// What `f` returns, what is wrong with the data, SIGINT and SIGTERM.
    pub fn each(&mut self, mut f: impl FnMut(&dyn Clusterer, &Piece) -> Result<()>) -> Result<()> {
        let rows = rows_of(self.data.stream.dim());
        while let Some(piece) = self.next(rows)? {
            if let Err(error) = f(self.model.as_ref(), &piece) {
                self.bar.finish_and_clear();
                // It may say why.
                self.data.finish();
                return Err(error);
            }
            self.bar.set_position(self.done as u64);
        }
        Ok(())
    }
}

/// What is wrong with rows behind others, with the number of the first of them.
///
/// # Errors
/// That of `result`.
pub fn within<T, E>(result: std::result::Result<T, E>, start: usize) -> Result<T>
where
    std::result::Result<T, E>: Context<T, E>,
    E: Into<anyhow::Error>,
{
    match start {
        0 => result.map_err(Into::into),
        _ => result.with_context(|| format!("in the rows from row {}, which are counted anew", start + 1)),
    }
}

/// Rows of a piece for `d` columns: a multiple of the rows that networks take at a time, so that a
/// piece is computed as it is within the whole.
fn rows_of(d: usize) -> usize {
    let most = MOST_VALUES / d.max(1);
    match most / BLOCK {
        0 => CONVOLUTION_BLOCK.max(most / CONVOLUTION_BLOCK * CONVOLUTION_BLOCK),
        blocks => BLOCK * blocks.min(4),
    }
}

/// Writes lines: `fill` gets the data and a writer of their lines.
///
/// # Errors
/// What `fill` returns; a file that cannot be written, whose old content stays.
pub fn write_lines(
    applied: &mut Applied,
    path: Option<&Path>,
    fill: impl FnOnce(&mut Applied, &mut RowWriter<'_>) -> Result<()>,
) -> Result<()> {
    let place = applied.place.clone();
    let Some(path) = path else {
        let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        let done = fill(applied, &mut RowWriter::new(&mut out, &place));
        return done.and_then(|()| Ok(out.flush()?)).map_err(of_stdout);
    };
    tell_of_replacing(path);
    write_file(path, |out| fill(applied, &mut RowWriter::new(out, &place)))
}

/// Another name for a pipe that nobody reads any more: that is no failure.
fn of_stdout(error: anyhow::Error) -> anyhow::Error {
    let is_broken = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(is_broken) { ClosedStdout.into() } else { error }
}

/// Writes an array of `shape`, whose first size is the number of rows, with the names of the rows
/// beside it; `numbers` gives those of each piece.
///
/// # Errors
/// What `numbers` returns; files that cannot be written.
pub fn write_array<T: npyz::AutoSerialize>(
    applied: &mut Applied,
    path: &Path,
    shape: &[u64],
    mut numbers: impl FnMut(&dyn Clusterer, &Piece) -> Result<Vec<T>>,
) -> Result<()> {
    tell_of_replacing(path);
    let beside = forget_ids(path)?;
    let id_name = applied.id_name().map(str::to_owned);
    write_file(path, |out| {
        let options = npyz::WriteOptions::new().default_dtype().shape(shape);
        let mut array = options.writer(out).begin_nd()?;
        let mut each = |ids: Option<&mut RowWriter<'_>>| {
            let mut ids = ids;
            applied.each(|model, piece| {
                array.extend(numbers(model, piece)?)?;
                match &mut ids {
                    Some(ids) => Ok(ids.rows(piece.names(), |_, _| {})?),
                    None => Ok(()),
                }
            })
        };
        match &id_name {
            None => each(None)?,
            Some(name) => write_file(&beside, |out| {
                let mut ids = RowWriter::new(out, &Place::Own);
                ids.head(Some(name), &[])?;
                each(Some(&mut ids))
            })?,
        }
        Ok(array.finish()?)
    })
}

/// Names of other rows must not lie beside an array: an older file goes first. Returns its name.
fn forget_ids(npy: &Path) -> Result<PathBuf> {
    let beside = ids_file(npy);
    match std::fs::remove_file(&beside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("cannot replace {}", beside.display()))
        }
        _ => Ok(beside),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_blocks_where_there_is_room() {
        assert_eq!([rows_of(1), rows_of(20), rows_of(784)], [4 * BLOCK; 3]);
        assert_eq!([rows_of(2000), rows_of(4096)], [2 * BLOCK, BLOCK]);
        assert_eq!([rows_of(150_528), rows_of(usize::MAX)], [CONVOLUTION_BLOCK; 2]);
        assert_eq!(rows_of(12_288) % CONVOLUTION_BLOCK, 0);
    }

    #[test]
    fn faults_behind_other_rows_say_where_they_are() {
        let error = || -> Result<()> { Err(anyhow::anyhow!("row 3 is wrong")) };
        assert_eq!(within(error(), 0).expect_err("wrong").to_string(), "row 3 is wrong");
        let text = format!("{:#}", within(error(), 8192).expect_err("wrong"));
        assert_eq!(text, "in the rows from row 8193, which are counted anew: row 3 is wrong");
    }
}
