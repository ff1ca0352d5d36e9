//! A file of labels beside the features: IDX, NPY, or text with one label a line.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::labels::RawLabels;
use crate::memory::{self, Interner};
use crate::read::input::Input;
use crate::read::lines::{CARRIAGE_RETURNS, Lines};
use crate::read::missing::Missing;
use crate::read::{idx, npy};

/// Reads labels for `rows` rows; the content decides the format.
///
/// Text has one label a line. A first line too many is a header if it looks like one: it is no
/// label that occurs again, nor a number above numbers. `header` says so where one knows.
///
/// Words for a missing label become empty texts: the row has none.
pub(crate) fn read(
    mut input: Input<'_>,
    rows: usize,
    header: Option<bool>,
    missing: &Missing,
) -> Result<RawLabels> {
    let labels = match &input.peek(6)?[..] {
        [0, 0, _, _, _, _] => RawLabels::Ints(idx::read_labels(input, Some(rows))?),
        b"\x93NUMPY" => npy::read_labels(input, rows)?,
        _ => RawLabels::Texts(read_text(input, rows, header, missing)?),
    };
    Ok(labels)
}

/// Holds a label more than there are rows, for the header; what is beyond is counted and forgotten.
fn read_text(
    input: Input<'_>,
    rows: usize,
    header: Option<bool>,
    missing: &Missing,
) -> Result<Vec<Arc<str>>> {
    let path = input.path.clone();
    let mut lines = Lines::new(input);
    let (mut labels, mut texts, mut count) = (Vec::new(), Interner::default(), 0);
    while let Some((_, text)) = lines.next_line()? {
        let label = text.trim().trim_matches('"');
        if label.contains([',', ';', '\t']) {
            return Err(lines.problem("one label a line is expected, without separators"));
        }
        if label.contains('\r') {
            return Err(lines.problem(CARRIAGE_RETURNS));
        }
        count += 1;
        if count <= rows.saturating_add(1) {
            let label = if missing.is(label) { "" } else { label };
            let label = texts.get(label).map_err(|short| short.at(&path))?;
            memory::push(&mut labels, label).map_err(|short| short.at(&path))?;
        }
    }
    lines.finish()?;
    let is_header = header.unwrap_or_else(|| count == rows.saturating_add(1) && looks_like_a_header(&labels));
    if is_header && !labels.is_empty() {
        labels.remove(0);
        count -= 1;
    }
    if count != rows {
        return Err(Error::LabelCount { path, rows, labels: count });
    }
    if rows > 0 && labels.iter().all(|label| label.is_empty()) {
        return Err(Error::format(
            &path,
            "has no label for any row: all of its lines say that it is missing",
        ));
    }
    Ok(labels)
}

