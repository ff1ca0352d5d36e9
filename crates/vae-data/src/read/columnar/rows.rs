//! Rows of Parquet and Arrow files, a batch at a time.

use std::fs::File;
use std::io::{BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_csv::WriterBuilder;
use arrow_ipc::reader::FileReader;
use arrow_schema::{ArrowError, DataType, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::{Error, Result};
use crate::read::columnar::{Columnar, lengths};

/// Rows that are decoded at a time.
const ROWS: usize = 1024;

/// Writes a header and all rows as text, separated by commas.
///
/// The libraries panic at some damaged files; that is an error of the file here.
pub(super) fn write(path: &Path, kind: Columnar, file: File, out: impl Write) -> Result<()> {
    catch_unwind(AssertUnwindSafe(|| write_unguarded(path, kind, file, out)))
        .unwrap_or_else(|_| Err(broken(path, kind, &"its parts contradict each other")))
}

fn write_unguarded(path: &Path, kind: Columnar, mut file: File, out: impl Write) -> Result<()> {
    let broken = |error: &dyn std::fmt::Display| broken(path, kind, error);
    match kind {
        Columnar::Parquet => {
            let builder =
                ParquetRecordBatchReaderBuilder::try_new(Bounded(file)).map_err(|error| broken(&error))?;
            check(path, builder.schema())?;
            let schema = builder.schema().clone();
            let batches = builder.with_batch_size(ROWS).build().map_err(|error| broken(&error))?;
            write_batches(path, kind, &schema, batches, out)
        }
        Columnar::Arrow => {
            lengths::check(path, &mut file)?;
            let batches = FileReader::try_new(BufReader::new(file), None).map_err(|error| broken(&error))?;
            let schema = batches.schema();
            check(path, &schema)?;
            write_batches(path, kind, &schema, batches, out)
        }
    }
}

pub(super) fn broken(path: &Path, kind: Columnar, error: &dyn std::fmt::Display) -> Error {
    let problem = format!("cannot be read as {} ({error}); save it again, or export it as CSV", kind.name());
    Error::format(path, problem)
}

/// A file of which no more is asked than there is.
struct Bounded(File);

impl Length for Bounded {
    fn len(&self) -> u64 {
        Length::len(&self.0)
    }
}

impl ChunkReader for Bounded {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        self.0.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > Length::len(self)) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} are beyond the end")));
        }
        self.0.get_bytes(start, length)
    }
}

fn write_batches(
    path: &Path,
    kind: Columnar,
    schema: &Schema,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    out: impl Write,
) -> Result<()> {
    let mut writer = WriterBuilder::new().with_header(true).build(out);
    // The header comes even where there are no rows.
    let written = |result: Result<(), ArrowError>| {
        result.map_err(|error| Error::format(path, format!("its rows cannot be written as text: {error}")))
    };
    written(writer.write(&RecordBatch::new_empty(schema.clone().into())))?;
    for batch in batches {
        written(writer.write(&batch.map_err(|error| broken(path, kind, &error))?))?;
    }
    Ok(())
}

/// Refuses columns that are no single values.
fn check(path: &Path, schema: &Schema) -> Result<()> {
    for field in schema.fields() {
        let mut kind = field.data_type();
        if let DataType::Dictionary(_, values) = kind {
            kind = values;
        }
        let is_value = kind.is_numeric()
            || kind.is_temporal()
            || matches!(
                kind,
                DataType::Boolean
                    | DataType::Utf8
                    | DataType::LargeUtf8
                    | DataType::Utf8View
                    | DataType::Null
            );
        if !is_value {
            let problem = format!(
                "column `{}` holds {kind}, and only numbers, truth values, texts and dates are read; leave the column out or make \
                 one column of each of its parts",
                field.name()
            );
            return Err(Error::format(path, problem));
        }
    }
    Ok(())
}
