//! A file of labels beside the features: IDX, NPY, or text with one label a line.

use std::path::Path;

use crate::dataset::RawLabels;
use crate::error::{Error, Result};
use crate::read::input::Input;
use crate::read::table::Lines;
use crate::read::{idx, npy};

/// Reads labels for `rows` rows; the content decides the format.
///
/// Text has one label a line. A first line too many is a header if it looks like one: it is no label that occurs again, nor a
/// number above numbers. `header` says so where one knows.
pub(crate) fn read(path: &Path, rows: usize, header: Option<bool>) -> Result<RawLabels> {
    let mut start = [0; 6];
    let is_binary = Input::open(path)?.fill(&mut start).is_ok();
    let labels = match start {
        [0, 0, ..] if is_binary => RawLabels::Ints(idx::read_labels(Input::open(path)?)?),
        start if &start == b"\x93NUMPY" => npy::read_labels(Input::open(path)?)?,
        _ => RawLabels::Texts(read_text(Input::open(path)?, rows, header)?),
    };
    if labels.len() != rows {
        return Err(Error::LabelCount { path: path.to_owned(), rows, labels: labels.len() });
    }
    Ok(labels)
}

fn read_text(input: Input<'_>, rows: usize, header: Option<bool>) -> Result<Vec<String>> {
    let mut lines = Lines::new(input);
    let mut labels = Vec::new();
    while let Some((_, text)) = lines.next_line()? {
        let label = text.trim().trim_matches('"').to_owned();
        if label.contains([',', ';', '\t']) {
            return Err(lines.problem("one label a line is expected, without separators"));
        }
        labels.push(label);
    }
    lines.finish()?;
    if header.unwrap_or_else(|| labels.len() == rows + 1 && looks_like_a_header(&labels))
        && !labels.is_empty()
    {
        labels.remove(0);
    }
    Ok(labels)
}

/// Whether the first of these lines names the others instead of being one of them.
fn looks_like_a_header(lines: &[String]) -> bool {
    let is_number = |text: &String| text.parse::<f64>().is_ok();
    match lines.split_first() {
        Some((first, rest)) => !rest.contains(first) && !lines.iter().all(is_number),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::read::idx::tests::idx_bytes;
    use crate::read::npy::tests::{header, npy_bytes};

    fn read_bytes(bytes: &[u8], rows: usize, header: Option<bool>) -> Result<RawLabels> {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("labels");
        fs::write(&path, bytes).expect("file");
        read(&path, rows, header)
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
    fn another_number_of_labels_is_refused() {
        // The last two have one line too many, and it is a label.
        let texts =
            [&b"a\nb\nc\n"[..], b"", b"0\n1\n2\n0\n1\n2\n", b"9\n1\n2\n0\n1\n2\n", b"a\nb\nc\na\nb\nc\n"];
        for bytes in texts.into_iter().map(<[u8]>::to_vec).chain([idx_bytes(&[3], &[1, 2, 3])]) {
            let error = read_bytes(&bytes, 5, None).expect_err("count");
            assert!(matches!(error, Error::LabelCount { rows: 5, .. }), "{error}");
        }
        assert!(
            read_bytes(b"1,2\n", 1, None)
                .expect_err("table")
                .to_string()
                .contains("line 1: one label a line")
        );
    }
}
