//! Documents without any term that is a column: rows of zeros, which a fit and a model take like
//! others, and whose clusters mean nothing.

use vae_array::Csr;

use crate::ids::Ids;
use crate::note::{Note, counted};

/// The most documents that are named.
const MOST_NAMED: usize = 5;
/// Characters of a name that are shown.
const LONGEST_NAME: usize = 80;

/// Documents without any term, seen block by block.
#[derive(Debug, Default)]
pub(crate) struct Wordless {
    n: usize,
    /// The first of them: their names, or their numbers from 1.
    first: Vec<String>,
    has_names: bool,
}

impl Wordless {
    /// Looks at the rows from `start` on.
    pub fn look(&mut self, x: &Csr, ids: Option<&Ids>, start: usize) {
        for i in (0..x.n()).filter(|i| x.row(*i).0.is_empty()) {
            self.n += 1;
            if self.first.len() < MOST_NAMED {
                let name = ids.and_then(|ids| ids.get(i)).map(|name| name.chars().take(LONGEST_NAME));
                self.has_names |= name.is_some();
                self.first.push(match name {
                    Some(name) => format!("`{}`", name.collect::<String>()),
                    None => (start + i + 1).to_string(),
                });
            }
        }
    }

    /// What is to be said of those seen since the last call. `of_model`: the terms are those of a
    /// fitted model.
    pub fn take_note(&mut self, of_model: bool) -> Option<Note> {
        let Self { n, first, has_names } = std::mem::take(self);
        if n == 0 {
            return None;
        }
        let more = if n > first.len() { format!(" and {} more", n - first.len()) } else { String::new() };
        let first = first.join(", ") + &more;
        let rows = if n == 1 { "row" } else { "rows" };
        let places = if has_names { first } else { format!("{rows} {first}, counted from 1") };
        let (words, way) = match of_model {
            true => ("that the model knows", "look at such documents yourself"),
            false => {
                ("that is kept as a feature", "leave such documents out, or keep more words with --max-terms")
            }
        };
        Some(Note::warning(format!(
            "{} without any word {words} ({places}): all features are zero there, so that the cluster means nothing, \
             however sure it looks; {way}",
            counted(n, "document")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(indptr: &[usize]) -> Csr {
        Csr {
            indptr: indptr.to_vec(),
            indices: vec![0; indptr.last().copied().unwrap_or(0)],
            values: vec![1.0; indptr.last().copied().unwrap_or(0)],
            n_columns: 1,
        }
    }

    #[test]
    fn rows_of_zeros_are_counted_and_named() {
        let mut wordless = Wordless::default();
        wordless.look(&rows(&[0, 1, 2]), None, 0);
        assert_eq!(wordless.take_note(false), None);
        wordless.look(&rows(&[0, 1, 1, 2, 2]), None, 0);
        wordless.look(&rows(&[0, 0]), None, 4);
        let note = wordless.take_note(false).expect("three").to_string();
        assert!(note.starts_with("warning: 3 documents without any word that is kept"), "{note}");
        assert!(note.contains("(rows 2, 4, 5, counted from 1)") && note.contains("--max-terms"), "{note}");
        assert_eq!(wordless.take_note(false), None, "it is told once");

        let mut ids = Ids::new("id");
        (1..=8).for_each(|i| ids.push(&format!("d{i}")).expect("fits"));
        wordless.look(&rows(&[0; 9]), Some(&ids), 0);
        let note = wordless.take_note(true).expect("eight").text;
        assert!(note.contains("8 documents without any word that the model knows"), "{note}");
        assert!(note.contains("(`d1`, `d2`, `d3`, `d4`, `d5` and 3 more)"), "{note}");
    }
}