/// Whether the first of these lines names the others instead of being one of them.
fn looks_like_a_header(lines: &[Arc<str>]) -> bool {
    let is_number = |text: &Arc<str>| text.is_empty() || text.parse::<f64>().is_ok();
    match lines.split_first() {
        Some((first, rest)) => !first.is_empty() && !rest.contains(first) && !lines.iter().all(is_number),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write;
    use std::path::Path;

    use flate2::Compression;
    use proptest::prelude::*;

    use super::*;
    use crate::memory::tests::with_memory;
    use crate::read::idx::tests::idx_bytes;
    use crate::read::npy::tests::{header, npy_bytes};

    fn read_bytes(bytes: &[u8], rows: usize, header: Option<bool>) -> Result<RawLabels> {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("labels");
        fs::write(&path, bytes).expect("file");
        read(Input::open(&path)?, rows, header, &Missing::default())
    }

    #[test]
    fn the_content_decides_the_format() {
        let ints = Some(RawLabels::Ints(vec![1, 2]));
        assert_eq!(read_bytes(&idx_bytes(&[2], &[1, 2]), 2, None).ok(), ints);
        assert_eq!(read_bytes(&npy_bytes(&header("|u1", "(2,)"), &[1, 2]), 2, None).ok(), ints);
        let texts = Some(RawLabels::Texts(vec!["a".into(), "b".into()]));
        assert_eq!(read_bytes(b"a\nb\n", 2, None).ok(), texts);
        assert_eq!(read_bytes(b"class\n\"a\"\r\nb", 2, None).ok(), texts, "one line too many is a header");
        let numbers = Some(RawLabels::Texts(vec!["0".into(), "1".into()]));
        assert_eq!(read_bytes(b"class\n0\n1", 2, None).ok(), numbers);
        assert_eq!(read_bytes(b"a\nb\n", 1, Some(true)).ok(), Some(RawLabels::Texts(vec!["b".into()])));
    }

    #[test]
    fn a_missing_label_is_no_class() {
        let texts =
            |texts: &[&str]| Some(RawLabels::Texts(texts.iter().map(|text| (*text).into()).collect()));
        assert_eq!(read_bytes(b"a\nNA\n\"\"\nb\n", 4, None).ok(), texts(&["a", "", "", "b"]));
        assert_eq!(read_bytes(b"class\n?\n0\n", 2, None).ok(), texts(&["", "0"]));
        let error = read_bytes(b"NA\n?\n", 2, None).expect_err("none").to_string();
        assert!(error.contains("has no label for any row"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_read_once() {
        use std::io::pipe;
        use std::os::fd::AsRawFd;
        let ints = RawLabels::Ints(vec![1, 2]);
        let texts = RawLabels::Texts(vec!["a".into(), "b".into()]);
        for (bytes, want) in [
            (idx_bytes(&[2], &[1, 2]), &ints),
            (npy_bytes(&header("|u1", "(2,)"), &[1, 2]), &ints),
            (b"class\na\nb\n".to_vec(), &texts),
        ] {
            let (reader, mut writer) = pipe().expect("a pipe");
            writer.write_all(&bytes).expect("fits into the pipe");
            drop(writer);
            let path = format!("/dev/fd/{}", reader.as_raw_fd());
            assert_eq!(
                read(Input::open(Path::new(&path)).expect("opens"), 2, None, &Missing::default())
                    .as_ref()
                    .ok(),
                Some(want)
            );
        }
    }

    #[test]
    fn what_is_beyond_the_rows_is_counted_and_not_held() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("labels.gz");
        let mut gz = flate2::write::GzEncoder::new(File::create(&path).expect("file"), Compression::best());
        // 10 million labels in 20 kB; the binary ones promise as many.
        (0..100).for_each(|_| gz.write_all(&b"a\n".repeat(100_000)).expect("file"));
        gz.finish().expect("file");
        let error = with_memory(4096, || read(Input::open(&path)?, 60, None, &Missing::default()))
            .expect_err("too many");
        assert!(matches!(error, Error::LabelCount { rows: 60, labels: 10_000_000, .. }), "{error}");
        let npy = npy_bytes(&header("<i8", "(10000000,)"), &[]);
        for bytes in [idx_bytes(&[10_000_000], &[]), npy] {
            let mut gz =
                flate2::write::GzEncoder::new(File::create(&path).expect("file"), Compression::best());
            gz.write_all(&bytes).and_then(|()| gz.write_all(&vec![0; 80_000_000])).expect("file");
            gz.finish().expect("file");
            let error = with_memory(4096, || read(Input::open(&path)?, 60, None, &Missing::default()))
                .expect_err("too many");
            assert!(matches!(error, Error::LabelCount { rows: 60, labels: 10_000_000, .. }), "{error}");
        }
        // Names without end are held once each, and that is too much as well.
        let text: String = (0..60).map(|i| format!("{i}{}\n", "x".repeat(1000))).collect();
        let error = with_memory(4096, || read_bytes(text.as_bytes(), 60, None)).expect_err("too long");
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        assert_eq!(with_memory(100_000, || read_bytes(text.as_bytes(), 60, None)).expect("fits").len(), 60);
    }

    #[test]
    fn another_number_of_labels_is_refused() {
        // The last two have one line too many, and it is a label.
        let texts =
            [&b"a\nb\nc\n"[..], b"", b"0\n1\n2\n0\n1\n2\n", b"9\n1\n2\n0\n1\n2\n", b"a\nb\nc\na\nb\nc\n"];
        for bytes in texts.into_iter().map(<[u8]>::to_vec).chain([idx_bytes(&[3], &[1, 2, 3])]) {
            let error = read_bytes(&bytes, 5, None).expect_err("count");
            assert!(matches!(error, Error::LabelCount { rows: 5, .. }), "{error}");
        }
        let text = read_bytes(b"a\rb\ra\r", 3, None).expect_err("one line").to_string();
        assert!(text.contains("line 1: lines end with carriage returns alone"), "{text}");
        assert!(
            read_bytes(b"1,2\n", 1, None)
                .expect_err("table")
                .to_string()
                .contains("line 1: one label a line")
        );
    }

    proptest! {
        #[test]
        fn hostile_labels_never_panic(
            parts in prop::collection::vec(prop_oneof![
                Just(b"a\n".to_vec()), Just(b"\"1.0\"\r\n".to_vec()), Just(b"\n".to_vec()), Just(b",".to_vec()),
                Just(b"\xef\xbb\xbf".to_vec()), Just(vec![0, 0]), Just(b"\x93NUMPY".to_vec()),
                prop::collection::vec(any::<u8>(), 0..12),
            ], 0..16),
            rows in 0_usize..12, header in any::<Option<bool>>(),
        ) {
            if let Ok(labels) = read_bytes(&parts.concat(), rows, header) {
                prop_assert_eq!(labels.len(), rows);
            }
        }

        #[test]
        fn written_is_read(labels in prop::collection::vec("[a-m]{1,3}( [a-z])?", 1..20), crlf in any::<bool>()) {
            let text = labels.join(if crlf { "\r\n" } else { "\n" });
            let expected = RawLabels::Texts(labels.iter().map(|label| label.as_str().into()).collect());
            prop_assert_eq!(read_bytes(text.as_bytes(), labels.len(), None).expect("sound"), expected);
        }
    }
}
