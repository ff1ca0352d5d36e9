//! The file of a vocabulary, kept beside a model so that new documents get the same columns.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::memory::{self, Meter, Shortage};
use crate::read::input::Input;
use crate::read::lines::Lines;
use crate::text::Vocabulary;

const HEADER: &str = "term\tidf";

impl Vocabulary {
    /// As a file: a header, then a term and its idf a line, with a tab between.
    pub fn to_tsv(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for (term, idf) in self.terms.iter().zip(&self.idf) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{term}\t{idf}");
        }
        text
    }

    /// Reads what [`Vocabulary::to_tsv`] writes.
    ///
    /// # Errors
    /// A line that is no term and weight, terms out of order or twice, a file without terms.
    pub fn read(path: &Path) -> Result<Self> {
        let mut lines = Lines::new(Input::open(path)?);
        match lines.next_line()? {
            Some((_, HEADER)) => {}
            Some(_) => return Err(lines.problem("the first line of a vocabulary is `term`, a tab, `idf`")),
            None => return Err(Error::Empty { path: path.to_owned(), expected: "a vocabulary" }),
        }
        let (mut terms, mut idf, mut meter) = (Vec::<String>::new(), Vec::new(), Meter::default());
        let short = |short: Shortage| short.at(path);
        while let Some((_, line)) = lines.next_line()? {
            let pair = line.split_once('\t').and_then(|(term, idf)| Some((term, idf.parse::<f64>().ok()?)));
            let Some((term, weight)) = pair.filter(|(_, idf)| idf.is_finite() && *idf > 0.0) else {
                return Err(lines.problem("a term, a tab and a positive number are expected"));
            };
            if terms.last().is_some_and(|last| last.as_str() >= term) {
                return Err(lines.problem("terms must be in the order of code points, each once"));
            }
            meter.add(term.len().max(16)).map_err(short)?;
            memory::push(&mut terms, term.to_owned()).map_err(short)?;
            memory::push(&mut idf, weight).map_err(short)?;
        }
        lines.finish()?;
        if terms.is_empty() {
            return Err(Error::Empty { path: path.to_owned(), expected: "at least one term" });
        }
        Ok(Self { terms, idf, n_documents: 0 })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn read_text(text: impl AsRef<[u8]>) -> Result<Vocabulary> {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("vocabulary.tsv");
        fs::write(&path, text).expect("file");
        Vocabulary::read(&path)
    }

    #[test]
    fn what_is_written_is_read_to_the_last_bit() {
        let vocabulary =
            Vocabulary {
                terms: vec!["aa".into(), "été".into()], idf: vec![1.0 / 3.0, 2.5], n_documents: 0
            };
        assert_eq!(read_text(vocabulary.to_tsv()).expect("sound"), vocabulary);
    }

    #[test]
    fn damage_is_named_by_line() {
        for (text, part) in [
            ("", "is empty: a vocabulary"),
            ("term\tidf\n", "is empty: at least one term"),
            ("aa\t1\n", "line 1: the first line"),
            ("term\tidf\naa\tNaN\n", "line 2: a term, a tab"),
            ("term\tidf\naa 1\n", "line 2: a term, a tab"),
            ("term\tidf\nbb\t1\naa\t1\n", "line 3: terms must be in the order"),
        ] {
            let message = read_text(text).expect_err("damaged").to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    fn assert_sound(vocabulary: &Vocabulary) {
        assert!(!vocabulary.terms.is_empty() && vocabulary.terms.len() == vocabulary.idf.len());
        assert!(vocabulary.terms.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(vocabulary.idf.iter().all(|idf| idf.is_finite() && *idf > 0.0));
    }

    proptest! {
        #[test]
        fn cut_and_edited_files_are_errors_or_sound(
            terms in prop::collection::btree_map("[a-zà-ï0-9_]{2,6}", 1e-3_f64..20.0, 1..12),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            keep in any::<prop::sample::Index>(),
        ) {
            let (terms, idf) = terms.into_iter().unzip();
            let vocabulary = Vocabulary { terms, idf, n_documents: 0 };
            let mut bytes = vocabulary.to_tsv().into_bytes();
            prop_assert_eq!(read_text(&bytes).expect("sound"), vocabulary);
            for (at, byte) in edits {
                let place = at.index(bytes.len());
                bytes[place] = byte;
            }
            bytes.truncate(keep.index(bytes.len() + 1));
            if let Ok(vocabulary) = read_text(&bytes) {
                assert_sound(&vocabulary);
            }
        }

        #[test]
        fn hostile_bytes_never_panic(
            parts in prop::collection::vec(prop_oneof![
                Just(b"term\tidf\n".to_vec()), Just(b"aa\t1\n".to_vec()), Just(b"\t".to_vec()), Just(b"bb\t-1\n".to_vec()),
                Just(b"\t1e999\n".to_vec()), prop::collection::vec(any::<u8>(), 0..12),
            ], 0..12),
        ) {
            if let Ok(vocabulary) = read_text(parts.concat()) {
                assert_sound(&vocabulary);
            }
        }
    }
}
