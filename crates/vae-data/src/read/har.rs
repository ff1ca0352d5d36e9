//! Text matrices as UCI HAR has them: a row a line, numbers between blanks, no header.
//!
//! Source: Anguita et al., ESANN 2013; the layout is described in the archive's `README.txt`.

use crate::error::{Error, Result, ValueProblem};
use crate::memory::{self, Meter};
use crate::read::input::Input;
use crate::read::lines::Lines;

/// Appends the rows of a matrix to `out`; returns their number and length.
///
/// `columns` is the length that rows must have, where another file has set it.
pub(crate) fn read_matrix(
    input: Input<'_>,
    columns: Option<usize>,
    out: &mut Vec<f32>,
) -> Result<(usize, usize)> {
    let mut lines = Lines::new(input);
    let path = lines.path().to_owned();
    let (mut n, mut d) = (0, columns);
    loop {
        let start = out.len();
        let Some((line, text)) = lines.next_line()? else { break };
        for (i, field) in text.split_ascii_whitespace().enumerate() {
            let problem = match field.parse::<f32>() {
                Ok(value) if value.is_finite() => {
                    memory::push(out, value).map_err(|short| short.at(&path))?;
                    continue;
                }
                Ok(_) => ValueProblem::NotFinite(field.to_owned()),
                Err(_) => ValueProblem::NotANumber(field.chars().take(40).collect()),
            };
            return Err(Error::Value { path, line, column: i + 1, name: None, problem });
        }
        let (expected, found) = (*d.get_or_insert(out.len() - start), out.len() - start);
        if found != expected {
            return Err(Error::Ragged { path, line, expected, found });
        }
        n += 1;
    }
    lines.finish()?;
    match d {
        Some(d) if n > 0 => Ok((n, d)),
        _ => Err(Error::Empty { path, expected: "a matrix of numbers, a row a line" }),
    }
}

/// Reads names such as `1 WALKING`, a number and a name a line.
pub(crate) fn read_class_names(input: Input<'_>) -> Result<Vec<(i64, String)>> {
    let mut lines = Lines::new(input);
    let path = lines.path().to_owned();
    let (mut names, mut meter) = (Vec::new(), Meter::default());
    while let Some((_, text)) = lines.next_line()? {
        meter.add(text.len()).map_err(|short| short.at(&path))?;
        let named = text.trim().split_once(char::is_whitespace);
        match named.and_then(|(number, name)| Some((number.parse().ok()?, name.trim().to_owned()))) {
            Some(pair) => memory::push(&mut names, pair).map_err(|short| short.at(&path))?,
            None => return Err(lines.problem("a class is a whole number and a name, as in `1 WALKING`")),
        }
    }
    lines.finish()?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_text(text: &str) -> Result<(usize, usize, Vec<f32>)> {
        let mut x = Vec::new();
        let (n, d) = read_matrix(Input::bytes(text.as_bytes()), None, &mut x)?;
        Ok((n, d, x))
    }

    #[test]
    fn the_published_notation_is_read() {
        let text = "  2.8858451e-001 -2.0294171e-002\n -1.0000000e+000  9.9527860e-001\n";
        assert_eq!(
            read_text(text).expect("sound"),
            (2, 2, vec![0.288_584_5, -0.020_294_17, -1.0, 0.995_278_6])
        );
    }

    #[test]
    fn mistakes_are_told_by_line_and_column() {
        let message = |text: &str| read_text(text).expect_err("wrong").to_string();
        assert!(message("1 2\n3 x\n").contains("line 2, column 2: `x` is not a number"));
        assert!(message("1 2\n3 NaN\n").contains("line 2, column 2: `NaN` is not a finite"));
        assert!(message("1 2\n3\n").contains("line 2: 1 fields, expected 2"));
        assert!(matches!(read_text(" \n"), Err(Error::Empty { .. })));
        let other = read_matrix(Input::bytes(b"1 2\n"), Some(3), &mut Vec::new());
        assert!(matches!(other, Err(Error::Ragged { line: 1, expected: 3, found: 2, .. })));
    }

    #[test]
    fn class_names_are_numbered() {
        let names = read_class_names(Input::bytes(b"1 WALKING\n2 LYING DOWN\n")).expect("sound");
        assert_eq!(names, [(1, "WALKING".to_owned()), (2, "LYING DOWN".to_owned())]);
        assert!(read_class_names(Input::bytes(b"WALKING\n")).is_err());
    }

    /// A sound file with these numbers, in the published notation.
    fn written(rows: &[Vec<f32>]) -> Vec<String> {
        let field = |value: &f32| format!(" {value:e}");
        rows.iter().map(|row| row.iter().map(field).collect::<String>() + "\n").collect()
    }

    fn sound_rows() -> impl Strategy<Value = Vec<Vec<f32>>> {
        let value = any::<f32>().prop_filter("finite", |v| v.is_finite());
        (1_usize..5)
            .prop_flat_map(move |d| prop::collection::vec(prop::collection::vec(value.clone(), d), 1..8))
    }

    proptest! {
        #[test]
        fn shuffled_lines_are_shuffled_rows(
            (rows, shuffled) in sound_rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        ) {
            let (n, d, x) = read_text(&written(&shuffled).concat()).expect("sound");
            prop_assert_eq!((n, d), (rows.len(), rows[0].len()));
            prop_assert_eq!(x, shuffled.concat());
        }

        #[test]
        fn cut_and_edited_files_are_errors_or_whole_matrices(
            rows in sound_rows(), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            keep in any::<prop::sample::Index>(), columns in prop::option::of(1_usize..5),
        ) {
            let mut bytes = written(&rows).concat().into_bytes();
            for (at, byte) in edits {
                let place = at.index(bytes.len());
                bytes[place] = byte;
            }
            bytes.truncate(keep.index(bytes.len() + 1));
            let mut x = Vec::new();
            if let Ok((n, d)) = read_matrix(Input::bytes(&bytes), columns, &mut x) {
                prop_assert!(n > 0 && x.len() == n * d && columns.is_none_or(|columns| columns == d));
                prop_assert!(x.iter().all(|v| v.is_finite()));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_matrix(Input::bytes(&bytes), None, &mut Vec::new());
            let _ = read_class_names(Input::bytes(&bytes));
        }
    }
}
