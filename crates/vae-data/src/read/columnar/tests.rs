//! Tests of tables that are stored by columns.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use ndarray::array;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{DataSet, Labels, LoadOptions, Result, Source, TableReader, load};

fn batch() -> RecordBatch {
    let kind: DictionaryArray<Int32Type> = ["cat", "dog, large", "cat"].into_iter().collect();
    let columns: [(&str, ArrayRef); 5] = [
        ("0", Arc::new(Float64Array::from(vec![Some(1.5), None, Some(-0.1)]))),
        ("seen", Arc::new(Int64Array::from(vec![1_700_000_001, 1_700_000_002, 1_700_000_004]))),
        ("likes \"me\"", Arc::new(BooleanArray::from(vec![true, false, true]))),
        ("kind", Arc::new(kind)),
        ("word", Arc::new(StringArray::from(vec![Some("a"), Some("a"), None]))),
    ];
    RecordBatch::try_from_iter(columns).expect("columns")
}

fn parquet(batch: &RecordBatch, compression: Compression) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("writer");
    writer.write(batch).expect("rows");
    writer.close().expect("end");
    bytes
}

fn arrow(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(&mut bytes, &batch.schema()).expect("writer");
    writer.write(batch).and_then(|()| writer.finish()).expect("rows");
    drop(writer);
    bytes
}

fn packed_arrow(batch: &RecordBatch) -> Vec<u8> {
    let options = arrow_ipc::writer::IpcWriteOptions::default()
        .try_with_compression(Some(arrow_ipc::CompressionType::LZ4_FRAME))
        .expect("LZ4");
    let mut bytes = Vec::new();
    let mut writer =
        arrow_ipc::writer::FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options)
            .expect("writer");
    writer.write(batch).and_then(|()| writer.finish()).expect("rows");
    drop(writer);
    bytes
}

fn put(bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("t.dat");
    fs::write(&path, bytes).expect("file");
    (dir, path)
}

fn read(bytes: &[u8], options: &LoadOptions) -> Result<(DataSet, Option<Labels>)> {
    let (_dir, path) = put(bytes);
    load(&Source::Path(path), options)
}

fn labelled() -> LoadOptions {
    LoadOptions {
        label_column: Some("kind".into()),
        categorical: vec!["word".into(), "likes \"me\"".into()],
        ..LoadOptions::default()
    }
}

#[test]
fn all_kinds_of_columns_are_those_of_a_table() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let files = [Compression::UNCOMPRESSED, Compression::SNAPPY, zstd, Compression::LZ4_RAW]
        .map(|compression| parquet(&batch(), compression));
    for bytes in files.into_iter().chain([arrow(&batch()), packed_arrow(&batch())]) {
        let (data, labels) = read(&bytes, &labelled()).expect("sound");
        let schema = data.schema.as_ref().expect("a table");
        let names = schema.feature_names();
        assert_eq!(names, ["0", "seen", "likes \"me\"=false", "likes \"me\"=true", "word=a"]);
        assert_eq!(labels.expect("labels").class_names, ["cat", "dog, large"]);
        let x = data.x.as_dense().expect("dense");
        assert_eq!(x.column(0).mapv(|v| if v.is_nan() { 9.0 } else { v }), array![1.5, 9.0, -0.1]);
        // Seconds keep their differences.
        assert_eq!([x[[1, 1]] - x[[0, 1]], x[[2, 1]] - x[[0, 1]]], [1.0, 3.0]);
        assert_eq!(x.column(3), array![1.0, 0.0, 1.0]);
        assert!(x[[2, 4]].is_nan() && data.n_missing == 2);
    }
}

#[test]
fn blocks_are_read_as_well() {
    let (_dir, path) = put(&parquet(&batch(), Compression::SNAPPY));
    let mut reader = TableReader::open(&Source::Path(path), &labelled()).expect("opens");
    assert_eq!((reader.n(), reader.schema().n_features()), (3, 5));
    assert_eq!(reader.next_block(2).expect("reads").map(|block| block.x.nrows()), Some(2));
}

#[test]
fn what_cannot_be_a_table_is_told() {
    let list: ListArray =
        ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), Some(2)]), Some(vec![])]);
    let lists = RecordBatch::try_from_iter([("parts", Arc::new(list) as ArrayRef)]).expect("columns");
    for bytes in [parquet(&lists, Compression::SNAPPY), arrow(&lists)] {
        let text = read(&bytes, &LoadOptions::default()).expect_err("lists").to_string();
        assert!(
            text.contains("column `parts` holds List") && text.contains("leave the column out"),
            "{text}"
        );
    }
    let bytes = parquet(&batch(), Compression::SNAPPY);
    let cut = read(&bytes[..bytes.len() - 9], &labelled()).expect_err("cut").to_string();
    assert!(cut.contains("t.dat: cannot be read as a Parquet file ("), "{cut}");
    let options = LoadOptions { delimiter: Some(';'), ..LoadOptions::default() };
    let text = read(&bytes, &options).expect_err("no text").to_string();
    assert!(text.contains("--delimiter does not apply: it is for tables of text"), "{text}");
    let none = parquet(&batch().slice(0, 0), Compression::SNAPPY);
    assert!(read(&none, &LoadOptions::default()).is_err(), "no rows");
}

/// A buffer that says it holds more than any machine: `arrow-ipc` would allocate it and end the
/// program.
#[test]
fn a_length_that_no_machine_has_is_refused() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![7; 1000]));
    let mut bytes = packed_arrow(&RecordBatch::try_from_iter([("a", column)]).expect("columns"));
    let length = 8000_i64.to_le_bytes();
    let at = bytes.windows(8).position(|part| part == length).expect("the length of the buffer");
    bytes[at..at + 8].copy_from_slice(&(1_i64 << 50).to_le_bytes());
    let error = read(&bytes, &LoadOptions::default()).expect_err("absurd");
    assert!(matches!(error, crate::Error::TooLarge { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn damaged_files_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        keep in prop::option::of(any::<prop::sample::Index>()), which in 0..4_usize,
    ) {
        let mut bytes = match which {
            0 => parquet(&batch(), Compression::UNCOMPRESSED),
            1 => parquet(&batch(), Compression::SNAPPY),
            2 => packed_arrow(&batch()),
            _ => arrow(&batch()),
        };
        for (at, byte) in edits {
            let place = at.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(keep.map_or(bytes.len(), |keep| keep.index(bytes.len())));
        let _ = read(&bytes, &labelled());
    }
}
